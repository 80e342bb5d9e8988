"""Endpoints of check runs, check suites and commit statuses, with the validations GitHub makes."""

from typing import Any

from app.practice import check_shapes as checks
from app.practice.server import Ask, Endpoint, Refusal, Reply
from app.practice.state import CheckRun, Repository
from app.practice.world import NotThere

_REPO = "/repos/{owner}/{repo}"
_TEXT = 65_535
_ANNOTATIONS = 50
_ACTIONS = 3
_ACTION_LIMITS = {"label": 20, "description": 40, "identifier": 20}
_DESCRIPTION = 140
_STATUSES = frozenset({"queued", "in_progress", "completed"})
_CONCLUSIONS = frozenset(
    {"action_required", "cancelled", "failure", "neutral", "success", "skipped", "timed_out"}
)
_LEVELS = frozenset({"notice", "warning", "failure"})
_STATES = frozenset({"error", "failure", "pending", "success"})


def _invalid(field: str, message: str) -> Refusal:
    return Refusal(
        422, f"Invalid request. {message}", [{"resource": "CheckRun", "field": field, "message": message}]
    )


def check_run_problems(body: dict[str, Any], *, creating: bool) -> None:
    """Refuse what GitHub refuses. Raises Refusal(422)."""
    for key in ("name", "head_sha") if creating else ():
        if not isinstance(body.get(key), str) or not body[key]:
            raise _invalid(key, f'"{key}" wasn\'t supplied.')
    status, conclusion = body.get("status"), body.get("conclusion")
    if status is not None and status not in _STATUSES:
        raise _invalid("status", f"{status} is not a valid status")
    if conclusion is not None and conclusion not in _CONCLUSIONS:
        raise _invalid("conclusion", f"{conclusion} is not a valid conclusion")
    if status == "completed" and conclusion is None:
        raise _invalid("conclusion", "conclusion is required when status is completed")
    if (output := body.get("output")) is not None:
        _output_problems(output)
    _action_problems(body.get("actions") or [])


def _action_problems(actions: list[dict[str, Any]]) -> None:
    if len(actions) > _ACTIONS:
        raise _invalid("actions", f"at most {_ACTIONS} actions")
    for action in actions:
        for key, limit in _ACTION_LIMITS.items():
            if not action.get(key) or len(action[key]) > limit:
                raise _invalid(f"actions.{key}", f"1 to {limit} characters")


def _output_problems(output: dict[str, Any]) -> None:
    if output.get("summary") is None or not output.get("title"):
        raise _invalid("output", "title and summary are required")
    for key in ("summary", "text"):
        if len((output.get(key) or "").encode()) > _TEXT:
            raise _invalid(f"output.{key}", f"Only {_TEXT} characters are allowed")
    annotations = output.get("annotations") or []
    if len(annotations) > _ANNOTATIONS:
        raise _invalid("output.annotations", f"No more than {_ANNOTATIONS} items are allowed")
    for each in annotations:
        if not each.get("path") or not each.get("message"):
            raise _invalid("annotations", "path and message are required")
        start, end = each.get("start_line"), each.get("end_line")
        if not isinstance(start, int) or not isinstance(end, int) or start < 1 or end < start:
            raise _invalid("annotations", "start_line and end_line are required, in order")
        if each.get("annotation_level") not in _LEVELS:
            raise _invalid("annotations", "annotation_level is not valid")
        if start != end and ("start_column" in each or "end_column" in each):
            raise _invalid("annotations", "columns need start_line and end_line to be the same")


async def create(ask: Ask) -> Reply:
    """`POST …/check-runs`."""
    app, repo, body = ask.acting_app(), ask.repository(), ask.fields()
    check_run_problems(body, creating=True)
    run = await ask.forge.create_check_run(app, repo, body)
    return Reply(status=201, body=checks.check_run(ask.world, repo, run))


async def update(ask: Ask) -> Reply:
    """`PATCH …/check-runs/{id}`: one's own."""
    app, repo, body = ask.acting_app(), ask.repository(), ask.fields()
    run = repo.runs[ask.at["check_run_id"]]
    if run.app_id != app.id:
        raise Refusal(403, "Invalid app_id `" + str(app.id) + "` - check run can only be modified by the app")
    check_run_problems(body, creating=False)
    await ask.forge.update_check_run(app, repo, run, body)
    return Reply(body=checks.check_run(ask.world, repo, run))


async def get(ask: Ask) -> Reply:
    """`GET …/check-runs/{id}`."""
    repo = ask.repository()
    return Reply(body=checks.check_run(ask.world, repo, repo.runs[ask.at["check_run_id"]]))


