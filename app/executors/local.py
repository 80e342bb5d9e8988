"""What executors on this machine have in common: caches, the log, files afterwards, what is removed when.

Each says how an attempt's processes are held: see `SandboxExecutor` and `ContainerExecutor`. What a missing
protection costs: see `probe`.
"""

import asyncio
import contextlib
import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypedDict, TypeVar

import msgspec

from app.executors.caches import Caches, TooLarge
from app.executors.cgroup import Cgroups, Group
from app.executors.collect import CollectLimits, Collector
from app.executors.egress import Egress
from app.executors.egress_child import Rules
from app.executors.launcher import VIEWS, Bind, Layout
from app.executors.logs import Log, LogLimits, Mask
from app.executors.probe import interpreter, probe
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
from app.executors.supervise import Observed, Supervisor
from app.executors.trees import JOB_UID
from app.executors.view import Given, safe_name
from app.model import CheckSpec, Misconfigured

_MIB = 1 << 20
NEEDS_TRUST = "an untrusted change gets no network"
_T = TypeVar("_T")


class CannotBeginError(Exception):
    """What an attempt needs could not be made; its text says why."""


class LocalKeywords(TypedDict, total=False):
    """What every executor of this machine may be given: see `LocalExecutor`."""

    store: Path | None
    toolbox: Path | None
    toolchains: Iterable[Path]
    secrets: Iterable[bytes]
    log_limits: LogLimits | None
    collect_limits: CollectLimits | None
    grace: float
    egress: Rules | None
    caches: Caches | None


