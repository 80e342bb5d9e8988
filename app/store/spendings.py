"""What all processes together asked of a forge, by the hour, and what the forge says is left."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

import msgspec
from sqlalchemy import Connection, delete, func, select, text

from app.store.projects import insert
from app.store.session import Unit, pack, unpack
from app.store.tables_operation import budgets, creations, spendings

T = TypeVar("T")
HOUR = 3600
_LOCK: Final = 0x63726561
"""Our advisory lock ("crea")."""


def note(
    unit: Unit, forge: str, calls: Mapping[tuple[int, str], int], rates: Mapping[int, object], now: float
) -> None:
    """Add a process's calls, by (installation, purpose), and what it was last told of the limits."""
    hour = int(now // HOUR * HOUR)
    for (installation_id, purpose), count in calls.items():
        statement = insert(unit.connection, spendings).values(
            forge=forge, installation_id=installation_id, purpose=purpose, hour=hour, calls=count
        )
        unit.connection.execute(
            statement.on_conflict_do_update(
                index_elements=["forge", "installation_id", "purpose", "hour"],
                set_={"calls": spendings.c.calls + count},
            )
        )
    for installation_id in {installation_id for installation_id, _ in calls} & rates.keys():
        values = {"document": pack(rates[installation_id]), "seen_at": now}
        told = insert(unit.connection, budgets).values(forge=forge, installation_id=installation_id, **values)
        unit.connection.execute(
            told.on_conflict_do_update(index_elements=["forge", "installation_id"], set_=values)
        )


def take(
    unit: Unit, forge: str, installation_id: int, now: float, free_at: Callable[[Sequence[float]], float]
) -> float:
    """When one more may be created there (epoch seconds), given when some was within the hour; where that is
    now, it is counted. One process at a time decides.
    """
    if unit.connection.dialect.name != "sqlite":  # there whoever writes is alone anyway
        unit.connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    of = (creations.c.forge == forge) & (creations.c.installation_id == installation_id)
    unit.connection.execute(delete(creations).where(of, creations.c.at <= now - HOUR))
    rows = unit.connection.execute(select(creations.c.at).where(of).order_by(creations.c.at, creations.c.id))
    at = free_at([row.at for row in rows])
    if at <= now:
        values = {"forge": forge, "installation_id": installation_id, "at": now}
        unit.connection.execute(creations.insert().values(values))
    return at


def prune(unit: Unit, before: float) -> None:
    """Forget hours that began before."""
    unit.connection.execute(delete(spendings).where(spendings.c.hour < before))


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """Calls of one purpose as an installation (0 = the app)."""

    forge: str
    installation_id: int
    purpose: str
    calls: int


def since(connection: Connection, at: float) -> tuple[Spent, ...]:
    """All calls of the hours that began after `at`, the most frequent first."""
    total = func.sum(spendings.c.calls)
    rows = connection.execute(
        select(spendings.c.forge, spendings.c.installation_id, spendings.c.purpose, total.label("calls"))
        .where(spendings.c.hour > at)
        .group_by(spendings.c.forge, spendings.c.installation_id, spendings.c.purpose)
        .order_by(total.desc(), spendings.c.installation_id, spendings.c.purpose)
    )
    return tuple(
        Spent(
            forge=row.forge,
            installation_id=row.installation_id,
            purpose=row.purpose,
            calls=int(row.calls),
        )
        for row in rows
    )


def rates(connection: Connection, kind: type[T]) -> dict[tuple[str, int], T]:
    """What each forge last told of its limits, by (forge, installation)."""
    rows = connection.execute(select(budgets))
    return {(row.forge, row.installation_id): unpack(kind, row.document) for row in rows}
