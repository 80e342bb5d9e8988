"""Work that a process does again and again beside its runs; what goes wrong is told, and it goes on."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from app.model import Outage

LOG = structlog.get_logger(__name__)


class Repeated:
    """Waits, works, and so on until it is stopped. `postponed` is said where something outside was not there,
    `crashed` where the work has a bug; neither ends it.
    """

    def __init__(
        self,
        wait: Callable[[], Awaitable[None]],
        work: Callable[[], Awaitable[None]],
        *,
        postponed: str,
        crashed: str,
    ) -> None:
        self._wait = wait
        self._work = work
        self._postponed = postponed
        self._crashed = crashed
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, with the first wait."""
        self._task = asyncio.create_task(self._for_ever())

    async def stop(self) -> bool:
        """End, also in the middle of the work. Gives whether it had been started."""
        task, self._task = self._task, None
        if task is None:
            return False
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return True

    async def once(self) -> None:
        """Work now. Nothing is raised."""
        try:
            await self._work()
        except Outage as outage:
            LOG.warning(self._postponed, reason=outage.message)
        except Exception:
            LOG.exception(self._crashed)

    async def _for_ever(self) -> None:
        while True:
            await self._wait()
            await self.once()
