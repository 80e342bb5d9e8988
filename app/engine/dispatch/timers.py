"""Timers of this process: they only save waiting for the sweep, which finds by the rows what is due."""

import asyncio
from collections.abc import Callable

from app.engine.clock import Clock
from app.store import Key


class Timers:
    """Calls `ring` with a key once the clock has reached its time; an earlier timer of the key stays."""

    def __init__(self, clock: Clock, ring: Callable[[Key], None]) -> None:
        self._clock = clock
        self._ring = ring
        self._set: dict[Key, tuple[float, asyncio.Task[None]]] = {}

    def set(self, key: Key, at: float) -> None:
        """Ring for a key at a time (epoch seconds)."""
        timer = self._set.get(key)
        if timer is not None and timer[0] <= at:
            return
        if timer is not None:
            timer[1].cancel()
        self._set[key] = (at, asyncio.get_running_loop().create_task(self._wait(key, at)))

    async def _wait(self, key: Key, at: float) -> None:
        await self._clock.sleep_until(at)
        self._set.pop(key, None)
        self._ring(key)

    def clear(self) -> None:
        """Forget them all."""
        for _, task in self._set.values():
            task.cancel()
        self._set.clear()
