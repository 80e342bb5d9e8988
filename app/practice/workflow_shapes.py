"""The JSON that GitHub shows for workflows, their runs and their jobs."""

from app.practice.shapes import Json, node_id, repository, user
from app.practice.state import CheckRun, Repository, WorkflowRun
from app.practice.world import World


def workflow_number(path: str) -> int:
    """A workflow's id: one per file."""
    return int.from_bytes(path.encode()[-6:]) & 0x7FFFFFFF


def _title(path: str) -> str:
    return path.rpartition("/")[2].partition(".")[0]


def workflow(world: World, repo: Repository, run: WorkflowRun) -> Json:
    """The workflow that a run is of."""
    number, name = workflow_number(run.path), _title(run.path)
    page = f"{world.url}/{repo.full_name}"
    return {
        "id": number,
        "node_id": node_id("Workflow", number),
        "name": name,
        "path": run.path,
        "state": "active",
        "created_at": repo.created_at,
        "updated_at": repo.created_at,
        "url": f"{world.api_url}/repos/{repo.full_name}/actions/workflows/{number}",
        "html_url": f"{page}/blob/{repo.default_branch}/{run.path}",
        "badge_url": f"{page}/workflows/{name}/badge.svg",
    }


def workflow_run(world: World, repo: Repository, run: WorkflowRun, head: Json) -> Json:
    """A workflow run, as the API and deliveries show it. `head` is its commit in short form."""
    base, number = f"{world.api_url}/repos/{repo.full_name}", workflow_number(run.path)
    api = f"{base}/actions/runs/{run.id}"
    again = f"{api}/attempts/{run.attempt - 1}" if run.attempt > 1 else None
    return {
        "id": run.id,
        "name": _title(run.path),
        "node_id": node_id("WorkflowRun", run.id),
        "head_branch": run.head_branch,
        "head_sha": run.head_sha,
        "path": run.path,
        "display_title": head["message"].partition("\n")[0],
        "run_number": run.number,
        "event": run.event,
        "status": run.status,
        "conclusion": run.conclusion,
        "workflow_id": number,
        "check_suite_id": run.suite_id,
        "check_suite_node_id": node_id("CheckSuite", run.suite_id),
        "url": api,
        "html_url": f"{world.url}/{repo.full_name}/actions/runs/{run.id}",
        "pull_requests": [],
        "created_at": run.created_at,
        "updated_at": run.updated_at,
        "actor": user(world, run.actor),
        "run_attempt": run.attempt,
        "referenced_workflows": [],
        "run_started_at": run.created_at,
        "triggering_actor": user(world, run.actor),
        "jobs_url": f"{api}/jobs",
        "logs_url": f"{api}/logs",
        "check_suite_url": f"{base}/check-suites/{run.suite_id}",
        "artifacts_url": f"{api}/artifacts",
        "cancel_url": f"{api}/cancel",
        "rerun_url": f"{api}/rerun",
        "previous_attempt_url": again,
        "workflow_url": f"{base}/actions/workflows/{number}",
        "head_commit": head,
        "repository": repository(world, repo),
        "head_repository": repository(world, repo),
    }


def job(world: World, repo: Repository, run: WorkflowRun, found: CheckRun) -> Json:
    """A job of a workflow run, which is a check run too."""
    base = f"{world.api_url}/repos/{repo.full_name}"
    return {
        "id": found.id,
        "run_id": run.id,
        "run_url": f"{base}/actions/runs/{run.id}",
        "run_attempt": run.attempt,
        "node_id": node_id("CheckRun", found.id),
        "head_sha": run.head_sha,
        "url": f"{base}/actions/jobs/{found.id}",
        "html_url": f"{world.url}/{repo.full_name}/runs/{found.id}",
        "status": found.status,
        "conclusion": found.conclusion,
        "created_at": run.created_at,
        "started_at": found.started_at,
        "completed_at": found.completed_at,
        "name": found.name,
        "steps": [],
        "check_run_url": f"{base}/check-runs/{found.id}",
        "labels": ["ubuntu-latest"],
        "runner_id": None,
        "runner_name": None,
        "runner_group_id": None,
        "runner_group_name": None,
        "workflow_name": _title(run.path),
        "head_branch": run.head_branch,
    }
