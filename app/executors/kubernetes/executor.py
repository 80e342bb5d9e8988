"""`KubernetesExecutor`: each attempt is a Job of a cluster, on the programs of an image.

What holds it: the cluster's containers without capabilities, as a uid of its own, with a read-only image, the
runtime's filter of system calls, no service account; one sized disk in the node's memory for all it writes;
limits of memory and processor; network policies. Nothing of it talks to us: the tree goes in and results
come out by programs that the cluster runs for us in the pod, so a check without network has none at all.
"""

import asyncio
import contextlib
import errno
import hashlib
import os
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, Final

import msgspec

from app.executors import packing
from app.executors.attempting import Reading, logged, refusal, refuse_unprotected, whole, with_cache
from app.executors.cache_copy import TooLarge
from app.executors.caches import Caches
from app.executors.collect import CollectLimits, unread
from app.executors.container import Images
from app.executors.egress_child import Rules
from app.executors.kubernetes import policies
from app.executors.kubernetes.attempt import Attempt, Carried, Patience
from app.executors.kubernetes.cluster import Cluster, connected
from app.executors.kubernetes.manifest import OWNER, Asked, Options, job
from app.executors.kubernetes.probing import probe
from app.executors.launcher import HOME, Layout
from app.executors.local import hold
from app.executors.logs import Log, LogLimits, Mask
from app.executors.observed import Observed
from app.executors.platform import named, tools
from app.executors.protocol import AttemptOutcome, AttemptSpec, Ended, LogSink, ProbeReport
from app.executors.view import Given, make_layout, safe_name, write_facts
from app.model import CheckSpec, Outage

Connect = Callable[[Path | None, str], AbstractAsyncContextManager[Cluster]]
"""Gives a connection, by a kubeconfig (None: the pod's own account), to a namespace."""

