"""Reconcile one run: prepare it once, then read where all stands, decide, write. Any number of times."""

import asyncio

import msgspec
import structlog
from sqlalchemy import Connection

from app.engine import rules
from app.engine.missed import reads_posts
from app.engine.opening import PORTCULLIS, accept_change
from app.engine.people import needs_people, read_people
from app.engine.prepare import Prepared, Stale, looks_ai_authored, prepare
from app.engine.publishing import progress_later, republish
from app.engine.services import Services
from app.engine.uploads import reads_uploads
from app.forges import Gone
from app.model import (
    AuditEntry,
    Change,
    ChangeKind,
    ChangeState,
    CheckRow,
    Misconfigured,
    Outage,
    People,
    Readable,
    Repository,
    Run,
    RunStatus,
    Status,
    Verdict,
    VerdictState,
)
from app.policy import blocked_verdict, errored_verdict
from app.store import Unit, changes, checks, projects, records, runs, uploads, wakes

LOG = structlog.get_logger(__name__)
CRASH_LIMIT = 5
MANY, PAUSE = 8, 0.1
"""While that many checks run, a run is decided ten times a second at most: each decision reads them all."""
SOON = 3600.0
"""Seconds ahead for which a run has a timer: waivers of many runs end in weeks."""
FIRST_RETRY = 10.0
LONGEST_RETRY = 300.0


async def reconcile(services: Services, run_id: int) -> None:
    """The handler of ('run', id)."""
    loaded = await services.database.read(lambda c: _load(c, run_id))
    if loaded is None:
        return
    run, row, repository = loaded
    structlog.contextvars.bind_contextvars(run=run_id, repository=repository.full_name)
    if run.status is RunStatus.NEW:
        if not await _prepare(services, repository, row, run):
            return
        loaded = await services.database.read(lambda c: _load(c, run_id))
        if loaded is None:
            return
    await _refresh_facts(services, repository, loaded[0], loaded[1])
    running = await services.database.run(lambda unit: settle(unit, services, run_id))
    if running >= MANY:
        await asyncio.sleep(PAUSE)  # what ends meanwhile is decided together


def _load(connection: Connection, run_id: int) -> tuple[Run, changes.ChangeRow, Repository] | None:
    run = runs.load_run(connection, run_id)
    if run is None or not run.status.live or not projects.is_active(connection, run.repository_id):
        return None
    row = changes.load_change(connection, run.change_id)
    return run, row, projects.load_repository(connection, run.repository_id)


async def _prepare(services: Services, repository: Repository, row: changes.ChangeRow, run: Run) -> bool:
    """Prepare a new run and keep what was found; false when there is nothing to decide now."""
    forge = services.forges[repository.forge]
    now = services.clock.now()
    try:
        prepared = await prepare(services, forge, repository, row, run)
    except Stale as stale:
        LOG.info("the forge has moved on", reason=str(stale))
        await refresh_change(services, row.id)
        return False
    except Outage as outage:
        told = outage.retry_at.timestamp() if outage.retry_at else now
        at = max(told, now + min(max(now - run.opened_at, FIRST_RETRY), LONGEST_RETRY))  # doubling
        await _postpone(services, run, at, outage.message)
        return False
    except Misconfigured as problem:
        await _postpone(services, run, now + 600, problem.message)
        return False
    except Exception as bug:  # a bug of ours: tried again, then said so
        LOG.exception("preparing crashed")
        if not await _crashed(services, run, f"{type(bug).__name__}: {bug}"):
            return False
        refused = msgspec.structs.replace(run, status=RunStatus.REFUSED)
        prepared = Prepared(run=refused, refusal="", broken=False, gate="unknown")
        verdict = errored_verdict("Portcullis itself failed while reading this change; see its log")
        await services.database.run(lambda unit: _keep(unit, services, prepared, row, verdict))
        return False
    await services.database.run(lambda unit: _keep(unit, services, prepared, row, None))
    return prepared.run.status is RunStatus.PLANNED


async def _postpone(services: Services, run: Run, at: float, reason: str) -> None:
    LOG.warning("preparing is tried again", reason=reason, at=at)

    def write(unit: Unit) -> None:
        runs.postpone_run(unit, run.id, at, reason, crashed=False)
        unit.wake_later("run", run.id, at)

    await services.database.run(write)


async def _crashed(services: Services, run: Run, reason: str) -> bool:
    """Count a crash of ours; true when it has crashed too often."""
    at = services.clock.now() + 5

    def write(unit: Unit) -> int:
        crashes = runs.postpone_run(unit, run.id, at, reason, crashed=True)
        unit.wake_later("run", run.id, at)
        return crashes

    return await services.database.run(write) >= CRASH_LIMIT


