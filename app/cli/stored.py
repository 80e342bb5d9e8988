"""The service's own database, for commands that an operator runs beside it."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from app import settings
from app.model import Actor, Misconfigured
from app.settings import Settings
from app.store import Database, embedded_file, only_user, schema_state

OPERATOR = Actor(login="operator")
"""Whoever runs commands beside the service, as the audit trail names them."""


def embedded(configured: Settings) -> Path:
    """The file of the embedded database. Raises Misconfigured on PostgreSQL."""
    if not configured.on_sqlite:
        raise Misconfigured("the database is PostgreSQL", hint="use pg_dump and pg_restore")
    return embedded_file(configured.database.get_secret_value())


def alone(configured: Settings) -> AbstractContextManager[None]:
    """Keeps the service from the embedded database, as the service keeps us. Raises Misconfigured."""
    return only_user(configured.database.get_secret_value(), hint="stop it first")


@contextmanager
def stored() -> Iterator[Database]:
    """The database, of our schema. Raises Misconfigured."""
    url = settings.load().database.get_secret_value()
    state = schema_state(url)
    if not state.usable:
        raise Misconfigured(
            f"the database is {state.level.value}, not at the schema {state.expected}",
            hint="PORTCULLIS_DATA_DIR or PORTCULLIS_DATABASE_URL say which; run `portcullis migrate`",
        )
    database = Database(url)
    try:
        yield database
    finally:
        database.close()
