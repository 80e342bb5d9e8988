"""How webhooks fare: which deliveries came, which were asked for again, what each repository sends."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, case, delete, select, update

from app.store.projects import insert
from app.store.session import Unit
from app.store.tables import deliveries, repositories
from app.store.tables_operation import hook_health, redeliveries

_AT_ONCE = 500


def arrived(connection: Connection, forge: str, guids: Sequence[str]) -> dict[str, float]:
    """When those deliveries that came did so (epoch seconds), by guid."""
    found: dict[str, float] = {}
    for start in range(0, len(guids), _AT_ONCE):
        rows = connection.execute(
            select(deliveries.c.delivery_id, deliveries.c.received_at).where(
                deliveries.c.forge == forge, deliveries.c.delivery_id.in_(guids[start : start + _AT_ONCE])
            )
        )
        found |= {row.delivery_id: row.received_at for row in rows}
    return found


def any_arrived(connection: Connection, forge: str) -> bool:
    """Whether a delivery of this forge was kept: its webhooks do lead here."""
    return (
        connection.execute(select(deliveries.c.id).where(deliveries.c.forge == forge).limit(1)).first()
        is not None
    )


def asked_again(connection: Connection, forge: str, guid: str) -> bool:
    """Whether a delivery was asked for again before."""
    asked = select(redeliveries.c.guid).where(redeliveries.c.forge == forge, redeliveries.c.guid == guid)
    return connection.execute(asked).first() is not None


def note_redelivery(unit: Unit, forge: str, guid: str, now: float) -> None:
    """A delivery was asked for again."""
    statement = insert(unit.connection, redeliveries).values(forge=forge, guid=guid, asked_at=now)
    unit.connection.execute(statement.on_conflict_do_nothing(index_elements=["forge", "guid"]))


def prune_redeliveries(unit: Unit, before: float) -> None:
    """Forget what was asked for so long ago that no log has it any more."""
    unit.connection.execute(delete(redeliveries).where(redeliveries.c.asked_at < before))


class HookHealth(msgspec.Struct, frozen=True, kw_only=True):
    """What a repository's webhooks were last seen to do. Times in epoch seconds, None = never: `heard_at`
    its last delivery, `active_at` the last thing that happened there, told or not, `missed_at` when
    something was last found that no delivery had told, `missed` how often. `lag` is in seconds.
    """

    repository_id: int
    forge: str
    full_name: str
    heard_at: float | None = None
    lag: float | None = None
    active_at: float | None = None
    missed: int = 0
    missed_at: float | None = None


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """A repository's last delivery (epoch seconds), and how many seconds after being sent it came."""

    at: float
    lag: float


def hear(unit: Unit, forge: str, heard: Mapping[int, Heard]) -> None:
    """Note the last deliveries of repositories, by the forge's ids; unknown ones are nobody's."""
    known = unit.connection.execute(
        select(repositories.c.id, repositories.c.forge_id).where(
            repositories.c.forge == forge, repositories.c.forge_id.in_(list(heard))
        )
    )
    for row in known.all():
        last = heard[row.forge_id]
        _put(unit, row.id, heard_at=last.at, lag=last.lag)


def found_missed(unit: Unit, repository_id: int, count: int, active_at: float | None, now: float) -> None:
    """A repository was read: it was last active then, and so many things there no delivery had told."""
    if active_at is not None:
        _put(unit, repository_id, active_at=active_at)
    if count:
        _put(unit, repository_id, missed_at=now)
        unit.connection.execute(
            update(hook_health)
            .where(hook_health.c.repository_id == repository_id)
            .values(missed=hook_health.c.missed + count)
        )


def _put(unit: Unit, repository_id: int, **values: float) -> None:
    """Times only go forward."""
    statement = insert(unit.connection, hook_health).values(repository_id=repository_id, **values)
    newer: dict[str, Any] = {
        name: value if name == "lag" else _later(hook_health.c[name], value) for name, value in values.items()
    }
    unit.connection.execute(statement.on_conflict_do_update(index_elements=["repository_id"], set_=newer))


def _later(column: Any, value: float) -> Any:  # noqa: ANN401 - SQLAlchemy's own types
    return case((column > value, column), else_=value)


def health(connection: Connection) -> tuple[HookHealth, ...]:
    """Of all repositories that we judge, by name; those that never sent anything have no times."""
    rows = connection.execute(
        select(repositories.c.id, repositories.c.forge, repositories.c.full_name, hook_health)
        .outerjoin(hook_health, hook_health.c.repository_id == repositories.c.id)
        .where(repositories.c.status == "active")
        .order_by(repositories.c.full_name)
    )
    return tuple(_health(row) for row in rows)


def _health(row: Row[Any]) -> HookHealth:
    return HookHealth(
        repository_id=row[0],
        forge=row.forge,
        full_name=row.full_name,
        heard_at=row.heard_at,
        lag=row.lag,
        active_at=row.active_at,
        missed=row.missed or 0,
        missed_at=row.missed_at,
    )
