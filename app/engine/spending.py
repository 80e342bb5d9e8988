"""What this process asked of its forges, written down for the operator (`portcullis doctor --api`)."""

from collections import Counter
from functools import partial
from typing import Final

from app.engine.repeated import Repeated
from app.engine.services import Services
from app.forges import Rate
from app.store import Unit, spendings

KEPT: Final = 7 * 86_400.0


class Spending:
    """Adds to the record, with each sweep and at the end, what was asked since: every process for itself."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._unwritten: dict[str, Counter[tuple[int, str]]] = {}
        self._repeated = Repeated(
            self._wait,
            self.note,
            postponed="what was asked of the forge is written down later",
            crashed="writing down what was asked of the forge crashed; it is tried again",
        )

    def start(self) -> None:
        """Begin."""
        self._repeated.start()

    async def stop(self) -> None:
        """End; what is left is written down."""
        if await self._repeated.stop():
            await self._repeated.once()

    async def _wait(self) -> None:
        services = self._services
        await services.clock.sleep_until(services.clock.now() + services.options.sweep_every)

    async def note(self) -> None:
        """Write down what is not yet. What cannot be written is kept for the next time."""
        services, now = self._services, self._services.clock.now()
        for kind, forge in tuple(services.forges.items()):
            calls = self._unwritten.pop(kind, Counter())
            calls.update(forge.spent())
            if not calls:
                continue
            try:
                await services.database.run(partial(_write, kind, dict(calls), dict(forge.rates), now))
            except Exception:
                self._unwritten[kind] = calls
                raise


def _write(
    kind: str, calls: dict[tuple[int, str], int], rates: dict[int, Rate], now: float, unit: Unit
) -> None:
    spendings.note(unit, kind, calls, rates, now)
    spendings.prune(unit, now - KEPT)
