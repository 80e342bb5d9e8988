"""Wake-ups that outlive the process: a row's `wake_at` says when it is to be looked at.

Set in the transaction that makes the work, cleared when the work is done; the sweep wakes what is due. Runs,
repositories, deliveries, publications and commands have their own columns of this kind beside them.
"""

from typing import Final

from sqlalchemy import Connection, Table, select, update

from app.store.session import Key, Unit
from app.store.tables import branches, changes, installations, repositories
from app.store.tables_elsewhere import starts
from app.store.tables_operation import chores

LASTING: Final[dict[str, Table]] = {
    "change": changes,
    "branch": branches,
    "installation": installations,
    "start": starts,
}
"""The kinds of keys whose rows keep their wake-up here; the key's id is the row's."""


def want(unit: Unit, kind: str, row_id: int, now: float) -> None:
    """Have a row looked at soon, by this process or by the next."""
    put_off(unit, kind, row_id, now)
    unit.wake(kind, row_id)


def put_off(unit: Unit, kind: str, row_id: int, at: float) -> None:
    """Have the sweep wake a row at a time (epoch seconds)."""
    table = LASTING[kind]
    unit.connection.execute(update(table).where(table.c.id == row_id).values(wake_at=at))


def rest(unit: Unit, kind: str, row_id: int, at: float) -> None:
    """Looking at a row failed for now: the sweep lets it rest until then. Other kinds put themselves off."""
    table = {**LASTING, "repository": repositories, "chore": chores}.get(kind)
    if table is not None:
        unit.connection.execute(
            update(table).where(table.c.id == row_id, table.c.wake_at.is_not(None)).values(wake_at=at)
        )


def wanted_at(connection: Connection, kind: str, row_id: int) -> float | None:
    """Since when a row is to be looked at; None where nobody asked."""
    table = LASTING[kind]
    return connection.execute(select(table.c.wake_at).where(table.c.id == row_id)).scalar()


def done(unit: Unit, kind: str, row_id: int, since: float) -> None:
    """A row was looked at as `wanted_at` asked; whoever asked again meanwhile is not forgotten."""
    table = LASTING[kind]
    unit.connection.execute(
        update(table).where(table.c.id == row_id, table.c.wake_at == since).values(wake_at=None)
    )


def due(connection: Connection, now: float) -> tuple[Key, ...]:
    """All keys whose time has come."""
    found: list[Key] = []
    for kind, table in LASTING.items():
        rows = connection.execute(select(table.c.id).where(table.c.wake_at <= now))
        found += [(kind, row.id) for row in rows]
    return tuple(found)
