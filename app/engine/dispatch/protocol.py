"""What wakes work and hands it out: a port, for the tables hold the work itself.

A wake-up may be lost (the sweep finds the row again), doubled or late; handlers are idempotent and
guard what they do by their rows. One key is never handled twice at the same time by one process; a
wake-up that arrives while its key is handled makes it be handled once more afterwards.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from app.store import Key

Handler = Callable[[int], Awaitable[None]]


class Dispatch(Protocol):
    """Wakes handlers by key."""

    def wake(self, key: Key, priority: int = 0) -> None:
        """Handle a key soon, higher priorities first; called after the commit that made the work."""
        ...

    def wake_at(self, key: Key, at: float) -> None:
        """Handle a key once the clock has reached `at` (an optimisation of the sweep)."""
        ...

    def cancel(self, key: Key) -> None:
        """Stop a key's handler where it runs here."""
        ...

    async def start(self, handlers: Mapping[str, Handler]) -> None:
        """Begin to hand out work."""
        ...

    async def stop(self, grace: float) -> None:
        """Hand out nothing more, let what runs end within `grace` seconds, then cancel it."""
        ...
