"""Where a base run stands: what nobody wants any more is dropped, what ended is told to who waits for it."""

import msgspec

from app.engine import rules
from app.engine.base_plan import on_base
from app.engine.base_runs import Base, ask, name_of
from app.engine.opening import end
from app.engine.queueing import AHEAD, queue
from app.engine.reuse import earlier_results
from app.engine.services import Services
from app.engine.standings import Standings
from app.engine.uploads import reads_uploads
from app.model import (
    BaselineState,
    Change,
    ChangeState,
    CheckEvidence,
    CheckRow,
    Conclusion,
    Run,
    RunStatus,
    Status,
)
from app.store import (
    EvidenceSource,
    Unit,
    baselines,
    changes,
    checks,
    keep_evidence,
    projects,
    runs,
    uploads,
    wakes,
)


def settle_base(unit: Unit, services: Services, run: Run, change: Change, platform: str) -> int:
    """Decide and apply, once the row is locked; the run ends with its last check. Gives how many checks run
    or are queued.
    """
    now = services.clock.now()
    run = drop_unwanted(unit, run)
    stored = checks.load_checks(unit.connection, run.id)
    assert run.plan is not None  # noqa: S101 - base runs are opened with one
    assert run.comparison is not None  # noqa: S101 - the same
    state = Standings(
        plan=run.plan,
        change=change,
        comparison=run.comparison,
        rows=stored,
        reports={},
        uploads=uploads.uploads_on(unit.connection, run.repository_id, run.head_sha)
        if any(map(reads_uploads, run.plan.checks))
        else (),
        trusted=run.trusted,
        earlier=earlier_results(unit.connection, services, run, change, stored, platform),
    )
    moved = rules.move(state, now)
    if moved.read:
        unit.wake("uploads", run.id)
    for row in moved.rows:
        checks.save_check(unit, row)
        if row.result.key in moved.queue:
            queue(unit, services, run, change, row.id)
    rows = {row.result.key: row for row in (*stored, *moved.rows)}
    checks.count_cost(unit, run.id, rows.values())
    for asked in baselines.outstanding(unit.connection, run.id):
        row = rows[asked.key]
        if row.result.status is Status.COMPLETED:
            _finish(unit, services, run, change, asked, row)
    runs.wake_run_at(unit, run.id, moved.wake_at)
    if moved.wake_at is not None:
        unit.wake_later("run", run.id, moved.wake_at)
    if all(row.result.status is Status.COMPLETED for row in rows.values()):
        _close(unit, services, run, change)
    return sum(row.result.status in {Status.QUEUED, Status.RUNNING} for row in rows.values())


def drop_unwanted(unit: Unit, run: Run) -> Run:
    """Take out of a base run what has not begun and nobody waits for; gives the run as it is then."""
    assert run.plan is not None  # noqa: S101 - base runs are opened with one
    stored = checks.load_checks(unit.connection, run.id)
    waiting = [row for row in stored if row.result.status in {Status.QUEUED, Status.WAITING}]
    if not waiting:
        return run
    wanted = {row.key for row in baselines.wanted(unit.connection, run.id)}
    still = {spec.key for spec in on_base(run.plan, wanted)}
    gone = {row.result.key: row.id for row in waiting if row.result.key not in still}
    if not gone:
        return run
    for asked in baselines.outstanding(unit.connection, run.id):
        if asked.key in gone:
            baselines.forget(unit, asked.id)
    for check_id in gone.values():
        checks.drop_check(unit, check_id)  # its attempts go with it: whoever was to run one finds none
    left = tuple(spec for spec in run.plan.checks if spec.key not in gone)
    run = msgspec.structs.replace(run, plan=msgspec.structs.replace(run.plan, checks=left))
    runs.save_preparation(unit, run, None)
    return run


def _finish(
    unit: Unit, services: Services, run: Run, change: Change, asked: baselines.BaselineRow, row: CheckRow
) -> None:
    """Evidence is there or cannot be had: whoever waits is decided again, in this transaction."""
    now, result, evidence_id = services.clock.now(), row.result, row.evidence_id
    where = name_of(change.base_ref, run.base_sha)
    reason = why_impossible(row, where, delivered=evidence_id is not None)
    state = BaselineState.IMPOSSIBLE if reason else BaselineState.READY
    if not reason and evidence_id is None:
        evidence_id = _nothing(unit, run, asked, where, now)
    waiting = baselines.finish(
        unit,
        asked.id,
        state,
        reason=reason,
        ours=result.conclusion is Conclusion.ERROR,
        evidence_id=None if reason else evidence_id,
        digest=asked.digest if row.reading is None else row.reading.digest,
        now=now,
    )
    for run_id in waiting:
        runs.wake_run(unit, run_id, now)


