"""What a forge must do: the contract of this door.

A forge has two halves. Its `Intake` verifies and reads deliveries, without I/O; its `Forge` is a client of
one connection. Order: `start` once; then any call, any number of them at the same time; `close` once. All
calls are safe to repeat, and none relies on another having been made. Methods that take a repository act as
its installation (on a forge without apps: as the connection's account).

Errors: `Outage` (with `retry_at` where the forge named a time) for what may pass, rate limits included;
`Misconfigured` for missing permissions, bad credentials, an app that is suspended or uninstalled; `Gone` for
what no longer exists. No secret is ever in an error's text.

Differences between forges are data (`Capabilities`): nobody outside a forge's folder asks which kind it is.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from app.forges.values import (
    Authors,
    Capabilities,
    Comment,
    Complaint,
    DeliveryHead,
    DeliveryLog,
    Hooked,
    OpenChanges,
    OpenPage,
    Permission,
    Posted,
    Profile,
    Rate,
    RequiredCheck,
)
from app.model import (
    Change,
    CommitStatus,
    Event,
    ExternalPosted,
    PostKind,
    Publication,
    Repository,
    Review,
    Sha,
    StickyComment,
)


class Ledger(Protocol):
    """Where all processes write down what they create on a forge: it counts that together."""

    async def take(
        self, installation_id: int, now: float, free_at: Callable[[Sequence[float]], float]
    ) -> float:
        """When one more may be created (epoch seconds), as `free_at` says of the times, oldest first, at
        which some was within the hour. Where that is `now` or before, it is written down.
        """
        ...


class Intake(Protocol):
    """The sans-I/O side of a forge: verify and read deliveries."""

    kind: str
    events: frozenset[str]
    """Names of the events that `read` has a reader for. Any other is answered "ignored" at the door, not
    stored. (An action that nobody needs, of an event in this set, is stored and read as `Ignored`.)
    """

    def verify(self, headers: Mapping[str, str], body: bytes) -> DeliveryHead:
        """Check the signature over the raw bytes in constant time; lower-case header names.

        Raises BadDelivery. `body` is as received (JSON or form-encoded).
        """
        ...

    def read(self, event: str, body: bytes) -> Event:
        """The typed event; `Ignored` with a reason for all that nobody needs. Raises BadDelivery only
        for bytes that are not what the forge's documentation promises at all.
        """
        ...


class Speaks(Protocol):
    """A client of one forge, as one account: opened once, closed once. What it counts is for the operator."""

    async def start(self) -> None:
        """Open clients. Idempotent."""
        ...

    async def close(self) -> None:
        """Close clients. Idempotent."""
        ...

    async def whoami(self) -> Mapping[str, object]:
        """The app itself: slug, id, permissions, events; for doctor."""
        ...

    def spent(self) -> Mapping[tuple[int, str], int]:
        """How many requests were sent since the last call of this, by installation (0 = the app) and
        purpose.
        """
        ...

    @property
    def rates(self) -> Mapping[int, Rate]:
        """The limits as last told, by installation (0 = the app)."""
        ...


class Tells(Protocol):
    """Reading, always as it is now. Repositories in answers are named by their kind of forge: whoever keeps
    them puts the connection's name.
    """

    async def git_credential(self, repository: Repository) -> str:
        """A token for cloning, valid for at least five more minutes."""
        ...

    async def get_change(self, repository: Repository, number: int) -> Change:
        """The pull request as it is now (pusher unknown)."""
        ...

    async def open_changes(self, repository: Repository, known: tuple[OpenPage, ...] = ()) -> OpenChanges:
        """All open pull requests, oldest first. What is as `known` (pages of an earlier answer) is not sent
        again, where the forge can tell.
        """
        ...

    async def get_repository(self, repository: Repository) -> Repository:
        """The repository as it is now (by its stable id: renames are followed)."""
        ...

    async def protected_branches(self, repository: Repository) -> tuple[str, ...]:
        """Names of protected branches."""
        ...

    async def required_checks(self, repository: Repository, branch: str) -> tuple[RequiredCheck, ...]:
        """What the rules of a branch require; for doctor."""
        ...

    async def read_file(self, repository: Repository, path: str, ref: str) -> bytes | None:
        """A file at a ref, revalidated by ETag; None if absent."""
        ...

    async def get_comment(self, repository: Repository, number: int, comment_id: int) -> Comment:
        """A comment of a pull request by its id, as it is now."""
        ...

    async def recent_comments(self, repository: Repository, number: int, since: str) -> tuple[Comment, ...]:
        """Comments of a pull request since an ISO time: how the sweep finds lost commands."""
        ...


class TellsOfPeople(Protocol):
    """Reading who may do what, and who did. What may not be read is Misconfigured, never a guess."""

    async def permission(self, repository: Repository, login: str) -> Permission:
        """A person's permission now."""
        ...

    async def team_members(self, repository: Repository, team: str) -> tuple[str, ...]:
        """Lower-case logins of `@org/team`, nested teams included."""
        ...

    async def reviews(self, repository: Repository, number: int) -> tuple[Review, ...]:
        """Each reviewer's latest decisive review; dismissed ones left out."""
        ...

    async def commit_authors(self, repository: Repository, number: int) -> Authors:
        """The authors and committers of the commits of a pull request that the forge lists."""
        ...

    async def commit_author(self, repository: Repository, sha: Sha) -> str:
        """The lower-case login of a commit's author, '' where the forge knows no account."""
        ...

    async def profile(self, repository: Repository, login: str) -> Profile:
        """What somebody shows of themselves. Raises Gone where there is no such account."""
        ...


