"""A clock turned by hand, so that hours of timers pass in a moment and none passes by itself."""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Collection

START = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC).timestamp()
PASSES_BY_ITSELF = 2.0
"""Seconds: a client's pauses between two tries; nobody has to turn the clock for those."""


class HandTurnedClock:
    """`app.engine.Clock`. Time stands still until `advance`, short pauses aside."""

    def __init__(self, at: float = START) -> None:
        self._now = at
        self._asleep: dict[asyncio.Task[object], tuple[float, asyncio.Future[None]]] = {}
        self._woken: set[asyncio.Task[object]] = set()

    def now(self) -> float:
        """Epoch seconds (UTC)."""
        return self._now

    async def sleep_until(self, at: float) -> None:
        """Return once the clock was turned to `at`."""
        task = asyncio.current_task()
        assert task is not None
        if at - self._now <= PASSES_BY_ITSELF:
            self.turn_to(at)
            await asyncio.sleep(0)
            return
        future = asyncio.get_running_loop().create_future()
        self._asleep[task] = (at, future)
        try:
            await future
        finally:
            self._asleep.pop(task, None)

    async def advance(self, seconds: float, rest: Callable[[], Awaitable[None]]) -> None:
        """Turn the clock on, stopping wherever somebody wakes until `rest` says that they are done."""
        until = self._now + seconds
        while (at := min((at for at, _ in self._asleep.values()), default=until)) < until:
            self.turn_to(at)
            await rest()
        self.turn_to(until)
        await rest()

    def still(self, elsewhere: Collection[asyncio.Task[object]]) -> bool:
        """Whether all who woke have gone to sleep again or ended; tasks `elsewhere` are not looked at."""
        self._woken = {
            task for task in self._woken if not (task.done() or task in self._asleep or task in elsewhere)
        }
        return not self._woken

    def turn_to(self, at: float) -> None:
        """Another time at once, as after a sleep of the machine: all who are due by then wake, each once."""
        self._now = max(self._now, at)
        for task, (due, future) in list(self._asleep.items()):
            if due <= self._now and not future.done():
                self._woken.add(task)
                del self._asleep[task]
                future.set_result(None)
