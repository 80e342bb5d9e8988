"""What `portcullis doctor` finds: one value per examined thing."""

from collections.abc import Awaitable, Callable
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

import msgspec
from sqlalchemy import Connection

from app.settings import Settings
from app.store import Database, schema_state

T = TypeVar("T")


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


UNHEARD = (
    "see its recent deliveries on the forge. Gitea and Forgejo send none to private addresses unless "
    "`[webhook] ALLOWED_HOST_LIST` of their app.ini names ours (`private`, or `loopback` on one machine)"
)
"""What to do where no webhook ever came; until one does, repositories are read every few seconds."""


def from_store(settings: Settings, read: Callable[[Connection], T]) -> T | None:
    """What the service's own tables say; None where there are none (looking makes none), or not this
    version's. Raises Outage, SQLAlchemyError.
    """
    url = settings.database.get_secret_value()
    if settings.on_sqlite and not Path(url.removeprefix("sqlite:///")).exists():
        return None
    if not schema_state(url).usable:
        return None
    database = Database(url)
    try:
        with database.engine.connect() as connection:
            return read(connection)
    finally:
        database.close()