def why_impossible(row: CheckRow, where: str, *, delivered: bool) -> str:
    """Why a check that ended on base gives nothing to compare with; '' where it does.

    What was cut off half-way (by a signal, by a limit: what ran and has no exit code) may lack anything. A
    check that had nothing to do there, or succeeded without a report that it may leave out, says that there
    was nothing.
    """
    result = row.result
    key, reason = result.key, result.reason
    match result.conclusion:
        case Conclusion.SUCCESS | Conclusion.NOT_NEEDED:
            return ""
        case Conclusion.FAILURE if row.attempt and result.exit_code is None:
            return f"{key} was cut off on {where}: {reason}"
        case Conclusion.FAILURE if delivered:
            return ""
        case Conclusion.FAILURE:
            return f"{key} left no report on {where}: {reason}"
        case Conclusion.ERROR:
            return f"{key} could not be run on {where}: {reason}"
        case Conclusion.SKIPPED:
            return f"{key} did not run on {where}: {reason}"
        case _:
            return f"{key} did not finish on {where}: {reason}"


def _nothing(unit: Unit, run: Run, asked: baselines.BaselineRow, where: str, now: float) -> int:
    """Keep that base has nothing of this kind: that is evidence too."""
    assert run.comparison is not None  # noqa: S101 - base runs are opened with one
    return keep_evidence(
        unit,
        repository_id=run.repository_id,
        definition=asked.definition,
        base_tree=run.comparison.base_tree,
        tested_tree=run.comparison.tested_tree,
        source=EvidenceSource.BASE,
        origin=f"base run of {where}",
        body=CheckEvidence(key=asked.key),
        now=now,
    )


def _close(unit: Unit, services: Services, run: Run, change: Change) -> None:
    """All is made, or nobody wants the rest. Where a push was held back for this run the branch is looked at:
    what was pushed last waits for its own.
    """
    now = services.clock.now()
    end(unit, services, run, RunStatus.CLOSED)
    if not runs.live_runs(unit.connection, run.change_id):
        closed = msgspec.structs.replace(change, state=ChangeState.CLOSED)
        changes.upsert_change(unit, run.repository_id, closed, now)
    row_id = projects.branch_id(unit.connection, run.repository_id, change.base_ref)
    if run.facts.holds_back and row_id is not None:
        wakes.want(unit, "branch", row_id, now)


def fill_ahead(unit: Unit, services: Services, base: Base, platform: str) -> None:
    """A gated branch was pushed to: make evidence of its tip, and fill the caches that all its changes read,
    before any change asks for it.

    Pushes that come quickly do not all run: what has not begun for an older tip is dropped, and while
    something of it runs the newest tip waits for that. Cells of `matrix: {changed}` are not among them: which
    of them are asked for, the next change tells.
    """
    comparable = {
        spec.definition: spec.key
        for spec in base.plan.checks
        if ((spec.required and spec.produces) or spec.cache is not None) and spec.external is None
    }
    known = baselines.find(unit.connection, base.repository_id, base.tree, comparable)
    keys = tuple(
        key
        for definition, key in comparable.items()
        if definition not in known or known[definition].abandoned
    )
    if not keys:
        return
    older = baselines.live_base_runs(unit.connection, base.repository_id, base.ref)
    busy = [_leave_behind(unit, services, run_id, base, platform) for run_id in older]
    if not any(busy):
        ask(unit, services, base, keys, priority=AHEAD, ahead=True)


def _leave_behind(unit: Unit, services: Services, run_id: int, base: Base, platform: str) -> bool:
    """Drop what an older tip's run has not begun and nobody waits for; whether it still runs, so that the
    newer tip waits for its end.
    """
    run = runs.load_run(unit.connection, run_id)
    if run is None or run.head_sha == base.sha:
        return False
    baselines.leave_behind(unit, run_id)
    change = changes.load_change(unit.connection, run.change_id).change
    if settle_base(unit, services, run, change, platform) == 0:
        return False
    runs.save_facts(unit, run_id, msgspec.structs.replace(run.facts, holds_back=True))
    return True
