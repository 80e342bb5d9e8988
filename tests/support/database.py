"""Fresh databases for tests: each test runs on SQLite and on PostgreSQL.

`database_url` is empty, `migrated_url` has the newest schema. Both are dropped after the test. The schema
is made once per process; a test gets a copy (a file copy, or PostgreSQL's own from a template).
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Connection, text

from tests.support.prerequisites import missing

ENGINES = [pytest.param("sqlite"), pytest.param("postgres", marks=pytest.mark.postgres)]


def _server() -> str:
    url = os.environ.get("PORTCULLIS_TEST_POSTGRES")
    return url or missing("PORTCULLIS_TEST_POSTGRES names no PostgreSQL server (tests/run starts one)")


def _administer(*statements: sql.Composed) -> None:
    with psycopg.connect(_server().replace("+psycopg", "", 1), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


@contextmanager
def postgres_database(template: str = "template0") -> Iterator[str]:
    """The SQLAlchemy URL of a new database, a copy of `template`; dropped at the end."""
    name = f"portcullis_test_{uuid4().hex}"
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
    _administer(create)
    try:
        yield _server().rsplit("/", 1)[0] + f"/{name}"
    finally:
        _administer(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def sqlite_url(path: Path) -> str:
    """The SQLAlchemy URL of a SQLite file."""
    return f"sqlite:///{path}"


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database, on each engine."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path / "portcullis.db")
        return
    with postgres_database() as url:
        yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the newest schema."""
    from app.store import migrate

    path = tmp_path_factory.mktemp("template") / "portcullis.db"
    migrate(sqlite_url(path))
    with_log = path.with_name(path.name + "-wal")
    assert not with_log.exists() or not with_log.stat().st_size, "the template must be one closed file"
    return path


@pytest.fixture(scope="session")
def postgres_template() -> Iterator[str]:
    """The name of a PostgreSQL database with the newest schema."""
    from app.store import migrate

    with postgres_database() as url:
        migrate(url)
        yield url.rsplit("/", 1)[1]


@pytest.fixture(params=ENGINES)
def migrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database with the newest schema and no rows, on each engine."""
    if request.param == "sqlite":
        path = tmp_path / "portcullis.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        yield sqlite_url(path)
        return
    with postgres_database(request.getfixturevalue("postgres_template")) as url:
        yield url


def waiting(connection: Connection) -> int:
    """How many keys wait in a fleet's queue or are being worked on."""
    jobs = text("SELECT count(*) FROM portcullis_queue.procrastinate_jobs")
    return int(connection.execute(jobs).scalar_one())
