"""Narrow views of GitLab's JSON: only the fields that are used, every one with a default.

GitLab adds fields with every release and old servers lack new ones, so nothing here is a full model; unknown
fields are skipped while decoding.
"""

import re
from typing import Final

import msgspec

from app.forges.gitlab.texts import CONFIGURATION
from app.model import Actor, ActorKind, Change, ChangeKind, ChangeState, Repository, Sha

INSTALLATION: Final = 1
"""GitLab knows no installations: a connection's token is the one."""
PUBLIC: Final = 20
"""`visibility_level` of what everybody may read; `internal` is for whoever is signed in."""
_BOT: Final = re.compile(
    r"(?:project|group)_\d+_bot(?:_[0-9a-z]+)?|service_account_\S+|ghost\d*|(?:alert|support|security)-bot\d*"
    r"|gitlab-(?:duo|bot|dependency\S*|security\S*)",
    re.IGNORECASE,
)
_STATES: Final = {"merged": ChangeState.MERGED, "closed": ChangeState.CLOSED}


class Account(msgspec.Struct, kw_only=True):
    """A GitLab user. Deliveries do not tell `bot`; the names of access tokens' users do."""

    id: int = 0
    username: str = ""
    name: str = ""
    bot: bool = False
    state: str = "active"
    public_email: str | None = None

    def actor(self) -> Actor:
        """Who this is, for trust: access tokens and GitLab's own accounts are no people."""
        machine = self.bot or _BOT.fullmatch(self.username)
        return Actor(login=self.username, id=self.id, kind=ActorKind.BOT if machine else ActorKind.PERSON)


NOBODY: Final = Actor(login="ghost", id=0, kind=ActorKind.BOT)
"""Stands for a deleted account: counts for nothing."""


def actor_of(account: Account | None) -> Actor:
    """The actor behind a user object; NOBODY where there is none."""
    return account.actor() if account is not None and account.username else NOBODY


class Project(msgspec.Struct, kw_only=True):
    """A project: deliveries tell `visibility_level` and `git_http_url`, the API the other two."""

    id: int = 0
    path_with_namespace: str = ""
    default_branch: str | None = None
    visibility_level: int | None = None
    visibility: str = ""
    git_http_url: str | None = None
    http_url_to_repo: str | None = None
    archived: bool = False
    marked_for_deletion_on: str | None = None
    ci_config_path: str | None = None
    only_allow_merge_if_pipeline_succeeds: bool = False
    only_allow_merge_if_all_status_checks_passed: bool | None = None

    def repository(self) -> Repository:
        """The repository as Portcullis names it. What nobody says to be public is private."""
        if self.visibility_level is None:
            public = self.visibility == "public"
        else:
            public = self.visibility_level >= PUBLIC
        return Repository(
            forge="gitlab",
            forge_id=self.id,
            full_name=self.path_with_namespace,
            installation_id=INSTALLATION,
            default_branch=self.default_branch or "",
            private=not public,
            clone_url=self.http_url_to_repo or self.git_http_url or "",
        )

    @property
    def configuration(self) -> str:
        """The file that tells what its pipelines do."""
        return self.ci_config_path or CONFIGURATION


class MergeRequest(msgspec.Struct, kw_only=True):
    """A merge request of the API; `sha` is its head, null while GitLab has not looked yet."""

    iid: int = 0
    title: str = ""
    web_url: str = ""
    state: str = "opened"
    draft: bool | None = None
    work_in_progress: bool | None = None
    author: Account | None = None
    labels: list[str] = []
    source_branch: str = ""
    target_branch: str = ""
    source_project_id: int | None = None
    target_project_id: int = 0
    sha: str | None = None
    updated_at: str = ""
    head_pipeline: "Pipeline | None" = None

    def change(self, head_repository: str | None) -> Change:
        """The change. A head without a project (deleted fork) counts as a fork."""
        return Change(
            kind=ChangeKind.PULL_REQUEST,
            key=f"pr-{self.iid}",
            number=self.iid,
            reference=f"!{self.iid}",
            title=self.title,
            url=self.web_url,
            author=actor_of(self.author),
            base_ref=self.target_branch,
            head_ref=self.source_branch,
            head_sha=Sha(self.sha or ""),
            head_repository=head_repository,
            from_fork=self.source_project_id != self.target_project_id,
            draft=bool(self.draft or self.work_in_progress),
            labels=tuple(self.labels),
            state=state_of(self.state),
        )


