"""The migrations lead to exactly the tables of app/store/tables.py, on both databases, rows and all."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command, op
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, Table, func, insert, inspect, select
from sqlalchemy.engine import Engine

from app.model import Misconfigured, Outage
from app.store import SchemaLevel, ensure_schema, make_engine, metadata, migrate, schema, schema_state

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
REVISIONS = [script.revision for script in reversed(list(ScriptDirectory(str(MIGRATIONS)).walk_revisions()))]


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


def alembic(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def test_there_is_one_head_and_one_line_of_revisions() -> None:
    scripts = ScriptDirectory(str(MIGRATIONS))
    assert len(scripts.get_heads()) == 1
    assert sorted(REVISIONS) == REVISIONS
    assert not any(script.is_merge_point or script.is_branch_point for script in scripts.walk_revisions())


def test_migrated_database_differs_in_nothing_from_the_models(database_url: str, engine: Engine) -> None:
    migrate(database_url)
    with engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": not is_sqlite(engine)}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []
        migrated = catalogue(connection)
        connection.rollback()
        reflected = MetaData()
        reflected.reflect(connection)
        reflected.drop_all(connection)
        metadata.create_all(connection)
        created = catalogue(connection)
    assert migrated - created == set()
    assert created - migrated == set()
    assert created


def test_every_step_up_and_down_keeps_the_rows(engine: Engine) -> None:
    with engine.connect() as connection:
        for revision in REVISIONS:
            with schema.alone(connection):
                command.upgrade(alembic(connection), revision)
            fill(connection)
            connection.commit()
        before = counts(connection)
        assert before
        assert all(before.values())
        for revision in [*reversed(REVISIONS[:-1]), "base"]:
            with schema.alone(connection):
                command.downgrade(alembic(connection), revision)
            connection.commit()
        assert set(inspect(connection).get_table_names()) == {"alembic_version"}
        connection.rollback()
        with schema.alone(connection):
            command.upgrade(alembic(connection), "head")
        assert set(counts(connection)) == set(before)


def test_evidence_learns_whose_it_is(engine: Engine) -> None:
    """By the check or the verdict that uses it; what nobody uses is of no use."""
    with engine.connect() as connection:
        with schema.alone(connection):
            command.upgrade(alembic(connection), "0004")
        fill(connection)  # evidence 1, used by the check
        fill(connection)  # evidence 2
        fill(connection)  # evidence 3
        connection.exec_driver_sql("UPDATE checks SET evidence_id = 1")
        connection.exec_driver_sql(
            "UPDATE verdicts SET evidence_ids = CASE WHEN id = 2 THEN '1,2' ELSE '' END"
        )
        connection.commit()
        with schema.alone(connection):
            command.upgrade(alembic(connection), "0005")
        found = connection.exec_driver_sql(
            "SELECT id, repository_id, source, kept FROM evidence ORDER BY id"
        ).all()
        assert [tuple(row) for row in found] == [(1, 2, "change", True), (2, 2, "change", True)]
        connection.rollback()
        with schema.alone(connection):
            command.downgrade(alembic(connection), "0004")
        assert len(connection.exec_driver_sql("SELECT id FROM evidence").all()) == 2


def test_copying_a_parent_table_leaves_its_children(engine: Engine, database_url: str) -> None:
    """SQLite alters by copy and drop; with references on, the drop would empty all children."""
    migrate(database_url)
    with engine.connect() as connection:
        fill(connection)
        connection.commit()
        before = counts(connection)
        connection.rollback()
        with schema.alone(connection):
            context = MigrationContext.configure(connection, opts={"render_as_batch": True})
            with (
                Operations.context(context),
                op.batch_alter_table(
                    "repositories", recreate="always" if is_sqlite(engine) else "auto"
                ) as table,
            ):
                table.alter_column("status", nullable=True)
            schema._check_references(connection)
        assert counts(connection) == before


def test_by_alembic_itself_no_row_is_lost_either(engine: Engine, database_url: str) -> None:
    with engine.connect() as connection:
        with schema.alone(connection):
            command.upgrade(alembic(connection), "0003")
        fill(connection)
        connection.commit()
        before = counts(connection)
    words = (sys.executable, "-m", "alembic", "-x", f"url={database_url}", "upgrade", "head")
    done = subprocess.run(words, cwd=MIGRATIONS.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with engine.connect() as connection:
        assert before.items() <= counts(connection).items()


def test_programs_that_cannot_read_what_newer_ones_write_are_refused(
    database_url: str, engine: Engine
) -> None:
    """Older ones know neither runs of workflows nor groups of checks."""
    migrate(database_url)
    with engine.connect() as connection:
        served = set(connection.exec_driver_sql("SELECT revision FROM served_versions").scalars())
    assert "0017" in served
    assert "0016" not in served


def test_a_migration_that_fails_leaves_nothing_behind(engine: Engine) -> None:
    with engine.connect() as connection:
        with pytest.raises(RuntimeError, match="half way"), schema.alone(connection):
            command.upgrade(alembic(connection), "head")
            raise RuntimeError("half way")
        assert inspect(connection).get_table_names() == []


def test_an_empty_embedded_database_is_migrated_by_itself(database_url: str) -> None:
    assert schema_state(database_url).level is SchemaLevel.EMPTY
    assert ensure_schema(database_url, embedded=True).level is SchemaLevel.CURRENT
    assert schema_state(database_url).found == REVISIONS[-1]
    assert ensure_schema(database_url, embedded=False).level is SchemaLevel.CURRENT


def test_a_shared_database_is_migrated_only_by_command(database_url: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        ensure_schema(database_url, embedded=False)
    assert "is empty" in caught.value.message
    assert "portcullis migrate" in caught.value.hint
    assert schema_state(database_url).level is SchemaLevel.EMPTY


def test_a_newer_database_is_refused_by_serve_and_by_migrate(database_url: str, engine: Engine) -> None:
    migrate(database_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    assert schema_state(database_url).level is SchemaLevel.NEWER
    for attempt in (lambda: ensure_schema(database_url, embedded=True), lambda: migrate(database_url)):
        with pytest.raises(Misconfigured) as caught:
            attempt()
        assert "9999" in caught.value.message
        assert "newer Portcullis" in caught.value.hint


def test_tables_that_no_migration_made_are_left_alone(database_url: str, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE runs (distance INTEGER)")
    with pytest.raises(Misconfigured, match="no schema version"):
        ensure_schema(database_url, embedded=True)
    with engine.connect() as connection:
        assert [column["name"] for column in inspect(connection).get_columns("runs")] == ["distance"]


def test_strangers_tables_do_not_disturb(database_url: str, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE poems (line TEXT)")
    migrate(database_url)
    with engine.connect() as connection:
        assert {"poems", "deliveries"} <= set(inspect(connection).get_table_names())


def test_a_database_that_cannot_be_reached_is_an_outage(tmp_path: Path) -> None:
    with pytest.raises(Outage):
        schema_state(f"sqlite:///{tmp_path}/no/such/folder/portcullis.db")
    with pytest.raises(Outage):
        schema_state("postgresql+psycopg://nobody@127.0.0.1:1/none")


def test_an_installed_wheel_brings_its_migrations(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=MIGRATIONS.parent, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    code = (
        "import sys; from app.store import ensure_schema, schema; print(schema.__file__);"
        " print(ensure_schema(sys.argv[1], embedded=True).level)"
    )
    command = [sys.executable, "-c", code, f"sqlite:///{tmp_path}/wheel.db"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True)
    assert done.stdout.split() == [str(tmp_path / "site/app/store/schema.py"), "current"]


def is_sqlite(engine: Engine) -> bool:
    return engine.dialect.name == "sqlite"


def catalogue(connection: Connection) -> set[tuple[object, ...]]:
    """The database's own description of all tables, columns, defaults, constraints and indexes."""
    if connection.dialect.name == "sqlite":
        rows = connection.exec_driver_sql("SELECT type, name, tbl_name, sql FROM sqlite_master").all()
        return {
            (kind, name, table, *sorted(" ".join(part.split()) for part in lines(sql)))
            for kind, name, table, sql in rows
            if "alembic" not in table
        }
    columns = connection.exec_driver_sql(
        "SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, column_default "
        "FROM information_schema.columns WHERE table_schema = 'public'"
    ).all()
    indexes = connection.exec_driver_sql(
        "SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public'"
    ).all()
    constraints = connection.exec_driver_sql(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE connamespace = 'public'::regnamespace"
    ).all()
    return {tuple(row) for row in (*columns, *indexes, *constraints) if "alembic" not in row[0]}


