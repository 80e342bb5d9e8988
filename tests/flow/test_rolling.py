"""Two versions on one database: while the newer takes over, the older goes on, and starts again if it must."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.practice import CheckRun, Repository
from app.store import SchemaLevel, schema_state
from tests.support.database import postgres_database
from tests.support.edge_process import REPOSITORY
from tests.support.fleet import Fleet, fleet_stage, repository
from tests.support.prerequisites import program

pytestmark = [pytest.mark.sandbox, pytest.mark.postgres]
GATE = "version: 1\nchecks:\n  lint: {run: 'grep -q 2 a.py'}\ngate: [checks.passed]\n"
STEP = '''"""A step of the next version."""

import sqlalchemy as sa
from alembic import op

revision: str = "9001"
down_revision: str | None = "{head}"
EXPANDS = {expands}


def upgrade() -> None:
    op.add_column("attempts", sa.Column("next_version_s", sa.Text(), nullable=True))
    op.create_table("next_version", sa.Column("id", sa.Integer(), primary_key=True))


def downgrade() -> None:
    op.drop_table("next_version")
    op.drop_column("attempts", "next_version_s")
'''


@pytest.fixture(autouse=True)
def needed() -> None:
    program("bwrap")


@pytest.fixture
def database(postgres_template: str) -> Iterator[str]:
    with postgres_database(postgres_template) as url:
        yield url


def next_version(place: Path, head: str, *, expands: bool) -> Path:
    """A copy of the program with one more migration, at a place of its own."""
    shutil.copytree(REPOSITORY / "app", place / "app", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(REPOSITORY / "migrations", place / "migrations")
    (place / "deploy").symlink_to(REPOSITORY / "deploy")
    step = place / "migrations" / "versions" / "9001_next.py"
    step.write_text(STEP.format(head=head, expands=expands))
    return place


def migrate_from(code: Path, database: str) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "PORTCULLIS_DATABASE_URL": database}
    environment["PORTCULLIS_DATA_DIR"] = str(code / "data")
    done = subprocess.run(
        [sys.executable, "-m", "app", "migrate"],
        cwd=code,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


async def judged(fleet: Fleet, repo: Repository, number: int) -> CheckRun:
    """One more change, judged."""
    branch = f"topic{number}"
    await fleet.forge.push("alice", repo, branch, {"a.py": f"2 {number}\n"}, base="main")
    pull = await fleet.forge.open_pull_request("alice", repo, branch)
    await fleet.judged(repo, pull.head_sha, 90)
    (run,) = [one for one in repo.runs.values() if (one.name, one.head_sha) == ("portcullis", pull.head_sha)]
    return run


async def test_old_and_new_work_side_by_side(tmp_path: Path, database: str) -> None:
    head = schema_state(database).found
    async with fleet_stage(tmp_path, database, ("web", "control", "checks")) as fleet:
        repo = await repository(fleet, {".portcullis.yml": GATE, "a.py": "1\n"})
        assert (await judged(fleet, repo, 1)).conclusion == "success"
        code = next_version(tmp_path / "next", head, expands=True)
        await asyncio.to_thread(migrate_from, code, database)
        state = schema_state(database)
        assert (state.level, state.found) == (SchemaLevel.EXPANDED, "9001")
        assert (await judged(fleet, repo, 2)).conclusion == "success"  # by the old ones alone
        old_control, old_checks = fleet.members[1:3]
        new_control, new_checks = fleet.add("control", code), fleet.add("checks", code)
        await new_control.started()
        await new_checks.started()
        await old_checks.terminate()  # judged by the old or the new control, run by the new
        assert (await judged(fleet, repo, 3)).conclusion == "success"
        await new_checks.terminate()
        await new_control.terminate()
        await old_checks.started()  # the old version starts again on the newer schema
        assert (await judged(fleet, repo, 4)).conclusion == "success"
        await old_control.terminate()
        await new_control.started()  # planned by the new, run by the old
        assert (await judged(fleet, repo, 5)).conclusion == "success"
        workers = [str(worker) for (worker,) in fleet.rows("SELECT worker FROM attempts ORDER BY id")]
        assert workers[0] == workers[1] != workers[2]
        assert len(set(workers)) == 3


async def test_a_newer_schema_that_takes_something_away_is_refused(tmp_path: Path, database: str) -> None:
    code = next_version(tmp_path / "next", schema_state(database).found, expands=False)
    await asyncio.to_thread(migrate_from, code, database)
    assert schema_state(database).level is SchemaLevel.NEWER
