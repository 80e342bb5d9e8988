"""Whether anybody can run untrusted changes: workers that can keep a lease among them, so that those that
cannot leave such work to them.
"""

import asyncio
from typing import Final

from sqlalchemy import Connection

from app.engine.repeated import Repeated
from app.engine.services import Services
from app.store import Unit, leader

ABLE: Final = "untrusted"
RENEWED: Final = 3
"""How often the lease is renewed within its time."""


def leaves_untrusted(connection: Connection, services: Services) -> bool:
    """Whether this worker cannot run untrusted changes and another one can. Whose lease has just run out has
    as long again to be followed by another.
    """
    if not services.untrusted_refused or services.database.is_sqlite:
        return False
    return leader.is_held(connection, ABLE, services.clock.now() - services.options.lease)


class Able:
    """Keeps the lease while this worker lives, if it is able and in a fleet."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._repeated = Repeated(
            self._wait,
            self._say,
            postponed="what this worker can do is said again",
            crashed="saying what this worker can do crashed; it is tried again",
        )

    async def start(self) -> None:
        """Begin, before any work is handed out. Raises Outage where there is no database."""
        services = self._services
        if services.role.checks and not services.untrusted_refused and not services.database.is_sqlite:
            await self._say()
            self._repeated.start()

    async def stop(self) -> None:
        """End; the lease goes to another able worker, or runs out."""
        await self._repeated.stop()

    async def _wait(self) -> None:
        await asyncio.sleep(self._services.options.lease / RENEWED)

    async def _say(self) -> None:
        services, now = self._services, self._services.clock.now()

        def write(unit: Unit) -> bool:
            return leader.lead(unit, ABLE, services.worker, now + services.options.lease, now)

        await services.database.run(write)