def lines(sql: str | None) -> list[str]:
    """A CREATE statement's lines; the order of constraints among themselves means nothing, nor do the
    quotes and parentheses that an altered copy brings.
    """
    same = (sql or "").replace('"', "").replace("DEFAULT ('')", "DEFAULT ''")
    return [line.strip().rstrip(",") for line in same.splitlines()]


def counts(connection: Connection) -> dict[str, int]:
    """Rows per table, whatever tables there are."""
    found = MetaData()
    found.reflect(connection)
    return {
        table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
        for table in found.sorted_tables
        if table.name != "alembic_version"
    }


def fill(connection: Connection) -> None:
    """One more row in every table of the schema as it is now, parents first."""
    found = MetaData()
    found.reflect(connection)
    made: dict[str, int] = {}
    for table in found.sorted_tables:
        if table.name == "alembic_version":
            continue
        number = connection.execute(select(func.count()).select_from(table)).scalar_one() + 1
        connection.execute(insert(table).values(row(table, made, number)))
        made[table.name] = number


def row(table: Table, made: dict[str, int], number: int) -> dict[str, object]:
    values: dict[str, object] = {}
    for column in table.columns:
        parent = next((key.column.table.name for key in column.foreign_keys), None)
        kind = column.type.python_type
        if parent is not None:
            values[column.name] = made[parent]
        elif kind is bytes:
            values[column.name] = f"body {number}".encode()
        else:
            values[column.name] = kind(number)
    return values
