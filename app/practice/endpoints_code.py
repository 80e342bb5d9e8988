"""Endpoints of repositories, branches, files, pull requests and what people say on them."""

import base64
from typing import Any

from app.practice import change_shapes as show
from app.practice import shapes
from app.practice.server import Ask, Endpoint, Refusal, Reply
from app.practice.state import PullRequest, RequiredCheck, Review
from app.practice.talk import BODY_LIMIT
from app.practice.world import NotThere

_REPO = "/repos/{owner}/{repo}"
_REACTIONS = frozenset({"+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"})
_LARGE = 1024 * 1024


async def get_repository(ask: Ask) -> Reply:
    """`GET /repos/{owner}/{repo}`."""
    return Reply(body=shapes.full_repository(ask.world, ask.repository()))


async def repository_by_id(ask: Ask) -> Reply:
    """`GET /repositories/{id}`: where GitHub's redirects lead."""
    repo = ask.world.repositories[ask.at["repository_id"]]
    if not ask.caller.sees(ask.world, repo):
        raise NotThere("hidden")
    return Reply(body=shapes.full_repository(ask.world, repo))


async def branches(ask: Ask) -> Reply:
    """`GET …/branches`."""
    repo = ask.repository()
    api = f"{ask.world.api_url}/repos/{repo.full_name}"
    only = ask.query.get("protected")
    found = [
        {
            "name": name,
            "commit": {"sha": sha, "url": f"{api}/commits/{sha}"},
            "protected": name in repo.protected,
        }
        for name, sha in (await repo.git.branches()).items()
        if only is None or (name in repo.protected) == (only == "true")
    ]
    return Reply(items=found)


def _wanted(required: list[RequiredCheck], branch: str) -> list[RequiredCheck]:
    return [each for each in required if each.branch == branch]


async def branch(ask: Ask) -> Reply:
    """`GET …/branches/{branch}`."""
    repo, name = ask.repository(), ask.at["branch"]
    sha = await repo.git.tip(f"refs/heads/{name}")
    if sha is None:
        raise NotThere("no branch")
    api = f"{ask.world.api_url}/repos/{repo.full_name}"
    wanted = _wanted(repo.required, name)
    protection = f"{api}/branches/{name}/protection"
    return Reply(
        body={
            "name": name,
            "commit": await ask.forge.commit_shown(repo, sha),
            "_links": {
                "html": f"{ask.world.url}/{repo.full_name}/tree/{name}",
                "self": f"{api}/branches/{name}",
            },
            "protected": name in repo.protected,
            "protection": {
                "enabled": name in repo.protected,
                "required_status_checks": {
                    "enforcement_level": "everyone" if wanted else "off",
                    "contexts": [each.context for each in wanted],
                    "checks": [{"context": each.context, "app_id": each.app_id} for each in wanted],
                },
            },
            "protection_url": protection,
        }
    )


async def branch_rules(ask: Ask) -> Reply:
    """`GET …/rules/branches/{branch}`: rulesets; this forge keeps its rules as branch protection."""
    ask.repository()
    return Reply(items=[])


async def commit(ask: Ask) -> Reply:
    """`GET …/commits/{ref}`."""
    repo = ask.repository()
    sha = await repo.git.tip(ask.at["ref"])
    if sha is None:
        raise Refusal(422, f"No commit found for SHA: {ask.at['ref']}")
    return Reply(body=await ask.forge.commit_shown(repo, sha))


