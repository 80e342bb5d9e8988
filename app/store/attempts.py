"""Attempts of checks: each changes its state by one guarded UPDATE, so that of two who try one wins."""

from typing import Any

from sqlalchemy import Connection, Row, select, update

from app.model import Attempt, AttemptStatus, CheckRow, Ending
from app.store.admission import Asking, wake_waiting
from app.store.session import Unit, pack, unpack
from app.store.tables import runs
from app.store.tables_checks import attempts

OPEN = (AttemptStatus.QUEUED.value, AttemptStatus.RUNNING.value)


def _attempt(row: Row[Any]) -> Attempt:
    return Attempt(
        id=row.id,
        check_id=row.check_id,
        run_id=row.run_id,
        n=row.n,
        status=AttemptStatus(row.status),
        worker=row.worker,
        lease_until=row.lease_until,
        not_before=row.not_before,
        priority=row.priority,
        queued_at=row.queued_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        ending=None if row.outcome is None else unpack(Ending, row.outcome),
    )


def queue_attempt(
    unit: Unit, check: CheckRow, whose: Asking, *, not_before: float, priority: int, now: float
) -> int:
    """Queue the check's current attempt; gives the attempt's id, also when it was queued already."""
    known = unit.connection.execute(
        select(attempts.c.id).where(attempts.c.check_id == check.id, attempts.c.n == check.attempt)
    ).scalar()
    if known is not None:
        return int(known)
    result = unit.connection.execute(
        attempts.insert()
        .values(
            check_id=check.id,
            run_id=check.run_id,
            n=check.attempt,
            status=AttemptStatus.QUEUED.value,
            not_before=not_before,
            priority=priority,
            queued_at=now,
            repository_id=whose.repository_id,
            owner=whose.owner,
            author=whose.author,
            group=whose.group,
        )
        .returning(attempts.c.id)
    )
    return int(result.scalar_one())


def load_attempt(connection: Connection, attempt_id: int) -> Attempt | None:
    """An attempt by id."""
    row = connection.execute(select(attempts).where(attempts.c.id == attempt_id)).first()
    return None if row is None else _attempt(row)


def load_attempts(connection: Connection, ids: tuple[int, ...]) -> dict[int, Attempt]:
    """Attempts by their ids, as far as they are there."""
    rows = connection.execute(select(attempts).where(attempts.c.id.in_(ids)))
    return {row.id: _attempt(row) for row in rows}


def attempts_of_run(connection: Connection, run_id: int) -> tuple[Attempt, ...]:
    """All attempts of a run, oldest first."""
    rows = connection.execute(select(attempts).where(attempts.c.run_id == run_id).order_by(attempts.c.id))
    return tuple(_attempt(row) for row in rows)


def attempts_of_check(connection: Connection, check_id: int) -> tuple[Attempt, ...]:
    """All attempts of a check, oldest first."""
    rows = connection.execute(select(attempts).where(attempts.c.check_id == check_id).order_by(attempts.c.id))
    return tuple(_attempt(row) for row in rows)


def claim_attempt(unit: Unit, attempt_id: int, worker: str, lease_until: float, now: float) -> bool:
    """Queued → running by one guarded UPDATE; whoever loses the race drops the work."""
    result = unit.connection.execute(
        update(attempts)
        .where(
            attempts.c.id == attempt_id,
            attempts.c.status == AttemptStatus.QUEUED.value,
            attempts.c.not_before <= now,
        )
        .values(status=AttemptStatus.RUNNING.value, worker=worker, lease_until=lease_until, started_at=now)
    )
    return bool(result.rowcount)


def renew_lease(unit: Unit, attempt_id: int, worker: str, lease_until: float) -> bool:
    """Keep an attempt; false when it is not ours any more (lost or cancelled): stop it."""
    result = unit.connection.execute(
        update(attempts)
        .where(
            attempts.c.id == attempt_id,
            attempts.c.worker == worker,
            attempts.c.status == AttemptStatus.RUNNING.value,
        )
        .values(lease_until=lease_until)
    )
    return bool(result.rowcount)


