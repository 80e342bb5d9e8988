"""The fleet's dispatcher: any number of processes on one PostgreSQL database, woken by LISTEN/NOTIFY."""

import asyncio
import contextlib
from collections.abc import Coroutine, Mapping
from typing import Final

import structlog

from app.engine.clock import Clock
from app.engine.dispatch.protocol import DEFAULT_WIDTH, RETRY_SECONDS, Handler
from app.engine.dispatch.timers import Timers
from app.model import Outage
from app.store import Database, Job, Key, Queue, Unit, tell_all, wake_all

LOG = structlog.get_logger(__name__)
POLL_SECONDS: Final = 1.0
"""How long a key may wait whose notification was lost."""
OUTAGE_SECONDS: Final = 1.0


class FleetDispatch:
    """Fetches keys of the kinds it was started with, at most `widths[kind]` of one kind at a time, the most
    urgent of all processes' first.

    Wake-ups are rows that commit with their cause. What a process that died had fetched is handed out again
    (`store.recover`). A key is given back only once its handler has ended, also across a database outage.
    """

    def __init__(
        self, clock: Clock, database: Database, widths: Mapping[str, int], *, sign_of_life: float = 6.0
    ) -> None:
        """`sign_of_life` is how often, in seconds, the others are told that this process lives."""
        self._sign_of_life = sign_of_life
        self._database = database
        self._widths = widths
        self._queue = Queue(database.url)
        self._timers = Timers(clock, self._ring)
        self._clock = clock
        self._handlers: Mapping[str, Handler] = {}
        self._everywhere: Mapping[str, Handler] = {}
        self._running: dict[int, tuple[Key, asyncio.Task[None]]] = {}
        self._ended: list[Job] = []
        self._news = asyncio.Event()
        self._helpers: set[asyncio.Task[None]] = set()
        self._loops: list[asyncio.Task[None]] = []
        self._stopped = True

    def within(self, unit: Unit) -> None:
        """Queue what a transaction woke, in it; say to all what concerns all."""
        wake_all(unit, [key for key in unit.wakes if key[0] not in self._everywhere])
        for kind, identifier in unit.wakes:
            if kind in self._everywhere:
                tell_all(unit, f"{kind} {identifier}")

    def committed(self, unit: Unit) -> None:
        """Set the timers of a transaction."""
        for key, at in unit.later.items():
            self.wake_at(key, at)

    def wake_at(self, key: Key, at: float) -> None:
        """See Dispatch."""
        if not self._stopped:
            self._timers.set(key, at)

    def _ring(self, key: Key) -> None:
        self._help(self._wake(key))

    async def _wake(self, key: Key) -> None:
        try:
            await self._database.run(lambda unit: unit.wake(*key))
        except Outage:
            self.wake_at(key, self._clock.now() + RETRY_SECONDS)

    def _help(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._helpers.add(task)
        task.add_done_callback(self._helpers.discard)

    async def start(self, handlers: Mapping[str, Handler], everywhere: Mapping[str, Handler]) -> None:
        """See Dispatch. Raises Outage where there is no database."""
        self._handlers, self._everywhere = handlers, everywhere
        await self._queue.open()
        self._stopped = False
        self._loops = [asyncio.create_task(self._listen()), asyncio.create_task(self._beat())]
        if handlers:
            self._loops.append(asyncio.create_task(self._hand_out()))

    async def _hand_out(self) -> None:
        while not self._stopped:
            self._news.clear()  # before looking: what is queued meanwhile is news
            try:
                while job := await self._fetch():
                    self._start(job)
            except Outage as outage:
                LOG.warning("work is looked for again", reason=outage.message)
                await asyncio.sleep(OUTAGE_SECONDS)
                continue
            except Exception:
                LOG.exception("looking for work crashed; it is tried again")
                await asyncio.sleep(OUTAGE_SECONDS)
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self._news.wait()

    async def _fetch(self) -> Job | None:
        """The next key. What ended is given back first, also while much waits: its own next wake-up waits for
        that, and should this process die, others would do all of it again.
        """
        await self._give_back()
        free = self._free()
        return await self._queue.fetch(free) if free else None

    def _free(self) -> list[str]:
        if self._stopped:
            return []
        busy = [kind for (kind, _), _ in self._running.values()]
        return [kind for kind in self._handlers if busy.count(kind) < self._widths.get(kind, DEFAULT_WIDTH)]

    async def _give_back(self) -> None:
        if ended := tuple(self._ended):
            await self._queue.finish(ended)
            del self._ended[: len(ended)]

    def _start(self, job: Job) -> None:
        kind, identifier = job.key
        task = asyncio.create_task(self._handle(job), name=f"{kind}-{identifier}")
        self._running[job.id] = (job.key, task)

    async def _handle(self, job: Job) -> None:
        kind, identifier = job.key
        try:
            await self._handlers[kind](identifier)
        except asyncio.CancelledError:
            if self._stopped:
                return  # not worked off: whoever finds us gone takes it
            LOG.info("work cancelled", kind=kind, id=identifier)
        except Exception:
            LOG.exception("work crashed; it is tried again", kind=kind, id=identifier)
            self.wake_at(job.key, self._clock.now() + RETRY_SECONDS)
        finally:
            self._running.pop(job.id, None)
            self._news.set()
        self._ended.append(job)

    async def _listen(self) -> None:
        while True:
            try:
                await self._queue.listen(tuple(self._handlers), self._news.set, self._told)
            except Outage as outage:
                LOG.warning("news are listened for again", reason=outage.message)
            except Exception:
                LOG.exception("listening crashed; it is tried again")
            await asyncio.sleep(OUTAGE_SECONDS)

    def _told(self, word: str) -> None:
        kind, _, identifier = word.partition(" ")
        handler = self._everywhere.get(kind)
        if handler is not None and identifier.isdecimal():
            self._help(self._heed(handler, word, int(identifier)))

    async def _heed(self, handler: Handler, word: str, identifier: int) -> None:
        try:
            await handler(identifier)
        except Exception:
            LOG.exception("what all were told crashed here", word=word)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._sign_of_life)
            try:
                await self._queue.beat()
            except Outage as outage:
                LOG.warning("the sign of life is given again", reason=outage.message)
            except Exception:
                LOG.exception("the sign of life crashed; it is given again")

    async def stop(self, grace: float) -> None:
        """See Dispatch."""
        self._stopped = True
        self._timers.clear()
        self._news.set()
        tasks = [task for _, task in self._running.values()]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for loop in (*self._loops, *self._helpers):
            loop.cancel()
        await asyncio.gather(*self._loops, *self._helpers, return_exceptions=True)
        try:
            await self._give_back()
            await self._queue.close()
        except Outage as outage:
            LOG.warning("others will find out by themselves that we stopped", reason=outage.message)
        await self._queue.disconnect()
