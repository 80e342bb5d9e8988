"""The schema's version: what a database holds, and bringing it to what this program expects."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

import msgspec
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, inspect, select, text
from sqlalchemy.engine import Engine

from app.model import Misconfigured
from app.store.columns import metadata
from app.store.queue_schema import bring_up, missing_steps
from app.store.session import as_outage, make_engine
from app.store.tables import served_versions

_LOCK = 0x706F7274  # "port": two processes that migrate one PostgreSQL database go one after the other


class SchemaLevel(StrEnum):
    """How a database's schema stands to this program's."""

    EMPTY = "empty"
    OLDER = "older"
    CURRENT = "current"
    EXPANDED = "expanded"  # newer, in ways that this program does not mind
    NEWER = "newer"
    FOREIGN = "foreign"  # tables of our names that no migration made


class SchemaState(msgspec.Struct, frozen=True, kw_only=True):
    """`found` is the database's revision ('' if none), `expected` this program's."""

    level: SchemaLevel
    found: str
    expected: str

    @property
    def usable(self) -> bool:
        """Whether this program may run on it."""
        return self.level in {SchemaLevel.CURRENT, SchemaLevel.EXPANDED}


def schema_state(url: str) -> SchemaState:
    """What the database at `url` holds. Creates nothing, save that SQLite makes an absent file.

    Raises Outage when the database does not answer.
    """
    with _engine(url) as engine, as_outage(), engine.connect() as connection:
        return _state(connection)


def migrate(url: str) -> None:
    """Bring the database to this program's schema, all steps in one transaction.

    Raises Misconfigured for a newer or foreign database, Outage when it does not answer.
    """
    with _engine(url) as engine, as_outage(), engine.connect() as connection, alone(connection):
        state = _state(connection)
        _refuse_unknown(state)
        if not state.usable:
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            bring_up(connection)
            _say_whom_it_serves(connection)


def ensure_schema(url: str, *, embedded: bool) -> SchemaState:
    """What `serve` does first: an empty or older embedded database is migrated, any other must be current.

    Raises Misconfigured with what to do, Outage when the database does not answer.
    """
    state = schema_state(url)
    _refuse_unknown(state)
    if state.usable:
        return state
    if not embedded:
        what = "is empty" if state.level is SchemaLevel.EMPTY else f"has the older schema {state.found}"
        raise Misconfigured(
            f"the database {what}, this program needs schema {state.expected}",
            hint="run `portcullis migrate`, then start again",
        )
    migrate(url)
    return schema_state(url)


def _refuse_unknown(state: SchemaState) -> None:
    if state.level is SchemaLevel.NEWER:
        raise Misconfigured(
            f"the database has schema {state.found}, which this program does not know"
            f" (its newest is {state.expected})",
            hint="a newer Portcullis has used it: start that version again, or restore a backup from before",
        )
    if state.level is SchemaLevel.FOREIGN:
        raise Misconfigured(
            "the database holds tables of our names but no schema version",
            hint="point PORTCULLIS_DATABASE_URL at a database of our own",
        )


def _state(connection: Connection) -> SchemaState:
    script = ScriptDirectory.from_config(_config())
    expected = script.get_current_head() or ""
    found = ",".join(MigrationContext.configure(connection).get_current_heads())
    if found == expected and missing_steps(connection):
        level, found = SchemaLevel.OLDER, f"{found} without this version's queue"
    elif found == expected:
        level = SchemaLevel.CURRENT
    elif found:
        level = SchemaLevel.OLDER if _is_known(script, found) else _newer(connection, found, expected)
    elif set(inspect(connection).get_table_names()) & set(metadata.tables):
        level = SchemaLevel.FOREIGN
    else:
        level = SchemaLevel.EMPTY
    return SchemaState(level=level, found=found, expected=expected)


def _is_known(script: ScriptDirectory, revision: str) -> bool:
    try:
        return script.get_revision(revision) is not None
    except CommandError:
        return False


def _newer(connection: Connection, found: str, expected: str) -> SchemaLevel:
    if not inspect(connection).has_table(served_versions.name):
        return SchemaLevel.NEWER
    served = select(served_versions).where(
        served_versions.c.revision == expected, served_versions.c.by == found
    )
    return SchemaLevel.NEWER if connection.execute(served).first() is None else SchemaLevel.EXPANDED


def _say_whom_it_serves(connection: Connection) -> None:
    """Note the versions whose programs may go on while newer ones start: a migration that says `EXPANDS`
    takes nothing away that the one before it needs.
    """
    script, serves = ScriptDirectory.from_config(_config()), []
    for step in script.walk_revisions():
        serves.append({"revision": step.revision, "by": script.get_current_head()})
        if not getattr(step.module, "EXPANDS", False):
            break
    connection.execute(served_versions.delete())
    connection.execute(served_versions.insert(), serves)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_folder()).replace("%", "%%"))
    return config


def _folder() -> Path:
    """Where the migrations are: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "migrations"
    return installed if installed.is_dir() else package.parent / "migrations"


@contextmanager
def _engine(url: str) -> Iterator[Engine]:
    engine = make_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def alone(connection: Connection) -> Iterator[None]:
    """One transaction that no other process migrates in; rolled back as a whole on any error, and where
    references are broken.
    """
    if connection.dialect.name == "sqlite":
        # altering a table copies and drops it there, and dropping would cascade to its children
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    try:
        yield
        _check_references(connection)
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def _check_references(connection: Connection) -> None:
    """SQLite does not check references while they are off: a migration that broke one must not stay."""
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        if broken:
            raise RuntimeError(f"the migration breaks references: {broken[:5]}")
