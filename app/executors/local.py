"""Attempts on this machine: control groups, directories, caches, files afterwards, what is removed when.

How an attempt's processes are held is a `Kind`: see `Sandbox` and `Containers`. What a missing protection
costs: see `probe`.
"""

import asyncio
import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TypedDict

from app.executors.attempting import (
    CannotBeginError,
    Reading,
    logged,
    refusal,
    refuse_unprotected,
    whole,
    with_cache,
)
from app.executors.cache_copy import TooLarge
from app.executors.caches import Caches
from app.executors.cgroup import Cgroups
from app.executors.collect import CollectLimits
from app.executors.egress import Egress
from app.executors.egress_child import Rules
from app.executors.kind import Kind, Work
from app.executors.launcher import VIEWS, Bind
from app.executors.logs import Log, LogLimits, Mask
from app.executors.probe import probe
from app.executors.protocol import AttemptOutcome, AttemptSpec, Ended, LogSink, ProbeReport
from app.executors.supervise import Supervisor
from app.executors.trees import JOB_UID
from app.executors.view import Given, safe_name
from app.model import Misconfigured


class LocalKeywords(TypedDict, total=False):
    """What an executor of this machine may be given: see `LocalExecutor`."""

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
    """Runs attempts of one kind on this machine (see `Executor`). One process at a time may use `root`.

    `store` is where artifacts are kept, as `store/<attempt_id>/…`. `toolbox` is a directory whose `bin`
    comes first on PATH; it and `toolchains` are seen read-only at their own paths. `secrets` are masked
    in logs. `grace` seconds pass between TERM and KILL at a timeout. `egress` says where checks with network
    may go, `caches` holds what they keep.
    """

    def __init__(
        self,
        kind: Kind,
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
        self.kind = kind
        self.name = kind.name
        self.mend = kind.mend
        self.root = root.resolve()
        self.store = (store or self.root / "artifacts").resolve()
        self.given = Given(toolbox=toolbox, toolchains=tuple(toolchains), root=os.geteuid() == 0)
        self.secrets = tuple(secrets)
        self.log_limits = log_limits or LogLimits()
        self.reading = Reading(
            name=kind.name,
            store=self.store,
            log=self.log_limits,
            collect=collect_limits or CollectLimits(),
        )
        self.grace = grace
        self.egress = egress or Rules()
        self.attempts = self.root / "attempts"
        self.owner = "portcullis-" + hashlib.sha256(str(self.root).encode()).hexdigest()[:10]
        self.caches = caches or Caches(self.root / "caches", owner=JOB_UID if self.given.root else None)
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
        """See `Kind.programs`."""
        return self.kind.programs

    @property
    def platform(self) -> str:
        """See `Executor.platform`."""
        return self.kind.platform(self.given)

    async def probe(self) -> ProbeReport:
        """See `Executor.probe`. Runs the hostile set once per process; later calls give its answer."""
        async with self._probing:
            if self._report is None:
                self._report = await probe(self)
            return self._report

    async def run(self, spec: AttemptSpec, log: LogSink) -> AttemptOutcome:
        """See `Executor.run`. Raises Misconfigured for an untrusted attempt where a protection is open."""
        await refuse_unprotected(spec, self.probe)
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
        if (refused := refusal(spec, self.kind.refused)) is not None:
            return refused
        once = partial(self._once, extra=extra, grace=self.grace if grace is None else grace)
        mask = Mask(self.secrets)
        return await logged(
            log, self.log_limits, mask, lambda kept: with_cache(spec, kept, self.caches, once)
        )

    async def _once(
        self,
        spec: AttemptSpec,
        log: Log,
        *,
        extra: tuple[Bind, ...],
        grace: float,
        cached: Path | None = None,
        keep: str = "",
    ) -> AttemptOutcome:
        """See `Once`."""
        name = safe_name(spec.attempt_id)
        place, group = self.attempts / name, self.cgroups.group(name)
        work = Work(spec=spec, place=place, group=group, given=self.given, owner=self.owner)
        egress = Egress(self.egress, log.write) if spec.check.network == "full" else None
        try:
            layout = await whole(asyncio.to_thread(self.kind.begin, work, extra, cached))
            supervisor = self.kind.supervise(work, layout, log, grace, egress)
            try:
                seen = await supervisor.run()
                if keep and seen.ended is Ended.EXITED and seen.code == 0:
                    await whole(asyncio.to_thread(self._keep, spec, keep, supervisor, log))
                return await asyncio.to_thread(self.reading.outcome, spec, seen, supervisor.out)
            finally:
                supervisor.close()
        except CannotBeginError as error:
            return self.reading.not_made(str(error))
        finally:
            if egress is not None:
                await egress.close()
            await whole(asyncio.to_thread(self.kind.remove, self.owner, group, place))

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

    async def sweep(self) -> int:
        """See `Executor.sweep`. Raises Misconfigured where another live process uses the directory."""
        return await asyncio.to_thread(self._sweep)

    def _sweep(self) -> int:
        if self._lock < 0:
            self._lock = hold(self.root)
        removed = self.cgroups.sweep() + self.caches.sweep() + self.caches.evict()
        for place in self.attempts.iterdir():
            self.kind.remove(self.owner, self.cgroups.group(place.name), place)
            removed += 1
        return removed + self.kind.sweep(self.owner)

    def close(self) -> None:
        """Give the directory back to other processes."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def hold(root: Path) -> int:
    """Take a directory for this process; gives the descriptor whose closing gives it back. Raises
    Misconfigured where another live process uses it.
    """
    handle = os.open(root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise Misconfigured(
            f"another process uses {root}", hint="give each worker a directory of its own"
        ) from None
    return handle
