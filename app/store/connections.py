"""The forges that were added by hand; their secrets are among the credentials."""

import msgspec
from sqlalchemy import Connection, delete, select, update

from app.store.projects import insert
from app.store.session import Unit
from app.store.tables import connections, credentials, deliveries, installations, repositories


class ConnectionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One of them, and its encrypted secrets."""

    name: str
    kind: str
    url: str
    secret: bytes


def credential_of(name: str) -> str:
    """What the secrets of a connection are kept under."""
    return f"forge {name}"


def save(unit: Unit, name: str, kind: str, url: str, now: float) -> None:
    """Keep a connection, or what is new of it."""
    values = {"kind": kind, "url": url, "at": now}
    statement = insert(unit.connection, connections).values(name=name, **values)
    unit.connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))


def every(connection: Connection) -> tuple[ConnectionRow, ...]:
    """All of them, by name."""
    rows = connection.execute(
        select(connections, credentials.c.secret)
        .join(credentials, credentials.c.name == credential_of("") + connections.c.name)
        .order_by(connections.c.name)
    )
    return tuple(ConnectionRow(name=row.name, kind=row.kind, url=row.url, secret=row.secret) for row in rows)


def remove(unit: Unit, name: str) -> bool:
    """Forget a connection: its repositories are judged no more, what was judged stays. False for none."""
    found = unit.connection.execute(delete(connections).where(connections.c.name == name)).rowcount
    unit.connection.execute(delete(credentials).where(credentials.c.name == credential_of(name)))
    for table in (repositories, installations):
        gone = table.update().where(table.c.forge == name).values(status="removed", wake_at=None)
        unit.connection.execute(gone)
    unread = (deliveries.c.forge == name) & (deliveries.c.status == "stored")
    unit.connection.execute(
        update(deliveries).where(unread).values(status="ignored", reason="the forge was removed")
    )
    return bool(found)
