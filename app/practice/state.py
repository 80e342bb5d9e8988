"""What the practice forge remembers. Plain mutable records; `world.py` keeps them consistent."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.practice.git import Git

LEVELS = ("none", "read", "triage", "write", "maintain", "admin")
"""Permissions of people, weakest first."""


@dataclass(kw_only=True)
class Account:
    """A person, an organisation or a bot. `type` is GitHub's word: User, Organization, Bot. `name` and
    `email` are shown to all; `addresses` are e-mail addresses of theirs that only the forge knows.
    """

    id: int
    login: str
    type: str = "User"
    token: str = ""
    name: str | None = None
    email: str | None = None
    addresses: set[str] = field(default_factory=set)


@dataclass(kw_only=True)
class Team:
    """A team of an organisation; `parent` is the slug of the team it is nested in."""

    id: int
    organization: str
    slug: str
    members: set[str] = field(default_factory=set)
    parent: str | None = None


@dataclass(kw_only=True)
class App:
    """A GitHub App. `private_key` is PEM; `content_type` of its deliveries is json or form."""

    id: int
    slug: str
    name: str
    owner: str
    private_key: str = field(repr=False)
    public_key: str = field(repr=False)
    bot: Account
    webhook_url: str = ""
    webhook_secret: str = field(default="", repr=False)
    content_type: str = "json"
    permissions: dict[str, str] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)
    client_id: str = ""
    hook_id: int = 0
    setup_url: str = ""
    created_at: str = ""


@dataclass(kw_only=True)
class Installation:
    """An app in an account. `repositories` None = all of the account."""

    id: int
    app_id: int
    account: str
    repositories: set[int] | None = None
    permissions: dict[str, str] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)
    suspended_at: str | None = None
    created_at: str = ""


@dataclass(kw_only=True)
class AccessToken:
    """An installation token; `expires` in epoch seconds, `repositories` None = all it reaches."""

    token: str = field(repr=False)
    installation_id: int
    expires: float
    permissions: dict[str, str]
    repositories: set[int] | None = None
    revoked: bool = False


@dataclass(kw_only=True)
class Reaction:
    """A reaction on a comment."""

    id: int
    author: Account
    content: str
    created_at: str


@dataclass(kw_only=True)
class Comment:
    """A comment of a pull request. `app_id` is set when an app wrote it."""

    id: int
    number: int
    author: Account
    body: str
    created_at: str
    updated_at: str
    app_id: int | None = None
    reactions: list[Reaction] = field(default_factory=list)


@dataclass(kw_only=True)
class Review:
    """A review. `state` is APPROVED, CHANGES_REQUESTED, COMMENTED or DISMISSED."""

    id: int
    author: Account
    state: str
    body: str
    commit_id: str
    submitted_at: str


@dataclass(kw_only=True)
class Label:
    """A label of a repository."""

    id: int
    name: str


@dataclass(kw_only=True)
class PullRequest:
    """A pull request. `head_repository` is None once its fork was deleted."""

    id: int
    number: int
    title: str
    body: str
    author: Account
    base_ref: str
    base_sha: str
    head_repository: int | None
    head_owner: str
    head_ref: str
    head_sha: str
    draft: bool = False
    state: str = "open"
    merged_at: str | None = None
    merged_by: Account | None = None
    closed_at: str | None = None
    merge_commit_sha: str | None = None
    mergeable: bool | None = None
    labels: list[Label] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    created_at: str = ""
    updated_at: str = ""


@dataclass(kw_only=True)
class CheckSuite:
    """One per app and SHA."""

    id: int
    app_id: int
    head_sha: str
    head_branch: str | None
    created_at: str
    updated_at: str


@dataclass(kw_only=True)
class CheckRun:
    """A check run; `output` and `actions` as the app sent them, annotations apart."""

    id: int
    suite_id: int
    app_id: int
    name: str
    head_sha: str
    external_id: str = ""
    details_url: str | None = None
    status: str = "queued"
    conclusion: str | None = None
    started_at: str | None = None
    completed_at: str | None = None
    title: str | None = None
    summary: str | None = None
    text: str | None = None
    annotations: list[dict[str, Any]] = field(default_factory=list)
    actions: list[dict[str, str]] = field(default_factory=list)
    history: list[str] = field(default_factory=list)
    """Every status and conclusion it ever had: `in_progress`, `completed:success`, …"""


@dataclass(kw_only=True)
class WorkflowRun:
    """A run of a workflow of GitHub Actions. `jobs` are the ids of its newest attempt's jobs, which are check
    runs of the app `github-actions`; `declared` their names.
    """

    id: int
    number: int
    path: str
    event: str
    head_sha: str
    head_branch: str | None
    suite_id: int
    actor: Account
    declared: tuple[str, ...]
    created_at: str
    updated_at: str
    status: str = "queued"
    conclusion: str | None = None
    attempt: int = 1
    jobs: list[int] = field(default_factory=list)


@dataclass(kw_only=True)
class Status:
    """A commit status."""

    id: int
    sha: str
    context: str
    state: str
    description: str | None
    target_url: str | None
    creator: Account
    created_at: str


@dataclass(kw_only=True)
class RequiredCheck:
    """A check that a branch requires before merging."""

    branch: str
    context: str
    app_id: int | None = None


@dataclass(kw_only=True)
class Repository:
    """A repository; its objects and refs are real git in `directory`, spoken to through `git`."""

    id: int
    owner: str
    name: str
    directory: Path
    private: bool = False
    archived: bool = False
    default_branch: str = "main"
    fork_of: int | None = None
    permissions: dict[str, str] = field(default_factory=dict)
    protected: set[str] = field(default_factory=set)
    required: list[RequiredCheck] = field(default_factory=list)
    labels: dict[str, Label] = field(default_factory=dict)
    pulls: dict[int, PullRequest] = field(default_factory=dict)
    comments: dict[int, Comment] = field(default_factory=dict)
    suites: dict[int, CheckSuite] = field(default_factory=dict)
    runs: dict[int, CheckRun] = field(default_factory=dict)
    statuses: list[Status] = field(default_factory=list)
    workflow_runs: dict[int, WorkflowRun] = field(default_factory=dict)
    old_names: set[str] = field(default_factory=set)
    next_number: int = 1
    created_at: str = ""
    pushed_at: str = ""
    git: Git = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Speak to the directory from now on."""
        self.git = Git(self.directory)

    @property
    def full_name(self) -> str:
        """`owner/name`."""
        return f"{self.owner}/{self.name}"


@dataclass(kw_only=True)
class MergeGroup:
    """An entry of the merge queue."""

    repository: int
    number: int
    head_ref: str
    head_sha: str
    base_ref: str
    base_sha: str
