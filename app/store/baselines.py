"""What was asked of base: one row per (repository, base's tree, definition of a check), whoever asked.

A row is outstanding while a base run makes the evidence, then ready (it names the evidence) or impossible
(it says why). `baseline_waiters` are the runs to be decided again when it ends.
"""

from collections.abc import Collection
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, or_, select, update

from app.model import BaselineState, Sha
from app.store.projects import insert
from app.store.runs import LIVE
from app.store.session import Unit
from app.store.tables import changes, runs
from app.store.tables_evidence import baseline_waiters, baselines

_OUTSTANDING = BaselineState.OUTSTANDING.value


class BaselineRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row. `key` is the check's in the base run `run_id`; `ours` when it is impossible through an error
    of ours; `ahead` when a push asked, before any change did; `at` when it was asked for or ended;
    `abandoned` when nobody makes it any more; `digest` names the uploaded files it is read from ('' = none).
    """

    id: int
    definition: str
    base_sha: Sha
    key: str
    run_id: int | None
    state: BaselineState
    reason: str
    ours: bool
    ahead: bool
    priority: int
    evidence_id: int | None
    at: float
    abandoned: bool
    digest: str


def _row(row: Row[Any]) -> BaselineRow:
    state = BaselineState(row.state)
    return BaselineRow(
        id=row.id,
        definition=row.definition,
        base_sha=Sha(row.base_sha),
        key=row.key,
        run_id=row.run_id,
        state=state,
        reason=row.reason,
        ours=bool(row.ours),
        ahead=bool(row.ahead),
        priority=row.priority,
        evidence_id=row.evidence_id,
        at=row.at,
        abandoned=state is BaselineState.OUTSTANDING and row.status not in LIVE,
        digest=row.digest,
    )


_ROWS = select(baselines, runs.c.status).outerjoin(runs, runs.c.id == baselines.c.run_id)


def find(
    connection: Connection, repository_id: int, tree: str, definitions: Collection[str]
) -> dict[str, BaselineRow]:
    """What is known of base for these definitions, by definition: one indexed look-up."""
    rows = connection.execute(
        _ROWS.where(
            baselines.c.repository_id == repository_id,
            baselines.c.tree == tree,
            baselines.c.definition.in_(definitions),
        )
    )
    return {row.definition: _row(row) for row in rows}


def ask(
    unit: Unit,
    *,
    repository_id: int,
    tree: str,
    definition: str,
    base_sha: Sha,
    key: str,
    run_id: int,
    ahead: bool,
    priority: int,
    digest: str,
    now: float,
) -> int:
    """Ask a base run for evidence, anew where nobody makes it any more; gives the row's id."""
    values = {
        "base_sha": base_sha,
        "key": key,
        "run_id": run_id,
        "state": _OUTSTANDING,
        "reason": "",
        "ours": False,
        "ahead": ahead,
        "priority": priority,
        "evidence_id": None,
        "at": now,
        "digest": digest,
    }
    statement = insert(unit.connection, baselines).values(
        repository_id=repository_id, tree=tree, definition=definition, **values
    )
    statement = statement.on_conflict_do_update(
        index_elements=["repository_id", "tree", "definition"], set_=values
    )
    return int(unit.connection.execute(statement.returning(baselines.c.id)).scalar_one())


def wait_for(unit: Unit, baseline_id: int, run_id: int) -> None:
    """Have a run decided again when this ends."""
    statement = insert(unit.connection, baseline_waiters).values(baseline_id=baseline_id, run_id=run_id)
    unit.connection.execute(statement.on_conflict_do_nothing(index_elements=["baseline_id", "run_id"]))


def hurry(unit: Unit, run_id: int, priority: int) -> None:
    """What a base run still makes is now asked for by somebody more urgent."""
    unit.connection.execute(
        update(baselines)
        .where(
            baselines.c.run_id == run_id,
            baselines.c.state == _OUTSTANDING,
            baselines.c.priority < priority,
        )
        .values(priority=priority)
    )


def outstanding(connection: Connection, run_id: int) -> tuple[BaselineRow, ...]:
    """What a base run has still to make."""
    rows = connection.execute(
        _ROWS.where(baselines.c.run_id == run_id, baselines.c.state == _OUTSTANDING).order_by(baselines.c.id)
    )
    return tuple(_row(row) for row in rows)


def wanted(connection: Connection, run_id: int) -> tuple[BaselineRow, ...]:
    """Of that, what a push asked for or a live run waits for."""
    waited = (
        select(baseline_waiters.c.baseline_id)
        .join(runs, runs.c.id == baseline_waiters.c.run_id)
        .where(baseline_waiters.c.baseline_id == baselines.c.id, runs.c.status.in_(LIVE))
    )
    rows = connection.execute(
        _ROWS.where(
            baselines.c.run_id == run_id,
            baselines.c.state == _OUTSTANDING,
            or_(baselines.c.ahead.is_(True), waited.correlate(baselines).exists()),
        )
    )
    return tuple(_row(row) for row in rows)


def finish(
    unit: Unit,
    baseline_id: int,
    state: BaselineState,
    *,
    reason: str = "",
    ours: bool = False,
    evidence_id: int | None = None,
    digest: str = "",
    now: float,
) -> tuple[int, ...]:
    """It ended; gives the runs that waited for it."""
    unit.connection.execute(
        update(baselines)
        .where(baselines.c.id == baseline_id)
        .values(state=state.value, reason=reason, ours=ours, evidence_id=evidence_id, digest=digest, at=now)
    )
    gone = unit.connection.execute(
        baseline_waiters.delete()
        .where(baseline_waiters.c.baseline_id == baseline_id)
        .returning(baseline_waiters.c.run_id)
    )
    return tuple(row.run_id for row in gone)


def forget(unit: Unit, baseline_id: int) -> None:
    """Nobody wants it any more; who does later asks anew."""
    unit.connection.execute(baselines.delete().where(baselines.c.id == baseline_id))


def leave_behind(unit: Unit, run_id: int) -> None:
    """The branch has moved on: no push asks for what this base run has still to make."""
    unit.connection.execute(
        update(baselines)
        .where(baselines.c.run_id == run_id, baselines.c.state == _OUTSTANDING)
        .values(ahead=False)
    )


def live_base_runs(connection: Connection, repository_id: int, branch: str) -> tuple[int, ...]:
    """Ids of the base runs of a branch that have not ended, oldest first."""
    rows = connection.execute(
        select(runs.c.id)
        .join(changes, changes.c.id == runs.c.change_id)
        .where(
            changes.c.repository_id == repository_id,
            changes.c.kind == "base",
            changes.c.state == "open",
            changes.c.base_ref == branch,
            runs.c.status.in_(LIVE),
        )
        .order_by(runs.c.id)
    )
    return tuple(row.id for row in rows)
