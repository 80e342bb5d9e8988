"""Several processes on one PostgreSQL database, each with a part of the work."""

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.practice import CheckRun, PullRequest, Repository
from tests.support.database import postgres_database
from tests.support.fleet import Fleet, Member, fleet_stage, repository
from tests.support.leftovers import left_behind, sleepers
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


SOON = {"PORTCULLIS_WORKER_TIMEOUT": "6s", "PORTCULLIS_PARALLEL_CHECKS": "1"}


def slow(seconds: str) -> str:
    return f"version: 1\nchecks:\n  slow: {{run: 'sleep {seconds}; echo done'}}\ngate: [checks.passed]\n"


def holder(fleet: Fleet, attempt: int = 1) -> Member:
    """Who runs an attempt."""
    workers = dict(fleet.rows("SELECT id, worker FROM attempts"))
    (member,) = [each for each in fleet.members if f"-{each.process.pid}-" in str(workers[attempt])]
    return member


async def opened(fleet: Fleet, gate: str) -> tuple[Repository, PullRequest]:
    repo = await repository(fleet, {".portcullis.yml": gate, "a.py": "1\n"})
    await fleet.forge.push("alice", repo, "topic", {"a.py": "2\n"}, base="main")
    return repo, await fleet.forge.open_pull_request("alice", repo, "topic")


async def ended_well(fleet: Fleet, repo: Repository, pull: PullRequest) -> None:
    """One right verdict, one stored result, one comment, nothing left anywhere."""
    await fleet.judged(repo, pull.head_sha)
    assert [(run.status, run.conclusion) for run in ours(repo)] == [("completed", "success")]
    assert len(repo.comments) == 1
    completed = "SELECT count(*) FROM attempts WHERE status = 'completed' GROUP BY check_id"
    assert fleet.rows(completed) == [(1,)]
    await fleet.eventually(lambda: emptied(fleet))
    assert fleet.rows("SELECT count(*) FROM attempts WHERE status IN ('queued', 'running')") == [(0,)]


async def test_a_killed_worker_s_check_runs_on_another(tmp_path: Path, database: str) -> None:
    roles = ("web", "control", "checks", "checks")
    async with fleet_stage(tmp_path, database, roles, environment=SOON) as fleet:
        repo, pull = await opened(fleet, slow("3.217"))
        await fleet.eventually(lambda: sleepers("sleep\x003.217"))
        killed = holder(fleet)
        await killed.kill()
        await fleet.eventually(lambda: fleet.rows("SELECT status FROM attempts WHERE id = 1") == [("lost",)])
        await ended_well(fleet, repo, pull)
        assert holder(fleet, 2) is not killed
        await killed.started()  # and clears away what it left
        assert left_behind(killed.data) == []
        assert sleepers("sleep\x003.217") == []


async def test_what_a_worker_says_that_slept_too_long_changes_nothing(tmp_path: Path, database: str) -> None:
    roles = ("web", "control", "checks", "checks")
    async with fleet_stage(tmp_path, database, roles, environment=SOON) as fleet:
        repo, pull = await opened(fleet, slow("2.318"))
        await fleet.eventually(lambda: sleepers("sleep\x002.318"))
        asleep = holder(fleet)
        asleep.send(signal.SIGSTOP)
        await fleet.judged(repo, pull.head_sha, 90)
        stored = fleet.rows("SELECT id, status, worker, ended_at FROM attempts ORDER BY id")
        posted = [list(run.history) for run in ours(repo)]
        asleep.send(signal.SIGCONT)
        await asyncio.sleep(0)
        await fleet.eventually(lambda: left_behind(asleep.data) == [])
        await ended_well(fleet, repo, pull)
        assert fleet.rows("SELECT id, status, worker, ended_at FROM attempts ORDER BY id") == stored
        assert [list(run.history) for run in ours(repo)] == posted
        assert await asleep.terminate() == 0


async def test_a_worker_that_is_told_to_stop_hands_its_check_on(tmp_path: Path, database: str) -> None:
    roles = ("web", "control", "checks", "checks")
    async with fleet_stage(tmp_path, database, roles, environment=SOON) as fleet:
        repo, pull = await opened(fleet, slow("2.419"))
        await fleet.eventually(lambda: sleepers("sleep\x002.419"))
        stopped = holder(fleet)
        assert await stopped.terminate() == 0
        assert left_behind(stopped.data) == []
        await ended_well(fleet, repo, pull)
        assert fleet.rows("SELECT crashes FROM checks") == [(0,)]


async def test_a_killed_control_s_work_goes_to_another(tmp_path: Path, database: str) -> None:
    roles = ("web", "control", "control", "checks")
    async with fleet_stage(tmp_path, database, roles, environment=SOON) as fleet:
        for member in fleet.members[1:3]:
            member.send(signal.SIGSTOP)
        repo, pull = await opened(fleet, QUICK)
        await fleet.eventually(lambda: fleet.rows("SELECT count(*) FROM deliveries WHERE status = 'stored'"))
        fleet.members[1].send(signal.SIGCONT)
        await fleet.eventually(lambda: ours(repo))
        await fleet.members[1].kill()
        fleet.members[2].send(signal.SIGCONT)
        await ended_well(fleet, repo, pull)
