"""Decide where one planned run stands and apply it, in one transaction."""

import msgspec

from app.engine import rules
from app.engine.base_settling import settle_base
from app.engine.baselines import known_of_base
from app.engine.flaky import known_flaky
from app.engine.missed import awaited_posts
from app.engine.opening import PORTCULLIS
from app.engine.people import needs_people
from app.engine.prepare import looks_ai_authored
from app.engine.publishing import progress_later, republish
from app.engine.queueing import queue
from app.engine.reuse import earlier_results
from app.engine.services import Services
from app.engine.standings import Decision, Moved, Standings
from app.engine.starting import ask_first
from app.engine.uploads import reads_uploads
from app.model import (
    AuditEntry,
    Change,
    ChangeKind,
    CheckRow,
    People,
    Readable,
    Run,
    RunStatus,
    Status,
    Verdict,
    VerdictState,
)
from app.store import (
    Unit,
    changes,
    checks,
    commits,
    elsewhere,
    evidence,
    granted,
    projects,
    records,
    runs,
    uploads,
    verdicts,
)

SOON = 3600.0
"""Seconds ahead for which a run has a timer: waivers of many runs end in weeks."""


def settle(unit: Unit, services: Services, run_id: int, *, platform: str = "") -> int:
    """Decide and apply, in one transaction: the row is locked first. Gives how many checks run or are
    queued. `platform` is what checks run on now; no earlier result serves on an unknown one.
    """
    now = services.clock.now()
    run = runs.lock_run(unit, run_id, now)
    if run is None or run.status is not RunStatus.PLANNED or run.plan is None:
        if run is not None and run.status.live and run.status is not RunStatus.NEW:
            runs.wake_run_at(unit, run_id, None)
        return 0
    row = changes.load_change(unit.connection, run.change_id)
    if row.change.kind is ChangeKind.BASE:
        return settle_base(unit, services, run, row.change, platform)
    if not row.ai_authored and looks_ai_authored(run.plan, row.change, run.facts):
        changes.mark_ai_authored(unit, row.id)  # a label, or a gate file, that came after the plan; it stays
        row = msgspec.structs.replace(row, ai_authored=True)
    stored = checks.load_checks(unit.connection, run_id)
    earlier = earlier_results(unit.connection, services, run, row.change, stored, platform)
    state = msgspec.structs.replace(_standings(unit, run, row, stored), earlier=earlier)
    state, moved = _move(unit, state, now)
    by_key = {check.result.key: check for check in (*stored, *moved.rows)}
    _take_over(unit, services, run, row.change, moved)
    known = known_of_base(unit, services, run, row.change, moved)
    flaky = known_flaky(unit.connection, run, moved.evidence, now)
    state = msgspec.structs.replace(state, baselines=known, flaky=flaky)
    decision = rules.judge(state, moved)
    another = decision.verdict != run.verdict or _newly_compared(unit, run, decision)
    lagging = another or bool(moved.rows) or run.wake_at is not None
    later = progress_later(unit, services, run, decision.verdict) if lagging else None
    checks.count_cost(unit, run_id, by_key.values())
    _wake_at(unit, run, (moved.wake_at, later, _people_at(unit, run, row, now)), now)
    if another:
        _record(unit, run, state, decision, by_key, now)
        audit_verdict(unit, services, run, row.change, decision.verdict)
        _wake_groups(unit, run, row, now)
    if lagging and later is None:
        republish(unit, services, run.repository_id, run.head_sha)
    return sum(check.result.status in {Status.QUEUED, Status.RUNNING} for check in by_key.values())


def _take_over(unit: Unit, services: Services, run: Run, change: Change, moved: Moved) -> None:
    """Keep where the checks are now, and have done what they need next."""
    for changed in moved.rows:
        checks.save_check(unit, changed)
        if changed.result.key in moved.queue:
            queue(unit, services, run, change, changed.id)
    if moved.read:
        unit.wake("uploads", run.id)
    ask_first(unit, run.id, moved.start, services.clock.now())
    for key, pace in moved.took.items():
        elsewhere.took(unit, run.repository_id, key, pace)


def _move(unit: Unit, state: Standings, now: float) -> tuple[Standings, Moved]:
    """Move the checks; where earlier results serve from now on, once more with what those had delivered."""
    moved = rules.move(state, now)
    if not moved.reused:
        return state, moved
    ids = tuple(row.evidence_id for row in moved.rows if row.result.reused and row.evidence_id)
    bodies = {body.key: body for body in evidence.load_evidence(unit.connection, ids)}
    state = msgspec.structs.replace(state, reports={**state.reports, **bodies})
    return state, rules.move(state, now)


def _wake_at(unit: Unit, run: Run, moments: tuple[float | None, ...], now: float) -> None:
    """Look at the run again at the first of these moments."""
    wake_at = min((at for at in moments if at is not None), default=None)
    runs.wake_run_at(unit, run.id, wake_at)
    if wake_at is not None and wake_at < now + SOON:
        unit.wake_later("run", run.id, wake_at)  # a moment far away is left to the sweep


