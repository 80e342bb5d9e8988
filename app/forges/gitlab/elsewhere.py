"""What other systems posted on a commit, and GitLab CI's pipelines: how they stand, asking for them."""

from collections.abc import Collection

from app.forges.gitlab.calls import on
from app.forges.gitlab.client import Client
from app.forges.gitlab.places import Places
from app.forges.gitlab.readers import iso
from app.forges.gitlab.texts import CHILD, CI, POSTED_BY_OTHERS, SUITES, of_jobs, progress
from app.forges.gitlab.views import Job, Pipeline, Project, Status, actor_of
from app.forges.rest.calls import segment
from app.model import ExternalPosted, PostKind, Repository, Sha

_Newest = dict[tuple[str, str, str, int], ExternalPosted]


class Elsewhere:
    """The half of the GitLab forge that is about other systems' checks."""

    def __init__(self, client: Client, places: Places) -> None:
        self._client = client
        self._places = places

    async def external_posts(
        self, repository: Repository, sha: Sha, kinds: Collection[PostKind]
    ) -> tuple[ExternalPosted, ...]:
        """All posts of these kinds on a SHA, newest per name, poster and suite. There are no check runs."""
        newest: _Newest = {}
        if "status" in kinds:
            await self._client.own_id()  # by which the caller knows which of them are ours
            for at in {place.sha for place in await self._places.of(repository, sha)} | {sha}:
                call = on(
                    repository, "statuses", f"/repository/commits/{segment(at)}/statuses", fleeting=True
                )
                for status in await self._client.items(call, Status):
                    _keep_newest(newest, _external_of_status(repository, sha, status))
        if "workflow_run" in kinds:
            answer = await self._client.send(on(repository, "project", ""))
            name = answer.read(Project).configuration
            for run in await self._places.pipelines(repository, sha):
                if run.source not in {POSTED_BY_OTHERS, CHILD}:
                    jobs = await self._jobs(repository, run)
                    _keep_newest(newest, _external_of_pipeline(repository, sha, name, run, jobs))
        return tuple(newest.values())

    async def _jobs(self, repository: Repository, run: Pipeline) -> list[Job]:
        """The newest of each of a pipeline's jobs and triggers, without what others posted in it."""
        found = []
        for kind in ("jobs", "bridges"):
            call = on(repository, f"pipeline_{kind}", f"/pipelines/{run.id}/{kind}", fleeting=True)
            found += await self._client.items(call, Job)
        return found

    async def run_again(self, repository: Repository, post: ExternalPosted) -> None:
        """Ask for one post's work again; see the protocol. Of a pipeline what failed or was canceled is run
        again, within it; where all of it passed, a new one is begun.
        """
        if post.kind != "workflow_run":
            await self._ask(repository, "job_retry", f"/jobs/{post.external_id}/retry")
            return
        if post.conclusion != "success":
            await self._ask(repository, "pipeline_retry", f"/pipelines/{post.external_id}/retry")
            return
        found = await self._client.send(on(repository, "pipeline", f"/pipelines/{post.external_id}"))
        await self._begin(repository, found.read(Pipeline).ref)

    async def dispatch(self, repository: Repository, workflow: str, branch: str) -> None:  # noqa: ARG002 - a project has one configuration
        """Begin a pipeline on a branch."""
        await self._begin(repository, branch)

    async def _begin(self, repository: Repository, ref: str) -> None:
        number = ref.removeprefix("refs/merge-requests/").partition("/")[0]
        if ref.startswith("refs/merge-requests/"):
            await self._ask(repository, "pipeline_of_merge_request", f"/merge_requests/{number}/pipelines")
        else:
            await self._ask(repository, "pipeline_create", "/pipeline", body={"ref": ref})

    async def _ask(
        self, repository: Repository, kind: str, path: str, *, body: dict[str, object] | None = None
    ) -> None:
        """Once: whether a lost answer did its work is told by what runs, not by asking again."""
        await self._client.send(on(repository, kind, path, method="POST", body=body, once=True))


def _keep_newest(newest: _Newest, post: ExternalPosted) -> None:
    key = (post.kind, post.name.lower(), post.poster, post.suite_id)
    known = newest.get(key)
    if known is None or post.age > known.age:
        newest[key] = post


def _external_of_status(repository: Repository, sha: Sha, status: Status) -> ExternalPosted:
    poster = actor_of(status.author)
    word, conclusion = progress(status.status)
    return ExternalPosted(
        repository=repository,
        kind="status",
        sha=sha,
        name=status.name,
        poster=poster.login,
        poster_id=poster.id,
        external_id=status.id,
        status=word,
        conclusion=conclusion,
        url=status.target_url or "",
        started_at=iso(status.started_at),
        at=iso(status.finished_at) or iso(status.started_at) or iso(status.created_at),
    )


def _external_of_pipeline(
    repository: Repository, sha: Sha, name: str, run: Pipeline, jobs: list[Job]
) -> ExternalPosted:
    """A pipeline as an external post, named by the project's configuration."""
    status, conclusion = of_jobs(((job.status, job.allow_failure) for job in jobs), run.status)
    began = [iso(job.started_at) for job in jobs if job.started_at]
    ended = [iso(job.finished_at) for job in jobs if job.finished_at]
    return ExternalPosted(
        repository=repository,
        kind="workflow_run",
        sha=sha,
        name=name,
        poster=CI,
        external_id=run.id,
        suite_id=SUITES.get(run.source, 0),
        status=status,
        conclusion=conclusion,
        url=run.web_url,
        started_at=min(began, default=""),
        at=max(ended, default="") or iso(run.created_at),
        attempt=max((job.id for job in jobs), default=0),  # a pipeline stays, jobs that run again are new
        cause=run.source,
    )
