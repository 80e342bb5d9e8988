"""The engine: handlers by key, started and stopped with the process."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from functools import partial

import structlog

from app.engine.attempts import release_trees, run_attempt
from app.engine.branches import look_at_branch
from app.engine.commands import obey
from app.engine.deliveries import read_delivery
from app.engine.dispatch import Handler
from app.engine.missed import read_comments, read_posts
from app.engine.posting import post_comment, post_publication
from app.engine.reconcile import reconcile, refresh_change
from app.engine.rereading import read_installation, read_repository
from app.engine.services import Services
from app.engine.sweep import sweep
from app.engine.uploads import read_uploads
from app.model import Misconfigured, Outage
from app.store import Key, Unit, wakes

LOG = structlog.get_logger(__name__)
GRACE_SECONDS = 10.0
OUTAGE_SECONDS = 10.0
LONGEST_OUTAGE_SECONDS = 600.0
REFUSED_SECONDS = 600.0


class Engine:
    """Runs the state machine of one process. `start` sweeps first: what was cut off goes on."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self._sweeper: asyncio.Task[None] | None = None
        self._outages: dict[Key, int] = {}

    async def start(self) -> None:
        """Open the forges, clear away leftovers, take up all unfinished work."""
        services = self.services
        for forge in services.forges.values():
            await forge.start()
        removed = await services.executor.sweep()
        if removed:
            LOG.info("leftovers of an earlier process were removed", count=removed)
        services.database.on_commit = self._committed
        await services.dispatch.start({kind: self._guarded(kind, work) for kind, work in HANDLERS.items()})
        await sweep(services, at_start=True)
        self._sweeper = asyncio.create_task(self._sweep_for_ever())

    async def stop(self) -> None:
        """Hand out nothing more; attempts under way are given back and run again at the next start."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeper
        services = self.services
        services.dispatch.cancel_kind("attempt")
        await services.dispatch.stop(GRACE_SECONDS)
        for forge in services.forges.values():
            await forge.close()
        services.reader.close()
        services.workspaces.close()

    def _committed(self, unit: Unit) -> None:
        for key in unit.wakes:
            kind, identifier = key
            if kind == "stop":
                self.services.dispatch.cancel(("attempt", identifier))
            else:
                self.services.dispatch.wake(key, unit.priorities[key])
        for key, at in unit.later.items():
            self.services.dispatch.wake_at(key, at)

    def _guarded(self, kind: str, work: Callable[[Services, int], Awaitable[None]]) -> Handler:
        return partial(self._handle, kind, work)

    async def _handle(
        self, kind: str, work: Callable[[Services, int], Awaitable[None]], identifier: int
    ) -> None:
        """What fails for now is tried again; what is refused is said to the operator, once per try."""
        structlog.contextvars.clear_contextvars()
        services = self.services
        try:
            since = None
            if kind in wakes.LASTING:
                since = await services.database.read(lambda c: wakes.wanted_at(c, kind, identifier))
            await work(services, identifier)
            if since is not None:
                await services.database.run(lambda unit: wakes.done(unit, kind, identifier, since))
        except Outage as outage:
            times = self._outages[kind, identifier] = self._outages.get((kind, identifier), 0) + 1
            told = outage.retry_at.timestamp() if outage.retry_at is not None else 0.0
            wait = min(OUTAGE_SECONDS * 2.0 ** (times - 1), LONGEST_OUTAGE_SECONDS)
            at = max(told, services.clock.now() + wait)
            LOG.warning("work is tried again", kind=kind, id=identifier, reason=outage.message, at=at)
            services.dispatch.wake_at((kind, identifier), at)
            with contextlib.suppress(Outage):  # where it is the database, the timer alone has to do
                await services.database.run(lambda unit: wakes.rest(unit, kind, identifier, at))
            return
        except Misconfigured as problem:
            LOG.error(  # noqa: TRY400 - a refusal, not a bug: no traceback
                "work is refused", kind=kind, id=identifier, reason=problem.message, hint=problem.hint
            )
            if kind in wakes.LASTING:
                at = services.clock.now() + REFUSED_SECONDS
                await services.database.run(lambda unit: wakes.put_off(unit, kind, identifier, at))
        self._outages.pop((kind, identifier), None)

    async def _sweep_for_ever(self) -> None:
        services = self.services
        while True:
            await services.clock.sleep_until(services.clock.now() + services.options.sweep_every)
            try:
                await sweep(services)
            except Outage as outage:
                LOG.warning("the sweep is tried again", reason=outage.message)
            except Exception:
                LOG.exception("the sweep crashed; it is tried again")


HANDLERS: dict[str, Callable[[Services, int], Awaitable[None]]] = {
    "delivery": read_delivery,
    "run": reconcile,
    "attempt": run_attempt,
    "publication": post_publication,
    "comment": post_comment,
    "command": obey,
    "comments": read_comments,
    "posts": read_posts,
    "uploads": read_uploads,
    "change": refresh_change,
    "branch": look_at_branch,
    "repository": read_repository,
    "installation": read_installation,
    "release": release_trees,
}
"""What each kind of key does; every handler may be called any number of times."""
