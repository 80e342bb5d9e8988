"""Endpoints of pull requests, what people say on them, commits and their statuses."""

from typing import Any

from app.practice.gitea import shapes
from app.practice.gitea.asking import account, gitea, may, pull_request, repository
from app.practice.server import Ask, Endpoint, Refusal, Reply
from app.practice.state import Repository
from app.practice.world import NotThere

_REPO = "/repos/{owner}/{repo}"
_STATES = frozenset({"pending", "success", "error", "failure", "warning", "skipped"})
_REACTIONS = frozenset({"+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes"})


async def pulls(ask: Ask) -> Reply:
    """`GET …/pulls`: the newest first, unless told otherwise."""
    repo, query = repository(ask), ask.query
    found = [pull for pull in repo.pulls.values() if query.get("state", "open") in {"all", pull.state}]
    if query.get("sort") != "oldest":
        found.reverse()
    return Reply(items=found, shape=lambda pull: shapes.pull_request(ask.world, repo, pull))


async def pull(ask: Ask) -> Reply:
    """`GET …/pulls/{index}`."""
    repo, found = pull_request(ask)
    return Reply(body=shapes.pull_request(ask.world, repo, found))


async def _commit(ask: Ask, repo: Repository, sha: str) -> dict[str, Any]:
    shown = await gitea(ask).commit_shown(repo, sha)
    people = {
        part: shapes.user(ask.world, ask.world.account(shown[part]["login"])) if shown[part] else None
        for part in ("author", "committer")
    }
    git = {part: shown["commit"][part] for part in ("author", "committer", "message")}
    return {"sha": sha, "html_url": shown["html_url"], "commit": git, **people}


async def pull_commits(ask: Ask) -> Reply:
    """`GET …/pulls/{index}/commits`, newest first."""
    repo, found = pull_request(ask)
    shas = await repo.git.commits_between(found.base_sha, found.head_sha, 500)
    return Reply(items=[await _commit(ask, repo, sha) for sha in reversed(shas)])


async def commit(ask: Ask) -> Reply:
    """`GET …/git/commits/{sha}`."""
    repo = repository(ask)
    sha = await repo.git.tip(ask.at["sha"])
    if sha is None:
        raise NotThere("no commit")
    return Reply(body=await _commit(ask, repo, sha))


async def reviews(ask: Ask) -> Reply:
    """`GET …/pulls/{index}/reviews`, oldest first."""
    _, found = pull_request(ask)
    return Reply(items=[shapes.review(ask.world, each, "APPROVED") for each in found.reviews])


async def comments(ask: Ask) -> Reply:
    """`GET …/issues/{index}/comments`: all at once; `since` counts updates."""
    repo, found = pull_request(ask)
    since = ask.query.get("since", "")
    return Reply(
        body=[
            shapes.comment(ask.world, repo, each)
            for each in repo.comments.values()
            if each.number == found.number and each.updated_at >= since
        ]
    )


def _body(ask: Ask) -> str:
    body = ask.fields().get("body")
    if not isinstance(body, str) or not body.strip():
        raise Refusal(422, "[Body]: Required")
    return body


async def create_comment(ask: Ask) -> Reply:
    """`POST …/issues/{index}/comments`."""
    repo, found = pull_request(ask)
    made = await gitea(ask).comment(account(ask).login, repo, found, _body(ask))
    return Reply(status=201, body=shapes.comment(ask.world, repo, made))


async def comment(ask: Ask) -> Reply:
    """`GET …/issues/comments/{id}`."""
    repo = repository(ask)
    return Reply(body=shapes.comment(ask.world, repo, repo.comments[ask.at["id"]]))


async def update_comment(ask: Ask) -> Reply:
    """`PATCH …/issues/comments/{id}`: one's own."""
    repo, who = repository(ask), account(ask)
    found = repo.comments[ask.at["id"]]
    if found.author.id != who.id:
        raise Refusal(403, "Forbidden")
    if _body(ask) != found.body:
        await gitea(ask).edit_comment(who.login, repo, found, _body(ask))
    return Reply(body=shapes.comment(ask.world, repo, found))


async def react(ask: Ask) -> Reply:
    """`POST …/issues/comments/{id}/reactions`: 200 if it was there already."""
    repo, content = repository(ask), str(ask.fields().get("content"))
    found = repo.comments[ask.at["id"]]
    if content not in _REACTIONS:
        raise Refusal(403, "Forbidden")
    made, new = gitea(ask).react(account(ask), found, content)
    shown = {"user": shapes.user(ask.world, made.author), "content": content, "created_at": made.created_at}
    return Reply(status=201 if new else 200, body=shown)


async def create_status(ask: Ask) -> Reply:
    """`POST …/statuses/{sha}`: for who may push."""
    repo, body, who = repository(ask), ask.fields(), account(ask)
    may(ask, repo, "write")
    if body.get("state") not in _STATES:
        raise Refusal(400, "invalid state")
    if await repo.git.tip(ask.at["sha"]) is None:
        raise NotThere("no commit")
    made = await gitea(ask).post_status(
        who.login,
        repo,
        ask.at["sha"],
        context=body.get("context") or "default",
        state=body["state"],
        description=body.get("description"),
        target_url=body.get("target_url"),
    )
    return Reply(status=201, body=shapes.status(ask.world, repo, made))


async def statuses(ask: Ask) -> Reply:
    """`GET …/commits/{sha}/statuses`, newest first."""
    repo, sha = repository(ask), ask.at["sha"]
    if await repo.git.tip(sha) is None:
        raise NotThere("no commit")
    found = [each for each in reversed(repo.statuses) if each.sha == sha]
    return Reply(items=[shapes.status(ask.world, repo, each) for each in found])


_COMMENT, _COMMENTS = f"{_REPO}/issues/comments/{{id:int}}", f"{_REPO}/issues/{{index:int}}/comments"
ENDPOINTS = (
    Endpoint(method="GET", path=f"{_REPO}/pulls", handler=pulls),
    Endpoint(method="GET", path=f"{_REPO}/pulls/{{index:int}}", handler=pull),
    Endpoint(method="GET", path=f"{_REPO}/pulls/{{index:int}}/commits", handler=pull_commits),
    Endpoint(method="GET", path=f"{_REPO}/pulls/{{index:int}}/reviews", handler=reviews),
    Endpoint(method="GET", path=f"{_REPO}/git/commits/{{sha}}", handler=commit),
    Endpoint(method="GET", path=_COMMENTS, handler=comments),
    Endpoint(method="POST", path=_COMMENTS, handler=create_comment),
    Endpoint(method="GET", path=_COMMENT, handler=comment),
    Endpoint(method="PATCH", path=_COMMENT, handler=update_comment),
    Endpoint(method="POST", path=f"{_COMMENT}/reactions", handler=react),
    Endpoint(method="POST", path=f"{_REPO}/statuses/{{sha}}", handler=create_status),
    Endpoint(method="GET", path=f"{_REPO}/commits/{{sha}}/statuses", handler=statuses),
)
