"""What is done every so often: by whichever process is free, at each start and from then on by the clock."""

from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from app.engine.floods import forget_floods
from app.engine.health import judge_hooks
from app.engine.redelivery import fetch_lost_deliveries
from app.engine.rereading import read_installations
from app.engine.retention import forget_dropped
from app.engine.services import Services
from app.engine.watchdog import compare_rules
from app.model import Outage, PortcullisError
from app.store import chores


class Chore(msgspec.Struct, frozen=True):
    """One thing, and after how many seconds it is done again."""

    work: Callable[[Services], Awaitable[None]]
    every: float


CHORES: Final = {
    "deliveries": Chore(fetch_lost_deliveries, 600.0),
    "installations": Chore(read_installations, 3600.0),
    "hooks": Chore(judge_hooks, 900.0),
    "dropped": Chore(forget_dropped, 3600.0),
    "floods": Chore(forget_floods, 900.0),
    "rules": Chore(compare_rules, 86_400.0),
}
"""All chores by name; each may be done any number of times."""


async def do_chore(services: Services, row_id: int) -> None:
    """The handler of ('chore', row id). Raises what the chore raises: it is tried again."""
    name = await services.database.read(lambda c: chores.due_name(c, row_id, services.clock.now()))
    chore = CHORES.get(name)
    if chore is None:  # done by another, or a chore of a newer version that runs beside us
        return
    try:
        await chore.work(services)
    except Outage:
        raise  # tried again soon
    except PortcullisError:
        await _finish(services, row_id, chore)
        raise
    await _finish(services, row_id, chore)


async def _finish(services: Services, row_id: int, chore: Chore) -> None:
    now = services.clock.now()
    await services.database.run(lambda unit: chores.finish(unit, row_id, now, now + chore.every))
