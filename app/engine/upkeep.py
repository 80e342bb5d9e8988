"""Care of this process's mirrors: each is packed once a day, and forgets what no run needs any more."""

import asyncio
from typing import Final

import structlog
from sqlalchemy import Connection

from app.engine.services import Services
from app.model import Outage, Repository, Sha
from app.store import commits, projects

LOG = structlog.get_logger(__name__)
EVERY_SECONDS: Final = 86_400.0


class Upkeep:
    """Once a day, one mirror after the other."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; the first time is in a day."""
        self._task = asyncio.create_task(self._for_ever())

    async def stop(self) -> None:
        """End; what git was about is done or left as it was."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _for_ever(self) -> None:
        clock = self._services.clock
        while True:
            await clock.sleep_until(clock.now() + EVERY_SECONDS)
            try:
                await care(self._services)
            except Outage as outage:
                LOG.warning("mirrors are cared for tomorrow", reason=outage.message)
            except Exception:
                LOG.exception("the care of mirrors crashed; it is tried again tomorrow")


async def care(services: Services) -> None:
    """Pack the mirrors that are here, of the repositories that we judge."""
    for repository_id in await services.database.read(projects.active):

        def read(connection: Connection, one: int = repository_id) -> tuple[Repository, frozenset[Sha]]:
            return projects.load_repository(connection, one), commits.commits_needed(connection, one)

        repository, needed = await services.database.read(read)
        try:
            await services.workspaces.maintain(repository, needed)
        except Outage as outage:
            LOG.warning("a mirror is cared for tomorrow", repository=repository_id, reason=outage.message)
