"""The embedded dispatcher: one process, asyncio, no polling and no durability of its own."""

import asyncio
import heapq
import itertools
from collections import deque
from collections.abc import Mapping

import structlog

from app.engine.clock import Clock
from app.engine.dispatch.protocol import DEFAULT_WIDTH, RETRY_SECONDS, Handler
from app.engine.dispatch.timers import Timers
from app.store import PLACES, Key, Unit

LOG = structlog.get_logger(__name__)


class EmbeddedDispatch:
    """Runs handlers as tasks of this process, at most `widths[kind]` of one kind at a time.

    Waiting keys of one kind go by priority (higher first), then first come.
    """

    def __init__(self, clock: Clock, widths: Mapping[str, int]) -> None:
        self._clock = clock
        self._widths = widths
        self._handlers: Mapping[str, Handler] = {}
        self._waiting: dict[str, list[tuple[int, int, Key]]] = {}
        self._known: dict[Key, int] = {}
        self._running: dict[asyncio.Task[None], Key] = {}
        self._busy: set[Key] = set()
        self._again: dict[Key, int] = {}
        self._order = itertools.count()
        self._timers = Timers(clock, self.wake)
        self._stopped = True
        self._early: deque[tuple[Key, int]] = deque()

    def wake(self, key: Key, priority: int = 0) -> None:
        """Handle a key soon."""
        if self._stopped:
            self._early.append((key, priority))
        elif key in self._busy:
            self._again[key] = max(priority, self._again.get(key, priority))
        elif key not in self._known or priority > self._known[key]:
            heap = self._waiting.setdefault(key[0], [])
            if key in self._known:  # it was less urgent until now
                heap[:] = [entry for entry in heap if entry[2] != key]
                heapq.heapify(heap)
            self._known[key] = priority
            heapq.heappush(heap, (-priority, next(self._order), key))
        self._hand_out()

    def within(self, unit: Unit) -> None:
        """Nothing: the rows are the durability, and this process alone works them off."""

    def committed(self, unit: Unit) -> None:
        """Wake what a transaction woke, set its timers."""
        for key in unit.wakes:
            self.wake(key, unit.priorities[key])
        for key, at in unit.later.items():
            self.wake_at(key, at)

    def wake_at(self, key: Key, at: float) -> None:
        """See Dispatch."""
        if not self._stopped:
            self._timers.set(key, at)

    def _hand_out(self) -> None:
        if self._stopped:
            return
        for kind, heap in self._waiting.items():
            width = self._widths.get(kind, DEFAULT_WIDTH)
            while heap and sum(1 for key in self._running.values() if key[0] == kind) < width:
                _, _, key = heapq.heappop(heap)
                self._known.pop(key, None)
                if kind not in PLACES:
                    self._busy.add(key)
                task = asyncio.get_running_loop().create_task(self._handle(key), name=f"{key[0]}-{key[1]}")
                self._running[task] = key
                task.add_done_callback(self._ended)

    async def _handle(self, key: Key) -> None:
        kind, identifier = key
        try:
            await self._handlers[kind](identifier)
        except asyncio.CancelledError:
            if not self._stopped:
                LOG.info("work cancelled", kind=kind, id=identifier)
        except Exception:
            LOG.exception("work crashed; it is tried again", kind=kind, id=identifier)
            if not self._stopped:
                self.wake_at(key, self._clock.now() + RETRY_SECONDS)

    def _ended(self, task: asyncio.Task[None]) -> None:
        key = self._running.pop(task)
        self._busy.discard(key)
        if key in self._again:
            self.wake(key, self._again.pop(key))
        else:
            self._hand_out()

    @property
    def quiet(self) -> bool:
        """Whether nothing runs and nothing waits (timers aside)."""
        return not self._running and not any(self._waiting.values())

    async def start(self, handlers: Mapping[str, Handler], everywhere: Mapping[str, Handler]) -> None:
        """See Dispatch; what was woken before is handed out too. Here, everywhere is one place."""
        self._handlers = {**handlers, **everywhere}
        self._stopped = False
        while self._early:
            self.wake(*self._early.popleft())

    async def stop(self, grace: float) -> None:
        """Hand out nothing more; let what runs end within `grace` seconds, then cancel it."""
        self._stopped = True
        self._timers.clear()
        tasks = list(self._running)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self._waiting.clear()
        self._known.clear()
