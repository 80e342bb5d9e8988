"""Endpoints of accounts, repositories, their files, branches, people and webhooks."""

import base64
from typing import Any

from app.practice.gitea import shapes
from app.practice.gitea.asking import account, gitea, may, repository
from app.practice.gitea.hooks import GiteaHook, heard
from app.practice.server import Ask, Endpoint, Refusal, Reply
from app.practice.state import Repository
from app.practice.world import NotThere

_REPO = "/repos/{owner}/{repo}"


async def me(ask: Ask) -> Reply:
    """`GET /user`."""
    return Reply(body=shapes.user(ask.world, account(ask)))


async def user(ask: Ask) -> Reply:
    """`GET /users/{username}`."""
    account(ask)
    return Reply(body=shapes.user(ask.world, ask.world.account(ask.at["username"])))


async def own_repositories(ask: Ask) -> Reply:
    """`GET /user/repos`: owned, and those one collaborates on."""
    who = account(ask).login
    found = [repo for repo in ask.world.repositories.values() if who.lower() in repo.permissions]
    return Reply(items=found, shape=lambda repo: shapes.repository(ask.world, repo, who))


async def by_id(ask: Ask) -> Reply:
    """`GET /repositories/{id}`."""
    repo = ask.world.repositories[ask.at["id"]]
    if not ask.caller.sees(ask.world, repo):
        raise NotThere("hidden")
    return Reply(body=shapes.repository(ask.world, repo, account(ask).login))


def _branch(ask: Ask, repo: Repository, name: str, sha: str) -> dict[str, Any]:
    wanted = [each.context for each in repo.required if each.branch == name]
    return {
        "name": name,
        "commit": {"id": sha, "message": "", "url": f"{ask.world.url}/{repo.full_name}/commit/{sha}"},
        "protected": name in repo.protected or bool(wanted),
        "required_approvals": 0,
        "enable_status_check": bool(wanted),
        "status_check_contexts": wanted,
        "user_can_push": True,
        "user_can_merge": True,
        "effective_branch_protection_name": name if wanted else "",
    }


async def branches(ask: Ask) -> Reply:
    """`GET …/branches`."""
    repo = repository(ask)
    return Reply(items=[_branch(ask, repo, name, sha) for name, sha in (await repo.git.branches()).items()])


async def branch(ask: Ask) -> Reply:
    """`GET …/branches/{branch}`."""
    repo, name = repository(ask), ask.at["branch"]
    sha = await repo.git.tip(f"refs/heads/{name}")
    if sha is None:
        raise NotThere("no branch")
    return Reply(body=_branch(ask, repo, name, sha))


async def _blob(ask: Ask) -> tuple[str, str, bytes]:
    repo = repository(ask)
    sha = await repo.git.tip(ask.query.get("ref", repo.default_branch))
    found = await repo.git.blob(sha, ask.at["path"].strip("/")) if sha is not None else None
    if found is None:
        raise NotThere("no such file")
    return found


async def contents(ask: Ask) -> Reply:
    """`GET …/contents/{path}`: a file, a link, or a directory."""
    mode, sha, content = await _blob(ask)
    path = ask.at["path"].strip("/")
    kinds = {"040000": "dir", "120000": "symlink", "160000": "submodule"}
    entry = {"name": path.rpartition("/")[2], "path": path, "sha": sha, "type": kinds.get(mode, "file")}
    if mode == "040000":
        return Reply(body=[])
    whole = mode not in kinds
    return Reply(
        body={
            **entry,
            "size": len(content),
            "encoding": "base64" if whole else None,
            "content": base64.b64encode(content).decode() if whole else None,
            "target": content.decode() if mode == "120000" else None,
        }
    )


async def raw(ask: Ask) -> Reply:
    """`GET …/raw/{path}`."""
    return Reply(raw=(await _blob(ask))[2])


async def permission(ask: Ask) -> Reply:
    """`GET …/collaborators/{login}/permission`: for administrators, or of oneself."""
    repo, who = repository(ask), account(ask)
    found = ask.world.account(ask.at["login"])
    if found.login != who.login:
        may(ask, repo, "admin")
    told = shapes.level(ask.world, repo, found.login)
    return Reply(body={"permission": told, "role_name": told, "user": shapes.user(ask.world, found)})


