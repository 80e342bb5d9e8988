"""What an operator watches, of all processes together: how much waits, for how long, what came of it."""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, Table, func, select

from app.model import AttemptStatus, RunStatus
from app.store.tables import deliveries, runs
from app.store.tables_checks import attempts
from app.store.tables_forge import comments, publications
from app.store.tables_operation import troubles

_OPEN = (AttemptStatus.QUEUED.value, AttemptStatus.RUNNING.value)
_JUDGED = (RunStatus.PLANNED.value, RunStatus.REFUSED.value)


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """How many wait, and since when the oldest should have had its turn (epoch seconds; None: none waits)."""

    count: int = 0
    since: float | None = None


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """`deliveries` by status, as far as they are kept; `attempts` by status (queued, running); `verdicts` of
    the changes that are open now, by state; `troubles` by kind. The others are what waits.
    """

    deliveries: Mapping[str, int] = {}
    attempts: Mapping[str, int] = {}
    verdicts: Mapping[str, int] = {}
    troubles: Mapping[str, int] = {}
    unread: Line = Line()
    queued: Line = Line()
    publications: Line = Line()
    comments: Line = Line()


def read(connection: Connection, now: float) -> Figures:
    """All of them, as they are now."""
    queued = attempts.c.status == AttemptStatus.QUEUED.value
    judged = select(runs.c.state, func.count()).where(runs.c.status.in_(_JUDGED), runs.c.state != "")
    return Figures(
        deliveries=_counted(connection, select(deliveries.c.status, func.count()), deliveries.c.status),
        attempts=_counted(
            connection,
            select(attempts.c.status, func.count()).where(attempts.c.status.in_(_OPEN)),
            attempts.c.status,
        ),
        verdicts=_counted(connection, judged, runs.c.state),
        troubles=_counted(connection, select(troubles.c.kind, func.count()), troubles.c.kind),
        unread=_line(connection, deliveries, deliveries.c.received_at, deliveries.c.status == "stored"),
        queued=_line(connection, attempts, attempts.c.queued_at, queued),
        publications=_late(connection, publications, now),
        comments=_late(connection, comments, now),
    )


def _counted(connection: Connection, statement: Select[Any], by: Any) -> dict[str, int]:  # noqa: ANN401 - any column
    return {str(name): int(count) for name, count in connection.execute(statement.group_by(by))}


def _late(connection: Connection, table: Table, now: float) -> Line:
    """What should have been posted by now; what is put off to a later time is not late."""
    return _line(connection, table, table.c.wake_at, table.c.wake_at <= now)


def _line(connection: Connection, table: Table, since: Any, waits: Any) -> Line:  # noqa: ANN401 - any column
    count, oldest = connection.execute(
        select(func.count(), func.min(since)).select_from(table).where(waits)
    ).one()
    return Line(count=int(count), since=oldest)
