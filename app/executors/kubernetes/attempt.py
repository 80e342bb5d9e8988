"""One attempt's pod from its making to its results: the tree in, the log out, the end told, `out/` taken."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO, Final

import msgspec

from app.executors import packing
from app.executors.kubernetes import manifest
from app.executors.kubernetes.cluster import Cluster, NotThereError, of_job
from app.executors.kubernetes.pod import CHECK, GONE, KEEP, LAY, Look, Pod, look
from app.executors.kubernetes.stamps import Stamped
from app.executors.logs import Log
from app.executors.observed import Observed, ending_signal
from app.executors.protocol import Ended
from app.model import Outage

_FETCHING: Final = 30.0
"""Seconds for which a cluster may say that it cannot fetch an image before it is believed."""
_CARRYING, _ENDING, _LAST_WORDS, _AGAIN = 600.0, 30.0, 30.0, 0.5
_LATE: Final = 2.0
"""Seconds by which a time in whole seconds, and what we heard of a beginning, may differ."""
_SIGNALLED = 128
_LITTLE = 64 * 1024
_MOST_SAID = 300


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds between looks at a cluster in trouble, at first and at most; for how long it is looked at."""

    first: float = 2.0
    most: float = 15.0
    trouble: float = 300.0


class Carried(msgspec.Struct, frozen=True, kw_only=True):
    """What is laid in the pod: an archive and its bytes."""

    archive: BinaryIO
    size: int


