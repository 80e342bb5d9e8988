"""One process at a time: until there is a fleet, a second one on the same database is refused."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text

from app.model import Misconfigured
from app.store.session import Database, as_outage

LOCK_NUMBER = 0x706F7274
"""Our advisory lock on PostgreSQL ("port")."""


@contextmanager
def only_process(database: Database) -> Iterator[None]:
    """Hold the database's one place for a serving process. Raises Misconfigured when it is taken."""
    if database.is_sqlite:
        with _file_lock(f"{database.engine.url.database}.lock"):
            yield
        return
    with as_outage(), database.engine.connect() as connection:
        autocommit = connection.execution_options(isolation_level="AUTOCOMMIT")
        taken = autocommit.execute(text("SELECT pg_try_advisory_lock(:n)"), {"n": LOCK_NUMBER}).scalar()
        if not taken:
            raise Misconfigured(
                "another portcullis process serves this database",
                hint="stop it first; several processes on one database come with a later version",
            )
        yield


@contextmanager
def _file_lock(path: str) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Misconfigured(
                "another portcullis process uses this data directory",
                hint="stop it first; more than one process needs PostgreSQL",
            ) from error
        yield
    finally:
        os.close(descriptor)
