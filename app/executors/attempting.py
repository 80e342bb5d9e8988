"""What every executor that starts processes does around them: who may begin, the log, the cache, what is
read at the end. How processes are held is the executor's own.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from app.executors.caches import Caches
from app.executors.collect import CollectLimits, Collector
from app.executors.logs import Log, LogLimits, Mask
from app.executors.observed import Observed
from app.executors.protocol import (
    Artifact,
    AttemptOutcome,
    AttemptSpec,
    Collected,
    Ended,
    LogSink,
    ProbeReport,
)
from app.executors.setting_up import after_setup, not_set_up, setup_attempt, setup_failed
from app.executors.view import safe_name
from app.model import CheckSpec, Misconfigured

_MIB = 1 << 20
_T = TypeVar("_T")
NEEDS_TRUST = "an untrusted change gets no network"


class CannotBeginError(Exception):
    """What an attempt needs could not be made; its text says why."""


class Once(Protocol):
    """One set of processes from their beginning to their end. `cached` is what they see at `cache.paths`; a
    success is kept as the cache entry `keep`, if that names one.
    """

    async def __call__(
        self, spec: AttemptSpec, log: Log, *, cached: Path | None = None, keep: str = ""
    ) -> AttemptOutcome:
        """Run them."""
        ...


async def whole(work: Awaitable[_T]) -> _T:
    """Wait for work to its end, also when cancelled meanwhile: half a preparation would leave traces."""
    task = asyncio.ensure_future(work)
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError from task.exception()
    return task.result()


async def refuse_unprotected(spec: AttemptSpec, probe: Callable[[], Awaitable[ProbeReport]]) -> None:
    """Raises Misconfigured for an untrusted attempt where a protection is open."""
    if spec.trusted:
        return
    report = await probe()
    if report.safe_for_untrusted:
        return
    open_cells = [cell for cell in report.protections if not cell.held]
    names = ", ".join(cell.name for cell in open_cells)
    raise Misconfigured(
        f"checks of untrusted changes are refused here, not protected: {names}",
        hint=open_cells[0].mend if open_cells else "",
    )


def refusal(spec: AttemptSpec, refused: Callable[[CheckSpec], str]) -> AttemptOutcome | None:
    """How an attempt ends that may not begin; None where it may. Raises Misconfigured for an empty check."""
    if not spec.check.script and not spec.check.argv:
        raise Misconfigured(f"check {spec.check.key} has nothing to run here")
    if spec.check.network == "full" and not spec.trusted:
        return AttemptOutcome(ended=Ended.REFUSED, detail=NEEDS_TRUST)
    if why := refused(spec.check):
        return AttemptOutcome(ended=Ended.REFUSED, detail=why)
    return None


async def logged(
    sink: LogSink, limits: LogLimits, mask: Mask, work: Callable[[Log], Awaitable[AttemptOutcome]]
) -> AttemptOutcome:
    """Do the work with a log that ends with it. Raises what the sink raised."""
    log = Log(sink, limits, mask)
    try:
        outcome = await work(log)
        await log.close()
    finally:
        log.abandon()
    return msgspec.structs.replace(outcome, log_bytes=log.bytes, log_dropped=log.dropped)


async def with_cache(spec: AttemptSpec, log: Log, caches: Caches, once: Once) -> AttemptOutcome:
    """Run with the cache entry that is there; without one `setup` runs first, or the check fills it."""
    use, cache = spec.cache, spec.check.cache
    if use is None or cache is None:
        return await once(spec, log)
    taken = await asyncio.to_thread(caches.take, use.read)
    try:
        if taken is not None:
            return await once(spec, log, cached=taken.content)
        if not spec.check.setup:
            return await once(spec, log, keep=use.write)
        first = setup_attempt(spec, use)
        if first is None:
            return not_set_up(use, use.missing)
        name = use.write or use.fill
        made = await once(first, log, keep=name)
        if (failed := setup_failed(use, made)) is not None:
            return failed
        taken = await asyncio.to_thread(caches.take, (name,))
        if taken is None:
            return not_set_up(use, f"setup left nothing at {', '.join(cache.paths)}", made.seconds)
        log.tell(f"setup: done in {made.seconds:.1f} s")
        ran = await once(after_setup(spec, made), log, cached=taken.content)
        return msgspec.structs.replace(ran, seconds=round(ran.seconds + made.seconds, 3))
    finally:
        if taken is not None:
            taken.close()


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What an executor says and reads at an attempt's end: what it calls its attempts, where artifacts are
    kept, its limits.
    """

    name: str
    store: Path
    log: LogLimits
    collect: CollectLimits

    def outcome(self, spec: AttemptSpec, seen: Observed, out: int) -> AttemptOutcome:
        """What was seen, as an outcome; files are read beneath the directory `out` (-1: there is none)."""
        files: tuple[Collected, ...] = ()
        artifacts: tuple[Artifact, ...] = ()
        if out >= 0:
            collector = Collector(out, self.collect)
            files = collector.files(spec.check)
            artifacts = collector.artifacts(spec.check, self.store / safe_name(spec.attempt_id))
        return AttemptOutcome(
            ended=seen.ended,
            exit_code=seen.code,
            signal=seen.signal,
            seconds=round(seen.seconds, 3),
            detail=self._detail(seen, spec.check),
            files=files,
            artifacts=artifacts,
        )

    def not_made(self, why: str) -> AttemptOutcome:
        """How an attempt ends that could not begin."""
        return AttemptOutcome(ended=Ended.SETUP_ERROR, detail=self._not_made(why))

    def _not_made(self, why: str) -> str:
        return f"the {self.name} could not be made: {why}"

    def _detail(self, seen: Observed, check: CheckSpec) -> str:
        """One sentence for people on how it ended ('' for an ordinary exit)."""
        match seen.ended:
            case Ended.TIMED_OUT:
                return f"ran longer than {check.timeout:g} s"
            case Ended.OUT_OF_MEMORY:
                return f"used more memory than its {check.resources.memory // _MIB} MiB"
            case Ended.DISK_FULL:
                return f"filled its disk of {check.resources.disk // _MIB} MiB"
            case Ended.LOG_LIMIT:
                return f"wrote more than {self.log.most // _MIB} MiB of log"
            case Ended.SIGNALED:
                return f"ended by signal {seen.signal}"
            case Ended.SETUP_ERROR:
                return self._not_made(seen.said or "no reason given")
            case Ended.LOST:
                return seen.said or f"the {self.name} was killed from outside"
            case _:
                return f"reached its limit of {check.resources.pids} processes" if seen.pids_limited else ""
