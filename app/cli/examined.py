"""What `portcullis doctor` finds: one value per examined thing."""

from collections.abc import Awaitable, Callable
from enum import StrEnum

import msgspec

from app.settings import Settings


class Health(StrEnum):
    """How a thing is. WARNING works but not as well as it should; SKIPPED could not be looked at."""

    GOOD = "good"
    WARNING = "warning"
    BROKEN = "broken"
    SKIPPED = "skipped"


class Examined(msgspec.Struct, frozen=True, kw_only=True):
    """One finding: what is so, and how to mend it (never empty for WARNING and BROKEN)."""

    health: Health
    says: str
    mend: str = ""


class Examination(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that doctor looks at. `examine` never raises for what it finds."""

    name: str
    about: str
    examine: Callable[[Settings], Awaitable[tuple[Examined, ...]]]


def good(says: str) -> tuple[Examined, ...]:
    """All is well."""
    return (Examined(health=Health.GOOD, says=says),)


def warning(says: str, mend: str) -> tuple[Examined, ...]:
    """It works, but."""
    return (Examined(health=Health.WARNING, says=says, mend=mend),)


def broken(says: str, mend: str) -> tuple[Examined, ...]:
    """It does not work."""
    return (Examined(health=Health.BROKEN, says=says, mend=mend),)


def skipped(says: str) -> tuple[Examined, ...]:
    """There is nothing to look at yet, and why."""
    return (Examined(health=Health.SKIPPED, says=says),)
