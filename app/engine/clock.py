"""Time as a port: the system's clock, a fleet's common one, or one turned by hand in scenarios.

What is set from outside may jump. What has passed is therefore counted by a clock that nobody sets, which
goes on while the machine is suspended; clocks that are set only say where the count begins.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final, Protocol

_LONGEST_NAP: Final = 60.0


def passed() -> float:
    """Seconds since the machine's start, those asleep included: never set, never back."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Clock(Protocol):
    """Where the engine reads the time and waits for it."""

    def now(self) -> float:
        """Epoch seconds (UTC)."""
        ...

    async def sleep_until(self, at: float) -> None:
        """Return once `now()` has reached `at`, or as much time has passed as was left when this began: who
        waits looks again whether it is time.
        """
        ...


class SystemClock:
    """The clock of a service that is one process: the machine's, except that it never goes back. Where that
    is set back this one goes on at half its pace until they agree, so that nothing which is due later waits
    for more than twice as long. `wall` and `steady` are where the two times come from.
    """

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = passed) -> None:
        self._wall = wall
        self._steady = steady
        self._said, self._at = wall(), steady()

    def now(self) -> float:
        """Epoch seconds (UTC)."""
        wall, at = self._wall(), self._steady()
        slowly = self._said + max(0.0, at - self._at) / 2
        self._said, self._at = max(wall, slowly), at
        return self._said

    async def sleep_until(self, at: float) -> None:
        """A jump forward is noticed within a minute; one back does not make a wait longer than it was."""
        await _sleep(self, self._steady, at)


class SharedClock:
    """The clock of a fleet: the database's, as last told, and what passed since. Leases are times of day, and
    every process must read them by the same clock, whatever its own machine believes.
    """

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = passed) -> None:
        self._steady = steady
        self._ahead = wall() - steady()

    def now(self) -> float:
        """Epoch seconds (UTC) by the database's clock; by the machine's until that was told."""
        return self._steady() + self._ahead

    def tell(self, now: float) -> float:
        """It is this time now; gives by how many seconds this clock was behind."""
        behind = now - self.now()
        self._ahead += behind
        return behind

    async def sleep_until(self, at: float) -> None:
        """Return once it is time, or as much time has passed as was left."""
        await _sleep(self, self._steady, at)


async def _sleep(clock: Clock, steady: Callable[[], float], at: float) -> None:
    end = steady() + at - clock.now()
    while (left := min(at - clock.now(), end - steady())) > 0:  # noqa: ASYNC110 - it is time that is waited for
        await asyncio.sleep(min(left, _LONGEST_NAP))


class Jumps:
    """Notices that a clock was set: told from time to time, it compares with what really passed."""

    def __init__(self, clock: Clock, tolerance: float, steady: Callable[[], float] = passed) -> None:
        self._clock = clock
        self._steady = steady
        self._tolerance = tolerance
        self._known = clock.now() - steady()

    def seen(self) -> bool:
        """Whether the clock was set by more than the tolerance since this was last asked."""
        known, self._known = self._known, self._clock.now() - self._steady()
        return abs(self._known - known) > self._tolerance
