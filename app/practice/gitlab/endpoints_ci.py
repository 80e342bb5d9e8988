"""Endpoints of commit statuses, pipelines and jobs."""

from app.practice.gitlab import shapes
from app.practice.gitlab.asking import account, gitlab, merge_request, own, project, text
from app.practice.gitlab.state import Pipeline
from app.practice.posts import Invalid
from app.practice.server import Ask, Endpoint, Refusal, Reply
from app.practice.state import Repository
from app.practice.world import NotThere

_PROJECT = "/projects/{id:int}"
_STATES = frozenset({"pending", "running", "success", "failed", "canceled", "skipped"})
_TEXT = 255


async def create_status(ask: Ask) -> Reply:
    """`POST …/statuses/{sha}`."""
    repo, body = project(ask, "write"), ask.fields()
    if body.get("state") not in _STATES:
        raise Refusal(400, "state does not have a valid value")
    for name in ("description", "target_url", "name", "ref"):
        if len(body.get(name) or "") > _TEXT:
            raise Refusal(400, f"{name} is too long (maximum is {_TEXT} characters)")
    try:
        made = await gitlab(ask).set_status(
            account(ask),
            repo,
            ask.at["sha"],
            state=body["state"],
            name=body.get("name") or body.get("context") or "default",
            ref=body.get("ref", ""),
            pipeline_id=body.get("pipeline_id", 0),
            description=body.get("description"),
            target_url=body.get("target_url"),
        )
    except Invalid as problem:
        raise Refusal(400, str(problem)) from None
    except NotThere as problem:
        raise Refusal(404, f"404 {problem} Not Found") from None
    return Reply(status=201, body=shapes.status(ask.world, made))


async def statuses(ask: Ask) -> Reply:
    """`GET …/repository/commits/{sha}/statuses`: the newest of each name, others' and jobs."""
    repo, sha, query = project(ask), ask.at["sha"], ask.query
    if await repo.git.tip(sha) is None:
        raise Refusal(404, "404 Commit Not Found")
    kept = own(ask, repo)
    newest = {(each.pipeline_id, each.name): each for each in kept.statuses if each.sha == sha}
    found = [shapes.status(ask.world, each) for each in newest.values()]
    for run in kept.pipelines.values():
        if run.sha == sha:
            found += [shapes.job_as_status(ask.world, repo, job, run) for job in run.jobs]
    wanted = [
        each
        for each in found
        if query.get("name") in {None, each["name"]}
        and query.get("pipeline_id") in {None, str(each["pipeline_id"])}
    ]
    return Reply(items=sorted(wanted, key=lambda each: int(each["id"])))


def _shown(ask: Ask, repo: Repository, run: Pipeline) -> dict[str, object]:
    return shapes.pipeline(ask.world, repo, own(ask, repo), run)


async def pipelines(ask: Ask) -> Reply:
    """`GET …/pipelines`, newest first."""
    repo, sha = project(ask), ask.query.get("sha")
    found = [run for run in reversed(own(ask, repo).pipelines.values()) if sha in {None, run.sha}]
    return Reply(items=[_shown(ask, repo, run) for run in found])


def _pipeline(ask: Ask, repo: Repository) -> Pipeline:
    return own(ask, repo).pipelines[ask.at["pipeline"]]


async def pipeline(ask: Ask) -> Reply:
    """`GET …/pipelines/{pipeline}`."""
    repo = project(ask)
    return Reply(body=_shown(ask, repo, _pipeline(ask, repo)))


async def jobs(ask: Ask) -> Reply:
    """`GET …/pipelines/{pipeline}/jobs`: GitLab's own, not what others posted."""
    repo = project(ask)
    run = _pipeline(ask, repo)
    return Reply(items=[shapes.job(ask.world, repo, job, run) for job in run.jobs])


async def bridges(ask: Ask) -> Reply:
    """`GET …/pipelines/{pipeline}/bridges`: no pipeline here triggers another."""
    _pipeline(ask, project(ask))
    return Reply(items=[])


async def retry(ask: Ask) -> Reply:
    """`POST …/pipelines/{pipeline}/retry`."""
    repo = project(ask, "write")
    run = _pipeline(ask, repo)
    gitlab(ask).retry_pipeline(repo, run)
    return Reply(status=201, body=_shown(ask, repo, run))


async def create(ask: Ask) -> Reply:
    """`POST …/pipeline`."""
    repo, ref = project(ask, "write"), text(ask, "ref", _TEXT)
    sha = await repo.git.tip(f"refs/heads/{ref}")
    if sha is None:
        raise Refusal(400, "Reference not found")
    if await repo.git.blob(sha, ".gitlab-ci.yml") is None:
        raise Refusal(400, "Missing CI config file")
    run = gitlab(ask).begin_pipeline(account(ask).login, repo, sha, ref=ref, source="api")
    return Reply(status=201, body=_shown(ask, repo, run))


async def create_of_merge_request(ask: Ask) -> Reply:
    """`POST …/merge_requests/{iid}/pipelines`."""
    repo = project(ask, "write")
    pull = merge_request(ask, repo)
    run = gitlab(ask).begin_pipeline(
        account(ask).login,
        repo,
        pull.head_sha,
        ref=f"refs/merge-requests/{pull.number}/head",
        source="merge_request_event",
        number=pull.number,
    )
    return Reply(status=201, body=_shown(ask, repo, run))


async def retry_job(ask: Ask) -> Reply:
    """`POST …/jobs/{job}/retry`: of a job, which a commit status is not."""
    repo = project(ask, "write")
    for run in own(ask, repo).pipelines.values():
        for job in run.jobs:
            if job.id == ask.at["job"]:
                gitlab(ask).retry_pipeline(repo, run)
                return Reply(status=201, body=shapes.job(ask.world, repo, job, run))
    raise Refusal(404, "404 Not Found")


ENDPOINTS = (
    Endpoint(method="POST", path=f"{_PROJECT}/statuses/{{sha}}", handler=create_status),
    Endpoint(method="GET", path=f"{_PROJECT}/repository/commits/{{sha}}/statuses", handler=statuses),
    Endpoint(method="GET", path=f"{_PROJECT}/pipelines", handler=pipelines),
    Endpoint(method="GET", path=f"{_PROJECT}/pipelines/{{pipeline:int}}", handler=pipeline),
    Endpoint(method="GET", path=f"{_PROJECT}/pipelines/{{pipeline:int}}/jobs", handler=jobs),
    Endpoint(method="GET", path=f"{_PROJECT}/pipelines/{{pipeline:int}}/bridges", handler=bridges),
    Endpoint(method="POST", path=f"{_PROJECT}/pipelines/{{pipeline:int}}/retry", handler=retry),
    Endpoint(method="POST", path=f"{_PROJECT}/pipeline", handler=create),
    Endpoint(
        method="POST",
        path=f"{_PROJECT}/merge_requests/{{iid:int}}/pipelines",
        handler=create_of_merge_request,
    ),
    Endpoint(method="POST", path=f"{_PROJECT}/jobs/{{job:int}}/retry", handler=retry_job),
)