class Attempt:
    """One Job. Call `run`, then perhaps `take`, and always `remove`."""

    def __init__(
        self,
        cluster: Cluster,
        job: Mapping[str, Any],
        log: Log,
        *,
        timeout: float,
        grace: float,
        patience: Patience,
    ) -> None:
        self.cluster = cluster
        self.job = job
        self.name: str = job["metadata"]["name"]
        self.log = log
        self.timeout = timeout
        self.grace = grace
        self.patience = patience
        self._uid = ""
        self._look = Look()
        self._seen = False
        self._troubled: float | None = None
        self._changed = asyncio.Event()

    async def run(self, carried: Carried) -> Observed:
        """Run to the end of the check; its pod stays for its results. Raises Outage for what may pass."""
        self._uid = await self.cluster.create_job(self.job)
        watching = asyncio.create_task(self._watch())
        try:
            if not await self._begun(watching, lambda now: now.laying):
                return self._not_begun()
            if why := await self._lay(watching, carried):
                return Observed(ended=Ended.LOST if self._look.lost else Ended.SETUP_ERROR, said=why)
            if not await self._begun(watching, lambda now: now.running):
                return self._not_begun()
            return await self._attend(watching)
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError, Outage):
                await watching

    @property
    def reachable(self) -> bool:
        """Whether its results can be asked for: the check has begun, and its pod is there."""
        return bool(self._look.running or self._look.ended) and not self._look.lost

    async def remove(self) -> None:
        """Nothing of it is left when this returns."""
        await self.cluster.remove_job(self.name, self._uid)

    async def take(self, paths: list[str], into: Path, most_bytes: int, most_files: int) -> None:
        """Unpack what the check left at these paths of its disk, as far as it comes. Raises TooMuchError or
        IncompleteError where that is not all, Outage, and what `packing.unpack` raises.
        """
        with TemporaryFile() as archive:
            left = most_bytes + most_files * 1024

            def keep(data: bytes) -> None:
                nonlocal left
                archive.write(data[: max(0, left)])
                left -= len(data)
                if left < 0:
                    raise packing.TooMuchError(f"more than {most_bytes >> 20} MiB")

            try:
                done = await self.cluster.execute(
                    self._look.pod, KEEP, manifest.taking(paths), take=keep, seconds=_CARRYING
                )
            except NotThereError as gone:
                raise Outage(f"the pod was gone before its results were read: {gone}") from gone
            if done.code >= _SIGNALLED:
                raise Outage(f"what gives the results was killed in the pod ({done.code}): {done.said}")
            archive.seek(0)
            await asyncio.to_thread(
                packing.unpack, archive, into, most_bytes=most_bytes, most_files=most_files
            )
            if done.code:
                raise packing.IncompleteError(f"tar ended with {done.code}: {done.said[-_MOST_SAID:]}")

    async def _watch(self) -> None:
        """Keep the last look at the pod, until the cluster itself is in trouble for long: raises Outage."""
        wait = self.patience.first
        while True:
            try:
                async with contextlib.aclosing(self.cluster.pods(of_job(self.name, self._uid))) as pods:
                    async for pod in pods:
                        self._see(pod)
                        self._troubled, wait = None, self.patience.first
            except Outage:
                now = time.monotonic()
                if self._troubled is None:
                    self._troubled = now
                if now - self._troubled >= self.patience.trouble:
                    raise
            await asyncio.sleep(wait)
            wait = min(wait * 2, self.patience.most)

    def _see(self, pod: Pod | None) -> None:
        if pod is not None:
            self._look, self._seen = look(pod), True
        elif self._seen and not self._look.over:
            self._look = msgspec.structs.replace(self._look, lost=GONE)
        self._changed.set()

    async def _until(
        self, watching: asyncio.Task[None], enough: Callable[[Look], bool], seconds: float
    ) -> bool:
        """Wait until the pod is so; gives whether it is, as far as that can be seen: while the cluster is in
        trouble no time is up. Raises what ended the watch.
        """
        until = time.monotonic() + seconds
        while not enough(self._look):
            if watching.done():
                await watching
            left = until - time.monotonic()
            if left <= 0 and self._troubled is None:
                return False
            self._changed.clear()
            waiting = asyncio.create_task(self._changed.wait())
            try:
                await asyncio.wait(
                    {waiting, watching},
                    timeout=left if left > 0 else None,
                    return_when=asyncio.FIRST_COMPLETED,
                )
            finally:
                waiting.cancel()
        return True

    async def _begun(self, watching: asyncio.Task[None], begun: Callable[[Look], bool]) -> bool:
        """Wait for a step of the beginning; false where the pod is over before. Raises Outage where the
        cluster does not come to it.
        """

        def enough(now: Look) -> bool:
            return begun(now) or now.over

        until = time.monotonic() + manifest.PATIENCE
        if not await self._until(
            watching, lambda now: enough(now) or now.unfetched, until - time.monotonic()
        ):
            raise Outage(f"the check did not begin in {manifest.PATIENCE:g} s: {self._look.waiting}")
        if not enough(self._look) and not await self._until(watching, enough, _FETCHING):
            raise Outage(self._look.waiting)
        return begun(self._look) or self._look.ended is not None

    def _not_begun(self) -> Observed:
        if self._look.lost:
            return Observed(ended=Ended.LOST, said=self._look.lost)
        return Observed(ended=Ended.SETUP_ERROR, said=self._look.unmade)

    async def _lay(self, watching: asyncio.Task[None], carried: Carried) -> str:
        """Bring the tree; gives why it is not there. Once it is, the pod goes on, whoever was told of the end
        of what laid it: the container in which that ran is gone.
        """
        command = manifest.laying(carried.size)
        why = ""
        try:
            done = await self.cluster.execute(
                self._look.pod, LAY, command, given=carried.archive, seconds=_CARRYING
            )
        except (Outage, NotThereError) as problem:
            why = str(problem)
        else:
            if not done.code:
                return ""
            why = f"its tree could not be laid: {done.said or done.code}"
            if done.code < _SIGNALLED:
                return why
        await self._until(watching, lambda now: now.laid or now.over, _ENDING)
        if self._look.laid:
            return ""
        return self._look.lost or why

    async def _attend(self, watching: asyncio.Task[None]) -> Observed:
        """From the check's beginning to its end."""
        started = time.monotonic()
        reading = asyncio.create_task(self._read())
        over = asyncio.create_task(self.log.over.wait())
        ending = asyncio.create_task(self._until(watching, lambda now: now.over, self.timeout))
        try:
            await asyncio.wait({over, ending}, return_when=asyncio.FIRST_COMPLETED)
            timed_out = not over.done() and (
                not ending.result() or _whole_seconds(self._look) > self.timeout + _LATE
            )
            if timed_out and not self._look.over:
                await self._signal("TERM")
                await self._until(watching, lambda now: now.over, self.grace)
            if not self._look.over:
                await self._signal("KILL")
                await self._until(watching, lambda now: now.over, _ENDING)
            seconds = max(time.monotonic() - started, _whole_seconds(self._look))
            await asyncio.wait({reading}, timeout=_LAST_WORDS)
        finally:
            for task in (reading, over, ending):
                task.cancel()
            await asyncio.gather(reading, over, ending, return_exceptions=True)
        return await self._observed(timed_out=timed_out, seconds=seconds)

    async def _signal(self, name: str) -> None:
        """To all processes of the check but the first, which ends with them."""
        with contextlib.suppress(Outage, NotThereError):  # ended meanwhile, or removed at the end
            await self.cluster.execute(self._look.pod, CHECK, manifest.ending(name))

    async def _read(self) -> None:
        """Pass the log on as it comes, over broken connections, until the end of the check was read."""
        stamped = Stamped()
        while not self._look.lost:
            try:
                async with contextlib.aclosing(self.cluster.log(self._look.pod, CHECK)) as blocks:
                    async for block in blocks:
                        self.log.write(stamped.feed(block))
                        if stamped.gap:
                            self.log.tell("log: a part was lost, as the connection to the cluster broke")
                            stamped.gap = False
            except (Outage, NotThereError):
                pass  # asked for again
            else:
                if self._look.over:
                    return
            await asyncio.sleep(_AGAIN if self._troubled is None else self.patience.first)
            stamped.again()

    async def _observed(self, *, timed_out: bool, seconds: float) -> Observed:
        now, code = self._look, self._look.ended.exit_code if self._look.ended else -1
        ended, filled = Ended.EXITED, now.filled
        if self.log.over.is_set():
            ended = Ended.LOG_LIMIT
        elif timed_out:
            ended = Ended.TIMED_OUT
        elif filled:
            ended = Ended.DISK_FULL
        elif now.ended is None:
            ended = Ended.SETUP_ERROR if now.unmade else Ended.LOST
        elif now.ended.reason == "OOMKilled":
            ended = Ended.OUT_OF_MEMORY
        elif code and await self._disk_full():
            ended = Ended.DISK_FULL
        elif ending_signal(code) is not None:
            ended = Ended.SIGNALED
        return Observed(
            ended=ended,
            code=code if ended is Ended.EXITED else None,
            signal=ending_signal(code) if ended is Ended.SIGNALED else None,
            seconds=seconds,
            said=now.unmade or now.lost,
        )

    async def _disk_full(self) -> bool:
        """Whether next to nothing can be written to the disk any more."""
        told = bytearray()
        try:
            done = await self.cluster.execute(self._look.pod, KEEP, manifest.ROOM, take=told.extend)
            blocks, size, inodes = (int(number) for number in told.split())
        except (Outage, NotThereError, ValueError):
            return False
        return not done.code and (blocks * size < _LITTLE or inodes == 0)


def _whole_seconds(now: Look) -> float:
    """What the node says of how long the check ran, in whole seconds: its beginning may be heard of late."""
    if now.ended is None or now.ended.started_at is None or now.ended.finished_at is None:
        return 0.0
    return (now.ended.finished_at - now.ended.started_at).total_seconds()
