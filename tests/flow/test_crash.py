"""The real process is killed at the worst moments and started again: one right verdict, nothing left."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from app.practice import App, CheckRun, PracticeForge, PullRequest, Repository
from tests.support.leftovers import left_behind, sleepers
from tests.support.prerequisites import program
from tests.support.service_process import Served, process_stage, until

pytestmark = pytest.mark.sandbox
QUICK = "version: 1\nchecks:\n  lint: {run: 'grep -q 2 a.py'}\ngate: [checks.passed]\n"


def slow(seconds: str) -> str:
    return f"version: 1\nchecks:\n  slow: {{run: 'sleep {seconds}; echo done'}}\ngate: [checks.passed]\n"


@pytest.fixture(autouse=True)
def needed():
    program("bwrap")


async def opened(served: Served, gate: str) -> tuple[Repository, PullRequest]:
    forge = served.forge
    repo = await forge.create_repository("acme/shop", {".portcullis.yml": gate, "a.py": "1\n"})
    repo.permissions["alice"] = "write"
    await forge.push("alice", repo, "topic", {"a.py": "2\n"}, base="main")
    return repo, await forge.open_pull_request("alice", repo, "topic")


def ours(repo: Repository) -> list[CheckRun]:
    return [run for run in repo.runs.values() if run.name == "portcullis"]


async def test_killed_while_a_check_runs(tmp_path):
    async with process_stage(tmp_path) as served:
        await served.start()
        repo, pull = await opened(served, slow("2.718"))
        await until(lambda: sleepers("sleep\x002.718"))
        await served.kill()
        await until(lambda: not sleepers("sleep\x002.718"), 5)  # the sandbox dies with us
        await served.start()
        await served.judged(repo, pull.head_sha)
        assert [run.history for run in ours(repo)] == [["in_progress", "completed:success"]]
        assert served.rows("SELECT status FROM attempts ORDER BY id") == [("lost",), ("completed",)]
        assert served.rows("SELECT crashes, attempt FROM checks") == [(1, 2)]
        assert len(repo.comments) == 1
        assert left_behind(served.data) == []
        assert sleepers("sleep\x002.718") == []


async def test_told_to_stop_while_a_check_runs(tmp_path):
    """An orderly stop gives the attempt back; that is no crash, however often it happens."""
    async with process_stage(tmp_path) as served:
        await served.start()
        repo, pull = await opened(served, slow("3.141"))
        await until(lambda: sleepers("sleep\x003.141"))
        assert await served.terminate() == 0
        assert sleepers("sleep\x003.141") == []
        assert left_behind(served.data) == []
        assert served.rows("SELECT status FROM attempts ORDER BY id") == [("lost",), ("queued",)]
        assert served.rows("SELECT crashes FROM checks") == [(0,)]
        await served.start()
        await served.judged(repo, pull.head_sha)
        assert [run.history for run in ours(repo)] == [["in_progress", "completed:success"]]


async def test_killed_right_after_the_acknowledgement(tmp_path):
    async with process_stage(tmp_path) as served:
        await served.start()
        acknowledged = asyncio.create_task(
            until(
                lambda: any(
                    each.event == "pull_request" and each.status_code == 202
                    for each in served.world.deliveries.values()
                )
            )
        )
        repo, pull = await opened(served, QUICK)
        await acknowledged
        await served.kill()
        await served.start()
        await served.judged(repo, pull.head_sha)
        assert ours(repo)[-1].conclusion == "success"
        assert [run.status for run in ours(repo)] == ["completed"]


class SlowAnswers(PracticeForge):
    """A GitHub that has done the work long before it answers."""

    async def create_check_run(self, app: App, repo: Repository, body: Mapping[str, Any]) -> CheckRun:
        made = await super().create_check_run(app, repo, body)
        if len(repo.runs) == 1:
            await asyncio.Event().wait()
        return made


async def test_killed_between_the_check_run_and_its_record(tmp_path):
    async with process_stage(tmp_path, SlowAnswers) as served:
        await served.start()
        repo, pull = await opened(served, QUICK)
        await until(lambda: ours(repo))
        await served.kill()
        assert served.rows("SELECT known_id FROM publications") == [(None,)]
        await served.start()
        await served.judged(repo, pull.head_sha)
        assert [run.history for run in ours(repo)] == [["in_progress", "completed:success"]]
        assert len(repo.comments) == 1


async def test_killed_again_and_again_while_posting(tmp_path):
    """Killed at the verdict and at the comment, the story ends as if nothing had happened."""
    async with process_stage(tmp_path) as served:
        await served.start()
        repo, pull = await opened(served, QUICK)
        for words in ("PATCH /check-runs", "POST /comments"):
            method, part = words.split()

            def said(method: str = method, part: str = part) -> bool:
                return any(
                    seen.method == method and part in seen.path for seen in list(served.world.requests)
                )

            await until(said)
            await served.kill()
            await served.start()
        await served.judged(repo, pull.head_sha)
        assert [run.status for run in ours(repo)] == ["completed"]
        assert ours(repo)[0].conclusion == "success"
        assert len(repo.comments) == 1
