"""Reconcile one run: prepare it once, then read where all stands, decide, write. Any number of times."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
import structlog
from sqlalchemy import Connection

from app.engine import rules
from app.engine.fetching import Stale
from app.engine.missed import awaited_posts
from app.engine.opening import accept_change
from app.engine.people import needs_people, read_people
from app.engine.prepare import Prepared, prepare
from app.engine.publishing import republish
from app.engine.reuse import know_inputs
from app.engine.services import Services
from app.engine.settling import audit_verdict, settle
from app.forges import Gone
from app.model import (
    Change,
    ChangeKind,
    ChangeState,
    Misconfigured,
    Outage,
    People,
    Repository,
    Run,
    RunStatus,
    Sha,
    Verdict,
)
from app.policy import blocked_verdict, errored_verdict
from app.store import Unit, changes, checks, projects, runs, verdicts, wakes

LOG = structlog.get_logger(__name__)
CRASH_LIMIT = 5
MANY, PAUSE, LONGEST_PAUSE = 8, 0.0125, 0.3
"""While that many checks run or wait for a place, a run is decided the less often the more they are: each
decision reads them all. Seconds for each of them, and at most.
"""
FIRST_RETRY = 10.0
LONGEST_RETRY = 300.0
FIRST_LOOK = 2.0
LAG = 60.0
"""Seconds after which a forge shows what it told of."""


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
    await know_inputs(services, repository, loaded[0], loaded[1].change)
    await _refresh_facts(services, repository, loaded[0], loaded[1])
    platform = await asyncio.to_thread(lambda: services.executor.platform)  # it may walk whole tool chains
    running = await services.database.run(lambda unit: settle(unit, services, run_id, platform=platform))
    if running >= MANY:
        await asyncio.sleep(min(running * PAUSE, LONGEST_PAUSE))  # what ends meanwhile is decided together


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
        # where it has not, its git lags behind what it tells
        await _postpone(
            services, run, now + min(max(now - run.opened_at, FIRST_LOOK), LONGEST_RETRY), str(stale)
        )
        return False
    except Outage as outage:
        at = outage.again_at(now, min(max(now - run.opened_at, FIRST_RETRY), LONGEST_RETRY))  # doubling
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
        verdicts.save_verdict(unit, run, verdict, now)
        audit_verdict(unit, services, run, change, verdict)
    if run.status is RunStatus.PLANNED and run.plan is not None:
        checks.insert_checks(unit, run.id, rules.first_results(run.plan, now, fresh=run.facts.fresh))
        runs.wake_run_at(unit, run.id, now)  # until it was decided, should we stop in between
        if needs_people(run.plan):
            changes.want_people(unit, row.id)
        if awaited_posts(run.plan):
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


def read_again_at(read: Sha, heads: Sequence[tuple[Sha, float]], now: float) -> float | None:
    """When (epoch seconds) to read a change again whose head was `read`, while that may be older than what a
    delivery told: forges answer from copies that lag. In doubling steps and for a minute at most; then what
    it shows is taken for the truth. None where nothing speaks against it. `heads` as `heads_told` gives.
    """
    if not heads or read == heads[-1][0] or read not in {head for head, _ in heads[:-1]}:
        return None  # what no delivery told of is newer than what one did
    waited = now - heads[-1][1]
    return now + max(FIRST_LOOK, waited) if waited < LAG else None


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
    heads = await services.database.read(lambda c: changes.heads_told(c, change_id))
    again_at = read_again_at(change.head_sha, heads, services.clock.now())
    if again_at is not None:
        at = datetime.fromtimestamp(again_at, UTC)
        raise Outage(f"the forge does not show {heads[-1][0]} yet, of which it told us", retry_at=at)

    def write(unit: Unit) -> None:
        projects.lock_repository(unit, row.repository_id)
        pusher = changes.pusher_of(unit.connection, change_id, change.head_sha)
        told = msgspec.structs.replace(change, pusher=pusher)
        accept_change(unit, services, row.repository_id, told, actor=change.author)

    await services.database.run(write)
