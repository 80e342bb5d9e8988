"""Care of this process's mirrors: each is packed once a day, and forgets what no run needs any more."""

from typing import Final

import structlog
from sqlalchemy import Connection

from app.engine.repeated import Repeated
from app.engine.services import Services
from app.model import Outage, Repository, Sha
from app.store import commits, projects

LOG = structlog.get_logger(__name__)
EVERY_SECONDS: Final = 86_400.0


class Upkeep:
    """Once a day, one mirror after the other."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._repeated = Repeated(
            self._wait,
            lambda: care(services),
            postponed="mirrors are cared for tomorrow",
            crashed="the care of mirrors crashed; it is tried again tomorrow",
        )

    def start(self) -> None:
        """Begin; the first time is in a day."""
        self._repeated.start()

    async def stop(self) -> None:
        """End; what git was about is done or left as it was."""
        await self._repeated.stop()

    async def _wait(self) -> None:
        clock = self._services.clock
        await clock.sleep_until(clock.now() + EVERY_SECONDS)


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
