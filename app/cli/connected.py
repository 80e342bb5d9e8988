"""The forges that the service would be connected to, for commands that look at them beside it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from app.cli.examined import from_store
from app.engine import StoredApp, StoredConnection, Vault
from app.forges import Forge, Means
from app.settings import Settings, secret_keys
from app.wiring import Connections


def connections(settings: Settings) -> Connections:
    """The environment's, the set-up page's app, those that were added. Raises Misconfigured where what is
    stored cannot be decrypted; a database that does not answer holds none.
    """
    found = Connections(settings, lambda _: Means())
    vault = Vault(*secret_keys(settings))

    def stored(connection: Connection) -> tuple[StoredApp | None, tuple[StoredConnection, ...]]:
        return vault.load_app(connection), vault.load_connections(connection)

    try:
        there = from_store(settings, stored)
    except SQLAlchemyError:
        return found
    if there is not None:
        found.use_app(there[0])
        found.use(there[1])
    return found


@asynccontextmanager
async def speaking(forge: Forge) -> AsyncIterator[Forge]:
    """The forge, ready to be asked."""
    await forge.start()
    try:
        yield forge
    finally:
        await forge.close()