def state_of(word: str) -> ChangeState:
    """Where a merge request is; `locked` is one that is just being merged."""
    return _STATES.get(word, ChangeState.OPEN)


class Note(msgspec.Struct, kw_only=True):
    """A comment; `system` ones GitLab wrote."""

    id: int = 0
    body: str = ""
    author: Account | None = None
    system: bool = False
    created_at: str = ""
    updated_at: str = ""
    noteable_iid: int | None = None


class Approval(msgspec.Struct, kw_only=True):
    """Who approved; newer servers tell when."""

    user: Account | None = None
    approved_at: str | None = None


class Approvals(msgspec.Struct, kw_only=True):
    """The approvals of a merge request."""

    approved_by: list[Approval] = []


class Reviewer(msgspec.Struct, kw_only=True):
    """A reviewer; `state` is unreviewed, reviewed, requested_changes, approved and others."""

    user: Account | None = None
    state: str = ""
    updated_state_at: str | None = None


class Version(msgspec.Struct, kw_only=True):
    """A version of a merge request's diff: its head since when."""

    head_commit_sha: str = ""
    created_at: str = ""


class Member(msgspec.Struct, kw_only=True):
    """A member of a project or group, inherited ones included."""

    id: int = 0
    username: str = ""
    state: str = "active"
    membership_state: str = "active"
    access_level: int = 0


class Commit(msgspec.Struct, kw_only=True):
    """A commit: GitLab tells no account of its author."""

    id: str = ""
    author_name: str = ""
    author_email: str = ""
    committer_email: str = ""
    parent_ids: list[str] = []


class Status(msgspec.Struct, kw_only=True):
    """A job of GitLab CI, or a commit status that somebody posted: GitLab lists both."""

    id: int = 0
    name: str = ""
    sha: str = ""
    ref: str | None = None
    status: str = ""
    target_url: str | None = None
    description: str | None = None
    author: Account | None = None
    created_at: str = ""
    started_at: str | None = None
    finished_at: str | None = None
    pipeline_id: int | None = None


class Job(msgspec.Struct, kw_only=True):
    """A job of a pipeline, or a trigger of another; run again it is another one."""

    id: int = 0
    status: str = ""
    allow_failure: bool = False
    started_at: str | None = None
    finished_at: str | None = None


class Pipeline(msgspec.Struct, kw_only=True):
    """A pipeline. `ref` of those for merge requests is `refs/merge-requests/N/head`, `/merge` or `/train`."""

    id: int = 0
    sha: str = ""
    ref: str = ""
    status: str = ""
    source: str = ""
    web_url: str = ""
    created_at: str = ""
    updated_at: str = ""
    project_id: int = 0


class File(msgspec.Struct, kw_only=True):
    """A file at a ref."""

    encoding: str = ""
    content: str = ""


class Branch(msgspec.Struct, kw_only=True):
    """A branch, or (as `*` may be in it) the name of a protection."""

    name: str = ""
    protected: bool = True


class StatusCheck(msgspec.Struct, kw_only=True):
    """An external status check of a project."""

    id: int = 0
    name: str = ""
    external_url: str = ""


class Hook(msgspec.Struct, kw_only=True):
    """A webhook of a project or group."""

    id: int = 0
    url: str = ""
    push_events: bool = False
    merge_requests_events: bool = False
    note_events: bool = False
    pipeline_events: bool = False
    job_events: bool = False
    alert_status: str = "executable"


class AccessToken(msgspec.Struct, kw_only=True):
    """The token that asks, as GitLab describes it."""

    name: str = ""
    scopes: list[str] = []
    active: bool = True
    expires_at: str | None = None


class Group(msgspec.Struct, kw_only=True):
    """A group."""

    id: int = 0
    full_path: str = ""