def end_attempt(
    unit: Unit,
    attempt_id: int,
    worker: str,
    status: AttemptStatus,
    ending: Ending,
    now: float,
    *,
    lapsed_by: float | None = None,
) -> bool:
    """Running → ended by one guarded UPDATE on (attempt, worker): late or doubled results change nothing.
    With `lapsed_by` only if its lease had run out by then: it may have been renewed since it was found.
    """
    statement = update(attempts).where(
        attempts.c.id == attempt_id,
        attempts.c.worker == worker,
        attempts.c.status == AttemptStatus.RUNNING.value,
    )
    if lapsed_by is not None:
        statement = statement.where(attempts.c.lease_until < lapsed_by)
    result = unit.connection.execute(
        statement.values(status=status.value, outcome=pack(ending), ended_at=now)
    )
    wake_waiting(unit, result.rowcount, now)
    return bool(result.rowcount)


def cancel_attempts(unit: Unit, run_id: int, now: float, check_id: int | None = None) -> tuple[int, ...]:
    """Cancel what is queued or running of a run (or of one check); gives the attempts' ids."""
    statement = update(attempts).where(attempts.c.run_id == run_id, attempts.c.status.in_(OPEN))
    if check_id is not None:
        statement = statement.where(attempts.c.check_id == check_id)
    rows = unit.connection.execute(
        statement.values(status=AttemptStatus.CANCELLED.value, ended_at=now).returning(attempts.c.id)
    )
    cancelled = tuple(row.id for row in rows)
    wake_waiting(unit, len(cancelled), now)
    return cancelled


def hurry_attempts(unit: Unit, run_id: int, priority: int) -> tuple[int, ...]:
    """Let a run's queued attempts come before others of lower priority; gives the ids of those moved."""
    rows = unit.connection.execute(
        update(attempts)
        .where(
            attempts.c.run_id == run_id,
            attempts.c.status == AttemptStatus.QUEUED.value,
            attempts.c.priority < priority,
        )
        .values(priority=priority)
        .returning(attempts.c.id)
    )
    return tuple(row.id for row in rows)


def attempts_to_do(connection: Connection, now: float) -> tuple[tuple[int, int], ...]:
    """(priority, id) of queued attempts that may start."""
    rows = connection.execute(
        select(attempts.c.priority, attempts.c.id).where(
            attempts.c.status == AttemptStatus.QUEUED.value, attempts.c.not_before <= now
        )
    )
    return tuple((row.priority, row.id) for row in rows)


def lapsed_attempts(connection: Connection, now: float, alive: str | None = None) -> tuple[Attempt, ...]:
    """Running attempts whose lease ran out; with `alive` also those of any other worker."""
    statement = select(attempts).where(attempts.c.status == AttemptStatus.RUNNING.value)
    condition = attempts.c.lease_until < now
    if alive is not None:
        condition = condition | (attempts.c.worker != alive)
    return tuple(_attempt(row) for row in connection.execute(statement.where(condition)))


def tried_before(connection: Connection, attempt: Attempt) -> bool:
    """Whether an earlier attempt of this check ended otherwise than by being lost."""
    earlier = select(attempts.c.id).where(
        attempts.c.check_id == attempt.check_id,
        attempts.c.n < attempt.n,
        attempts.c.status != AttemptStatus.LOST.value,
    )
    return connection.execute(earlier.limit(1)).first() is not None


def run_of_attempt(connection: Connection, attempt_id: int) -> int | None:
    """The live run an attempt belongs to, None when it ended."""
    return connection.execute(
        select(attempts.c.run_id)
        .join(runs, runs.c.id == attempts.c.run_id)
        .where(attempts.c.id == attempt_id, runs.c.status == "planned")
    ).scalar()
