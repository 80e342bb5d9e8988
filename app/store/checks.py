"""Checks of a run and their attempts."""

from collections.abc import Iterable
from statistics import median
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from app.model import (
    Attempt,
    AttemptStatus,
    ChangeKind,
    CheckResult,
    CheckRow,
    Conclusion,
    Ending,
    Inputs,
    Status,
    UploadReading,
)
from app.store.admission import Asking, wake_waiting
from app.store.session import Unit, pack, unpack
from app.store.tables import changes, runs
from app.store.tables_checks import attempts, checks

OPEN = (AttemptStatus.QUEUED.value, AttemptStatus.RUNNING.value)


def insert_checks(unit: Unit, run_id: int, results: tuple[CheckResult, ...]) -> None:
    """The checks of a freshly planned run; keys that are there already stay as they are."""
    known = {row.result.key for row in load_checks(unit.connection, run_id)}
    rows = [
        {"run_id": run_id, "key": result.key, "status": result.status.value, "result": pack(result)}
        for result in results
        if result.key not in known
    ]
    if rows:
        unit.connection.execute(checks.insert(), rows)


def _check(row: Row[Any]) -> CheckRow:
    return CheckRow(
        id=row.id,
        run_id=row.run_id,
        attempt=row.attempt,
        retries=row.retries,
        crashes=row.crashes,
        result=unpack(CheckResult, row.result),
        evidence_id=row.evidence_id,
        reading=None if row.reading is None else unpack(UploadReading, row.reading),
        inputs=None if row.inputs is None else unpack(Inputs, row.inputs),
    )


def load_checks(connection: Connection, run_id: int) -> tuple[CheckRow, ...]:
    """All checks of a run, in plan order."""
    rows = connection.execute(select(checks).where(checks.c.run_id == run_id).order_by(checks.c.id))
    return tuple(_check(row) for row in rows)


def load_check(connection: Connection, check_id: int) -> CheckRow:
    """A check by row id."""
    return _check(connection.execute(select(checks).where(checks.c.id == check_id)).one())


def save_check(unit: Unit, row: CheckRow) -> None:
    """Write a check back."""
    result = row.result
    unit.connection.execute(
        update(checks)
        .where(checks.c.id == row.id)
        .values(
            status=result.status.value,
            conclusion=None if result.conclusion is None else result.conclusion.value,
            attempt=row.attempt,
            retries=row.retries,
            crashes=row.crashes,
            result=pack(result),
            evidence_id=row.evidence_id,
            reading=None if row.reading is None else pack(row.reading),
        )
    )


def know_inputs(unit: Unit, found: dict[int, Inputs]) -> None:
    """What checks' results depend on, by the checks' ids."""
    for check_id, inputs in found.items():
        unit.connection.execute(update(checks).where(checks.c.id == check_id).values(inputs=pack(inputs)))


def without_inputs(connection: Connection, run_id: int) -> dict[str, int]:
    """Key → id of the checks of a run that have not begun and whose inputs were not looked at."""
    rows = connection.execute(
        select(checks.c.key, checks.c.id).where(
            checks.c.run_id == run_id,
            checks.c.inputs.is_(None),
            checks.c.attempt == 0,
            checks.c.status == Status.WAITING.value,
        )
    )
    return {row.key: row.id for row in rows}


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
    unit: Unit, attempt_id: int, worker: str, status: AttemptStatus, ending: Ending, now: float
) -> bool:
    """Running → ended by one guarded UPDATE on (attempt, worker): late or doubled results change nothing."""
    result = unit.connection.execute(
        update(attempts)
        .where(
            attempts.c.id == attempt_id,
            attempts.c.worker == worker,
            attempts.c.status == AttemptStatus.RUNNING.value,
        )
        .values(status=status.value, outcome=pack(ending), ended_at=now)
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


def usual_seconds(
    connection: Connection,
    repository_id: int,
    keys: tuple[str, ...],
    *,
    runs_looked_at: int = 30,
    least: int = 3,
) -> dict[str, float]:
    """How long checks usually take: the median of their successes among a repository's newest runs, in
    seconds, for those keys that have at least `least`.
    """
    if not keys:
        return {}
    newest = (
        select(runs.c.id)
        .join(changes, changes.c.id == runs.c.change_id)
        .where(runs.c.repository_id == repository_id, changes.c.kind != ChangeKind.BASE.value)
        .order_by(runs.c.id.desc())
        .limit(runs_looked_at)
    )
    rows = connection.execute(
        select(checks.c.key, (attempts.c.ended_at - attempts.c.started_at).label("seconds"))
        .join(attempts, (attempts.c.check_id == checks.c.id) & (attempts.c.n == checks.c.attempt))
        .where(
            checks.c.run_id.in_(newest.scalar_subquery()),
            checks.c.key.in_(keys),
            checks.c.conclusion == Conclusion.SUCCESS.value,
        )
    )
    seen: dict[str, list[float]] = {}
    for row in rows:
        seen.setdefault(row.key, []).append(float(row.seconds))
    return {key: median(seconds) for key, seconds in seen.items() if len(seconds) >= least}


def tried_before(connection: Connection, attempt: Attempt) -> bool:
    """Whether an earlier attempt of this check ended otherwise than by being lost."""
    earlier = select(attempts.c.id).where(
        attempts.c.check_id == attempt.check_id,
        attempts.c.n < attempt.n,
        attempts.c.status != AttemptStatus.LOST.value,
    )
    return connection.execute(earlier.limit(1)).first() is not None


def current_attempts(connection: Connection, run_id: int) -> dict[str, int]:
    """Key → id of each check's current attempt, as far as there is one."""
    rows = connection.execute(
        select(checks.c.key, attempts.c.id)
        .join(attempts, (attempts.c.check_id == checks.c.id) & (attempts.c.n == checks.c.attempt))
        .where(checks.c.run_id == run_id)
    )
    return {row.key: row.id for row in rows}


def run_of_attempt(connection: Connection, attempt_id: int) -> int | None:
    """The live run an attempt belongs to, None when it ended."""
    return connection.execute(
        select(attempts.c.run_id)
        .join(runs, runs.c.id == attempts.c.run_id)
        .where(attempts.c.id == attempt_id, runs.c.status == "planned")
    ).scalar()


def drop_check(unit: Unit, check_id: int) -> None:
    """A check that the gate file does not have any more, or has otherwise: its attempts go with it."""
    unit.connection.execute(checks.delete().where(checks.c.id == check_id))


def count_cost(unit: Unit, run_id: int, rows: Iterable[CheckRow] | None = None) -> None:
    """Measure a run: the seconds its attempts have taken; with `rows`, its checks, also those that the
    results it reused had taken.
    """
    spent = (
        select(func.coalesce(func.sum(attempts.c.ended_at - attempts.c.started_at), 0.0))
        .where(attempts.c.run_id == run_id)
        .scalar_subquery()
    )
    values: dict[str, object] = {"spent": spent}
    if rows is not None:
        values["saved"] = sum(row.result.seconds or 0.0 for row in rows if row.result.reused is not None)
    unit.connection.execute(update(runs).where(runs.c.id == run_id).values(values))
