"""Whether every repository still sends its deliveries: told to the operator where one fell silent."""

from typing import Final

import structlog

from app.engine.redelivery import NAME, Looked
from app.engine.services import Services
from app.store import Unit, chores, hooks, troubles

LOG = structlog.get_logger(__name__)
KIND: Final = "deliveries"
GRACE: Final = 60.0
QUIET: Final = 3600.0
"""Much touches a pull request that we are not told of; after an hour of that something should have been."""
MEND: Final = (
    "see the app's settings on the forge (advanced, recent deliveries): is its webhook active, does its "
    "address lead here, is its secret ours, and are all events subscribed?"
)


def silence(health: hooks.HookHealth, looked_at: float) -> str:
    """Why a repository counts as silent: things happen there and no delivery tells of them; '' if not.

    What it sent is known up to `looked_at` (epoch seconds), when the forge's log was last held against what
    came; of what happened later nobody knows yet whether it was told.
    """
    heard = health.heard_at or 0.0
    active = min(health.active_at or 0.0, looked_at)
    missed = health.missed_at is not None and heard < health.missed_at <= looked_at
    if missed and active > heard + GRACE:
        return f"{health.missed} changes were found that no delivery had told"
    if active > heard + QUIET:
        return "it was active, and sent no delivery for an hour"
    return ""


async def judge_hooks(services: Services) -> None:
    """The chore: compare what happened in each repository with what was heard of it."""
    now = services.clock.now()
    found = await services.database.read(hooks.health)
    looks = await services.database.read(lambda c: chores.remembered(c, NAME, dict[str, Looked])) or {}
    known = {trouble.subject for trouble in await services.database.read(lambda c: troubles.all_of(c, KIND))}
    silent = {
        health.full_name: why
        for health in found
        if (look := looks.get(health.forge)) is not None and (why := silence(health, look.at))
    }

    def write(unit: Unit) -> list[str]:
        for name in known - silent.keys():
            troubles.mended(unit, KIND, name)
        return [
            name
            for name, why in silent.items()
            if troubles.tell(unit, KIND, name, says=why, mend=MEND, now=now) and name not in known
        ]

    if known or silent:
        for name in await services.database.run(write):
            LOG.warning("a repository sends no deliveries", repository=name, reason=silent[name], hint=MEND)
