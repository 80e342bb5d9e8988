"""Time as a port: the system's clock, or one turned by hand in scenarios."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Where the engine reads the time and waits for it."""

    def now(self) -> float:
        """Epoch seconds (UTC)."""
        ...

    async def sleep_until(self, at: float) -> None:
        """Return once `now()` has reached `at`."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        """Epoch seconds (UTC)."""
        return time.time()

    async def sleep_until(self, at: float) -> None:
        """Sleep at most a minute at a time, so that a jump of the clock is noticed."""
        while (left := at - self.now()) > 0:  # noqa: ASYNC110 - it is time that is waited for
            await asyncio.sleep(min(left, 60.0))
