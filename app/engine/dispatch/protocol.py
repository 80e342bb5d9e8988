"""What wakes work and hands it out: a port, for the tables hold the work itself.

A wake-up may be lost (the sweep finds the row again), doubled or late; handlers are idempotent and
guard what they do by their rows. One key is never handled twice at the same time by processes that live; a
wake-up that arrives while its key is handled makes it be handled once more afterwards. Keys of `PLACES` are
handled as often at a time as they were woken, as far as there is room.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol

from app.store import Key, Unit

Handler = Callable[[int], Awaitable[None]]

RETRY_SECONDS: Final = 5.0
"""After how long a key is handled again whose handler crashed."""
DEFAULT_WIDTH: Final = 32
"""How many keys of one kind a process handles at a time."""


class Dispatch(Protocol):
    """Wakes handlers by key."""

    def within(self, unit: Unit) -> None:
        """The last act of a transaction that woke something; in its thread."""
        ...

    def committed(self, unit: Unit) -> None:
        """That transaction has committed."""
        ...

    def wake_at(self, key: Key, at: float) -> None:
        """Handle a key once the clock has reached `at`, if this process lives (the sweep does it else)."""
        ...

    async def start(self, handlers: Mapping[str, Handler], everywhere: Mapping[str, Handler]) -> None:
        """Begin to hand out work of these kinds to `handlers`, higher priorities first. What is woken of the
        kinds `everywhere` is handled by every process there is, by none that comes later.
        """
        ...

    async def stop(self, grace: float) -> None:
        """Hand out nothing more, let what runs end within `grace` seconds, then cancel it."""
        ...
