"""What forges tell and are told: plain values, and the errors of this door."""

from fnmatch import fnmatchcase

import msgspec

from app.model import Actor, Change, Misconfigured


class Gone(Misconfigured):
    """The repository, pull request or comment does not exist (any more) or is hidden from us."""


class BadDelivery(Exception):
    """A delivery that must be answered 4xx: unsigned, wrongly signed, malformed."""

    def __init__(self, reason: str, *, status: int = 400) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a forge can do. Without `check_runs` a verdict is a commit status and the sticky comment. `app`:
    we act as an app, which nobody else can be; else as an account, whose id every post tells. `delivery_log`:
    it tells what it delivered, and delivers it again. `head_ref` holds a pull request's head, by its number.
    Where not all that matters is told, repositories are read again every `reread_every` seconds (0 = as
    seldom as elsewhere).
    """

    check_runs: bool
    app: bool
    delivery_log: bool
    head_ref: str = "refs/pull/{number}/head"
    reread_every: float = 0.0
    action_required: bool
    annotations_per_request: int
    text_limit: int
    comment_limit: int
    status_description_limit: int


class DeliveryHead(msgspec.Struct, frozen=True, kw_only=True):
    """What intake needs of a delivery's headers: its id and the forge's name of the event."""

    delivery_id: str
    event: str
    hook_id: str = ""
    installation_hint: str = ""


class Comment(msgspec.Struct, frozen=True, kw_only=True):
    """A comment as it is now. `edited` when it was ever changed after creation; `at` when it was written
    (ISO 8601, whole seconds).
    """

    id: int
    author: Actor
    body: str
    edited: bool
    number: int
    at: str = ""


class Posted(msgspec.Struct, frozen=True, kw_only=True):
    """What the forge gave back for something posted."""

    id: int
    url: str = ""


class RequiredCheck(msgspec.Struct, frozen=True, kw_only=True):
    """A check that a branch's rules require; `app_id` if only one app's counts. `glob`: any of the names that
    match is meant, caselessly as all are.
    """

    context: str
    app_id: int | None = None
    glob: bool = False

    def names(self, name: str) -> bool:
        """Whether a check of this name is meant."""
        wanted, name = self.context.casefold(), name.casefold()
        return fnmatchcase(name, wanted) if self.glob else name == wanted


class LoggedDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt to deliver, as the forge's own log has it. `guid` is what a delivery carries as its id:
    the same for all attempts; `at` in epoch seconds, `status` as people are told it, `repository_id` the
    forge's id (0 = none).
    """

    id: int
    guid: str
    at: float
    event: str
    good: bool
    status: str
    repository_id: int = 0


class DeliveryLog(msgspec.Struct, frozen=True, kw_only=True):
    """Attempts, newest first; `whole` unless there were more than were asked for."""

    entries: tuple[LoggedDelivery, ...]
    whole: bool = True


class OpenPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of the open pull requests: what to ask "still so?" with, and when each was last touched (by
    number, ISO 8601).
    """

    etag: str
    touched: dict[int, str]


class OpenChanges(msgspec.Struct, frozen=True, kw_only=True):
    """The open pull requests: all pages, and those that are on pages which were not known as they are."""

    pages: tuple[OpenPage, ...]
    read: tuple[Change, ...]

    @property
    def touched(self) -> dict[int, str]:
        """When each of them was last touched, by number."""
        return {number: at for page in self.pages for number, at in page.touched.items()}


class Complaint(msgspec.Struct, frozen=True, kw_only=True):
    """Something that keeps us from judging on a forge, and how to mend it."""

    says: str
    mend: str


class Hooked(msgspec.Struct, frozen=True, kw_only=True):
    """Webhooks that lead to us: where they were made or found, and what could not be hooked."""

    made: tuple[str, ...] = ()
    there: tuple[str, ...] = ()
    complaints: tuple[Complaint, ...] = ()


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """A limit as the forge last told it: requests, and epoch seconds of its reset."""

    limit: int
    remaining: int
    reset: float


class Permission(msgspec.Struct, frozen=True, kw_only=True):
    """A person's permission on a repository, one of admin, maintain, write, triage, read, none."""

    level: str
    actor: Actor

    @property
    def can_write(self) -> bool:
        """Whether pushing is allowed."""
        return self.level in {"admin", "maintain", "write"}

    @property
    def can_triage(self) -> bool:
        """Whether labels and re-runs are allowed."""
        return self.can_write or self.level == "triage"


class Authors(msgspec.Struct, frozen=True, kw_only=True):
    """Lower-case logins, and which login ('' = none) an author's lower-case e-mail address belongs to."""

    logins: tuple[str, ...] = ()
    by_email: dict[str, str] = {}


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """A person's public name and e-mail address, '' where they show none."""

    name: str = ""
    email: str = ""