class LocalExecutor:
    """Runs attempts on this machine (see `Executor`). One process at a time may use `root`.

    `store` is where artifacts are kept, as `store/<attempt_id>/…`. `toolbox` is a directory whose `bin`
    comes first on PATH; it and `toolchains` are seen read-only at their own paths. `secrets` are masked
    in logs. `grace` seconds pass between TERM and KILL at a timeout. `egress` says where checks with network
    may go, `caches` holds what they keep. Each kind of executor has its own `begin`, which prepares
    an attempt, `supervise`, which gives what watches it, and `remove`, which takes all of it away.
    """

    name: str
    mend: str
    """What to do where attempts cannot be held at all, or no better than a plain process."""

    def __init__(
        self,
        root: Path,
        *,
        store: Path | None = None,
        toolbox: Path | None = None,
        toolchains: Iterable[Path] = (),
        secrets: Iterable[bytes] = (),
        log_limits: LogLimits | None = None,
        collect_limits: CollectLimits | None = None,
        grace: float = 5.0,
        egress: Rules | None = None,
        caches: Caches | None = None,
    ) -> None:
        self.root = root.resolve()
        self.store = (store or self.root / "artifacts").resolve()
        self.toolbox = toolbox
        self.toolchains = tuple(toolchains)
        self.secrets = tuple(secrets)
        self.log_limits = log_limits or LogLimits()
        self.collect_limits = collect_limits or CollectLimits()
        self.grace = grace
        self.egress = egress or Rules()
        self.as_root = os.geteuid() == 0
        self.attempts = self.root / "attempts"
        self.owner = "portcullis-" + hashlib.sha256(str(self.root).encode()).hexdigest()[:10]
        self.caches = caches or Caches(self.root / "caches", owner=JOB_UID if self.as_root else None)
        self.attempts.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._cgroups: Cgroups | None = None
        self._report: ProbeReport | None = None
        self._probing = asyncio.Lock()
        self._lock = -1

    @property
    def cgroups(self) -> Cgroups:
        """The control groups this machine lets us make."""
        if self._cgroups is None:
            self._cgroups = Cgroups(self.owner)
        return self._cgroups

    @property
    def programs(self) -> tuple[Bind, ...]:
        """What must be seen of this machine, so that our own interpreter runs where checks do."""
        return interpreter()[1]

    @property
    def platform(self) -> str:
        """See `Executor.platform`."""
        raise NotImplementedError

    def refused(self, check: CheckSpec) -> str:
        """Why this check may not run here, for people; '' where it may."""
        raise NotImplementedError

    def begin(
        self, spec: AttemptSpec, place: Path, group: Group, extra: tuple[Bind, ...], cached: Path | None
    ) -> Layout:
        """Kill and remove what is left of this attempt, make its group and directory anew. Raises
        CannotBeginError.
        """
        raise NotImplementedError

    def supervise(
        self, spec: AttemptSpec, layout: Layout, group: Group, log: Log, grace: float, egress: Egress | None
    ) -> Supervisor:
        """What runs it."""
        raise NotImplementedError

    def remove(self, group: Group, place: Path) -> None:
        """Kill what is left of an attempt and remove its group and its directory."""
        group.destroy_now()
        shutil.rmtree(place, ignore_errors=True)

    @property
    def given(self) -> Given:
        """What every check sees here."""
        return Given(toolbox=self.toolbox, toolchains=self.toolchains, root=self.as_root)

    async def probe(self) -> ProbeReport:
        """See `Executor.probe`. Runs the hostile set once per process; later calls give its answer."""
        async with self._probing:
            if self._report is None:
                self._report = await probe(self)
            return self._report

    async def run(self, spec: AttemptSpec, log: LogSink) -> AttemptOutcome:
        """See `Executor.run`. Raises Misconfigured for an untrusted attempt where a protection is open."""
        if not spec.trusted:
            report = await self.probe()
            if not report.safe_for_untrusted:
                open_cells = [cell for cell in report.protections if not cell.held]
                names = ", ".join(cell.name for cell in open_cells)
                raise Misconfigured(
                    f"checks of untrusted changes are refused here, not protected: {names}",
                    hint=open_cells[0].mend if open_cells else "",
                )
        return await self.attempt(spec, log)

    async def attempt(
        self,
        spec: AttemptSpec,
        log: LogSink,
        extra: tuple[Bind, ...] = (),
        *,
        grace: float | None = None,
    ) -> AttemptOutcome:
        """Run without asking whether this machine protects enough; the probe's own way in. `extra` is
        bound read-only too, `grace` (seconds) replaces the executor's.
        """
        if not spec.check.script and not spec.check.argv:
            raise Misconfigured(f"check {spec.check.key} has nothing to run here")
        if spec.check.network == "full" and not spec.trusted:
            return AttemptOutcome(ended=Ended.REFUSED, detail=NEEDS_TRUST)
        if why := self.refused(spec.check):
            return AttemptOutcome(ended=Ended.REFUSED, detail=why)
        kept = Log(log, self.log_limits, Mask(self.secrets))
        try:
            outcome = await self._with_cache(spec, kept, extra, self.grace if grace is None else grace)
            await kept.close()
        finally:
            kept.abandon()
        return msgspec.structs.replace(outcome, log_bytes=kept.bytes, log_dropped=kept.dropped)

    async def _with_cache(
        self, spec: AttemptSpec, log: Log, extra: tuple[Bind, ...], grace: float
    ) -> AttemptOutcome:
        """Run with the cache entry that is there; without one `setup` runs first, or the check fills it."""
        use, cache = spec.cache, spec.check.cache
        if use is None or cache is None:
            return await self._once(spec, log, extra, grace)
        taken = await asyncio.to_thread(self.caches.take, use.read)
        try:
            if taken is not None:
                return await self._once(spec, log, extra, grace, cached=taken.content)
            if not spec.check.setup:
                return await self._once(spec, log, extra, grace, keep=use.write)
            first = setup_attempt(spec, use)
            if first is None:
                return not_set_up(use, use.missing)
            name = use.write or use.fill
            made = await self._once(first, log, extra, grace, keep=name)
            if (failed := setup_failed(use, made)) is not None:
                return failed
            taken = await asyncio.to_thread(self.caches.take, (name,))
            if taken is None:
                return not_set_up(use, f"setup left nothing at {', '.join(cache.paths)}", made.seconds)
            log.tell(f"setup: done in {made.seconds:.1f} s")
            ran = await self._once(after_setup(spec, made), log, extra, grace, cached=taken.content)
            return msgspec.structs.replace(ran, seconds=round(ran.seconds + made.seconds, 3))
        finally:
            if taken is not None:
                taken.close()

    async def _once(
        self,
        spec: AttemptSpec,
        log: Log,
        extra: tuple[Bind, ...],
        grace: float,
        *,
        cached: Path | None = None,
        keep: str = "",
    ) -> AttemptOutcome:
        """One set of processes from their beginning to their end; a success is kept as this cache entry."""
        name = safe_name(spec.attempt_id)
        place = self.attempts / name
        group = self.cgroups.group(name)
        egress = Egress(self.egress, log.write) if spec.check.network == "full" else None
        try:
            layout = await _whole(self.begin, spec, place, group, extra, cached)
            supervisor = self.supervise(spec, layout, group, log, grace, egress)
            try:
                seen = await supervisor.run()
                if keep and seen.ended is Ended.EXITED and seen.code == 0:
                    await _whole(self._keep, spec, keep, supervisor, log)
                return await asyncio.to_thread(self._outcome, spec, seen, supervisor.out)
            finally:
                supervisor.close()
        except CannotBeginError as error:
            return AttemptOutcome(ended=Ended.SETUP_ERROR, detail=_not_made(self.name, str(error)))
        finally:
            if egress is not None:
                await egress.close()
            await _whole(self.remove, group, place)

    def _keep(self, spec: AttemptSpec, name: str, ran: Supervisor, log: Log) -> None:
        """Keep what a success left at `cache.paths`; where that cannot be done the log says why."""
        assert spec.check.cache is not None  # noqa: S101 - only then is there a name to keep it by
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        made_of = (ran.layout.tree, *(over.source for over in ran.layout.above))
        with contextlib.ExitStack() as stack:

            def opened(path: Path | str, beneath: int | None = None) -> int:
                handle = os.open(path, flags, dir_fd=beneath)
                stack.callback(os.close, handle)
                return handle

            try:
                views = [opened(view, ran.stage) for view in VIEWS]
                sources = [opened(path) for path in made_of]
                self.caches.keep(name, views, spec.check.cache.paths, sources)
            except (TooLarge, OSError) as problem:
                log.tell(f"cache: not kept: {problem}")

    def _outcome(self, spec: AttemptSpec, seen: Observed, out: int) -> AttemptOutcome:
        files: tuple[Collected, ...] = ()
        artifacts: tuple[Artifact, ...] = ()
        if out >= 0:
            collector = Collector(out, self.collect_limits)
            files = collector.files(spec.check)
            artifacts = collector.artifacts(spec.check, self.store / safe_name(spec.attempt_id))
        return AttemptOutcome(
            ended=seen.ended,
            exit_code=seen.code,
            signal=seen.signal,
            seconds=round(seen.seconds, 3),
            detail=_detail(seen, spec.check, self),
            files=files,
            artifacts=artifacts,
        )

    async def sweep(self) -> int:
        """See `Executor.sweep`. Raises Misconfigured where another live process uses the directory."""
        return await asyncio.to_thread(self._sweep)

    def _sweep(self) -> int:
        if self._lock < 0:
            handle = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(handle)
                raise Misconfigured(
                    f"another process uses {self.root}", hint="give each worker a directory of its own"
                ) from None
            self._lock = handle
        removed = self.cgroups.sweep() + self.caches.sweep() + self.caches.evict()
        for place in self.attempts.iterdir():
            self.remove(self.cgroups.group(place.name), place)
            removed += 1
        return removed + self.sweep_more()

    def sweep_more(self) -> int:
        """Remove what neither a group nor a directory leads to; gives how many."""
        return 0

    def close(self) -> None:
        """Give the directory back to other processes."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


async def _whole(function: Callable[..., _T], *arguments: object) -> _T:
    """Run in a thread to its end, also when cancelled meanwhile: half a preparation would leave traces."""
    work = asyncio.ensure_future(asyncio.to_thread(function, *arguments))
    cancelled = False
    while not work.done():
        try:
            await asyncio.wait({work})
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError
    return work.result()


def _not_made(what: str, why: str) -> str:
    return f"the {what} could not be made: {why}"


def _detail(seen: Observed, check: CheckSpec, executor: LocalExecutor) -> str:
    """One sentence for people on how it ended ('' for an ordinary exit)."""
    match seen.ended:
        case Ended.TIMED_OUT:
            return f"ran longer than {check.timeout:g} s"
        case Ended.OUT_OF_MEMORY:
            return f"used more memory than its {check.resources.memory // _MIB} MiB"
        case Ended.DISK_FULL:
            return f"filled its disk of {check.resources.disk // _MIB} MiB"
        case Ended.LOG_LIMIT:
            return f"wrote more than {executor.log_limits.most // _MIB} MiB of log"
        case Ended.SIGNALED:
            return f"ended by signal {seen.signal}"
        case Ended.SETUP_ERROR:
            return _not_made(executor.name, seen.setup or "no reason given")
        case Ended.LOST:
            return f"the {executor.name} was killed from outside"
        case _:
            return f"reached its limit of {check.resources.pids} processes" if seen.pids_limited else ""
