"""Run one attempt: claim it, run it in the sandbox under a lease, keep what it left, once."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import structlog

from app.engine.caching import cache_use
from app.engine.claiming import Work, claim_next
from app.engine.conclude import after_attempt, after_loss, conclude, mark_flaky, wants_retry
from app.engine.fetching import bring_tested
from app.engine.keeping import Left, keep
from app.engine.queueing import queue
from app.engine.services import Services
from app.engine.specs import attempt_spec, commits_of, files_of, kept_in, needs_base_tree
from app.executors import (
    BASE_SCOPE,
    AttemptOutcome,
    Ended,
    LogChunk,
    LogSink,
    ReportsRead,
    read_reports,
)
from app.model import (
    Attempt,
    AttemptStatus,
    AuthorFault,
    CheckEvidence,
    Conclusion,
    Ending,
    Misconfigured,
    Outage,
    Status,
)
from app.plan import input_name
from app.store import Unit, attempts, changes, checks, records, runs

LOG = structlog.get_logger(__name__)
OUTAGE_SECONDS = 1.0
KeptArtifact = tuple[int, str, int, str]
"""(attempt id, path, size, place) as `records.artifacts_of` gives it."""


async def run_attempt(services: Services, offered: int) -> None:
    """The handler of ('attempt', id): there is room here for one attempt, be it this one or whoever's turn it
    is.
    """
    short = await asyncio.to_thread(services.short_of_room)
    if short:  # another machine may have room; what is claimed here could only fail
        raise Outage(short, hint="make room; checks go on by themselves then")
    now = services.clock.now()
    lease = now + services.options.lease
    work = await services.database.run(lambda unit: claim_next(unit, services, offered, lease, now))
    task = asyncio.current_task()
    if work is None or task is None:
        return
    attempt_id = work.attempt.id
    structlog.contextvars.bind_contextvars(run=work.run.id, check=work.spec.key, attempt=attempt_id)
    services.running[attempt_id] = task
    renewing = asyncio.create_task(_renew(services, attempt_id, task))
    try:
        platform = await asyncio.to_thread(lambda: services.executor.platform)
        outcome, read = await _execute(services, work, platform)
    except asyncio.CancelledError:
        await asyncio.shield(_give_back(services, work))
        raise
    finally:
        renewing.cancel()
        services.running.pop(attempt_id, None)
    await _store(services, work, outcome, read, platform)


async def stop_attempt(services: Services, attempt_id: int) -> None:
    """The handler of ('stop', id): an attempt was cancelled; whoever runs it stops."""
    task = services.running.get(attempt_id)
    if task is not None:
        task.cancel()


async def _renew(services: Services, attempt_id: int, task: asyncio.Task[None] | None) -> None:
    """Keep the lease; stop the attempt when it is not ours any more (superseded, or thought dead)."""
    while True:
        await services.clock.sleep_until(services.clock.now() + services.options.lease / 3)
        until = services.clock.now() + services.options.lease
        try:
            ours = await services.database.run(
                lambda unit, until=until: attempts.renew_lease(unit, attempt_id, services.worker, until)  # type: ignore[misc]
            )
        except Outage as outage:
            LOG.warning("the lease could not be renewed", reason=outage.message)
            continue
        if not ours and task is not None:
            task.cancel()
            return


async def _execute(services: Services, work: Work, platform: str) -> tuple[AttemptOutcome, ReportsRead]:
    """Run it and read what it left. What goes wrong on our side is an outcome too, `setup_error`; what the
    change itself makes impossible is `refused`.
    """
    if services.untrusted_refused and not work.run.trusted:
        detail = f"this machine may not run untrusted changes: {services.untrusted_refused}"
        return AttemptOutcome(ended=Ended.SETUP_ERROR, detail=detail), ReportsRead()
    try:
        return await _run(services, work, platform)
    except AuthorFault as fault:
        return AttemptOutcome(ended=Ended.REFUSED, detail=fault.message), ReportsRead()
    except (Outage, Misconfigured) as problem:
        LOG.warning("an attempt could not be run", reason=problem.message)
        return AttemptOutcome(ended=Ended.SETUP_ERROR, detail=problem.message), ReportsRead()
    except OSError as problem:
        LOG.warning("an attempt could not be run", reason=str(problem))
        detail = f"the worker's machine failed: {problem.strerror or problem}"
        return AttemptOutcome(ended=Ended.SETUP_ERROR, detail=detail), ReportsRead()


async def _run(services: Services, work: Work, platform: str) -> tuple[AttemptOutcome, ReportsRead]:
    spaces, repository, run = services.workspaces, work.repository, work.run
    await bring_tested(services, repository, run, work.change.change.base_ref)
    async with AsyncExitStack() as stack:
        tested = await stack.enter_async_context(spaces.checkout(repository, run.tested_sha))
        base = None
        if needs_base_tree(work.spec, trusted=run.trusted):
            base = await stack.enter_async_context(spaces.checkout(repository, run.base_sha))
        spec = attempt_spec(
            work.spec,
            attempt_id=str(work.attempt.id),
            comparison=work.comparison,
            changed=await _changed(services, work),
            base_ref=work.change.change.base_ref,
            trusted=run.trusted,
            tested=tested,
            base=base,
            inputs=await _inputs(services, work),
            commits=await commits_of(spaces, repository, work.spec, work.comparison),
            cache=await cache_use(
                spaces,
                repository,
                work.spec,
                work.comparison,
                platform=platform,
                scope=BASE_SCOPE if work.on_base else f"change-{run.change_id}",
                trusted=run.trusted,
            ),
        )
        outcome = await services.executor.run(spec, _log_sink(services, work.attempt.id))
        read = await read_reports(work.spec, outcome.files, reader=services.reader, tree=tested)
    return outcome, read


async def _changed(services: Services, work: Work) -> tuple[str, ...]:
    """The paths that a check is told were changed: on base all files, so that one which looks at changed
    files only says of the whole tree what others are compared with.
    """
    if not work.on_base:
        return work.comparison.paths
    return files_of(await services.workspaces.entries(work.repository, work.run.tested_sha))


async def _inputs(services: Services, work: Work) -> dict[str, Path]:
    """Directories of the artifacts of the checks this one needs: `id`, or `id/cell` of a matrix."""
    if not any(work.given.values()) or work.run.plan is None:
        return {}
    ids = {spec.key: spec.id for spec in work.run.plan.checks}
    names = {attempt: input_name(ids[key], key) for key, attempt in work.given.items()}
    made = await services.database.read(lambda c: attempts.load_attempts(c, tuple(names)))
    kept = await services.database.read(lambda c: records.artifacts_of(c, tuple(names)))
    found = {names[attempt]: kept_in(path, stored) for attempt, path, _, stored in kept}
    await asyncio.to_thread(_need, names, made, kept)
    return found


def _need(names: dict[int, str], made: dict[int, Attempt], kept: tuple[KeptArtifact, ...]) -> None:
    """A check is never run without all that it is to be given: it may find nothing wrong in nothing."""
    known = Counter(attempt_id for attempt_id, *_ in kept)
    there = Counter(attempt_id for attempt_id, _, size, stored in kept if _holds(Path(stored), size))
    for attempt_id, name in names.items():
        attempt = made.get(attempt_id)
        told = 0 if attempt is None or attempt.ending is None else attempt.ending.artifacts
        if attempt_id and (attempt is None or there[attempt_id] < max(told, known[attempt_id])):
            raise Outage(f"the artifacts of {name} are not here any more: run it again")


def _holds(place: Path, size: int) -> bool:
    return place.is_file() and place.stat().st_size == size


def _log_sink(services: Services, attempt_id: int) -> LogSink:
    async def sink(chunk: LogChunk) -> None:
        await _insist(
            services,
            lambda unit: records.append_log(
                unit, attempt_id, chunk.seq, chunk.offset, chunk.t_ms, chunk.data
            ),
        )

    return sink


async def _store(
    services: Services, work: Work, outcome: AttemptOutcome, read: ReportsRead, platform: str
) -> None:
    """Keep the ending by a guarded UPDATE and let the run go on, in one transaction."""
    evidence = mark_flaky(CheckEvidence(key=work.spec.key, reports=read.contents), work.failed_before)
    ending = conclude(work.spec, outcome, read, evidence)
    LOG.info(
        "attempt ended", conclusion=ending.conclusion.value, reason=ending.reason, seconds=ending.seconds
    )

    same = platform == await asyncio.to_thread(lambda: services.executor.platform)
    left = Left(ending=ending, evidence=evidence, outputs=read.outputs, platform=platform, same=same)

    def write(unit: Unit) -> None:
        now = services.clock.now()
        status = AttemptStatus.COMPLETED
        runs.hold_run(unit, work.run.id, now)
        if not attempts.end_attempt(unit, work.attempt.id, services.worker, status, ending, now):
            return  # superseded, lost or stored before: late results change nothing
        for artifact in outcome.artifacts:
            records.keep_artifact(unit, work.attempt.id, artifact.path, artifact.size, artifact.stored)
        row = checks.load_check(unit.connection, work.check.id)
        if row.attempt != work.attempt.n:
            return  # set back meanwhile
        evidence_id = keep(unit, services, work, left)
        after = after_attempt(work.spec, row, ending, evidence_id, read.outputs, evidence, now)
        checks.save_check(unit, after)
        delay = wants_retry(work.spec, row, ending)
        if delay is not None:
            queue(unit, services, work.run, work.change.change, row.id, delay)
        runs.wake_run(unit, work.run.id, now)

    await _insist(services, write)


async def _insist(services: Services, write: Callable[[Unit], None]) -> None:
    """Write across an outage of the database: a check that ran need not run again for it."""
    while True:
        try:
            await services.database.run(write)
        except Outage as outage:
            LOG.warning("what a check left is kept again", reason=outage.message)
            await asyncio.sleep(OUTAGE_SECONDS)
        else:
            return


async def _give_back(services: Services, work: Work) -> None:
    """Our process stops, or the run was superseded: the attempt is cancelled or lost, never a failure."""
    reason = "given back when its worker stopped"
    await services.database.run(lambda unit: lose(unit, services, work.attempt, reason, crashed=False))


def lose(
    unit: Unit,
    services: Services,
    attempt: Attempt,
    reason: str,
    *,
    crashed: bool = True,
    lapsed_by: float | None = None,
) -> bool:
    """A running attempt is not run by anybody any more: count our crash if it was one, queue the next. With
    `lapsed_by` (epoch seconds) only if its lease had run out by then. False where it does not run.
    """
    now = services.clock.now()
    ending = Ending(conclusion=Conclusion.ERROR, reason=reason, ended=Ended.LOST.value)
    status = AttemptStatus.LOST
    run = runs.lock_run(unit, attempt.run_id, now)
    worker = attempt.worker or services.worker
    if not attempts.end_attempt(unit, attempt.id, worker, status, ending, now, lapsed_by=lapsed_by):
        return False
    row = checks.load_check(unit.connection, attempt.check_id)
    if run is None or not run.status.live or row.attempt != attempt.n:
        return True
    after = after_loss(row, now, crashed=crashed)
    checks.save_check(unit, after)
    if after.result.status is Status.QUEUED:
        change = changes.load_change(unit.connection, run.change_id).change
        queue(unit, services, run, change, row.id)
    runs.wake_run(unit, run.id, now)
    return True
