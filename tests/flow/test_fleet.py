"""Several processes on one PostgreSQL database, each with a part of the work."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.practice import CheckRun, Repository
from tests.support.database import postgres_database
from tests.support.fleet import Fleet, fleet_stage, repository
from tests.support.prerequisites import program

pytestmark = [pytest.mark.sandbox, pytest.mark.postgres]
QUICK = "version: 1\nchecks:\n  lint: {run: 'grep -q 2 a.py'}\ngate: [checks.passed]\n"


@pytest.fixture(autouse=True)
def needed() -> None:
    program("bwrap")


@pytest.fixture
def database(postgres_template: str) -> Iterator[str]:
    with postgres_database(postgres_template) as url:
        yield url


def ours(repo: Repository) -> list[CheckRun]:
    return [run for run in repo.runs.values() if run.name == "portcullis"]


def emptied(fleet: Fleet) -> bool:
    """Whether nothing is left in the queue."""
    return fleet.rows("SELECT count(*) FROM portcullis_queue.procrastinate_jobs") == [(0,)]


async def test_a_change_is_judged_by_three_processes_each_with_its_part(
    tmp_path: Path, database: str
) -> None:
    async with fleet_stage(tmp_path, database, ("web", "control", "checks")) as fleet:
        repo = await repository(fleet, {".portcullis.yml": QUICK, "a.py": "1\n"})
        await fleet.forge.push("alice", repo, "topic", {"a.py": "2\n"}, base="main")
        pull = await fleet.forge.open_pull_request("alice", repo, "topic")
        await fleet.judged(repo, pull.head_sha)
        assert [run.history for run in ours(repo)] == [["in_progress", "completed:success"]]
        assert len(repo.comments) == 1
        await fleet.eventually(lambda: emptied(fleet))
        (worker,) = fleet.rows("SELECT worker FROM attempts")[0]
        assert f"-{fleet.members[2].process.pid}-" in str(worker)
        assert [await member.terminate() for member in fleet.members] == [0, 0, 0]
        assert fleet.rows("SELECT count(*) FROM portcullis_queue.procrastinate_workers") == [(0,)]


async def test_two_processes_in_one_directory_are_refused(tmp_path: Path, database: str) -> None:
    async with fleet_stage(tmp_path, database, ("all",)) as fleet:
        second = fleet.add("worker")
        second.environment["PORTCULLIS_DATA_DIR"] = str(fleet.members[0].data)
        await second.start()
        async with asyncio.timeout(60):
            assert await second.process.wait() == 2
        assert "another portcullis process uses this data directory" in second.log()
        assert "PORTCULLIS_DATA_DIR of its own" in second.log()


async def test_a_worker_beside_sqlite_is_refused(tmp_path: Path, database: str) -> None:
    async with fleet_stage(tmp_path, database, ()) as fleet:
        worker = fleet.add("worker")
        del worker.environment["PORTCULLIS_DATABASE_URL"]
        await worker.start()
        async with asyncio.timeout(60):
            assert await worker.process.wait() == 2
        assert "more than one process needs PostgreSQL" in worker.log()
