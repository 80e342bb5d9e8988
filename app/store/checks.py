"""Checks of a run, and what they cost."""

from collections.abc import Iterable
from statistics import median
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from app.model import (
    ChangeKind,
    CheckResult,
    CheckRow,
    Conclusion,
    Inputs,
    Status,
    UploadReading,
)
from app.store.session import Unit, pack, unpack
from app.store.tables import changes, runs
from app.store.tables_checks import attempts, checks


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
            reused_attempt=None if result.reused is None else result.reused.attempt,
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


def current_attempts(connection: Connection, run_id: int) -> dict[str, int]:
    """Key → id of each check's current attempt, as far as there is one."""
    rows = connection.execute(
        select(checks.c.key, attempts.c.id)
        .join(attempts, (attempts.c.check_id == checks.c.id) & (attempts.c.n == checks.c.attempt))
        .where(checks.c.run_id == run_id)
    )
    return {row.key: row.id for row in rows}


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
