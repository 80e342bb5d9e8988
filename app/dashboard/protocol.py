"""What the pages need from outside: values to show, and who reads them. Wiring gives the real ones."""

import asyncio
from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

import msgspec

from app.dashboard.links import Links
from app.model import AttemptStatus, Conclusion, Judgement


class Visibility(StrEnum):
    """Who may see a run. HIDDEN: nobody: there is none, or its repository is not ours to judge any more."""

    PUBLIC = "public"
    BY_LINK = "by_link"
    HIDDEN = "hidden"


class AttemptView(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt of one check (by key). Times are epoch seconds, None = not yet.

    `log_bytes` is the length of all output, of which `log_dropped` bytes in the middle were not kept.
    """

    id: int
    check: str
    n: int
    status: AttemptStatus
    conclusion: Conclusion | None = None
    reason: str = ""
    queued_at: float = 0.0
    started_at: float | None = None
    ended_at: float | None = None
    log_bytes: int = 0
    log_dropped: int = 0


class ArtifactView(msgspec.Struct, frozen=True, kw_only=True):
    """A kept file of a check: its path beneath `out/` and its size in bytes."""

    check: str
    path: str
    size: int


class RunPage(msgspec.Struct, frozen=True, kw_only=True):
    """All that the run page shows. `judged_at` tells when the verdict was reached; `newer` is the id of
    a run that replaced this one.
    """

    judgement: Judgement
    attempts: tuple[AttemptView, ...] = ()
    artifacts: tuple[ArtifactView, ...] = ()
    judged_at: float | None = None
    newer: int | None = None


class LogPart(msgspec.Struct, frozen=True, kw_only=True):
    """Output kept from byte `offset` of the whole on. A gap before it was not kept."""

    offset: int
    data: bytes


class Reads(Protocol):
    """What the pages read. Raises Outage when the store cannot be read for now."""

    async def visibility(self, run_id: int) -> Visibility:
        """Who may see a run. Takes as long for a private run as for none at all, so that nobody learns which
        is which.
        """
        ...

    async def run_page(self, run_id: int) -> RunPage | None:
        """The run as it is now; None if there is none."""
        ...

    async def log(self, attempt_id: int, offset: int, limit: int) -> tuple[LogPart, ...]:
        """Kept output of an attempt from byte `offset` on, in order, at most about `limit` bytes; () at
        the end (or not yet more).
        """
        ...


class SetupState(msgspec.Struct, frozen=True, kw_only=True):
    """Where set-up stands. `install_url` is where the app is installed on repositories ('' unknown)."""

    configured: bool
    app_name: str = ""
    install_url: str = ""
    public_url: str = ""
    github_url: str = "https://github.com"


class AppForm(msgspec.Struct, frozen=True, kw_only=True):
    """What the browser posts to the forge: its address with `state`, and the manifest as JSON."""

    action: str
    manifest: str


class Setup(Protocol):
    """Making the GitHub App. Works once, and only for who has the one-time token."""

    async def state(self) -> SetupState:
        """Where set-up stands now."""
        ...

    def allows(self, token: str) -> bool:
        """Whether this is the one-time set-up token printed at start; compared in constant time."""
        ...

    def form(self, name: str, organisation: str) -> AppForm:
        """The manifest form for an app of this name, in an organisation ('' = the person's account).

        Raises AuthorFault for a name or organisation that GitHub would refuse.
        """
        ...

    async def finish(self, code: str, state: str) -> str:
        """Exchange the code, store what comes back, give the address of the installation page.

        Raises AuthorFault for a state that is not ours or too old, Misconfigured where an app exists
        already or GitHub refuses the code, Outage where GitHub cannot be reached.
        """
        ...


_AT_ONCE = 2


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What every page is given. `now` gives epoch seconds; `drawing` holds how many pages of runs are made
    ready at a time: what stands on them was written by the change's own code, and has its size.
    """

    reads: Reads
    setup: Setup
    links: Links
    now: Callable[[], float]
    drawing: asyncio.Semaphore = msgspec.field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))