async def annotations(ask: Ask) -> Reply:
    """`GET …/check-runs/{id}/annotations`."""
    repo = ask.repository()
    run = repo.runs[ask.at["check_run_id"]]
    blob = f"{ask.world.url}/{repo.full_name}/blob/{run.head_sha}"
    return Reply(
        items=[
            {
                "path": each["path"],
                "start_line": each["start_line"],
                "end_line": each["end_line"],
                "start_column": each.get("start_column"),
                "end_column": each.get("end_column"),
                "annotation_level": each["annotation_level"],
                "title": each.get("title"),
                "message": each["message"],
                "raw_details": each.get("raw_details"),
                "blob_href": f"{blob}/{each['path']}",
            }
            for each in run.annotations
        ]
    )


async def _sha(ask: Ask, repo: Repository) -> str:
    found = await repo.git.tip(ask.at["ref"])
    if found is None:
        raise Refusal(422, f"No commit found for SHA: {ask.at['ref']}")
    return found


async def of_commit(ask: Ask) -> Reply:
    """`GET …/commits/{ref}/check-runs`, newest first; `filter=latest` = one per app and name."""
    repo, query = ask.repository(), ask.query
    sha = await _sha(ask, repo)
    found: list[CheckRun] = [
        run
        for run in reversed(repo.runs.values())
        if run.head_sha == sha
        and query.get("check_name") in {None, run.name}
        and query.get("app_id") in {None, str(run.app_id)}
        and query.get("status") in {None, run.status}
    ]
    if query.get("filter", "latest") == "latest":
        newest: dict[tuple[int, str], CheckRun] = {}
        for run in found:
            newest.setdefault((run.suite_id, run.name), run)
        found = list(newest.values())
    return Reply(items=[checks.check_run(ask.world, repo, run) for run in found], envelope="check_runs")


async def rerequest(ask: Ask) -> Reply:
    """`POST …/check-runs/{id}/rerequest`: of an app only its own."""
    repo = ask.repository()
    run = repo.runs[ask.at["check_run_id"]]
    if ask.caller.app is not None and ask.caller.app.id != run.app_id:
        raise Refusal(403, "This check run is not rerequestable")
    await ask.forge.press_rerun(ask.login(), repo, run)
    return Reply(status=201, body={})


async def create_status(ask: Ask) -> Reply:
    """`POST …/statuses/{sha}`."""
    repo, body = ask.repository(), ask.fields()
    if body.get("state") not in _STATES:
        raise Refusal(422, "Validation Failed", [{"resource": "Status", "field": "state"}])
    if len(body.get("description") or "") > _DESCRIPTION:
        raise Refusal(422, "Validation Failed: description is too long (maximum is 140 characters)")
    status = await ask.forge.post_status(
        ask.login(),
        repo,
        ask.at["sha"],
        context=body.get("context", "default"),
        state=body["state"],
        description=body.get("description"),
        target_url=body.get("target_url"),
    )
    return Reply(status=201, body=checks.status(ask.world, repo, status))


async def statuses(ask: Ask) -> Reply:
    """`GET …/commits/{ref}/statuses`, newest first."""
    repo = ask.repository()
    try:
        sha = await _sha(ask, repo)
    except Refusal:
        raise NotThere("no such commit") from None
    found = [each for each in reversed(repo.statuses) if each.sha == sha]
    return Reply(items=[checks.status(ask.world, repo, each) for each in found])


_READ, _WRITE = ("checks", "read"), ("checks", "write")
_RUN = f"{_REPO}/check-runs/{{check_run_id:int}}"

ENDPOINTS = (
    Endpoint(method="POST", path=f"{_REPO}/check-runs", handler=create, needs=_WRITE),
    Endpoint(method="PATCH", path=_RUN, handler=update, needs=_WRITE),
    Endpoint(method="GET", path=_RUN, handler=get, needs=_READ),
    Endpoint(method="GET", path=f"{_RUN}/annotations", handler=annotations, needs=_READ),
    Endpoint(method="POST", path=f"{_RUN}/rerequest", handler=rerequest, needs=_WRITE),
    Endpoint(method="GET", path=f"{_REPO}/commits/{{ref}}/check-runs", handler=of_commit, needs=_READ),
    Endpoint(
        method="GET", path=f"{_REPO}/commits/{{ref}}/statuses", handler=statuses, needs=("statuses", "read")
    ),
    Endpoint(
        method="POST", path=f"{_REPO}/statuses/{{sha}}", handler=create_status, needs=("statuses", "write")
    ),
)
