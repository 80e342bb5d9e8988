"""What admission reads and keeps: who waits, who runs, whose turn it was. One worker decides at a time."""

from collections.abc import Mapping
from typing import Final

import msgspec
from sqlalchemy import Connection, func, select, text

from app.model import AttemptStatus
from app.store.projects import insert
from app.store.session import Unit
from app.store.tables import runs
from app.store.tables_checks import attempts, turns

_LOCK: Final = 0x61646D69
"""Our advisory lock ("admi")."""


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """Whose an attempt is. `author` is '' where the change is trusted; `group` '' where it shares nothing."""

    repository_id: int
    owner: str
    author: str = ""
    group: str = ""


class Waiting(Asking, frozen=True, kw_only=True):
    """A queued attempt whose time has come; higher priorities are more urgent."""

    attempt_id: int
    run_id: int
    priority: int = 0


class Turns(msgspec.Struct, frozen=True, kw_only=True):
    """When owners and repositories (by id) last had their turn, epoch seconds; and within each owner, as tags
    of fair queueing, where the last turn `began` and where each priority's last one `ended`.
    """

    owners: Mapping[str, float] = {}
    repositories: Mapping[str, float] = {}
    began: Mapping[str, float] = {}
    ended: Mapping[tuple[str, int], float] = {}


def alone(unit: Unit) -> None:
    """Let no other worker decide until this transaction ends, so that quotas hold exactly."""
    if unit.connection.dialect.name != "sqlite":  # there whoever writes is alone anyway
        unit.connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def first_waiting(connection: Connection, now: float, *, trusted_only: bool = False) -> tuple[Waiting, ...]:
    """Of all that is queued and due (`trusted_only`: of runs that are trusted), what each repository, author
    and group would start first.
    """
    column = attempts.c
    line = func.row_number().over(
        partition_by=(column.repository_id, column.owner, column.author, column.group),
        order_by=(column.priority.desc(), column.run_id.desc(), column.id),
    )
    due = select(
        column.id,
        column.run_id,
        column.repository_id,
        column.owner,
        column.author,
        column.group,
        column.priority,
        line.label("line"),
    ).where(column.status == AttemptStatus.QUEUED.value, column.not_before <= now)
    if trusted_only:
        due = due.join(runs, runs.c.id == column.run_id).where(runs.c.trusted)
    found = due.subquery()
    return tuple(
        Waiting(
            attempt_id=row.id,
            run_id=row.run_id,
            repository_id=row.repository_id,
            owner=row.owner,
            author=row.author,
            group=row.group,
            priority=row.priority,
        )
        for row in connection.execute(select(found).where(found.c.line == 1))
    )


def next_due(connection: Connection, now: float, until: float) -> tuple[tuple[int, float], ...]:
    """(id, epoch seconds) of the queued attempts that are due after now, not after `until`, in order."""
    column = attempts.c
    rows = connection.execute(
        select(column.id, column.not_before)
        .where(
            column.status == AttemptStatus.QUEUED.value, column.not_before > now, column.not_before <= until
        )
        .order_by(column.not_before, column.id)
    )
    return tuple((row.id, row.not_before) for row in rows)


def running(connection: Connection) -> tuple[Asking, ...]:
    """All that runs, on whatever worker."""
    column = attempts.c
    rows = connection.execute(
        select(column.repository_id, column.owner, column.author, column.group).where(
            column.status == AttemptStatus.RUNNING.value
        )
    )
    return tuple(
        Asking(repository_id=row.repository_id, owner=row.owner, author=row.author, group=row.group)
        for row in rows
    )


def turns_of(connection: Connection, waiting: tuple[Waiting, ...]) -> Turns:
    """When those who wait last had their turn."""
    owners = {one.owner for one in waiting}
    repositories = {str(one.repository_id) for one in waiting}
    urgencies = {_urgency(one): (one.owner, one.priority) for one in waiting}
    names = owners | repositories | urgencies.keys()
    rows = connection.execute(select(turns).where(turns.c.name.in_(names))).all()
    return Turns(
        owners={row.name: row.at for row in rows if row.kind == "owner"},
        repositories={row.name: row.at for row in rows if row.kind == "repository"},
        began={row.name: row.at for row in rows if row.kind == "began"},
        ended={urgencies[row.name]: row.at for row in rows if row.kind == "ended"},
    )


def _urgency(one: Waiting) -> str:
    return f"{one.owner}#{one.priority}"


def had_turn(unit: Unit, one: Waiting, now: float, began: float, share: float) -> None:
    """An owner, a repository and a priority have their turn, which began at a tag and takes a share."""
    had = (
        ("owner", one.owner, now),
        ("repository", str(one.repository_id), now),
        ("began", one.owner, began),
        ("ended", _urgency(one), began + share),
    )
    statement = insert(unit.connection, turns)
    unit.connection.execute(
        statement.on_conflict_do_update(index_elements=["kind", "name"], set_={"at": statement.excluded.at}),
        [{"kind": kind, "name": name, "at": at} for kind, name, at in had],
    )


def wake_waiting(unit: Unit, places: int, now: float) -> None:
    """So many attempts ended: as many of those that wait are looked at again, some may have been over a
    quota until now.
    """
    if not places:
        return
    rows = unit.connection.execute(
        select(attempts.c.id, attempts.c.priority)
        .where(attempts.c.status == AttemptStatus.QUEUED.value, attempts.c.not_before <= now)
        .order_by(attempts.c.id)
        .limit(places)
    )
    for row in rows:
        unit.wake("attempt", row.id, row.priority)
