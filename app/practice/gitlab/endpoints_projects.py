"""Endpoints of accounts, projects, their files, branches, members and webhooks."""

import base64

from app.practice.gitlab import shapes
from app.practice.gitlab.asking import account, gitlab, own, project, text
from app.practice.gitlab.state import ACCESS
from app.practice.server import Ask, Endpoint, Refusal, Reply
from app.practice.state import Repository
from app.practice.world import NotThere

_PROJECT = "/projects/{id:int}"


async def me(ask: Ask) -> Reply:
    """`GET /user`."""
    return Reply(body=shapes.full_user(ask.world, account(ask)))


async def own_token(ask: Ask) -> Reply:
    """`GET /personal_access_tokens/self`."""
    who = account(ask)
    body = {"id": who.id, "name": who.login, "scopes": ["api"], "active": True, "revoked": False,
            "user_id": who.id, "expires_at": None}  # fmt: skip
    return Reply(body=body)


async def users(ask: Ask) -> Reply:
    """`GET /users?username=`."""
    account(ask)
    found = ask.world.accounts.get(ask.query.get("username", "").lower())
    return Reply(items=[] if found is None else [shapes.user(ask.world, found)])


async def user(ask: Ask) -> Reply:
    """`GET /users/{id}`."""
    account(ask)
    for found in ask.world.accounts.values():
        if found.id == ask.at["user"]:
            return Reply(body=shapes.full_user(ask.world, found))
    raise NotThere("no user")


async def projects(ask: Ask) -> Reply:
    """`GET /projects`, of which the asker is a member."""
    who, least = account(ask), int(ask.query.get("min_access_level", "0"))
    found = [
        repo
        for repo in ask.world.repositories.values()
        if ACCESS[repo.permissions.get(who.login.lower(), "none")] >= max(least, 1)
        and not (repo.archived and ask.query.get("archived") == "false")
    ]
    found.sort(key=lambda repo: repo.id)
    return Reply(items=found, shape=lambda repo: shapes.project(ask.world, repo, own(ask, repo)))


async def get_project(ask: Ask) -> Reply:
    """`GET /projects/{id}`."""
    repo = project(ask)
    return Reply(body=shapes.project(ask.world, repo, own(ask, repo)))


async def member(ask: Ask) -> Reply:
    """`GET …/members/all/{user}`."""
    repo = project(ask)
    for login, level in repo.permissions.items():
        found = ask.world.account(login)
        if found.id == ask.at["user"] and level != "none":
            return Reply(body=shapes.member(ask.world, found, level))
    raise NotThere("no member")


async def group_members(ask: Ask) -> Reply:
    """`GET /groups/{group}/members/all`: a team of the world is a sub-group."""
    account(ask)
    organization, _, slug = ask.at["group"].partition("/")
    found = ask.world.team_members(organization, slug)
    return Reply(items=[shapes.member(ask.world, each, "write") for each in found])


async def protected_branches(ask: Ask) -> Reply:
    """`GET …/protected_branches`."""
    repo = project(ask)
    return Reply(items=[{"id": n, "name": name} for n, name in enumerate(sorted(repo.protected), start=1)])


async def branches(ask: Ask) -> Reply:
    """`GET …/repository/branches`, `search=^START` those that start so."""
    repo, search = project(ask), ask.query.get("search", "")
    found = [
        {"name": name, "protected": name in repo.protected, "commit": {"id": sha}}
        for name, sha in (await repo.git.branches()).items()
        if not search or name.startswith(search.removeprefix("^"))
    ]
    return Reply(items=found)


async def file(ask: Ask) -> Reply:
    """`GET …/repository/files/{path}`."""
    repo, path = project(ask), ask.at["path"]
    ref = ask.query.get("ref", "")
    sha = await repo.git.tip(ref) if ref else None
    found = await repo.git.blob(sha, path) if sha is not None else None
    if found is None or found[0] in {"040000", "160000"}:
        raise Refusal(404, "404 File Not Found")
    _, blob, content = found
    return Reply(
        body={
            "file_name": path.rpartition("/")[2],
            "file_path": path,
            "size": len(content),
            "encoding": "base64",
            "content": base64.b64encode(content).decode(),
            "ref": ref,
            "blob_id": blob,
            "commit_id": sha,
        }
    )


