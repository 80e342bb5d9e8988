"""A small GitLab: the same world, in GitLab's words.

Statuses follow GitLab's own Ci::CreateCommitStatusService: one that has not ended is changed in place, by its
author, name and pipeline; after its end another one takes its place.
"""

from collections.abc import Sequence

from app.practice.changes import Forbidden
from app.practice.forge import PracticeForge
from app.practice.git import Signature
from app.practice.gitlab.events import GitLabEvents
from app.practice.gitlab.state import ENDED, Job, Pipeline, PostedStatus, Project, Webhook
from app.practice.posts import Invalid
from app.practice.state import Account, PullRequest, Repository, Status
from app.practice.world import NotThere, World

_EVENT = {"pending": ":enqueue", "running": ":run", "success": ":success", "failed": ":drop"}
_FROM = {
    "pending": frozenset({"created"}),
    "running": frozenset({"created", "pending"}),
}
_WORDS = {"failure": "failed", "error": "failed"}
_SHARED = {"running": "pending", "failed": "failure", "canceled": "error"}
_BEFORE_THE_END = frozenset({"created", "pending", "running"})


class PracticeGitLab(PracticeForge):
    """Make one around a World, serve it with `serving(forge, face=gitlab_app)`, act by its methods."""

    pulls = "refs/merge-requests"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.projects: dict[int, Project] = {}
        self.repeats = True
        """Whether a status may be posted that is so already: GitLab 18.3 and newer take what it says anew."""
        self.told = GitLabEvents(world, self.hooks, self.projects)
        self.events = self.told

    def signature(self, login: str) -> Signature:
        """How somebody signs commits now: with GitLab's private address."""
        account = self.world.account(login)
        email = f"{account.id}-{account.login}@users.noreply.practice.invalid"
        return Signature(name=account.login, email=email, at=int(self.world.clock()))

    def own(self, repo: Repository) -> Project:
        """What GitLab keeps of a project."""
        return self.projects.setdefault(repo.id, Project())

    def add_access_token(self, name: str, *repositories: Repository) -> Account:
        """A project's access token as Maintainer: an account of its own, with its token."""
        number = self.world.new_id()
        bot = Account(
            id=number, login=f"project_{number}_bot", type="Bot", name=name, token=f"glpat-{number:020d}"
        )
        self.world.accounts[bot.login] = bot
        for repo in repositories:
            repo.permissions[bot.login] = "maintain"
        return bot

    def add_hook(
        self, repo: Repository, url: str, *, token: str, signing_token: str, tells: set[str]
    ) -> Webhook:
        """A webhook of a project."""
        hook = Webhook(id=self.world.new_id(), url=url, token=token, signing_token=signing_token, tells=tells)
        self.own(repo).hooks[hook.id] = hook
        return hook

    # Pipelines

    def begin_pipeline(
        self,
        by: str,
        repo: Repository,
        sha: str,
        *,
        ref: str,
        source: str = "push",
        number: int = 0,
        jobs: Sequence[str] = ("build",),
    ) -> Pipeline:
        """A pipeline begins, its jobs wait for a runner."""
        now = self.world.stamp()
        run = Pipeline(
            id=self.world.new_id(),
            sha=sha,
            ref=ref,
            source=source,
            actor=self.world.account(by),
            created_at=now,
            updated_at=now,
            number=number,
            jobs=[Job(id=self.world.new_id(), name=name) for name in jobs],
        )
        self.own(repo).pipelines[run.id] = run
        self.told.pipeline(repo, run)
        return run

    async def merged_results(self, by: str, repo: Repository, pull: PullRequest) -> Pipeline:
        """A pipeline for the merge of a merge request, whose SHA is not the head's."""
        ref = f"refs/merge-requests/{pull.number}/merge"
        sha = await repo.git.tip(ref)
        if sha is None:
            raise Invalid("it does not merge")
        return self.begin_pipeline(by, repo, sha, ref=ref, source="merge_request_event", number=pull.number)

    def progress_pipeline(self, repo: Repository, run: Pipeline) -> None:
        """Runners have taken its jobs."""
        now = self.world.stamp()
        for job in run.jobs:
            if job.status not in ENDED:
                job.status, job.started_at = "running", now
        run.updated_at = now
        self.told.pipeline(repo, run)

    def finish_pipeline(self, repo: Repository, run: Pipeline, status: str) -> None:
        """Its jobs end."""
        now = self.world.stamp()
        for job in run.jobs:
            if job.status not in ENDED:
                job.status, job.started_at, job.finished_at = status, job.started_at or now, now
        run.updated_at = now
        self.told.pipeline(repo, run)

    def retry_pipeline(self, repo: Repository, run: Pipeline) -> None:
        """What failed or was canceled waits for a runner again."""
        for job in run.jobs:
            if job.status in {"failed", "canceled"}:
                job.id, job.status = self.world.new_id(), "pending"
                job.started_at = job.finished_at = None
        run.updated_at = self.world.stamp()
        self.told.pipeline(repo, run)

    def head_pipeline(self, repo: Repository, pull: PullRequest) -> Pipeline | None:
        """The newest pipeline that runs for a merge request, or for its head."""
        found = [
            run
            for run in self.own(repo).pipelines.values()
            if run.number == pull.number or run.sha == pull.head_sha
        ]
        return max(found, key=lambda run: run.id, default=None)

    # Statuses

    async def set_status(
        self,
        by: Account,
        repo: Repository,
        sha: str,
        *,
        state: str,
        name: str,
        ref: str = "",
        pipeline_id: int = 0,
        description: str | None = None,
        target_url: str | None = None,
    ) -> PostedStatus:
        """Post a commit status. Raises NotThere, Invalid."""
        own = self.own(repo)
        if await repo.git.tip(sha) is None:
            raise NotThere("Commit")
        run = self._place(repo, sha, ref, pipeline_id)
        if run is None:
            ref = ref or await self._branch_of(repo, sha)
            run = self.begin_pipeline(by.login, repo, sha, ref=ref, source="external", jobs=())
        before = own.status_of(run)
        going = [
            each
            for each in own.statuses
            if (each.pipeline_id, each.name, each.author.id) == (run.id, name, by.id)
            and each.status in _BEFORE_THE_END
        ]
        status = going[-1] if going else self._new_status(by, run, name)
        again = self.repeats and bool(going) and status.status == state
        if not again and status.status not in _FROM.get(state, _BEFORE_THE_END):
            event = _EVENT.get(state, ":cancel")
            raise Invalid(
                f"Cannot transition status via {event} from :{status.status} "
                f'(Reason(s): Status cannot transition via "{event[1:]}")'
            )
        now = self.world.stamp()
        status.status, status.description, status.target_url = state, description, target_url
        status.started_at = status.started_at or (now if state != "pending" else None)
        status.finished_at = now if state in ENDED else None
        if not going:
            own.statuses.append(status)
        repo.statuses.append(self._as_others_have_it(status))
        if own.status_of(run) != before:
            run.updated_at = now
            self.told.pipeline(repo, run)
        return status

    async def post_status(
        self,
        by: str,
        repo: Repository,
        sha: str,
        *,
        context: str = "default",
        state: str = "success",
        description: str | None = None,
        target_url: str | None = None,
    ) -> Status:
        """Post a commit status, said in the words that all practice forges share."""
        await self.set_status(
            self.world.account(by),
            repo,
            sha,
            state=_WORDS.get(state, state),
            name=context,
            description=description,
            target_url=target_url,
        )
        return repo.statuses[-1]

    def _as_others_have_it(self, found: PostedStatus) -> Status:
        return Status(
            id=found.id,
            sha=found.sha,
            context=found.name,
            state=_SHARED.get(found.status, found.status),
            description=found.description,
            target_url=found.target_url,
            creator=found.author,
            created_at=self.world.stamp(),
        )

    def _place(self, repo: Repository, sha: str, ref: str, pipeline_id: int) -> Pipeline | None:
        found = [
            run
            for run in self.own(repo).pipelines.values()
            if run.sha == sha and ref in {"", run.ref} and pipeline_id in {0, run.id}
        ]
        if pipeline_id and not found:
            raise NotThere("Pipeline for pipeline_id, sha and ref")
        return max(found, key=lambda run: run.id, default=None)

    async def _branch_of(self, repo: Repository, sha: str) -> str:
        out = await repo.git.run("branch", "--format=%(refname:short)", "--contains", sha)
        names = out.decode().split()
        if not names:
            raise NotThere("References for commit")
        return names[0]

    def _new_status(self, by: Account, run: Pipeline, name: str) -> PostedStatus:
        return PostedStatus(
            id=self.world.new_id(),
            sha=run.sha,
            ref=run.ref,
            name=name,
            status="created",
            pipeline_id=run.id,
            author=by,
            target_url=None,
            description=None,
            created_at=self.world.stamp(),
        )

    async def merge(self, by: str, repo: Repository, pull: PullRequest) -> str:
        """Merge. Raises Forbidden while the pipeline must succeed and has not."""
        own, head = self.own(repo), self.head_pipeline(repo, pull)
        if own.pipeline_must_succeed and (head is None or own.status_of(head) != "success"):
            raise Forbidden("the pipeline must succeed")
        return await super().merge(by, repo, pull)