async def contents(ask: Ask) -> Reply:
    """`GET …/contents/{path}`: a file (base64 up to 1 MB), a link, or a directory."""
    repo, path = ask.repository(), ask.at["path"].strip("/")
    git = repo.git
    sha = await git.tip(ask.query.get("ref", repo.default_branch))
    if sha is None:
        raise NotThere("no such ref")
    found = await git.blob(sha, path) if path else ("040000", "", b"")
    if found is None:
        raise NotThere("no such file")
    mode, blob, content = found
    if mode == "040000":
        kinds = {"040000": "dir", "120000": "symlink", "160000": "submodule"}
        return Reply(
            body=[
                _entry(ask, f"{path}/{name}".lstrip("/"), each, kinds.get(kind, "file"), 0)
                for kind, each, name in await git.tree(sha, path)
            ]
        )
    if "raw" in ask.request.headers.get("accept", ""):
        return Reply(raw=content)
    if mode == "120000":
        return Reply(body={**_entry(ask, path, blob, "symlink", len(content)), "target": content.decode()})
    large = len(content) > _LARGE
    return Reply(
        body={
            **_entry(ask, path, blob, "file", len(content)),
            "encoding": "none" if large else "base64",
            "content": "" if large else base64.encodebytes(content).decode(),
        }
    )


def _entry(ask: Ask, path: str, sha: str, kind: str, size: int) -> dict[str, Any]:
    repo = ask.repository()
    one = f"{ask.world.api_url}/repos/{repo.full_name}/contents/{path}"
    git = f"{ask.world.api_url}/repos/{repo.full_name}/git/blobs/{sha}"
    html = f"{ask.world.url}/{repo.full_name}/blob/{repo.default_branch}/{path}"
    return {
        "type": kind,
        "size": size,
        "name": path.rpartition("/")[2],
        "path": path,
        "sha": sha,
        "url": one,
        "git_url": git,
        "html_url": html,
        "download_url": html,
        "_links": {"self": one, "git": git, "html": html},
    }


def _pull(ask: Ask, key: str = "pull_number") -> PullRequest:
    return ask.repository().pulls[ask.at[key]]


async def pulls(ask: Ask) -> Reply:
    """`GET …/pulls`, sorted by `created` (newest first unless told otherwise) or `updated`."""
    repo, query = ask.repository(), ask.query
    state, sort = query.get("state", "open"), query.get("sort", "created")
    if sort not in {"created", "updated"}:
        raise Refusal(422, "this practice forge sorts by created and updated only")
    found = [pull for pull in repo.pulls.values() if state in {"all", pull.state}]
    if sort == "updated":
        found.sort(key=lambda pull: pull.updated_at)
    if query.get("direction", "desc" if sort == "created" else "asc") == "desc":
        found.reverse()
    return Reply(items=found, shape=lambda pull: show.pull_request(ask.world, repo, pull))


async def pull(ask: Ask) -> Reply:
    """`GET …/pulls/{number}`."""
    return Reply(body=await ask.forge.shown(ask.repository(), _pull(ask)))


async def pull_commits(ask: Ask) -> Reply:
    """`GET …/pulls/{number}/commits`, oldest first, at most 250."""
    repo, found = ask.repository(), _pull(ask)
    shas = await repo.git.commits_between(found.base_sha, found.head_sha, 250)
    return Reply(items=[await ask.forge.commit_shown(repo, sha) for sha in shas])


async def reviews(ask: Ask) -> Reply:
    """`GET …/pulls/{number}/reviews`, oldest first."""
    repo, found = ask.repository(), _pull(ask)
    every: list[Review] = found.reviews
    return Reply(items=[show.review(ask.world, repo, found, each) for each in every])


async def comments(ask: Ask) -> Reply:
    """`GET …/issues/{number}/comments`, oldest first; `since` counts updates."""
    repo, number, since = ask.repository(), ask.at["issue_number"], ask.query.get("since", "")
    if number not in repo.pulls:
        raise NotThere("no issue")
    found = [each for each in repo.comments.values() if each.number == number and each.updated_at >= since]
    return Reply(items=[show.comment(ask.world, repo, each) for each in found])


def _body(ask: Ask) -> str:
    body = ask.fields().get("body")
    if not isinstance(body, str) or not body.strip():
        raise Refusal(422, "Validation Failed", [{"resource": "IssueComment", "field": "body"}])
    if len(body) > BODY_LIMIT:
        raise Refusal(422, "Validation Failed: Body is too long (maximum is 65536 characters)")
    return body


