"""Narrow views of Gitea's and Forgejo's JSON: only the fields that are used, every one with a default.

The same views read deliveries and API answers. Addresses in them are those of the server's ROOT_URL, or of
whoever asked: none is used. `Place` makes all from the address the forge is connected by.
"""

from typing import Any, Final

import msgspec

from app.model import Actor, ActorKind, Change, ChangeKind, ChangeState, Repository, Review, Sha

INSTALLATION: Final = 1
"""A token is the one installation of its connection."""
_DRAFT: Final = ("wip:", "[wip]")
"""What titles of drafts begin with, unless the server's owner says otherwise; newer ones tell `draft`."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a forge is, what kind it is named by, and whom we act as there (0 = not known yet)."""

    url: str
    kind: str
    own_id: int = 0

    def repository(self, repo: "Repo") -> Repository:
        """A repository, addressed as the forge is."""
        return Repository(
            forge=self.kind,
            forge_id=repo.id,
            full_name=repo.full_name,
            installation_id=INSTALLATION,
            default_branch=repo.default_branch or "",
            private=repo.private or repo.internal,
            clone_url=f"{self.url}/{repo.full_name}.git",
        )

    def actor(self, user: "User | None") -> Actor:
        """Who this is, for trust: we are an app, what the server does itself is a bot."""
        if user is None or not user.name:
            return Actor(login="ghost", kind=ActorKind.BOT)
        if user.id and user.id == self.own_id:
            return Actor(login=user.name, id=user.id, kind=ActorKind.APP)
        kind = ActorKind.PERSON if user.id > 0 else ActorKind.BOT
        return Actor(login=user.name, id=max(user.id, 0), kind=kind)


class User(msgspec.Struct, kw_only=True):
    """An account; ids below one are the server's own (`ghost`, `gitea-actions`)."""

    id: int = 0
    login: str = ""
    username: str = ""
    full_name: str = ""
    email: str = ""
    html_url: str = ""

    @property
    def name(self) -> str:
        """Its login, which older deliveries call `username`."""
        return self.login or self.username


class Permissions(msgspec.Struct, kw_only=True):
    """What the asking account may do."""

    admin: bool = False
    push: bool = False


class Repo(msgspec.Struct, kw_only=True):
    """A repository. `internal`: only who is signed in sees it."""

    id: int = 0
    full_name: str = ""
    private: bool = False
    internal: bool = False
    archived: bool = False
    mirror: bool = False
    default_branch: str | None = None
    owner: User | None = None
    permissions: Permissions | None = None


class Label(msgspec.Struct, kw_only=True):
    """A label."""

    name: str = ""


class Tip(msgspec.Struct, kw_only=True):
    """One side of a pull request; `repo` is null when a fork was deleted."""

    ref: str = ""
    sha: str = ""
    repo_id: int = 0
    repo: Repo | None = None


class PullRequest(msgspec.Struct, kw_only=True):
    """A pull request, from a delivery or the API."""

    number: int = 0
    title: str = ""
    state: str = "open"
    draft: bool | None = None
    merged: bool = False
    user: User | None = None
    labels: list[Label] | None = None
    updated_at: str = ""
    head: Tip = msgspec.field(default_factory=Tip)
    base: Tip = msgspec.field(default_factory=Tip)

    def change(self, place: Place, full_name: str, pusher: Actor | None = None) -> Change:
        """The change. A head without a repository (deleted fork) counts as a fork."""
        head, base = self.head, self.base
        if self.state == "open":
            state = ChangeState.OPEN
        else:
            state = ChangeState.MERGED if self.merged else ChangeState.CLOSED
        draft = self.title.lower().startswith(_DRAFT) if self.draft is None else self.draft
        return Change(
            kind=ChangeKind.PULL_REQUEST,
            key=f"pr-{self.number}",
            number=self.number,
            title=self.title,
            url=f"{place.url}/{full_name}/pulls/{self.number}",
            author=place.actor(self.user),
            base_ref=base.ref,
            base_tip=Sha(base.sha) if base.sha else None,
            head_ref=head.ref,
            head_sha=Sha(head.sha),
            head_repository=head.repo.full_name if head.repo is not None else None,
            from_fork=head.repo is None or base.repo is None or head.repo.id != base.repo.id,
            draft=draft,
            labels=tuple(label.name for label in self.labels or ()),
            state=state,
            pusher=pusher,
        )


class CommentView(msgspec.Struct, kw_only=True):
    """A comment of an issue or pull request; only one of a pull request has its address."""

    id: int = 0
    body: str = ""
    user: User | None = None
    created_at: str = ""
    updated_at: str = ""
    html_url: str = ""
    issue_url: str = ""
    pull_request_url: str = ""


class ReviewView(msgspec.Struct, kw_only=True):
    """A review. `state` is APPROVED, REQUEST_CHANGES, COMMENT, PENDING or REQUEST_REVIEW; a team's has no
    user.
    """

    id: int = 0
    user: User | None = None
    state: str = ""
    dismissed: bool = False
    commit_id: str = ""
    submitted_at: str = ""

    def review(self, place: Place) -> Review:
        """The review, where it decides anything."""
        return Review(
            author=place.actor(self.user),
            decision="approved" if self.state == "APPROVED" else "changes_requested",
            commit=Sha(self.commit_id),
            at=self.submitted_at,
        )


class StatusView(msgspec.Struct, kw_only=True):
    """A commit status: the API says `status` where deliveries say `state`."""

    id: int = 0
    context: str = ""
    status: str = ""
    target_url: str = ""
    creator: User | None = None
    created_at: str = ""
    updated_at: str = ""


class GitPerson(msgspec.Struct, kw_only=True):
    """Who git says wrote a commit."""

    email: str = ""


class GitCommit(msgspec.Struct, kw_only=True):
    """A commit as git has it."""

    author: GitPerson | None = None


class CommitView(msgspec.Struct, kw_only=True):
    """A commit; the accounts are null where no account has the e-mail address."""

    commit: GitCommit | None = None
    author: User | None = None
    committer: User | None = None


class BranchView(msgspec.Struct, kw_only=True):
    """A branch and what protects it; contexts are globs."""

    name: str = ""
    protected: bool = False
    enable_status_check: bool = False
    status_check_contexts: list[str] | None = None


class HookView(msgspec.Struct, kw_only=True):
    """A webhook; its secret is never told."""

    id: int = 0
    active: bool = False
    config: dict[str, Any] = {}
    events: list[str] | None = None


class TeamView(msgspec.Struct, kw_only=True):
    """A team of an organisation."""

    id: int = 0
    name: str = ""