def _keep(
    unit: Unit,
    services: Services,
    prepared: Prepared,
    row: changes.ChangeRow,
    verdict: Verdict | None,
) -> None:
    """Keep what preparing found, in one transaction; a run that ended meanwhile keeps nothing."""
    run, now = prepared.run, services.clock.now()
    change = row.change
    projects.lock_repository(unit, run.repository_id)
    if prepared.branch_tip:
        _know_branch(unit, prepared, change.base_ref, now)
    if not runs.save_preparation(unit, run, prepared.gate_text):
        return
    if prepared.ai_authored and not row.ai_authored:
        changes.mark_ai_authored(unit, row.id)
    if run.status is RunStatus.REFUSED:
        verdict = verdict or _refusal(prepared, change)
        runs.save_verdict(unit, run, verdict, None, (), now)
        _audit_verdict(unit, services, run, change, verdict)
    if run.status is RunStatus.PLANNED and run.plan is not None:
        checks.insert_checks(unit, run.id, rules.first_results(run.plan, now))
        runs.wake_run_at(unit, run.id, now)  # until it was decided, should we stop in between
        if needs_people(run.plan):
            changes.want_people(unit, row.id)
        if reads_posts(run.plan):
            unit.wake("posts", run.id)  # some may be older than our looking
        return  # the decision that follows publishes
    republish(unit, services, run.repository_id, run.head_sha)


def _know_branch(unit: Unit, prepared: Prepared, name: str, now: float) -> None:
    """Remember the target as preparing read it. If it was known to be elsewhere, one of the two is the
    newer: it is looked at again, so that no run stays judged by what the other said.
    """
    run = prepared.run
    known = projects.branch(unit.connection, run.repository_id, name)
    gate_hash = run.plan.gate_hash if run.plan is not None else ""
    projects.know_branch(unit, run.repository_id, name, prepared.branch_tip, prepared.gate, gate_hash, now)
    if known is not None and known[0] != prepared.branch_tip:
        row_id = projects.branch_id(unit.connection, run.repository_id, name)
        if row_id is not None:
            wakes.want(unit, "branch", row_id, now)


def _refusal(prepared: Prepared, change: Change) -> Verdict:
    if prepared.broken:
        return errored_verdict(f"no version of the gate file on {change.base_ref} is valid")
    return blocked_verdict(prepared.refusal)


async def _refresh_facts(
    services: Services, repository: Repository, run: Run, row: changes.ChangeRow
) -> None:
    """Read again what people may have changed, where the plan asks for it and an event said so."""
    if run.status is not RunStatus.PLANNED or run.plan is None:
        return
    if not row.people_wanted or not needs_people(run.plan):
        return
    if not await services.database.run(lambda unit: _of_live_run(unit, services, run, None)):
        return
    people = await read_people(services, services.forges[repository.forge], repository, row, run)
    await services.database.run(lambda unit: _of_live_run(unit, services, run, people))


def _of_live_run(unit: Unit, services: Services, run: Run, people: People | None) -> bool:
    """Begin to read facts about people, or keep what was read; false for a run whose head was left behind:
    what its reviews say of that head must not count for the next.
    """
    now = services.clock.now()
    locked = runs.lock_run(unit, run.id, now)
    if locked is None or not locked.status.live:
        return False
    if people is None:
        changes.begin_people(unit, run.change_id)
    else:
        changes.remember_people(unit, run.change_id, people, now)
    return True


def settle(unit: Unit, services: Services, run_id: int) -> int:
    """Decide and apply, in one transaction: the row is locked first. Gives how many checks run or are
    queued.
    """
    now = services.clock.now()
    run = runs.lock_run(unit, run_id, now)
    if run is None or run.status is not RunStatus.PLANNED or run.plan is None:
        if run is not None and run.status.live and run.status is not RunStatus.NEW:
            runs.wake_run_at(unit, run_id, None)
        return 0
    connection = unit.connection
    row = changes.load_change(connection, run.change_id)
    if not row.ai_authored and looks_ai_authored(run.plan, row.change, ()):
        changes.mark_ai_authored(unit, row.id)  # a label that came after the plan, and stays noted
        row = msgspec.structs.replace(row, ai_authored=True)
    stored = checks.load_checks(connection, run_id)
    decision = rules.decide(_standings(unit, run, row, stored), now)
    for changed in decision.rows:
        checks.save_check(unit, changed)
        if changed.result.key in decision.queue:
            queue(unit, services, run, row.change, changed.id)
    if decision.read:
        unit.wake("uploads", run_id)
    another = decision.verdict != run.verdict
    lagging = another or bool(decision.rows) or run.wake_at is not None
    later = progress_later(unit, services, run, decision.verdict) if lagging else None
    moments = (decision.wake_at, later, _people_at(unit, run, row, now))
    wake_at = min((at for at in moments if at is not None), default=None)
    runs.wake_run_at(unit, run_id, wake_at)
    if wake_at is not None and wake_at < now + SOON:
        unit.wake_later("run", run_id, wake_at)  # a moment far away is left to the sweep
    by_key = {check.result.key: check for check in (*stored, *decision.rows)}
    if another:
        ids = tuple(
            evidence_id
            for evidence in decision.evidence.reports
            if (evidence_id := by_key[evidence.key].evidence_id) is not None
        )
        runs.save_verdict(unit, run, decision.verdict, decision.evidence, ids, now)
        _audit_verdict(unit, services, run, row.change, decision.verdict)
        _wake_groups(unit, run, row, now)
    if lagging and later is None:
        republish(unit, services, run.repository_id, run.head_sha)
    return sum(check.result.status in {Status.QUEUED, Status.RUNNING} for check in by_key.values())


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