def _newly_compared(unit: Unit, run: Run, decision: Decision) -> bool:
    """Whether a verdict that stays rests on other baselines than the one on record: what is shown of it
    (which findings are new) may differ all the same.
    """
    if not decision.evidence.baselines:
        return False
    before = verdicts.recorded_baselines(unit.connection, run.id)
    return before != evidence.without_reports(decision.evidence).baselines


def _record(
    unit: Unit,
    run: Run,
    state: Standings,
    decision: Decision,
    rows: dict[str, CheckRow],
    now: float,
) -> None:
    """Keep a verdict with all it rests on."""
    ids = tuple(
        evidence_id
        for delivered in decision.evidence.reports
        if (evidence_id := rows[delivered.key].evidence_id) is not None
    )
    recorded = verdicts.Recorded(verdict=decision.verdict, evidence=decision.evidence, subject=state.subject)
    verdicts.record_verdict(unit, run, recorded, ids, now)


def _reads_people(run: Run, row: changes.ChangeRow) -> bool:
    asks = row.change.kind is ChangeKind.PULL_REQUEST
    return asks and run.plan is not None and needs_people(run.plan)


def _people(run: Run, row: changes.ChangeRow) -> People:
    """What counts of people now. Once somebody asked for them anew the known ones count no more: a
    dismissed approval may be among them.
    """
    if not _reads_people(run, row):
        return People(state=Readable.NOT_APPLICABLE)
    if row.people is None or row.people_wanted:
        return People(state=Readable.LATER, unreadable="reviews are read anew")
    return row.people


def _people_at(unit: Unit, run: Run, row: changes.ChangeRow, now: float) -> float | None:
    """When facts about people are to be read again: at once where somebody asked since, in a minute where
    the forge did not answer.
    """
    if not _reads_people(run, row):
        return None
    if row.people is None or row.people_wanted:
        changes.want_people(unit, row.id)
        unit.wake("run", run.id)
        return now
    if row.people.state is not Readable.LATER:
        return None
    changes.want_people(unit, row.id)
    return now + 60


def _evidence_id(check: CheckRow) -> int | None:
    """The evidence that a decision may rest on: what was just read of uploads counts from it on."""
    return check.evidence_id if check.reading is None else check.reading.evidence_id


def _standings(unit: Unit, run: Run, row: changes.ChangeRow, stored: tuple[CheckRow, ...]) -> Standings:
    connection = unit.connection
    ids = tuple(one for one in map(_evidence_id, stored) if one is not None)
    delivered = {body.key: body for body in evidence.load_evidence(connection, ids)}
    assert run.plan is not None  # noqa: S101 - settle only comes here with a plan
    assert run.comparison is not None  # noqa: S101 - the same
    uploaded = any(reads_uploads(spec) for spec in run.plan.checks)
    awaited = awaited_posts(run.plan)
    subject, granted_to = None, row.id
    if row.change.kind is ChangeKind.MERGE_GROUP and row.change.subject_key is not None:
        found = changes.find_change(connection, run.repository_id, row.change.subject_key)
        latest = None if found is None else runs.latest_run(connection, found.id)
        subject = None if latest is None else latest.verdict
        granted_to = row.id if found is None else found.id  # what its change was granted goes with it
    return Standings(
        plan=run.plan,
        change=row.change,
        comparison=run.comparison,
        rows=stored,
        reports=delivered,
        posts=records.posts_on(connection, run.repository_id, run.head_sha) if awaited else (),
        uploads=uploads.uploads_on(connection, run.repository_id, run.head_sha) if uploaded else (),
        people=_people(run, row),
        trusted=run.trusted,
        ai_authored=row.ai_authored,
        facts=run.facts,
        subject=subject,
        overrides=granted.overrides_in_force(connection, row.id, run.head_sha),
        waivers=granted.waivers_granted(connection, granted_to),
        shared=bool(awaited) and commits.has_other_changes(connection, run.repository_id, run.head_sha),
        requests=elsewhere.starts_of(connection, run.id) if awaited else {},
        paces=elsewhere.usual_paces(connection, run.repository_id, [spec.key for spec in awaited]),
    )


def _wake_groups(unit: Unit, run: Run, row: changes.ChangeRow, now: float) -> None:
    """Merge groups copy what is about people from their change's verdict: they look again."""
    if row.change.kind is not ChangeKind.PULL_REQUEST:
        return
    for other in changes.open_changes(unit.connection, run.repository_id):
        if other.change.kind is ChangeKind.MERGE_GROUP and other.change.subject_key == row.change.key:
            for live in runs.live_runs(unit.connection, other.id):
                runs.wake_run(unit, live.id, now)


def audit_verdict(unit: Unit, services: Services, run: Run, change: Change, verdict: Verdict) -> None:
    """Put a verdict that was reached, and differs from the one before, into the record."""
    before = run.verdict.state if run.verdict is not None else None
    if verdict.state is before or verdict.state is VerdictState.PENDING:
        return
    repository = projects.load_repository(unit.connection, run.repository_id)
    records.append_audit(
        unit,
        AuditEntry(
            at=services.clock.now(),
            actor=PORTCULLIS,
            verb="verdict.reached",
            repository=repository.full_name,
            change=change.key,
            run=run.id,
            details={"state": verdict.state.value, "head_sha": run.head_sha},
        ),
    )