async def teams(ask: Ask) -> Reply:
    """`GET /orgs/{org}/teams`: for members of the organisation."""
    account(ask)
    return Reply(
        items=[
            {"id": team.id, "name": team.slug, "permission": "write"}
            for (organization, _), team in ask.world.teams.items()
            if organization == ask.at["org"].lower()
        ]
    )


async def members(ask: Ask) -> Reply:
    """`GET /teams/{id}/members`; teams are not nested."""
    account(ask)
    for team in ask.world.teams.values():
        if team.id == ask.at["id"]:
            found = [ask.world.account(login) for login in sorted(team.members)]
            return Reply(items=[shapes.user(ask.world, each) for each in found])
    raise NotThere("no team")


def _hooks(ask: Ask) -> dict[int, GiteaHook]:
    """The webhooks of the path's repository, or organisation, which its owners alone see."""
    if "repo" in ask.at:
        repo = repository(ask)
        may(ask, repo, "admin")
        return gitea(ask).repository_hooks(repo)
    org, who = ask.world.account(ask.at["org"]), account(ask).login.lower()
    if org.type != "Organization":
        raise NotThere("no organisation")
    owners = ask.world.teams.get((org.login.lower(), "owners"))
    if owners is None or who not in owners.members:
        raise Refusal(403, "Must be an organization owner")
    return gitea(ask).organization_hooks(org.login)


def _shown(hook: GiteaHook) -> dict[str, Any]:
    return {
        "id": hook.id,
        "type": "gitea",
        "branch_filter": "*",
        "config": {"content_type": hook.content_type, "url": hook.url},
        "events": sorted(hook.events),
        "active": hook.active,
    }


async def hooks(ask: Ask) -> Reply:
    """`GET …/hooks`: never with their secrets."""
    return Reply(items=[_shown(hook) for hook in _hooks(ask).values()])


async def create_hook(ask: Ask) -> Reply:
    """`POST …/hooks`."""
    kept, body = _hooks(ask), ask.fields()
    if body.get("type") not in {"gitea", "forgejo", "gogs"} or not body.get("config", {}).get("url"):
        raise Refusal(422, "Missing config option: url")
    hook = GiteaHook(id=ask.world.new_id(), url="")
    _change(hook, body)
    kept[hook.id] = hook
    return Reply(status=201, body=_shown(hook))


async def update_hook(ask: Ask) -> Reply:
    """`PATCH …/hooks/{id}`."""
    hook = _hooks(ask)[ask.at["id"]]
    _change(hook, ask.fields())
    return Reply(body=_shown(hook))


def _change(hook: GiteaHook, body: dict[str, Any]) -> None:
    config = body.get("config", {})
    hook.url = config.get("url", hook.url)
    hook.content_type = config.get("content_type", hook.content_type)
    hook.secret = config.get("secret", hook.secret)
    hook.active = body.get("active", hook.active)
    hook.events = heard(body.get("events", ())) or {"push"}


_OF_REPO, _OF_ORG = f"{_REPO}/hooks", "/orgs/{org}/hooks"
ENDPOINTS = (
    Endpoint(method="GET", path="/user", handler=me),
    Endpoint(method="GET", path="/users/{username}", handler=user),
    Endpoint(method="GET", path="/user/repos", handler=own_repositories),
    Endpoint(method="GET", path="/repositories/{id:int}", handler=by_id),
    Endpoint(method="GET", path=f"{_REPO}/branches", handler=branches),
    Endpoint(method="GET", path=f"{_REPO}/branches/{{branch:path}}", handler=branch),
    Endpoint(method="GET", path=f"{_REPO}/contents/{{path:path}}", handler=contents),
    Endpoint(method="GET", path=f"{_REPO}/raw/{{path:path}}", handler=raw),
    Endpoint(method="GET", path=f"{_REPO}/collaborators/{{login}}/permission", handler=permission),
    Endpoint(method="GET", path="/orgs/{org}/teams", handler=teams),
    Endpoint(method="GET", path="/teams/{id:int}/members", handler=members),
    *(
        Endpoint(method=method, path=path + tail, handler=handler)
        for path in (_OF_REPO, _OF_ORG)
        for method, tail, handler in (
            ("GET", "", hooks),
            ("POST", "", create_hook),
            ("PATCH", "/{id:int}", update_hook),
        )
    ),
)
