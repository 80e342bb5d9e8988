"""Deliveries: stored before they are acknowledged, worked off once.

Status: stored (to do) → done | ignored | failed. A redelivery of a failed one makes it stored again.
"""

from collections.abc import Sequence
from functools import lru_cache

import msgspec
import zstandard
from sqlalchemy import Connection, select, tuple_, update

from app.store.session import Unit
from app.store.tables import deliveries

MAX_ATTEMPTS = 5
"""After that many failed attempts a delivery is `failed`: only a redelivery brings it back."""

_COLUMNS = ("forge", "delivery_id", "event", "hook_id", "received_at", "body", "status")
_LEVEL = 1  # measured: 24 kB to 2.3 kB in 20 µs; storing less pays for it


class NewDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """A verified delivery to be stored. `body` is the raw bytes, `received_at` epoch seconds."""

    forge: str
    delivery_id: str
    event: str
    hook_id: str
    received_at: float
    body: bytes


class StoredDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery as it was received, and how often working it off was tried."""

    id: int
    forge: str
    delivery_id: str
    event: str
    received_at: float
    body: bytes
    status: str
    attempts: int
    reason: str = ""


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """Where a delivery is kept. `stored` is false for a duplicate of one that is kept and did not fail."""

    id: int
    stored: bool


def store(unit: Unit, batch: Sequence[NewDelivery]) -> list[Receipt]:
    """Keep all deliveries by one statement, in the order given; each newly stored one is woken.

    Unique by (forge, delivery id), also within the batch. A known one that failed takes the new body and
    is to be done again; any other known one is left as it is.
    """
    if not batch:
        return []
    compress = zstandard.ZstdCompressor(level=_LEVEL).compress
    rows: dict[tuple[str, str], NewDelivery] = {}
    for new in batch:
        rows.setdefault((new.forge, new.delivery_id), new)
    values: list[object] = []
    for new in rows.values():
        values += (new.forge, new.delivery_id, new.event, new.hook_id, new.received_at)
        values += (compress(new.body), "stored")
    connection = unit.connection
    statement = _insert(len(rows), "?" if connection.dialect.paramstyle == "qmark" else "%s")
    stored = {(row[1], row[2]): row[0] for row in connection.exec_driver_sql(statement, tuple(values))}
    for identifier in stored.values():
        unit.wake("delivery", identifier)
    known = _identifiers(connection, [key for key in rows if key not in stored])
    receipts = []
    for new in batch:
        key = (new.forge, new.delivery_id)
        identifier = stored[key] if key in stored else known[key]
        receipts.append(Receipt(id=identifier, stored=key in stored and rows[key] is new))
    return receipts


@lru_cache(maxsize=1024)
def _insert(count: int, mark: str) -> str:
    # by hand: compiling a multi-row INSERT costs more than running it, and its text depends on count alone
    row = f"({', '.join([mark] * len(_COLUMNS))})"
    insert = f"INSERT INTO deliveries ({', '.join(_COLUMNS)}) VALUES {', '.join([row] * count)}"  # noqa: S608 - names and marks only
    return (
        f"{insert} ON CONFLICT (forge, delivery_id) DO UPDATE SET status = 'stored', reason = '',"
        " attempts = 0, wake_at = 0, received_at = excluded.received_at, body = excluded.body"
        " WHERE deliveries.status = 'failed' RETURNING id, forge, delivery_id"
    )


def _identifiers(connection: Connection, keys: list[tuple[str, str]]) -> dict[tuple[str, str], int]:
    if not keys:
        return {}
    found = connection.execute(
        select(deliveries.c.forge, deliveries.c.delivery_id, deliveries.c.id).where(
            tuple_(deliveries.c.forge, deliveries.c.delivery_id).in_(keys)
        )
    )
    return {(row.forge, row.delivery_id): row.id for row in found}


def to_do(connection: Connection, now: float, limit: int = 1000) -> list[int]:
    """Row ids of deliveries that wait to be worked off and whose time has come, oldest first."""
    rows = connection.execute(
        select(deliveries.c.id)
        .where(deliveries.c.status == "stored", deliveries.c.wake_at <= now)
        .order_by(deliveries.c.id)
        .limit(limit)
    )
    return list(rows.scalars())


def load(connection: Connection, delivery_id: int) -> StoredDelivery | None:
    """A delivery by its row id, whatever its status; None if there is none."""
    row = connection.execute(select(deliveries).where(deliveries.c.id == delivery_id)).first()
    if row is None:
        return None
    return StoredDelivery(
        id=row.id,
        forge=row.forge,
        delivery_id=row.delivery_id,
        event=row.event,
        received_at=row.received_at,
        body=zstandard.decompress(row.body),
        status=row.status,
        attempts=row.attempts,
        reason=row.reason,
    )


def finish(unit: Unit, delivery_id: int, status: str, reason: str = "") -> bool:
    """Worked off (`done`), of no use (`ignored`) or given up (`failed`); false when it was already."""
    changed = unit.connection.execute(
        update(deliveries)
        .where(deliveries.c.id == delivery_id, deliveries.c.status == "stored")
        .values(status=status, reason=reason)
    )
    return changed.rowcount == 1


def describe(unit: Unit, delivery_id: int, status: str, reason: str) -> None:
    """What a delivery became, once the transaction that worked it off knows."""
    unit.connection.execute(
        update(deliveries).where(deliveries.c.id == delivery_id).values(status=status, reason=reason)
    )


def postpone(unit: Unit, delivery_id: int, wake_at: float, reason: str) -> str:
    """An attempt failed: try again at `wake_at`, or never after MAX_ATTEMPTS. Gives the status it has now,
    '' when there was nothing to postpone.
    """
    attempts = unit.connection.execute(
        update(deliveries)
        .where(deliveries.c.id == delivery_id, deliveries.c.status == "stored")
        .values(attempts=deliveries.c.attempts + 1, wake_at=wake_at, reason=reason)
        .returning(deliveries.c.attempts)
    ).scalar()
    if attempts is None:
        return ""
    if attempts < MAX_ATTEMPTS:
        return "stored"
    finish(unit, delivery_id, "failed", reason)
    return "failed"
