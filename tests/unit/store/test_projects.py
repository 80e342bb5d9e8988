"""Which repositories we judge."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert

from app.model import Repository, Sha
from app.store import Database, Unit, metadata, projects

INSTALLATIONS = metadata.tables["installations"]


@pytest.fixture
def database(migrated_url: str) -> Iterator[Database]:
    made = Database(migrated_url)
    yield made
    made.close()


def repository(forge_id: int, name: str, installation: int) -> Repository:
    return Repository(
        forge="github",
        forge_id=forge_id,
        full_name=name,
        installation_id=installation,
        default_branch="main",
        private=False,
        clone_url=f"https://github.example/{name}.git",
    )


def known(unit: Unit) -> dict[str, int]:
    """Repositories: of an installation that is active, suspended, unknown; and one that was removed."""
    for number, status in ((1, "active"), (2, "suspended")):
        unit.connection.execute(
            insert(INSTALLATIONS).values(
                forge="github", installation_id=number, account="acme", status=status, seen_at=0.0
            )
        )
    told = (("ours", 1), ("suspended", 2), ("unknown", 3), ("removed", 1))
    rows = {}
    for forge_id, (name, installation) in enumerate(told, start=1):
        made = repository(forge_id, f"acme/{name}", installation)
        rows[name] = projects.upsert_repository(unit, made, 0.0)
        projects.know_branch(unit, rows[name], "main", Sha("a" * 40), "present", "", 0.0)
    projects.remove_repository(unit, "github", 4)
    return rows


def test_what_is_ours_to_judge_is_told_by_one_statement(database: Database) -> None:
    with database.unit() as unit:
        rows = known(unit)
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    ours = {rows["ours"], rows["unknown"]}
    with database.engine.connect() as connection:
        event.listen(connection, "before_cursor_execute", note)
        assert projects.active(connection) == tuple(sorted(ours))
        assert projects.gated_branches(connection) == tuple((row, "main") for row in sorted(ours))
        assert projects.find_named(connection, "ACME/Ours") == (rows["ours"],)
        assert len(asked) == 3
        assert all(one_by_one(connection, name, row) is (row in ours) for name, row in rows.items())
        assert projects.any_active(connection, "github")
        assert not projects.any_active(connection, "gitlab")


def one_by_one(connection: Connection, name: str, row: int) -> bool:
    """The same of one repository, asked in each way there is."""
    is_ours = projects.is_active(connection, row)
    forge_id = ("ours", "suspended", "unknown", "removed").index(name) + 1
    assert projects.find_active(connection, "github", forge_id) == (row if is_ours else None)
    assert projects.find_named(connection, f"acme/{name}") == ((row,) if is_ours else ())
    return is_ours
