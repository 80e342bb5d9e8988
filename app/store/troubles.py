"""What the operator has to mend, as long as it lasts: one row per (kind, subject)."""

import msgspec
from sqlalchemy import Connection, delete, select

from app.store.projects import insert
from app.store.session import Unit
from app.store.tables_operation import troubles


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """`kind` names whoever finds it, `subject` what it is about (a repository, an account); `since` and
    `seen_at` in epoch seconds.
    """

    kind: str
    subject: str
    says: str
    mend: str
    since: float
    seen_at: float


def tell(unit: Unit, kind: str, subject: str, *, says: str, mend: str, now: float) -> bool:
    """Note a trouble; whether it is a new one, or says something new."""
    where = (troubles.c.kind == kind) & (troubles.c.subject == subject)
    known = unit.connection.execute(select(troubles.c.says).where(where)).scalar()
    values = {"says": says, "mend": mend, "seen_at": now}
    statement = insert(unit.connection, troubles).values(kind=kind, subject=subject, since=now, **values)
    unit.connection.execute(statement.on_conflict_do_update(index_elements=["kind", "subject"], set_=values))
    return known != says


def mended(unit: Unit, kind: str, subject: str) -> bool:
    """It is not so (any more); whether it was."""
    gone = delete(troubles).where(troubles.c.kind == kind, troubles.c.subject == subject)
    return bool(unit.connection.execute(gone).rowcount)


def all_of(connection: Connection, kind: str | None = None) -> tuple[Trouble, ...]:
    """All troubles, of one kind if given; the oldest first."""
    statement = select(troubles).order_by(troubles.c.since, troubles.c.id)
    if kind is not None:
        statement = statement.where(troubles.c.kind == kind)
    return tuple(
        Trouble(
            kind=row.kind,
            subject=row.subject,
            says=row.says,
            mend=row.mend,
            since=row.since,
            seen_at=row.seen_at,
        )
        for row in connection.execute(statement)
    )