_FIRST_UID, _UIDS = 100_000, 1 << 30
_GLOB = frozenset("*?[!")
_MOST_FILES: Final = 100_000
_NOT_WHOLE = (packing.TooMuchError, packing.IncompleteError, OSError, ValueError, OverflowError)
_OURS = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM}
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class KubernetesExecutor:
    """Runs attempts as Jobs (see `Executor`). One process at a time may use `root`, which also keeps whose
    the Jobs are. `config` is a kubeconfig (None: the pod's own account). `images` says what checks may
    name; `toolbox` is where images, or the claim of `options`, hold the presets' tools; `connect` gives the
    cluster, in whose trouble it has `patience`. The rest is as for `LocalExecutor`.
    """

    name = "kubernetes"

    def __init__(
        self,
        root: Path,
        options: Options,
        images: Images,
        *,
        config: Path | None = None,
        store: Path | None = None,
        toolbox: Path | None = None,
        secrets: Iterable[bytes] = (),
        log_limits: LogLimits | None = None,
        collect_limits: CollectLimits | None = None,
        grace: float = 5.0,
        egress: Rules | None = None,
        caches: Caches | None = None,
        connect: Connect = connected,
        patience: Patience | None = None,
    ) -> None:
        self.root = root.resolve()
        self.options = options
        self.images = images
        self.config = config
        self.store = (store or self.root / "artifacts").resolve()
        self.given = Given(toolbox=toolbox)
        self.secrets = tuple(secrets)
        self.log_limits = log_limits or LogLimits()
        self.collect = collect_limits or CollectLimits()
        self.reading = Reading(name="pod", store=self.store, log=self.log_limits, collect=self.collect)
        self.grace = grace
        self.connect = connect
        self.patience = patience or Patience()
        self.egress = egress or Rules()
        self.attempts = self.root / "attempts"
        self.caches = caches or Caches(self.root / "caches")
        self.attempts.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.owner = _owner(self.root / "owner")
        self._report: ProbeReport | None = None
        self._probing = asyncio.Lock()
        self._policies = asyncio.Lock()
        self._guarded = False
        self._lock = -1

    @property
    def platform(self) -> str:
        """See `Executor.platform`. A check's own image is part of its definition."""
        return named("kubernetes", [self.images.usual, *tools(self.given, time.monotonic())])

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
        self, spec: AttemptSpec, log: LogSink, *, image: str = "", grace: float | None = None
    ) -> AttemptOutcome:
        """Run without asking whether the cluster protects enough; the probe's own way in. `image` replaces
        that of the check, `grace` (seconds) the executor's.
        """
        if (refused := refusal(spec, self._refused)) is not None:
            return refused
        image = image or self.images.of(spec.check)
        once = partial(self._once, image=image, grace=self.grace if grace is None else grace)

        async def work(kept: Log) -> AttemptOutcome:
            return await with_cache(spec, kept, self.caches, once)

        return await logged(log, self.log_limits, Mask(self.secrets), work)

    def _refused(self, check: CheckSpec) -> str:
        if check.network == "full" and (why := policies.refused(self.egress)):
            return why
        return self.images.refused(check)

    async def _once(
        self,
        spec: AttemptSpec,
        log: Log,
        *,
        image: str,
        grace: float,
        cached: Path | None = None,
        keep: str = "",
    ) -> AttemptOutcome:
        """See `Once`."""
        place = self.attempts / safe_name(spec.attempt_id)
        with TemporaryFile() as archive:
            try:
                asked = await asyncio.to_thread(self._ask, spec, place, image, grace, cached, archive)
                carried = Carried(archive=archive, size=archive.tell())
                archive.seek(0)
                async with self._cluster() as cluster:
                    attempt = Attempt(
                        cluster,
                        job(asked, self.options),
                        log,
                        timeout=spec.check.timeout,
                        grace=grace,
                        patience=self.patience,
                    )
                    try:
                        seen = await attempt.run(carried)
                        if keep and seen.ended is Ended.EXITED and seen.code == 0:
                            await self._keep(spec, keep, attempt, asked.layout, log)
                        why = await self._take(spec.check, attempt, place / "taken", log)
                    finally:
                        await whole(attempt.remove())
                return await asyncio.to_thread(self._outcome, spec, seen, place / "taken", why)
            finally:
                await asyncio.to_thread(shutil.rmtree, place, ignore_errors=True)

    def _ask(
        self,
        spec: AttemptSpec,
        place: Path,
        image: str,
        grace: float,
        cached: Path | None,
        archive: BinaryIO,
    ) -> Asked:
        """Prepare the attempt's directory and archive. Raises Misconfigured, OSError."""
        uid = _FIRST_UID + secrets.randbelow(_UIDS)
        write_facts(spec, place)
        (place / "facts" / "passwd").write_text(
            f"root:x:0:0:root:/root:/bin/sh\njob:x:{uid}:{uid}:job:{HOME}:/bin/sh\n"
        )
        (place / "facts" / "group").write_text(f"root:x:0:\njob:x:{uid}:\n")
        (place / "taken").mkdir()
        layout = make_layout(spec, place, self.given, (), (), cached)
        laid = packing.pack(packing.plan(layout), archive)
        archive.flush()
        return Asked(
            name=f"check-{self.owner}-{hashlib.sha256(spec.attempt_id.encode()).hexdigest()[:16]}",
            owner=self.owner,
            attempt=spec.attempt_id,
            check=spec.check,
            image=image,
            layout=layout,
            uid=uid,
            laid=laid,
            toolbox=self.given.toolbox,
            grace=grace,
        )

    async def _take(self, check: CheckSpec, attempt: Attempt, into: Path, log: Log) -> str:
        """Bring what was declared of `out/` to this machine; gives why that is not all of it ('': it is).
        Raises Outage where that is not the check's doing.
        """
        declared = [report.path for report in check.reports]
        declared += [*check.artifacts, *((check.outputs,) if check.outputs else ())]
        paths = _firsts(packing.OUT, [path.removeprefix("./") for path in declared])
        most = self.collect.reports + self.collect.artifacts
        (into / packing.OUT).mkdir(parents=True)
        if not paths or not attempt.reachable:
            return ""
        try:
            await attempt.take(paths, into, most, self.collect.entries)
        except _NOT_WHOLE as problem:
            if isinstance(problem, OSError) and problem.errno in _OURS:
                raise Outage(f"what the check left cannot be written here: {problem}") from problem
            why = f"not all of out/ was read: {problem}"
            log.tell(why)
            return why
        return ""

    async def _keep(self, spec: AttemptSpec, name: str, attempt: Attempt, layout: Layout, log: Log) -> None:
        """Keep what a success left at `cache.paths`; where that cannot be done the log says why."""
        assert spec.check.cache is not None  # noqa: S101 - only then is there a name to keep it by
        paths, limits = spec.check.cache.paths, self.caches.limits
        kept = self.attempts / safe_name(spec.attempt_id) / "kept"
        made_of = (layout.tree, *(over.source for over in layout.above))
        asked = _firsts(packing.VIEW, [f"{packing.VIEW}/{path}" for path in paths])
        try:
            await attempt.take(asked, kept, 2 * limits.entry_bytes, _MOST_FILES)
            with contextlib.ExitStack() as stack:
                view, *sources = (_opened(stack, path) for path in (kept / packing.VIEW, *made_of))
                await asyncio.to_thread(self.caches.keep, name, [view], paths, sources)
        except (TooLarge, Outage, *_NOT_WHOLE) as problem:
            log.tell(f"cache: not kept: {problem}")

    def _outcome(self, spec: AttemptSpec, seen: Observed, taken: Path, why: str) -> AttemptOutcome:
        """What was seen and taken; `why` that is not all, if it is not."""
        with contextlib.ExitStack() as stack:
            outcome = self.reading.outcome(spec, seen, _opened(stack, taken / packing.OUT))
        return msgspec.structs.replace(outcome, files=unread(spec.check, why)) if why else outcome

    @contextlib.asynccontextmanager
    async def _cluster(self) -> AsyncIterator[Cluster]:
        """A connection; before the first check begins the network policies are as the rules are now."""
        async with self.connect(self.config, self.options.namespace) as cluster:
            async with self._policies:
                if not self._guarded:
                    for policy in policies.policies(self.egress):
                        await cluster.put_policy(policy)
                    self._guarded = True
            yield cluster

    async def sweep(self) -> int:
        """See `Executor.sweep`: our Jobs, by their label. Raises Misconfigured where another live process
        uses the directory, Outage where the cluster does not answer.
        """
        if self._lock < 0:
            self._lock = await asyncio.to_thread(hold, self.root)
        removed = await asyncio.to_thread(lambda: self.caches.sweep() + self.caches.evict())
        for place in await asyncio.to_thread(lambda: list(self.attempts.iterdir())):
            await asyncio.to_thread(shutil.rmtree, place, ignore_errors=True)
            removed += 1
        async with self.connect(self.config, self.options.namespace) as cluster:
            for name in await cluster.jobs(f"{OWNER}={self.owner}"):
                removed += await cluster.remove_job(name)
        return removed

    def close(self) -> None:
        """Give the directory back to other processes."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def _owner(place: Path) -> str:
    """Whose Jobs these are: kept as long as the directory, so that a worker finds its own again."""
    with contextlib.suppress(FileExistsError), place.open("x") as file:
        file.write(secrets.token_hex(5))
    return place.read_text()


def _firsts(folder: str, paths: Iterable[str]) -> list[str]:
    """What to ask for beneath a folder: the first part of each path, so that no link is gone through."""
    found = set()
    for path in paths:
        first = path.removeprefix(f"{folder}/").partition("/")[0]
        if path.startswith(f"{folder}/") and first != "..":
            found.add(folder if _GLOB & set(first) or first in {"", "."} else f"{folder}/{first}")
    return [folder] if folder in found else sorted(found)


def _opened(stack: contextlib.ExitStack, path: Path) -> int:
    handle = os.open(path, _FOLDER)
    stack.callback(os.close, handle)
    return handle
