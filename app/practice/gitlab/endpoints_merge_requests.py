"""Endpoints of merge requests and what people say on them."""

from app.practice.gitlab import shapes
from app.practice.gitlab.asking import account, gitlab, merge_request, own, project, text
from app.practice.gitlab.endpoints_projects import commit_shown
from app.practice.server import Ask, Endpoint, Refusal, Reply
from app.practice.state import Comment, Review
from app.practice.world import NotThere

_PROJECT = "/projects/{id:int}"
_ONE = f"{_PROJECT}/merge_requests/{{iid:int}}"
_NOTE = 1_000_000


async def merge_requests(ask: Ask) -> Reply:
    """`GET …/merge_requests`, sorted by `created_at`."""
    repo, query = project(ask), ask.query
    found = [
        pull for pull in repo.pulls.values() if query.get("state", "all") in {"all", shapes.state_of(pull)}
    ]
    if query.get("sort", "desc") == "desc":
        found.reverse()
    return Reply(items=found, shape=lambda pull: shapes.merge_request(ask.world, repo, pull))


async def one(ask: Ask) -> Reply:
    """`GET …/merge_requests/{iid}`."""
    repo = project(ask)
    pull = merge_request(ask, repo)
    found = (
        (place, head)
        for place in (repo, ask.world.repositories.get(pull.head_repository or 0))
        if place is not None and (head := gitlab(ask).head_pipeline(place, pull)) is not None
    )
    place, head = next(found, (repo, None))  # a fork's is its project's
    shown = None if head is None else shapes.pipeline(ask.world, place, own(ask, place), head)
    return Reply(body=shapes.full_merge_request(ask.world, repo, pull, shown))


async def of_commit(ask: Ask) -> Reply:
    """`GET …/repository/commits/{sha}/merge_requests`."""
    repo, sha = project(ask), ask.at["sha"]
    if await repo.git.tip(sha) is None:
        raise Refusal(404, "404 Commit Not Found")
    found = [
        shapes.merge_request(ask.world, repo, pull)
        for pull in repo.pulls.values()
        if pull.head_sha == sha and ask.query.get("state") in {None, shapes.state_of(pull)}
    ]
    return Reply(items=found)


def _latest(reviews: list[Review]) -> dict[str, Review]:
    return {each.author.login: each for each in reviews if each.state != "COMMENTED"}


async def approvals(ask: Ask) -> Reply:
    """`GET …/approvals`."""
    repo = project(ask)
    found = [
        {
            "user": shapes.user(ask.world, each.author),
            "approved_at": shapes.exactly(each.submitted_at, each.id),
        }
        for each in _latest(merge_request(ask, repo).reviews).values()
        if each.state == "APPROVED"
    ]
    return Reply(body={"approved": bool(found), "approved_by": found})


async def reviewers(ask: Ask) -> Reply:
    """`GET …/reviewers`."""
    repo = project(ask)
    words = {"APPROVED": "approved", "CHANGES_REQUESTED": "requested_changes", "DISMISSED": "unapproved"}
    return Reply(
        items=[
            {
                "user": shapes.user(ask.world, each.author),
                "state": words[each.state],
                "created_at": each.submitted_at,
            }
            for each in _latest(merge_request(ask, repo).reviews).values()
        ]
    )


async def versions(ask: Ask) -> Reply:
    """`GET …/versions`, newest first."""
    repo = project(ask)
    heads = own(ask, repo).heads.get(merge_request(ask, repo).number, [])
    return Reply(
        items=[
            {"id": number, "head_commit_sha": sha, "created_at": at, "state": "collected"}
            for number, (sha, at) in reversed(list(enumerate(heads, start=1)))
        ]
    )


async def commits(ask: Ask) -> Reply:
    """`GET …/commits`, newest first."""
    repo = project(ask)
    pull = merge_request(ask, repo)
    shas = await repo.git.commits_between(pull.base_sha, pull.head_sha, 500)
    return Reply(items=[await commit_shown(ask, repo, sha) for sha in reversed(shas)])


async def notes(ask: Ask) -> Reply:
    """`GET …/notes`."""
    repo = project(ask)
    number, query = merge_request(ask, repo).number, ask.query
    by = query.get("order_by", "created_at")
    found = [each for each in repo.comments.values() if each.number == number]
    found.sort(key=lambda each: (getattr(each, by), each.id), reverse=query.get("sort", "desc") == "desc")
    return Reply(items=found, shape=lambda each: shapes.note(ask.world, each))


