"""procrastinate's own tables, brought up beside ours by `portcullis migrate`, in a schema of their own."""

from pathlib import Path
from typing import Final

from procrastinate.schema import SchemaManager, migrations_path
from sqlalchemy import Connection, text

SCHEMA: Final = "portcullis_queue"

_FUNCTIONS = text(
    "SELECT CAST(CAST(pg_proc.oid AS regprocedure) AS text) FROM pg_proc"
    " JOIN pg_namespace ON pg_namespace.oid = pronamespace WHERE nspname = :schema"
)


def _steps() -> tuple[Path, ...]:
    """The installed procrastinate's migrations, oldest first."""
    return tuple(sorted(Path(migrations_path).glob("*.sql")))


def missing_steps(connection: Connection) -> tuple[Path, ...]:
    """What the queue's tables still lack to be as the installed procrastinate expects them."""
    if connection.dialect.name == "sqlite":
        return ()
    if connection.execute(text("SELECT to_regclass(:name)"), {"name": f"{SCHEMA}.applied"}).scalar() is None:
        return _steps()
    done = {row.name for row in connection.execute(text(f"SELECT name FROM {SCHEMA}.applied"))}  # noqa: S608
    return tuple(step for step in _steps() if step.name not in done)


def bring_up(connection: Connection) -> None:
    """Make the queue's tables, or apply what a newer procrastinate brought; in the caller's transaction."""
    missing = missing_steps(connection)
    if not missing:
        return
    before = connection.execute(text("SHOW search_path")).scalar_one()
    connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
    connection.execute(text(f"SET LOCAL search_path TO {SCHEMA}"))
    connection.execute(text("CREATE TABLE IF NOT EXISTS applied (name text PRIMARY KEY)"))
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101 - the transaction is open
    if len(missing) == len(_steps()):
        driver.execute(SchemaManager.get_schema())
    else:
        for step in missing:
            driver.execute(step.read_text("utf-8"))
    for step in missing:
        connection.execute(text("INSERT INTO applied (name) VALUES (:name)"), {"name": step.name})
    # its functions find its tables whatever the search path of who calls them
    for function in connection.execute(_FUNCTIONS, {"schema": SCHEMA}).scalars().all():
        connection.execute(text(f"ALTER FUNCTION {function} SET search_path = {SCHEMA}"))
    connection.execute(text("SELECT set_config('search_path', :path, true)"), {"path": before})
