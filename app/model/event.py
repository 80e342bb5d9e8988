"""Typed facts read from deliveries. What nobody needs is `Ignored(reason)`, never None."""

from typing import Literal

import msgspec

from app.model.change import Actor, Change, Repository, Sha


class Ignored(msgspec.Struct, frozen=True, kw_only=True, tag="ignored"):
    """A delivery that changes nothing here, and why."""

    reason: str


class Ping(msgspec.Struct, frozen=True, kw_only=True, tag="ping"):
    """The forge tries its webhook."""

    hook_id: int


class PullRequestChanged(msgspec.Struct, frozen=True, kw_only=True, tag="pull_request"):
    """A pull request as it is now. `action` is the forge's word; `sender` who caused it.

    `brought_head` is true when this delivery brought head_sha (opened, synchronize):
    then `change.pusher` is the sender. `before` is the head it replaced, where the forge says; `at` when
    the pull request was last touched by then (ISO 8601).
    """

    action: str
    repository: Repository
    change: Change
    sender: Actor
    brought_head: bool = False
    retargeted: bool = False
    before: Sha | None = None
    at: str = ""


class Pushed(msgspec.Struct, frozen=True, kw_only=True, tag="push"):
    """A branch moved. `after` is None when it was deleted, `before` None when it was created."""

    repository: Repository
    branch: str
    before: Sha | None
    after: Sha | None
    sender: Actor
    forced: bool = False


class MergeGroupChanged(msgspec.Struct, frozen=True, kw_only=True, tag="merge_group"):
    """The merge queue asks for (or destroys) a group."""

    action: Literal["checks_requested", "destroyed"]
    repository: Repository
    change: Change
    sender: Actor


PostKind = Literal["check_run", "status", "workflow_run"]


class ExternalPosted(msgspec.Struct, frozen=True, kw_only=True, tag="external"):
    """Another system's (or our own) check run or commit status on a SHA, or a run of a workflow for it.

    `poster` is the app's slug for check runs and workflow runs, the creator's login for statuses. A workflow
    run's `name` is the path of its file; its id stays when it is run again, `attempt` counts (0 = unknown);
    `cause` is what began it (`pull_request`).
    """

    repository: Repository
    kind: PostKind
    sha: Sha
    name: str
    poster: str
    poster_id: int = 0
    external_id: int = 0
    suite_id: int = 0
    status: Literal["queued", "in_progress", "completed"] = "completed"
    conclusion: str = ""
    url: str = ""
    started_at: str = ""
    at: str = ""
    attempt: int = 0
    cause: str = ""

    @property
    def mark(self) -> str:
        """What it is known by: another one where it is run again, or anything else is said."""
        what = f"{self.kind}:{self.external_id}:{self.status}"
        return f"{what}:{self.attempt}" if self.attempt else f"{what}:{self.at}"

    @property
    def age(self) -> tuple[int, int, str, int]:
        """Orders posts of one name, the newest last: by the forge's own numbering, for who posts writes the
        times as they like.
        """
        progress = ("queued", "in_progress", "completed").index(self.status)
        return self.external_id, self.attempt, self.at, progress


class PostsChanged(msgspec.Struct, frozen=True, kw_only=True, tag="posts"):
    """Others posted something for a commit, or for the merge of a pull request (`number`, 0 = none is
    told): what there is must be read. `began`: something began to run in which our verdict is not shown yet.
    """

    repository: Repository
    sha: Sha
    number: int = 0
    began: bool = False
    sender: Actor


class RerunRequested(msgspec.Struct, frozen=True, kw_only=True, tag="rerun"):
    """A person pressed re-run in the forge's own interface, or one of our buttons.

    `button` is our button's identifier or '' for the forge's re-run; `app_id` names whose check run
    or suite it was; `name` is '' when a whole suite was re-run.
    """

    repository: Repository
    sha: Sha
    app_id: int
    name: str = ""
    external_id: str = ""
    button: str = ""
    sender: Actor


class CommentCreated(msgspec.Struct, frozen=True, kw_only=True, tag="comment"):
    """A comment on a pull request that may hold commands; the text is re-read by id."""

    repository: Repository
    number: int
    comment_id: int
    author: Actor
    body: str


class ReviewChanged(msgspec.Struct, frozen=True, kw_only=True, tag="review"):
    """A review was submitted, edited or dismissed: facts about people must be read again."""

    repository: Repository
    number: int
    sender: Actor


class InstallationChanged(msgspec.Struct, frozen=True, kw_only=True, tag="installation"):
    """The app was installed, suspended, removed, or its repositories changed.

    `added` are repositories to judge from now on, `removed` forge ids to stop at.
    """

    action: str
    installation_id: int
    account: str
    added: tuple[Repository, ...] = ()
    removed: tuple[int, ...] = ()
    sender: Actor


class RepositoryChanged(msgspec.Struct, frozen=True, kw_only=True, tag="repository"):
    """A repository was renamed, made private or public, edited, or is `gone` (deleted, archived)."""

    action: str
    repository: Repository
    gone: bool = False
    sender: Actor


Event = (
    Ignored
    | Ping
    | PullRequestChanged
    | Pushed
    | MergeGroupChanged
    | ExternalPosted
    | PostsChanged
    | RerunRequested
    | CommentCreated
    | ReviewChanged
    | InstallationChanged
    | RepositoryChanged
)
