"""Looking after what nobody else does: what dead workers held, what was forgotten. One process at a time."""

import asyncio
import time
from typing import Final

import structlog

from app.engine.clock import Jumps
from app.engine.repeated import Repeated
from app.engine.services import Services
from app.engine.sweep import lose_lapsed, sweep
from app.model import Outage
from app.store import Unit, leader, recover

LOG = structlog.get_logger(__name__)
LEAD: Final = "sweep"
LOOKS: Final = 10
"""How often a fleet's leader looks for dead workers within the time after which one counts as dead."""


class Leader:
    """The sweeper of an embedded service; in a fleet, of whichever process has the lead."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._fleet = not services.database.is_sqlite
        self._since: float | None = None
        self._swept_at = 0.0
        self._jumps = Jumps(services.clock, services.options.lease / 3)
        self._sweeping = Repeated(
            self._wait,
            self._sweep,
            postponed="the sweep is tried again",
            crashed="the sweep crashed; it is tried again",
        )
        self._watching: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._sweeping.start()
        if self._fleet:
            self._watching = asyncio.create_task(self._watch_for_ever())

    async def stop(self) -> None:
        """End, and let another have the lead at once."""
        await self._sweeping.stop()
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        if self._since is not None:
            try:
                await self._services.database.run(
                    lambda unit: leader.resign(unit, LEAD, self._services.worker)
                )
            except Outage as outage:
                LOG.warning("the lead lapses by itself", reason=outage.message)

    async def _wait(self) -> None:
        services = self._services
        await services.clock.sleep_until(services.clock.now() + services.options.sweep_every)

    async def _sweep(self) -> None:
        if not self._fleet:
            await lose_lapsed(self._services)
            await sweep(self._services)
        elif self._since is not None:
            await sweep(self._services)

    async def _watch_for_ever(self) -> None:
        while True:
            try:
                await self._watch()
            except Outage as outage:
                self._since = None
                LOG.warning("workers are looked after again", reason=outage.message)
            except Exception:
                LOG.exception("looking after workers crashed; it is tried again")
            await asyncio.sleep(self._services.options.lease / LOOKS)

    async def _watch(self) -> None:
        """Who has just taken the lead, found the database again or another time of day, gives the living time
        to renew what is theirs before it calls anything lost.
        """
        services, now = self._services, self._services.clock.now()
        lease = services.options.lease

        def take(unit: Unit) -> bool:
            return leader.lead(unit, LEAD, services.worker, now + lease, now)

        if not await services.database.run(take):
            self._since = None
            return
        if self._jumps.seen():
            LOG.warning("the clock was set: nothing is called lost until all could renew what they hold")
            self._since = None
        if self._since is None:
            self._since = time.monotonic()
            await sweep(services)
        if time.monotonic() - self._since > lease:
            found = await services.database.run(lambda unit: recover(unit, lease))
            if found:
                LOG.warning("what dead workers held is handed out again", count=found)
            await lose_lapsed(services)
