"""The outer form that all GitHub deliveries share, and one view per event."""

from typing import Any

import msgspec

from app.forges.github.views import (
    CheckRun,
    CommentView,
    Installation,
    PullRequest,
    Repo,
    Suite,
    User,
    WorkflowRunView,
    actor_of,
    origin,
)
from app.model import Actor, Repository


class Missing(Exception):
    """A field without which the event says nothing is not there."""


class Envelope(msgspec.Struct, kw_only=True):
    """What every delivery may carry."""

    action: str = ""
    repository: Repo | None = None
    installation: Installation | None = None
    sender: User | None = None

    def where(self) -> Repository:
        """The repository, acting as the installation the delivery names (0 = none named)."""
        if self.repository is None or not self.repository.id or not self.repository.full_name:
            raise Missing("no repository")
        return self.repository.repository(self.installation_id)

    @property
    def installation_id(self) -> int:
        """The installation's id, 0 for hooks of a repository."""
        return self.installation.id if self.installation is not None else 0

    def who(self) -> Actor:
        """Who caused it."""
        return actor_of(self.sender)


class PingView(Envelope, kw_only=True):
    """`ping`."""

    hook_id: int = 0


class ChangedFrom(msgspec.Struct, kw_only=True):
    """The former value of something edited."""

    from_: Any = msgspec.field(name="from", default=None)


class ChangedBase(msgspec.Struct, kw_only=True):
    """The former base of a retargeted pull request."""

    ref: ChangedFrom | None = None


class Changes(msgspec.Struct, kw_only=True):
    """What `edited` changed."""

    base: ChangedBase | None = None
    title: ChangedFrom | None = None


class PullRequestView(Envelope, kw_only=True):
    """`pull_request` and `pull_request_review`; `before` is the head that a push replaced."""

    pull_request: PullRequest | None = None
    changes: Changes | None = None
    before: str = ""

    def subject(self) -> PullRequest:
        """The pull request; refused without number or head."""
        found = self.pull_request
        if found is None or not found.number or not found.head.sha:
            raise Missing("no pull request with a head")
        return found


class PushView(Envelope, kw_only=True):
    """`push`."""

    ref: str = ""
    before: str = ""
    after: str = ""
    created: bool = False
    deleted: bool = False
    forced: bool = False


class RequestedAction(msgspec.Struct, kw_only=True):
    """The button that was pressed."""

    identifier: str = ""


class CheckRunView(Envelope, kw_only=True):
    """`check_run`."""

    check_run: CheckRun | None = None
    requested_action: RequestedAction | None = None

    def subject(self) -> CheckRun:
        """The check run; refused without id or SHA."""
        found = self.check_run
        if found is None or not found.id or not found.head_sha:
            raise Missing("no check run")
        return found


class WorkflowView(msgspec.Struct, kw_only=True):
    """A workflow; `path` is its file."""

    path: str = ""


class WorkflowRunDeliveryView(Envelope, kw_only=True):
    """`workflow_run`."""

    workflow: WorkflowView | None = None
    workflow_run: WorkflowRunView | None = None

    def subject(self) -> WorkflowRunView:
        """The run, with the file (which older servers only tell of the workflow); refused without."""
        found = self.workflow_run
        path = self.workflow.path if self.workflow is not None else ""
        if found is None or not found.id or not found.head_sha or not (found.path or path):
            raise Missing("no workflow run")
        return found if found.path else msgspec.structs.replace(found, path=path)


class CheckSuiteView(Envelope, kw_only=True):
    """`check_suite`."""

    check_suite: Suite | None = None


class IssueView(msgspec.Struct, kw_only=True):
    """An issue; `pull_request` is there only when it is one."""

    number: int = 0
    pull_request: dict[str, Any] | None = None


class IssueCommentView(Envelope, kw_only=True):
    """`issue_comment`."""

    issue: IssueView | None = None
    comment: CommentView | None = None


class StatusDeliveryView(Envelope, kw_only=True):
    """`status`."""

    id: int = 0
    sha: str = ""
    context: str = ""
    state: str = ""
    target_url: str | None = None
    created_at: str | None = None
    updated_at: str | None = None


class HeadCommit(msgspec.Struct, kw_only=True):
    """The commit of a merge group."""

    message: str = ""


class Group(msgspec.Struct, kw_only=True):
    """A merge group: full ref names."""

    head_sha: str = ""
    head_ref: str = ""
    base_sha: str = ""
    base_ref: str = ""
    head_commit: HeadCommit | None = None


class MergeGroupView(Envelope, kw_only=True):
    """`merge_group`. `reason` of destroyed is merged, invalidated or dequeued."""

    merge_group: Group | None = None
    reason: str | None = None


class InstallationView(Envelope, kw_only=True):
    """`installation` and `installation_repositories`."""

    repositories: list[Repo] | None = None
    repositories_added: list[Repo] = []
    repositories_removed: list[Repo] = []

    def account(self) -> User:
        """Whose installation it is."""
        if self.installation is None or not self.installation.id or self.installation.account is None:
            raise Missing("no installation with an account")
        return self.installation.account

    def added(self, repos: list[Repo] | None) -> tuple[Repository, ...]:
        """Repositories in short form: `default_branch` is '' until read from the forge."""
        web = origin(self.account().html_url)
        return tuple(repo.repository(self.installation_id, web_url=web) for repo in repos or ())