async def create_comment(ask: Ask) -> Reply:
    """`POST …/issues/{number}/comments`."""
    repo, found = ask.repository(), _pull(ask, "issue_number")
    app_id = ask.caller.app.id if ask.caller.app is not None else None
    made = await ask.forge.comment(ask.login(), repo, found, _body(ask), app_id=app_id)
    return Reply(status=201, body=show.comment(ask.world, repo, made))


async def comment(ask: Ask) -> Reply:
    """`GET …/issues/comments/{id}`."""
    repo = ask.repository()
    return Reply(body=show.comment(ask.world, repo, repo.comments[ask.at["comment_id"]]))


async def update_comment(ask: Ask) -> Reply:
    """`PATCH …/issues/comments/{id}`: one's own."""
    repo = ask.repository()
    found = repo.comments[ask.at["comment_id"]]
    body = _body(ask)
    if found.author.login != ask.login():
        raise Refusal(403, "Resource not accessible by integration")
    if body != found.body:
        await ask.forge.edit_comment(ask.login(), repo, found, body)
    return Reply(body=show.comment(ask.world, repo, found))


async def react(ask: Ask) -> Reply:
    """`POST …/issues/comments/{id}/reactions`: 200 if it was there already."""
    repo, content = ask.repository(), ask.fields().get("content")
    if content not in _REACTIONS:
        raise Refusal(422, "Validation Failed", [{"resource": "Reaction", "field": "content"}])
    made, new = ask.forge.react(
        ask.world.account(ask.login()), repo.comments[ask.at["comment_id"]], str(content)
    )
    return Reply(status=201 if new else 200, body=show.reaction(ask.world, made))


_CONTENTS, _PULLS, _METADATA = ("contents", "read"), ("pull_requests", "read"), ("metadata", "read")
_COMMENT = f"{_REPO}/issues/comments/{{comment_id:int}}"
_COMMENTS = f"{_REPO}/issues/{{issue_number:int}}/comments"

ENDPOINTS = (
    Endpoint(method="GET", path="/repositories/{repository_id:int}", handler=repository_by_id),
    Endpoint(method="GET", path=_REPO, handler=get_repository, needs=_METADATA),
    Endpoint(method="GET", path=f"{_REPO}/branches", handler=branches, needs=_CONTENTS),
    Endpoint(method="GET", path=f"{_REPO}/branches/{{branch:path}}", handler=branch, needs=_CONTENTS),
    Endpoint(
        method="GET", path=f"{_REPO}/rules/branches/{{branch:path}}", handler=branch_rules, needs=_METADATA
    ),
    Endpoint(method="GET", path=f"{_REPO}/contents/{{path:path}}", handler=contents, needs=_CONTENTS),
    Endpoint(method="GET", path=f"{_REPO}/pulls", handler=pulls, needs=_PULLS),
    Endpoint(method="GET", path=f"{_REPO}/pulls/{{pull_number:int}}", handler=pull, needs=_PULLS),
    Endpoint(method="GET", path=f"{_REPO}/pulls/{{pull_number:int}}/reviews", handler=reviews, needs=_PULLS),
    Endpoint(
        method="GET", path=f"{_REPO}/pulls/{{pull_number:int}}/commits", handler=pull_commits, needs=_PULLS
    ),
    Endpoint(method="GET", path=_COMMENTS, handler=comments, needs=_PULLS),
    Endpoint(method="POST", path=_COMMENTS, handler=create_comment, needs=("pull_requests", "write")),
    Endpoint(method="GET", path=_COMMENT, handler=comment, needs=_PULLS),
    Endpoint(method="PATCH", path=_COMMENT, handler=update_comment, needs=("pull_requests", "write")),
    Endpoint(method="POST", path=f"{_COMMENT}/reactions", handler=react, needs=("pull_requests", "write")),
    Endpoint(method="GET", path=f"{_REPO}/commits/{{ref}}", handler=commit, needs=_CONTENTS),
)
