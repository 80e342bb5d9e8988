"""Whether every repository still sends its deliveries: told to the operator where one fell silent."""

from typing import Final

import structlog

from app.engine.services import Services
from app.store import Unit, hooks, troubles

LOG = structlog.get_logger(__name__)
KIND: Final = "deliveries"
GRACE: Final = 60.0
QUIET: Final = 3600.0
"""Much touches a pull request that we are not told of; after an hour of that something should have been."""
MEND: Final = (
    "see the app's settings on the forge (advanced, recent deliveries): is its webhook active, does its "
    "address lead here, is its secret ours, and are all events subscribed?"
)


def silence(health: hooks.HookHealth) -> str:
    """Why a repository counts as silent: things happen there and no delivery tells of them; '' if not."""
    heard = health.heard_at or 0.0
    active = health.active_at or 0.0
    if health.missed_at is not None and health.missed_at > heard and active > heard + GRACE:
        return f"{health.missed} changes were found that no delivery had told"
    if active > heard + QUIET:
        return "it was active, and sent no delivery for an hour"
    return ""


async def judge_hooks(services: Services) -> None:
    """The chore: compare what happened in each repository with what was heard of it."""
    now = services.clock.now()
    found = await services.database.read(hooks.health)
    known = {trouble.subject for trouble in await services.database.read(lambda c: troubles.all_of(c, KIND))}
    silent = {health.full_name: why for health in found if (why := silence(health))}

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
