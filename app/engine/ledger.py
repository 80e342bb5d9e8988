"""What all processes of a fleet create on a forge, counted together: so does the forge."""

from collections.abc import Callable, Sequence

from app.store import Database, spendings


class SharedLedger:
    """Implements Ledger by the database that all processes share."""

    def __init__(self, database: Database, forge: str) -> None:
        self._database = database
        self._forge = forge

    async def take(
        self, installation_id: int, now: float, free_at: Callable[[Sequence[float]], float]
    ) -> float:
        """When one more may be created; see the protocol."""
        return await self._database.run(
            lambda unit: spendings.take(unit, self._forge, installation_id, now, free_at)
        )
