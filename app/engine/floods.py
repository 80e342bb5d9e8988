"""Senders whose deliveries are refused unread: told to the operator while it lasts."""

from typing import Final

from app.engine.services import Services
from app.store import Unit, troubles

KIND: Final = "flood"
OVER: Final = 1800.0
"""Seconds without a refused delivery after which it is over."""
MEND: Final = (
    "if the address is the forge's, its webhook secret is not ours; if it is a proxy of yours, name it in "
    "PORTCULLIS_TRUSTED_PROXIES; else have your firewall refuse it"
)


def flooded(unit: Unit, forge: str, sender: str, now: float) -> None:
    """Note that deliveries of this sender (one of several, maybe) are refused unread."""
    says = f"deliveries without a right signature come from {sender}: more are refused unread for now"
    troubles.tell(unit, KIND, forge, says=says, mend=MEND, now=now)


async def forget_floods(services: Services) -> None:
    """The chore: what is over is no trouble any more."""
    since = services.clock.now() - OVER
    told = await services.database.read(lambda c: troubles.all_of(c, KIND))
    over = [trouble.subject for trouble in told if trouble.seen_at < since]

    def write(unit: Unit) -> None:
        for subject in over:
            troubles.mended(unit, KIND, subject)

    if over:
        await services.database.run(write)
