"""The append-only record of who did what."""

import msgspec

from app.model.change import Actor


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry. `verb` is `subject.verb` (`run.opened`, `command.refused`); `details` are scalars."""

    at: float
    actor: Actor
    verb: str
    repository: str = ""
    change: str = ""
    run: int | None = None
    details: dict[str, str | int | float | bool | None] = {}
