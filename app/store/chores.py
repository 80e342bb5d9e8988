"""Chores: what is done every so often, by one process at a time, and what it remembers."""

from collections.abc import Iterable
from typing import TypeVar

from sqlalchemy import Connection, select, update

from app.store.projects import insert
from app.store.session import Unit, pack, unpack
from app.store.tables_operation import chores

T = TypeVar("T")


def begin(unit: Unit, names: Iterable[str], now: float) -> None:
    """A process started: every chore is due, known or new."""
    for name in names:
        statement = insert(unit.connection, chores).values(name=name, wake_at=now)
        statement = statement.on_conflict_do_update(index_elements=["name"], set_={"wake_at": now})
        unit.wake("chore", unit.connection.execute(statement.returning(chores.c.id)).scalar_one())


def due_name(connection: Connection, row_id: int, now: float) -> str:
    """Which chore a row is; '' where it is not due (any more)."""
    due = select(chores.c.name).where(chores.c.id == row_id, chores.c.wake_at <= now)
    return connection.execute(due).scalar() or ""


def due(connection: Connection, now: float) -> tuple[int, ...]:
    """Row ids of the chores whose time has come."""
    rows = connection.execute(select(chores.c.id).where(chores.c.wake_at <= now))
    return tuple(row.id for row in rows)


def remembered(connection: Connection, name: str, kind: type[T]) -> T | None:
    """What a chore remembers; None before its first time."""
    found = connection.execute(select(chores.c.document).where(chores.c.name == name)).scalar()
    return None if found is None else unpack(kind, found)


def remember(unit: Unit, name: str, value: object) -> None:
    """Keep what a chore is to know the next time."""
    unit.connection.execute(update(chores).where(chores.c.name == name).values(document=pack(value)))


def finish(unit: Unit, row_id: int, now: float, again: float) -> None:
    """Done; due again at `again`."""
    unit.connection.execute(update(chores).where(chores.c.id == row_id).values(done_at=now, wake_at=again))
