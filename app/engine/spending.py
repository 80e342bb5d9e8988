"""What this process asked of its forges, written down for the operator (`portcullis doctor --api`)."""

from functools import partial
from typing import Final

from app.engine.services import Services
from app.forges import Rate
from app.store import Unit, spendings

KEPT: Final = 7 * 86_400.0


async def note_spending(services: Services) -> None:
    """Add to the record what was asked since the last time."""
    now = services.clock.now()
    for kind, forge in services.forges.items():
        calls, rates = dict(forge.spent()), dict(forge.rates)
        if not calls:
            continue
        await services.database.run(partial(_write, kind, calls, rates, now))


def _write(
    kind: str, calls: dict[tuple[int, str], int], rates: dict[int, Rate], now: float, unit: Unit
) -> None:
    spendings.note(unit, kind, calls, rates, now)
    spendings.prune(unit, now - KEPT)
