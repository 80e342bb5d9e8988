"""The embedded dispatcher: one process, asyncio, no polling and no durability of its own."""

import asyncio
import heapq
import itertools
from collections import deque
from collections.abc import Mapping
from typing import Final

import structlog

from app.engine.clock import Clock
from app.engine.dispatch.protocol import Handler
from app.store import Key

LOG = structlog.get_logger(__name__)
RETRY_SECONDS: Final = 5.0
DEFAULT_WIDTH: Final = 32


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
        self._running: dict[Key, asyncio.Task[None]] = {}
        self._again: set[Key] = set()
        self._order = itertools.count()
        self._timers: dict[Key, tuple[float, asyncio.Task[None]]] = {}
        self._stopped = True
        self._quiet = asyncio.Event()
        self._early: deque[tuple[Key, int]] = deque()

    def wake(self, key: Key, priority: int = 0) -> None:
        """Handle a key soon."""
        if self._stopped:
            self._early.append((key, priority))
        elif key in self._running:
            self._again.add(key)
        elif key not in self._known or priority > self._known[key]:
            heap = self._waiting.setdefault(key[0], [])
            if key in self._known:  # it was less urgent until now
                heap[:] = [entry for entry in heap if entry[2] != key]
                heapq.heapify(heap)
            self._known[key] = priority
            heapq.heappush(heap, (-priority, next(self._order), key))
        self._hand_out()

    def wake_at(self, key: Key, at: float) -> None:
        """Handle a key once the clock has reached `at`; an earlier timer of the key stays."""
        timer = self._timers.get(key)
        if self._stopped or (timer is not None and timer[0] <= at):
            return
        if timer is not None:
            timer[1].cancel()
        task = asyncio.get_running_loop().create_task(self._ring(key, at))
        self._timers[key] = (at, task)

    async def _ring(self, key: Key, at: float) -> None:
        await self._clock.sleep_until(at)
        self._timers.pop(key, None)
        self.wake(key)

    def _hand_out(self) -> None:
        if self._stopped:
            return
        for kind, heap in self._waiting.items():
            width = self._widths.get(kind, DEFAULT_WIDTH)
            while heap and sum(1 for key in self._running if key[0] == kind) < width:
                _, _, key = heapq.heappop(heap)
                self._known.pop(key, None)
                self._running[key] = asyncio.get_running_loop().create_task(
                    self._handle(key), name=f"{key[0]}-{key[1]}"
                )
        if self.quiet:
            self._quiet.set()
        else:
            self._quiet.clear()

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
        finally:
            self._running.pop(key, None)
            if key in self._again:
                self._again.discard(key)
                self.wake(key)
            else:
                self._hand_out()

    def cancel(self, key: Key) -> None:
        """Stop a key's handler, if it runs here."""
        task = self._running.get(key)
        if task is not None:
            task.cancel()

    def cancel_kind(self, kind: str) -> None:
        """Stop all handlers of one kind."""
        for key in [key for key in self._running if key[0] == kind]:
            self.cancel(key)

    @property
    def quiet(self) -> bool:
        """Whether nothing runs and nothing waits (timers aside)."""
        return not self._running and not any(self._waiting.values())

    async def idle(self) -> None:
        """Wait until nothing runs and nothing waits (timers aside)."""
        await self._quiet.wait()

    async def start(self, handlers: Mapping[str, Handler]) -> None:
        """Begin to hand out work, what was woken before included."""
        self._handlers = handlers
        self._stopped = False
        self._quiet.set()
        while self._early:
            self.wake(*self._early.popleft())

    async def stop(self, grace: float) -> None:
        """Hand out nothing more; let what runs end within `grace` seconds, then cancel it."""
        self._stopped = True
        for _, timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        tasks = list(self._running.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self._waiting.clear()
        self._known.clear()