def _standings(unit: Unit, run: Run, row: changes.ChangeRow, stored: tuple[CheckRow, ...]) -> rules.Standings:
    connection = unit.connection
    ids = tuple(one for one in map(_evidence_id, stored) if one is not None)
    evidence = {body.key: body for body in checks.load_evidence(connection, ids)}
    assert run.plan is not None  # noqa: S101 - settle only comes here with a plan
    assert run.comparison is not None  # noqa: S101 - the same
    uploaded = any(reads_uploads(spec) for spec in run.plan.checks)
    subject = None
    if row.change.kind is ChangeKind.MERGE_GROUP and row.change.subject_key is not None:
        found = changes.find_change(connection, run.repository_id, row.change.subject_key)
        latest = None if found is None else runs.latest_run(connection, found.id)
        subject = None if latest is None else latest.verdict
    return rules.Standings(
        plan=run.plan,
        change=row.change,
        comparison=run.comparison,
        rows=stored,
        reports=evidence,
        posts=records.posts_on(connection, run.repository_id, run.head_sha) if reads_posts(run.plan) else (),
        uploads=uploads.uploads_on(connection, run.repository_id, run.head_sha) if uploaded else (),
        people=_people(run, row),
        trusted=run.trusted,
        ai_authored=row.ai_authored,
        reverts=run.facts.reverts,
        subject=subject,
    )


def queue(unit: Unit, services: Services, run: Run, change: Change, check_id: int, delay: float = 0) -> None:
    """Queue a check's current attempt: merge groups before trusted before untrusted changes."""
    now = services.clock.now()
    priority = 2 if change.kind is ChangeKind.MERGE_GROUP else int(run.trusted)
    check = checks.load_check(unit.connection, check_id)
    attempt_id = checks.queue_attempt(unit, check, not_before=now + delay, priority=priority, now=now)
    if delay:
        unit.wake_later("attempt", attempt_id, now + delay)
    else:
        unit.wake("attempt", attempt_id, priority)


def _wake_groups(unit: Unit, run: Run, row: changes.ChangeRow, now: float) -> None:
    """Merge groups copy what is about people from their change's verdict: they look again."""
    if row.change.kind is not ChangeKind.PULL_REQUEST:
        return
    for other in changes.open_changes(unit.connection, run.repository_id):
        if other.change.kind is ChangeKind.MERGE_GROUP and other.change.subject_key == row.change.key:
            for live in runs.live_runs(unit.connection, other.id):
                runs.wake_run(unit, live.id, now)


def _audit_verdict(unit: Unit, services: Services, run: Run, change: Change, verdict: Verdict) -> None:
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


async def refresh_change(services: Services, change_id: int) -> None:
    """The handler of ('change', id): read a pull request as it is now and take it over."""
    row = await services.database.read(lambda c: changes.load_change(c, change_id))
    repository = await services.database.read(lambda c: projects.load_repository(c, row.repository_id))
    active = await services.database.read(lambda c: projects.is_active(c, row.repository_id))
    if not active or row.change.kind is not ChangeKind.PULL_REQUEST or row.change.number is None:
        return
    forge = services.forges[repository.forge]
    try:
        change = await forge.get_change(repository, row.change.number)
    except Gone:
        change = msgspec.structs.replace(row.change, state=ChangeState.CLOSED)

    def write(unit: Unit) -> None:
        projects.lock_repository(unit, row.repository_id)
        pusher = changes.pusher_of(unit.connection, change_id, change.head_sha)
        told = msgspec.structs.replace(change, pusher=pusher)
        accept_change(unit, services, row.repository_id, told, actor=change.author)

    await services.database.run(write)
