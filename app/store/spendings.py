"""What all processes together asked of a forge, by the hour, and what the forge says is left."""

from collections.abc import Mapping
from typing import TypeVar

import msgspec
from sqlalchemy import Connection, delete, func, select

from app.store.projects import insert
from app.store.session import Unit, pack, unpack
from app.store.tables_operation import budgets, spendings

T = TypeVar("T")
HOUR = 3600


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
