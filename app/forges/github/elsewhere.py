"""What other systems posted on a commit, and asking them to run again or to begin."""

from collections.abc import Collection

import msgspec

from app.forges.github.calls import Call
from app.forges.github.client import Client
from app.forges.github.readers import ACTIONS, external_of_check_run, external_of_workflow_run
from app.forges.github.views import CheckRun, StatusView, WorkflowRunView, actor_of
from app.forges.rest.calls import segment
from app.model import ExternalPosted, Misconfigured, PostKind, Repository, Sha

RUNS = "already running"
"""GitHub's words where a workflow run is at work, in an answer 403."""
_Newest = dict[tuple[str, str, str, int], ExternalPosted]


class _CheckRuns(msgspec.Struct, kw_only=True):
    check_runs: list[CheckRun] = []


class _WorkflowRuns(msgspec.Struct, kw_only=True):
    workflow_runs: list[WorkflowRunView] = []


class Elsewhere:
    """The half of the GitHub forge that is about other systems' checks."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def external_posts(
        self, repository: Repository, sha: Sha, kinds: Collection[PostKind]
    ) -> tuple[ExternalPosted, ...]:
        """All posts of these kinds on a SHA, newest per name, poster and suite."""
        newest: _Newest = {}
        at = f"/commits/{segment(sha)}"
        if "check_run" in kinds:
            call = Call.on(repository, "check_runs", f"{at}/check-runs", params={"filter": "latest"})
            async for page in self._client.pages(call, _CheckRuns):
                for run in page.check_runs:
                    _keep_newest(newest, external_of_check_run(repository, run))
        if "status" in kinds:
            call = Call.on(repository, "statuses", f"{at}/statuses")
            for view in await self._client.items(call, StatusView):
                _keep_newest(newest, _external_of_status(repository, sha, view))
        if "workflow_run" in kinds:
            for found in await self._workflow_runs(repository, {"head_sha": sha}):
                _keep_newest(newest, external_of_workflow_run(repository, found))
        return tuple(newest.values())

    async def _workflow_runs(
        self, repository: Repository, params: dict[str, str | int]
    ) -> list[WorkflowRunView]:
        call = Call.on(repository, "workflow_runs", "/actions/runs", params=params)
        return [run async for page in self._client.pages(call, _WorkflowRuns) for run in page.workflow_runs]

    async def run_again(self, repository: Repository, post: ExternalPosted) -> None:
        """Ask for one post's work again; see the protocol. Of GitHub Actions what failed is run again, of
        other apps GitHub only lets each ask for its own check runs, and says so.
        """
        if post.kind == "status":
            raise Misconfigured(
                "a commit status cannot be asked for again", hint="run it again where it was made"
            )
        if post.kind == "check_run" and post.poster != ACTIONS:
            await self._ask(repository, "check_run_rerequest", f"/check-runs/{post.external_id}/rerequest")
            return
        run_id = post.external_id
        if post.kind == "check_run":
            found = await self._workflow_runs(repository, {"check_suite_id": post.suite_id})
            if not found:
                raise Misconfigured("the workflow run that it belongs to is not there any more")
            run_id = found[0].id
        what = "rerun" if post.conclusion == "success" else "rerun-failed-jobs"
        try:
            await self._ask(repository, "workflow_rerun", f"/actions/runs/{run_id}/{what}")
        except Misconfigured as refused:
            if RUNS not in refused.message.lower():  # else for another job of it, or our answer was lost
                raise

    async def dispatch(self, repository: Repository, workflow: str, branch: str) -> None:
        """Start a workflow (by its file's path) on a branch."""
        file = segment(workflow.rpartition("/")[2])
        path = f"/actions/workflows/{file}/dispatches"
        await self._ask(repository, "workflow_dispatch", path, body={"ref": branch})

    async def _ask(
        self, repository: Repository, kind: str, path: str, *, body: dict[str, object] | None = None
    ) -> None:
        """Once: whether a lost answer did its work is told by what runs, not by asking again."""
        await self._client.send(Call.on(repository, kind, path, method="POST", body=body, once=True))


def _keep_newest(newest: _Newest, post: ExternalPosted) -> None:
    key = (post.kind, post.name.lower(), post.poster, post.suite_id)
    known = newest.get(key)
    if known is None or post.age > known.age:
        newest[key] = post


def _external_of_status(repository: Repository, sha: Sha, view: StatusView) -> ExternalPosted:
    poster, pending = actor_of(view.creator), view.state == "pending"
    return ExternalPosted(
        repository=repository,
        kind="status",
        sha=sha,
        name=view.context,
        poster=poster.login,
        poster_id=poster.id,
        external_id=view.id,
        status="in_progress" if pending else "completed",
        conclusion="" if pending else view.state,
        url=view.target_url or "",
        at=view.updated_at or view.created_at,
    )
