"""Narrow views of GitHub's JSON: only the fields that are used, every one with a default.

GitHub adds fields daily and old servers lack new ones, so nothing here is a full model; unknown
fields are skipped while decoding. The same views read deliveries and API answers.
"""

from urllib.parse import urlsplit

import msgspec

from app.model import Actor, ActorKind, Change, ChangeKind, ChangeState, Repository, Sha


class GitPerson(msgspec.Struct, kw_only=True):
    """Who git says wrote a commit."""

    email: str = ""


class GitCommit(msgspec.Struct, kw_only=True):
    """A commit as git has it."""

    author: GitPerson | None = None


class CommitView(msgspec.Struct, kw_only=True):
    """A commit; the accounts are None where GitHub knows none for the e-mail."""

    commit: GitCommit | None = None
    author: "User | None" = None
    committer: "User | None" = None


class ProfileView(msgspec.Struct, kw_only=True):
    """An account's public profile."""

    name: str | None = None
    email: str | None = None


class User(msgspec.Struct, kw_only=True):
    """A GitHub account: `type` is User, Organization, Bot or Mannequin."""

    login: str = ""
    id: int = 0
    type: str = "User"
    html_url: str = ""

    def actor(self) -> Actor:
        """Who this is, for trust: only `User` (and not `…[bot]`) is a person."""
        person = self.type == "User" and not self.login.endswith("[bot]")
        return Actor(login=self.login, id=self.id, kind=ActorKind.PERSON if person else ActorKind.BOT)


NOBODY = Actor(login="ghost", id=0, kind=ActorKind.BOT)
"""Stands for a deleted account: counts for nothing."""


def actor_of(user: User | None) -> Actor:
    """The actor behind a user object; NOBODY where GitHub sends null."""
    return user.actor() if user is not None and user.login else NOBODY


class Repo(msgspec.Struct, kw_only=True):
    """A repository; short forms (installation deliveries) lack `clone_url` and `default_branch`."""

    id: int = 0
    full_name: str = ""
    private: bool = False
    archived: bool = False
    default_branch: str | None = None
    master_branch: str | None = None
    clone_url: str | None = None
    html_url: str | None = None

    def repository(self, installation_id: int, *, web_url: str = "") -> Repository:
        """The repository as Portcullis names it. `web_url` builds a missing clone address."""
        clone = self.clone_url or (f"{self.html_url}.git" if self.html_url else "")
        if not clone and web_url:
            clone = f"{web_url}/{self.full_name}.git"
        return Repository(
            forge="github",
            forge_id=self.id,
            full_name=self.full_name,
            installation_id=installation_id,
            default_branch=self.default_branch or self.master_branch or "",
            private=self.private,
            clone_url=clone,
        )


class Installation(msgspec.Struct, kw_only=True):
    """An installation of the app."""

    id: int = 0
    account: User | None = None
    app_id: int = 0
    html_url: str = ""
    suspended_at: str | None = None


class App(msgspec.Struct, kw_only=True):
    """A GitHub App."""

    id: int = 0
    slug: str | None = None
    name: str | None = None
    html_url: str = ""
    permissions: dict[str, str] = {}
    events: list[str] = []


class Label(msgspec.Struct, kw_only=True):
    """A label on a pull request."""

    name: str = ""


class Tip(msgspec.Struct, kw_only=True):
    """One side of a pull request. `repo` is null when a fork was deleted."""

    ref: str = ""
    sha: str = ""
    repo: Repo | None = None


class PullRequest(msgspec.Struct, kw_only=True):
    """A pull request, from a delivery or the API (lists lack `merged`, all have `merged_at`)."""

    number: int = 0
    title: str = ""
    html_url: str = ""
    state: str = "open"
    draft: bool | None = None
    merged: bool | None = None
    merged_at: str | None = None
    user: User | None = None
    labels: list[Label] = []
    updated_at: str = ""
    head: Tip = msgspec.field(default_factory=Tip)
    base: Tip = msgspec.field(default_factory=Tip)

    def change(self, pusher: Actor | None = None) -> Change:
        """The change. A head without a repository (deleted fork) counts as a fork."""
        head, base = self.head, self.base
        fork = head.repo is None or base.repo is None or head.repo.id != base.repo.id
        if self.state == "open":
            state = ChangeState.OPEN
        else:
            state = ChangeState.MERGED if self.merged or self.merged_at else ChangeState.CLOSED
        return Change(
            kind=ChangeKind.PULL_REQUEST,
            key=f"pr-{self.number}",
            number=self.number,
            title=self.title,
            url=self.html_url,
            author=actor_of(self.user),
            base_ref=base.ref,
            base_tip=Sha(base.sha) if base.sha else None,
            head_ref=head.ref,
            head_sha=Sha(head.sha),
            head_repository=head.repo.full_name if head.repo is not None else None,
            from_fork=fork,
            draft=bool(self.draft),
            labels=tuple(label.name for label in self.labels),
            state=state,
            pusher=pusher,
        )


class Suite(msgspec.Struct, kw_only=True):
    """A check suite: one per app and SHA."""

    id: int = 0
    head_sha: str | None = None
    app: App | None = None


class Output(msgspec.Struct, kw_only=True):
    """What a check run shows."""

    title: str | None = None
    annotations_count: int = 0


class CheckRun(msgspec.Struct, kw_only=True):
    """A check run, from a delivery or the API."""

    id: int = 0
    name: str = ""
    head_sha: str = ""
    external_id: str | None = None
    status: str = ""
    conclusion: str | None = None
    html_url: str | None = None
    details_url: str | None = None
    started_at: str | None = None
    completed_at: str | None = None
    app: App | None = None
    check_suite: Suite | None = None
    output: Output = msgspec.field(default_factory=Output)


class WorkflowRunView(msgspec.Struct, kw_only=True):
    """A run of a workflow of GitHub Actions. `path` may carry `@REF` behind the file."""

    id: int = 0
    path: str = ""
    event: str = ""
    head_sha: str = ""
    status: str | None = None
    conclusion: str | None = None
    check_suite_id: int = 0
    run_attempt: int = 1
    html_url: str = ""
    run_started_at: str | None = None
    updated_at: str = ""


class CommentView(msgspec.Struct, kw_only=True):
    """A comment of an issue or pull request."""

    id: int = 0
    body: str | None = None
    user: User | None = None
    created_at: str = ""
    updated_at: str = ""
    issue_url: str = ""
    html_url: str = ""
    performed_via_github_app: App | None = None


class ReviewView(msgspec.Struct, kw_only=True):
    """A review. `state` is APPROVED, CHANGES_REQUESTED, COMMENTED, DISMISSED or PENDING."""

    id: int = 0
    user: User | None = None
    state: str = ""
    commit_id: str | None = None
    submitted_at: str | None = None


class StatusView(msgspec.Struct, kw_only=True):
    """A commit status of the API."""

    id: int = 0
    context: str = ""
    state: str = ""
    target_url: str | None = None
    creator: User | None = None
    created_at: str = ""
    updated_at: str = ""


def origin(url: str) -> str:
    """Scheme and host of a URL, '' if it has none."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc else ""
