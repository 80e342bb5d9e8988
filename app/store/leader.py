"""Who looks after what concerns the whole database: one worker at a time, by a lease."""

from sqlalchemy import Connection, or_, select

from app.store.projects import insert
from app.store.session import Unit
from app.store.tables import leader


def lead(unit: Unit, name: str, worker: str, lease_until: float, now: float) -> bool:
    """Take or keep a lead; false while another worker has it. Times are epoch seconds."""
    values: dict[str, object] = {"worker": worker, "lease_until": lease_until}
    statement = insert(unit.connection, leader).values(name=name, **values)
    taken = unit.connection.execute(
        statement.on_conflict_do_update(
            index_elements=["name"],
            set_=values,
            where=or_(leader.c.lease_until < now, leader.c.worker == worker),
        )
    )
    return bool(taken.rowcount)


def is_held(connection: Connection, name: str, at: float) -> bool:
    """Whether a lead is, or was at a time (epoch seconds), somebody's."""
    row = select(leader.c.name).where(leader.c.name == name, leader.c.lease_until >= at)
    return connection.execute(row).first() is not None


def resign(unit: Unit, name: str, worker: str) -> None:
    """Let another worker have the lead at once."""
    unit.connection.execute(leader.delete().where(leader.c.name == name, leader.c.worker == worker))