async def commit(ask: Ask) -> Reply:
    """`GET …/repository/commits/{sha}`."""
    return Reply(body=await commit_shown(ask, project(ask), ask.at["sha"]))


async def commit_shown(ask: Ask, repo: Repository, ref: str) -> dict[str, object]:
    """A commit. Raises Refusal(404)."""
    sha = await repo.git.tip(ref)
    if sha is None:
        raise Refusal(404, "404 Commit Not Found")
    shown = await ask.forge.commit_shown(repo, sha)
    author, committer = shown["commit"]["author"], shown["commit"]["committer"]
    return {
        "id": sha,
        "short_id": sha[:8],
        "title": shown["commit"]["message"].partition("\n")[0],
        "message": shown["commit"]["message"],
        "author_name": author["name"],
        "author_email": author["email"],
        "committer_name": committer["name"],
        "committer_email": committer["email"],
        "created_at": author["date"],
        "parent_ids": [each["sha"] for each in shown["parents"]],
    }


async def hooks(ask: Ask) -> Reply:
    """`GET …/hooks`: of Maintainers."""
    repo = project(ask, "maintain")
    return Reply(items=[shapes.webhook(each, repo) for each in own(ask, repo).hooks.values()])


async def create_hook(ask: Ask) -> Reply:
    """`POST …/hooks`."""
    repo, body = project(ask, "maintain"), ask.fields()
    made = gitlab(ask).add_hook(
        repo,
        text(ask, "url", 2048),
        token=body.get("token", ""),
        signing_token=body.get("signing_token", ""),
        tells={name for name in shapes.EVENTS if body.get(name)},
    )
    return Reply(status=201, body=shapes.webhook(made, repo))


async def update_hook(ask: Ask) -> Reply:
    """`PUT …/hooks/{hook}`."""
    repo, body = project(ask, "maintain"), ask.fields()
    found = own(ask, repo).hooks[ask.at["hook"]]
    found.url, found.token = text(ask, "url", 2048), body.get("token", found.token)
    found.signing_token = body.get("signing_token", found.signing_token)
    found.tells = {name for name in shapes.EVENTS if body.get(name, name in found.tells)}
    return Reply(body=shapes.webhook(found, repo))


ENDPOINTS = (
    Endpoint(method="GET", path="/user", handler=me),
    Endpoint(method="GET", path="/personal_access_tokens/self", handler=own_token),
    Endpoint(method="GET", path="/users", handler=users),
    Endpoint(method="GET", path="/users/{user:int}", handler=user),
    Endpoint(method="GET", path="/projects", handler=projects),
    Endpoint(method="GET", path=_PROJECT, handler=get_project),
    Endpoint(method="GET", path=f"{_PROJECT}/members/all/{{user:int}}", handler=member),
    Endpoint(method="GET", path="/groups/{group:path}/members/all", handler=group_members),
    Endpoint(method="GET", path=f"{_PROJECT}/protected_branches", handler=protected_branches),
    Endpoint(method="GET", path=f"{_PROJECT}/repository/branches", handler=branches),
    Endpoint(method="GET", path=f"{_PROJECT}/repository/files/{{path:path}}", handler=file),
    Endpoint(method="GET", path=f"{_PROJECT}/repository/commits/{{sha}}", handler=commit),
    Endpoint(method="GET", path=f"{_PROJECT}/hooks", handler=hooks),
    Endpoint(method="POST", path=f"{_PROJECT}/hooks", handler=create_hook),
    Endpoint(method="PUT", path=f"{_PROJECT}/hooks/{{hook:int}}", handler=update_hook),
)
