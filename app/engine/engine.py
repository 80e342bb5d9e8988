"""The engine: handlers by key, started and stopped with the process."""

import contextlib
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final

import structlog

from app.engine.able import Able
from app.engine.attempts import run_attempt, stop_attempt
from app.engine.branches import look_at_branch
from app.engine.chores import CHORES, do_chore
from app.engine.commands import obey
from app.engine.deliveries import read_delivery
from app.engine.dispatch import Handler
from app.engine.leading import Leader
from app.engine.missed import read_comments, read_posts
from app.engine.posting import post_comment, post_publication
from app.engine.reconcile import reconcile, refresh_change
from app.engine.rereading import read_installation, read_repository
from app.engine.roles import Role
from app.engine.services import Services
from app.engine.spending import Spending
from app.engine.starting import start
from app.engine.sweep import lose_lapsed, sweep
from app.engine.upkeep import Upkeep
from app.engine.uploads import read_uploads
from app.forges import Importance, asking_for
from app.model import Misconfigured, Outage
from app.store import Key, Unit, chores, projects, wakes

LOG = structlog.get_logger(__name__)
Work = Callable[[Services, int], Awaitable[None]]
Works = Mapping[str, Work]
GRACE_SECONDS = 10.0
OUTAGE_SECONDS = 10.0
LONGEST_OUTAGE_SECONDS = 600.0
REFUSED_SECONDS = 600.0
JUST_NOW = 300.0
"""A repository that was read so few seconds ago is not read again for a restart."""


class Engine:
    """Runs the state machine of one process, or the part of it that is its role's."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self._leader = Leader(services)
        self._upkeep = Upkeep(services)
        self._able = Able(services)
        self._spending = Spending(services)
        self._outages: dict[Key, int] = {}

    async def start(self) -> None:
        """Open the forges, clear away leftovers, hand out work. A service of one process takes up all that
        is unfinished; in a fleet the leader does.
        """
        services, role = self.services, self.services.role
        for forge in services.forges.values():
            await forge.start()
        if role.checks:
            removed = await services.executor.sweep()
            if removed:
                LOG.info("leftovers of an earlier process were removed", count=removed)
        services.database.in_commit = services.dispatch.within
        services.database.on_commit = services.dispatch.committed
        await self._able.start()
        await services.dispatch.start(self._guard(handlers_of(role)), self._guard(EVERYWHERE))
        if role.control:
            await services.database.run(self._nothing_is_known)
        if services.database.is_sqlite:
            await lose_lapsed(services, at_start=True)
            await sweep(services, at_start=True)
        if role.control:
            self._leader.start()
        if role.control or role.checks:
            self._upkeep.start()
        self._spending.start()

    async def stop(self) -> None:
        """Hand out nothing more; attempts under way are given back and run again, elsewhere or later."""
        await self._leader.stop()
        await self._upkeep.stop()
        await self._able.stop()
        services = self.services
        for task in list(services.running.values()):
            task.cancel()
        await services.dispatch.stop(GRACE_SECONDS)
        await self._spending.stop()
        for forge in tuple(services.forges.values()):
            await forge.close()
        services.reader.close()
        services.workspaces.close()

    def _nothing_is_known(self, unit: Unit) -> None:
        """Deliveries may have been lost while nobody listened: every repository and every chore is due."""
        now = self.services.clock.now()
        projects.wake_all(unit, now, now + self.services.options.reread_every - JUST_NOW)
        chores.begin(unit, CHORES, now)

    def _guard(self, works: Works) -> dict[str, Handler]:
        return {kind: self._guarded(kind, work) for kind, work in works.items()}

    def _guarded(self, kind: str, work: Work) -> Handler:
        return partial(self._handle, kind, work)

    async def _handle(self, kind: str, work: Work, identifier: int) -> None:
        """What fails for now is tried again; what is refused is said to the operator, once per try."""
        structlog.contextvars.clear_contextvars()
        asking_for.set(WORTH.get(kind, Importance.VERDICT))
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
            wait = min(OUTAGE_SECONDS * 2.0 ** (times - 1), LONGEST_OUTAGE_SECONDS)
            at = outage.again_at(services.clock.now(), wait)
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


CONTROL: Works = {
    "delivery": read_delivery,
    "run": reconcile,
    "publication": post_publication,
    "comment": post_comment,
    "command": obey,
    "comments": read_comments,
    "posts": read_posts,
    "uploads": read_uploads,
    "start": start,
    "change": refresh_change,
    "branch": look_at_branch,
    "repository": read_repository,
    "installation": read_installation,
    "chore": do_chore,
}
CHECKS: Works = {"attempt": run_attempt}
EVERYWHERE: Works = {"stop": stop_attempt}
"""What each kind of key does; every handler may be called any number of times."""


def handlers_of(role: Role) -> Works:
    """What processes of a role work off."""
    return {**(CONTROL if role.control else {}), **(CHECKS if role.checks else {})}


WORTH: Final = {
    "comment": Importance.COMMENT,
    "command": Importance.COMMENT,
    "comments": Importance.SWEEP,
    "posts": Importance.SWEEP,
    "repository": Importance.SWEEP,
    "installation": Importance.SWEEP,
    "chore": Importance.SWEEP,
}
"""How much depends on what each kind of work asks of a forge; what is not named decides verdicts."""