def _note(ask: Ask) -> Comment:
    repo = project(ask)
    found = repo.comments.get(ask.at["note"])
    if found is None or found.number != merge_request(ask, repo).number:
        raise NotThere("no note")
    return found


async def note(ask: Ask) -> Reply:
    """`GET …/notes/{note}`."""
    return Reply(body=shapes.note(ask.world, _note(ask)))


async def create_note(ask: Ask) -> Reply:
    """`POST …/notes`."""
    repo = project(ask)
    made = await ask.forge.comment(
        account(ask).login, repo, merge_request(ask, repo), text(ask, "body", _NOTE)
    )
    return Reply(status=201, body=shapes.note(ask.world, made))


async def update_note(ask: Ask) -> Reply:
    """`PUT …/notes/{note}`: one's own."""
    repo, found, body = project(ask), _note(ask), text(ask, "body", _NOTE)
    if found.author.id != account(ask).id:
        raise Refusal(403, "403 Forbidden")
    if body != found.body:
        await ask.forge.edit_comment(account(ask).login, repo, found, body)
    return Reply(body=shapes.note(ask.world, found))


async def award(ask: Ask) -> Reply:
    """`POST …/notes/{note}/award_emoji`: the same one twice is refused."""
    name = text(ask, "name", 255)
    made, new = ask.forge.react(account(ask), _note(ask), name)
    if not new:
        raise Refusal(404, "404 Award Emoji Name has already been taken Not Found")
    shown = {"id": made.id, "name": name, "user": shapes.user(ask.world, made.author)}
    return Reply(status=201, body={**shown, "created_at": made.created_at})


async def status_checks(ask: Ask) -> Reply:
    """`GET …/external_status_checks`: 404 where the tier has none."""
    repo = project(ask, "maintain")
    found = own(ask, repo).checks
    if not found:
        raise NotThere("not of this tier")
    return Reply(items=[shapes.status_check(each, repo) for each in found.values()])


async def respond(ask: Ask) -> Reply:
    """`POST …/status_check_responses`: 409 unless `sha` is the head."""
    repo, body = project(ask, "write"), ask.fields()
    pull, check = merge_request(ask, repo), own(ask, repo).checks[body["external_status_check_id"]]
    if body.get("status") not in {"pending", "passed", "failed"}:
        raise Refusal(400, "status does not have a valid value")
    if body.get("sha") != pull.head_sha:
        raise Refusal(409, "SHA does not match HEAD of source branch")
    answer = {"iid": pull.number, "sha": pull.head_sha, "status": body["status"]}
    check.answers.append(answer)
    shown = shapes.merge_request(ask.world, repo, pull)
    named = shapes.status_check(check, repo)
    return Reply(
        status=201, body={"id": len(check.answers), "merge_request": shown, "external_status_check": named}
    )


ENDPOINTS = (
    Endpoint(method="GET", path=f"{_PROJECT}/merge_requests", handler=merge_requests),
    Endpoint(method="GET", path=_ONE, handler=one),
    Endpoint(method="GET", path=f"{_PROJECT}/repository/commits/{{sha}}/merge_requests", handler=of_commit),
    Endpoint(method="GET", path=f"{_ONE}/approvals", handler=approvals),
    Endpoint(method="GET", path=f"{_ONE}/reviewers", handler=reviewers),
    Endpoint(method="GET", path=f"{_ONE}/versions", handler=versions),
    Endpoint(method="GET", path=f"{_ONE}/commits", handler=commits),
    Endpoint(method="GET", path=f"{_ONE}/notes", handler=notes),
    Endpoint(method="POST", path=f"{_ONE}/notes", handler=create_note),
    Endpoint(method="GET", path=f"{_ONE}/notes/{{note:int}}", handler=note),
    Endpoint(method="PUT", path=f"{_ONE}/notes/{{note:int}}", handler=update_note),
    Endpoint(method="POST", path=f"{_ONE}/notes/{{note:int}}/award_emoji", handler=award),
    Endpoint(method="GET", path=f"{_PROJECT}/external_status_checks", handler=status_checks),
    Endpoint(method="POST", path=f"{_ONE}/status_check_responses", handler=respond),
)
