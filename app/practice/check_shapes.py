"""The JSON that GitHub shows for check runs, check suites and commit statuses."""

from app.practice.shapes import Json, app, node_id, user
from app.practice.state import CheckRun, CheckSuite, Repository, Status
from app.practice.world import World


def status(world: World, repo: Repository, found: Status) -> Json:
    """A commit status."""
    return {
        "url": f"{world.api_url}/repos/{repo.full_name}/statuses/{found.sha}",
        "avatar_url": f"{world.url}/avatars/{found.creator.id}",
        "id": found.id,
        "node_id": node_id("StatusContext", found.id),
        "state": found.state,
        "description": found.description,
        "target_url": found.target_url,
        "context": found.context,
        "created_at": found.created_at,
        "updated_at": found.created_at,
        "creator": user(world, found.creator),
    }


def _pulls_of(world: World, repo: Repository, sha: str) -> list[Json]:
    """The open pull requests of a check run's SHA; empty for forks, as on GitHub."""
    found = []
    for pull in repo.pulls.values():
        if pull.head_sha == sha and pull.state == "open" and pull.head_repository == repo.id:
            where = {
                "id": repo.id, "url": f"{world.api_url}/repos/{repo.full_name}", "name": repo.name,
            }  # fmt: skip
            found.append(
                {
                    "url": f"{world.api_url}/repos/{repo.full_name}/pulls/{pull.number}",
                    "id": pull.id,
                    "number": pull.number,
                    "head": {"ref": pull.head_ref, "sha": pull.head_sha, "repo": where},
                    "base": {"ref": pull.base_ref, "sha": pull.base_sha, "repo": where},
                }
            )
    return found


def check_run(world: World, repo: Repository, run: CheckRun) -> Json:
    """A check run as the API shows it."""
    api = f"{world.api_url}/repos/{repo.full_name}/check-runs/{run.id}"
    return {
        "id": run.id,
        "name": run.name,
        "node_id": node_id("CheckRun", run.id),
        "head_sha": run.head_sha,
        "external_id": run.external_id,
        "url": api,
        "html_url": f"{world.url}/{repo.full_name}/runs/{run.id}",
        "details_url": run.details_url or f"{world.url}/{repo.full_name}/runs/{run.id}",
        "status": run.status,
        "conclusion": run.conclusion,
        "started_at": run.started_at,
        "completed_at": run.completed_at,
        "output": {
            "title": run.title,
            "summary": run.summary,
            "text": run.text,
            "annotations_count": len(run.annotations),
            "annotations_url": f"{api}/annotations",
        },
        "check_suite": {"id": run.suite_id},
        "app": app(world, world.apps[run.app_id]),
        "pull_requests": _pulls_of(world, repo, run.head_sha),
    }


def suite_state(repo: Repository, suite: CheckSuite) -> tuple[str, str | None]:
    """Status and conclusion of a suite: the worst of the newest runs of each name."""
    newest = {run.name: run for run in repo.runs.values() if run.suite_id == suite.id}
    if not newest:
        return "queued", None
    if any(run.status != "completed" for run in newest.values()):
        return "in_progress", None
    order = ("failure", "timed_out", "cancelled", "action_required", "neutral", "skipped", "success")
    found = {run.conclusion for run in newest.values()}
    return "completed", next((each for each in order if each in found), "success")


def check_suite(world: World, repo: Repository, suite: CheckSuite, before: str | None = None) -> Json:
    """A check suite as deliveries show it."""
    api = f"{world.api_url}/repos/{repo.full_name}/check-suites/{suite.id}"
    state, conclusion = suite_state(repo, suite)
    return {
        "id": suite.id,
        "node_id": node_id("CheckSuite", suite.id),
        "head_branch": suite.head_branch,
        "head_sha": suite.head_sha,
        "status": state,
        "conclusion": conclusion,
        "url": api,
        "before": before,
        "after": suite.head_sha,
        "pull_requests": _pulls_of(world, repo, suite.head_sha),
        "app": app(world, world.apps[suite.app_id]),
        "created_at": suite.created_at,
        "updated_at": suite.updated_at,
    }


def delivered_check_run(world: World, repo: Repository, run: CheckRun) -> Json:
    """A check run as deliveries show it: with its suite."""
    suite = repo.suites[run.suite_id]
    return {**check_run(world, repo, run), "check_suite": check_suite(world, repo, suite)}
