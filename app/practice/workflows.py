"""GitHub Actions, as far as others see of it: workflows that begin, run, end and run again.

Rules: docs.github.com "REST API endpoints for workflow runs" and "Events that trigger workflows". What a job
does is up to the caller; a job is a check run of the app `github-actions`, and a run has a suite of its own.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from app.practice.changes import Forbidden
from app.practice.posts import Invalid, Posts
from app.practice.state import App, CheckRun, CheckSuite, Repository, WorkflowRun
from app.practice.world import NotThere

ACTIONS: Final = "github-actions"
FOLDER: Final = ".github/workflows/"


class Workflows(Posts):
    """Actions on workflow runs."""

    async def start_workflow(
        self,
        by: str,
        repo: Repository,
        path: str,
        sha: str,
        *,
        event: str = "pull_request",
        branch: str | None = None,
        jobs: Sequence[str] = ("build",),
    ) -> WorkflowRun:
        """A workflow (by its file's path) begins for a commit: queued, each job with a check run."""
        if await repo.git.tip(sha) is None:
            raise Invalid(f"No commit found for SHA: {sha}")
        world, app, now = self.world, self._actions(repo), self.world.stamp()
        suite = CheckSuite(
            id=world.new_id(), app_id=app.id, head_sha=sha, head_branch=branch, created_at=now, updated_at=now
        )
        repo.suites[suite.id] = suite
        run = WorkflowRun(
            id=world.new_id(),
            number=1 + sum(1 for other in repo.workflow_runs.values() if other.path == path),
            path=path,
            event=event,
            head_sha=sha,
            head_branch=branch,
            suite_id=suite.id,
            actor=world.account(by),
            declared=tuple(jobs),
            created_at=now,
            updated_at=now,
        )
        repo.workflow_runs[run.id] = run
        self._queue(repo, run, app, run.declared)
        await self.events.workflow_run("requested", repo, run, run.actor)
        return run

    def _actions(self, repo: Repository) -> App:
        """The app that runs workflows."""
        try:
            return self.world.app(ACTIONS)
        except NotThere:
            return self.world.add_app(ACTIONS, owner=repo.owner, permissions={"checks": "write"})

    def _queue(self, repo: Repository, run: WorkflowRun, app: App, names: Sequence[str]) -> None:
        """New jobs of these names, in the place of older ones."""
        kept = [job for job in run.jobs if repo.runs[job].name not in names]
        queued = []
        for name in names:
            job = CheckRun(
                id=self.world.new_id(), suite_id=run.suite_id, app_id=app.id, name=name,
                head_sha=run.head_sha, started_at=self.world.stamp(),
            )  # fmt: skip
            repo.runs[job.id] = job
            queued.append(job.id)
            self.events.check_run("created", repo, job, app.bot)
        run.jobs = [*kept, *queued]

    async def progress_workflow(self, repo: Repository, run: WorkflowRun) -> None:
        """A runner has taken it."""
        run.status, run.updated_at = "in_progress", self.world.stamp()
        for job in run.jobs:
            if repo.runs[job].status == "queued":
                repo.runs[job].status = "in_progress"
        await self.events.workflow_run("in_progress", repo, run, run.actor)

    async def finish_workflow(
        self, repo: Repository, run: WorkflowRun, conclusion: str, jobs: Mapping[str, str] | None = None
    ) -> None:
        """It ends; a job that is not in `jobs` ends like the whole."""
        now, bot = self.world.stamp(), self._actions(repo).bot
        for job in map(repo.runs.__getitem__, run.jobs):
            if job.status != "completed":
                job.status, job.completed_at = "completed", now
                job.conclusion = (jobs or {}).get(job.name, conclusion)
                self.events.check_run("completed", repo, job, bot)
        run.status, run.conclusion, run.updated_at = "completed", conclusion, now
        await self.events.workflow_run("completed", repo, run, run.actor)

    async def rerun_workflow(
        self, by: str, repo: Repository, run: WorkflowRun, *, failed_only: bool = False
    ) -> None:
        """Run it, or its failed jobs, again: told when a runner takes it, not when it is asked for. Raises
        Forbidden while it runs.
        """
        if run.status != "completed":
            raise Forbidden("This workflow is already running")
        names = [
            job.name
            for job in map(repo.runs.__getitem__, run.jobs)
            if not failed_only or job.conclusion not in {"success", "skipped", "neutral"}
        ]
        if not names:
            raise Forbidden("This workflow run cannot be retried")
        run.attempt += 1
        run.status, run.conclusion, run.updated_at = "queued", None, self.world.stamp()
        run.actor = self.world.account(by)
        self._queue(repo, run, self._actions(repo), names)

    async def dispatch_workflow(self, by: str, repo: Repository, file: str, ref: str) -> WorkflowRun:
        """Start a workflow by hand on a branch. Raises NotThere for an unknown one, Invalid for one that
        cannot be started so.
        """
        path = f"{FOLDER}{file}"
        if await repo.git.blob(repo.default_branch, path) is None:
            raise NotThere(path)
        branch = ref.removeprefix("refs/heads/")
        sha = await repo.git.tip(f"refs/heads/{branch}")
        if sha is None:
            raise Invalid(f"No ref found for: {ref}")
        found = await repo.git.blob(sha, path)
        if found is None or b"workflow_dispatch" not in found[2]:
            raise Invalid("Workflow does not have 'workflow_dispatch' trigger")
        return await self.start_workflow(by, repo, path, sha, event="workflow_dispatch", branch=branch)