class RunsElsewhere(Protocol):
    """What others post on a commit, and having them do it again."""

    async def external_posts(
        self, repository: Repository, sha: Sha, kinds: Collection[PostKind]
    ) -> tuple[ExternalPosted, ...]:
        """All posts of these kinds on a SHA, newest per name, poster and suite."""
        ...

    async def run_again(self, repository: Repository, post: ExternalPosted) -> None:
        """Ask whoever made a post to do it again; what passed of it need not be. Misconfigured where that
        cannot be asked, or is refused. `Outage` leaves open whether it was asked: what runs tells.
        """
        ...

    async def dispatch(self, repository: Repository, workflow: str, branch: str) -> None:
        """Start a workflow (by its file's path) on a branch; errors as of `run_again`."""
        ...


class Shows(Protocol):
    """Making true what we want shown. Each is repeated until it succeeds, by one process at a time, and must
    find what an earlier try left; nothing is written that is there already.
    """

    async def publish(
        self,
        repository: Repository,
        publication: Publication,
        known: int | None,
        *,
        fresh: bool = False,
        plain: bool = False,
    ) -> Posted:
        """Make one check run true. `known` is its id if we posted it; without, it is found by
        external_id before one is created (find-or-update). A completed run of ours is never turned back
        to in progress: a new one is created instead, so the id given back may differ from `known`.
        `fresh` is the caller's proof that no post of this external_id was ever tried (it saves the search);
        `plain` that `known` is in progress and shows no annotation (it saves the look).
        """
        ...

    async def set_status(self, repository: Repository, status: CommitStatus) -> None:
        """Post a commit status."""
        ...

    async def publish_comment(
        self, repository: Repository, comment: StickyComment, known: int | None, *, fresh: bool = False
    ) -> Posted:
        """Make the sticky comment true: edit `known`, else find by marker and our own app, else post.
        `fresh` as in `publish`.
        """
        ...

    async def react(self, repository: Repository, number: int, comment_id: int, reaction: str) -> None:
        """Answer a comment of a pull request with a reaction (`+1`, `-1`, `eyes`, `confused`)."""
        ...


class Reaches(Protocol):
    """Where we may judge, and whether what happens there is told to us."""

    async def installations(self) -> tuple[tuple[int, str], ...]:
        """(installation id, account) of all active installations."""
        ...

    async def installation_repositories(self, installation_id: int) -> tuple[Repository, ...]:
        """All repositories an installation gives access to."""
        ...

    async def delivery_log(self, since: float, most: int) -> DeliveryLog:
        """The attempts to deliver to us since a time (epoch seconds), the newest `most` or a page more."""
        ...

    async def redeliver(self, attempt_id: int) -> None:
        """Ask for a delivery again, by the id of one of its attempts: it comes with the same guid. Raises
        Gone where the forge does not have it any more.
        """
        ...

    async def hook(self, url: str) -> Hooked:
        """Make webhooks lead to this address wherever we may judge; those that do stay, with our secret. On a
        forge whose apps have a webhook of their own there is nothing to make.
        """
        ...

    async def complaints(self, url: str) -> tuple[Complaint, ...]:
        """What keeps us from judging: credentials that are refused, permissions and events that lack,
        webhooks that do not lead to this address. Raises what asking raises.
        """
        ...


class Forge(Speaks, Tells, TellsOfPeople, RunsElsewhere, Shows, Reaches, Protocol):
    """One connection to one forge."""

    kind: str
    capabilities: Capabilities

    @property
    def own_id(self) -> int:
        """By which what we post is known as ours: the app's id, or the account's. 0 where nobody set it up,
        or the forge was not asked yet who we are.
        """
        ...
