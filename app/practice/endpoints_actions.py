"""Endpoints of GitHub Actions: workflow runs, their jobs, running them again, starting them by hand."""

from app.practice import workflow_shapes as show
from app.practice.server import Ask, Endpoint, Refusal, Reply
from app.practice.state import Repository, WorkflowRun

_REPO = "/repos/{owner}/{repo}"
_RUN = f"{_REPO}/actions/runs/{{run_id:int}}"


def _matches(run: WorkflowRun, query: dict[str, str]) -> bool:
    told = {
        "head_sha": run.head_sha,
        "event": run.event,
        "branch": run.head_branch,
        "check_suite_id": str(run.suite_id),
    }
    status = query.get("status")
    return all(query.get(name) in {None, value} for name, value in told.items()) and (
        status is None or status in {run.status, run.conclusion}
    )


async def _shown(ask: Ask, repo: Repository, run: WorkflowRun) -> dict[str, object]:
    return show.workflow_run(ask.world, repo, run, await ask.forge.events.head_commit(repo, run.head_sha))


async def runs(ask: Ask) -> Reply:
    """`GET …/actions/runs`, newest first."""
    repo, query = ask.repository(), ask.query
    found = [run for run in reversed(repo.workflow_runs.values()) if _matches(run, query)]
    return Reply(items=[await _shown(ask, repo, run) for run in found], envelope="workflow_runs")


async def get_run(ask: Ask) -> Reply:
    """`GET …/actions/runs/{id}`."""
    repo = ask.repository()
    return Reply(body=await _shown(ask, repo, repo.workflow_runs[ask.at["run_id"]]))


async def jobs(ask: Ask) -> Reply:
    """`GET …/actions/runs/{id}/jobs`: those of the newest attempt."""
    repo = ask.repository()
    run = repo.workflow_runs[ask.at["run_id"]]
    found = [show.job(ask.world, repo, run, repo.runs[job]) for job in run.jobs]
    return Reply(items=found, envelope="jobs")


async def rerun(ask: Ask) -> Reply:
    """`POST …/actions/runs/{id}/rerun`."""
    repo = ask.repository()
    await ask.forge.rerun_workflow(ask.login(), repo, repo.workflow_runs[ask.at["run_id"]])
    return Reply(status=201, body={})


async def rerun_failed(ask: Ask) -> Reply:
    """`POST …/actions/runs/{id}/rerun-failed-jobs`."""
    repo = ask.repository()
    run = repo.workflow_runs[ask.at["run_id"]]
    await ask.forge.rerun_workflow(ask.login(), repo, run, failed_only=True)
    return Reply(status=201, body={})


async def dispatch(ask: Ask) -> Reply:
    """`POST …/actions/workflows/{file}/dispatches`."""
    ref = ask.fields().get("ref")
    if not isinstance(ref, str):
        raise Refusal(422, 'Invalid request. "ref" wasn\'t supplied.')
    await ask.forge.dispatch_workflow(ask.login(), ask.repository(), ask.at["workflow_id"], ref)
    return Reply(status=204)


_READ, _WRITE = ("actions", "read"), ("actions", "write")

ENDPOINTS = (
    Endpoint(method="GET", path=f"{_REPO}/actions/runs", handler=runs, needs=_READ),
    Endpoint(method="GET", path=_RUN, handler=get_run, needs=_READ),
    Endpoint(method="GET", path=f"{_RUN}/jobs", handler=jobs, needs=_READ),
    Endpoint(method="POST", path=f"{_RUN}/rerun", handler=rerun, needs=_WRITE),
    Endpoint(method="POST", path=f"{_RUN}/rerun-failed-jobs", handler=rerun_failed, needs=_WRITE),
    Endpoint(
        method="POST",
        path=f"{_REPO}/actions/workflows/{{workflow_id}}/dispatches",
        handler=dispatch,
        needs=_WRITE,
    ),
)
