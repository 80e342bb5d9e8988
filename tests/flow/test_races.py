"""Deliveries come doubled, late, reordered or not at all: one right verdict on the newest head remains."""

import asyncio
from collections import Counter

import pytest
from sqlalchemy import select

from app.executors import Answer, ScriptedExecutor
from app.practice import PullRequest, Repository
from tests.support.aftermath import ATTEMPTS, GATE, ended_well, like_github, ours, rest, rows
from tests.support.clock import HandTurnedClock
from tests.support.service import Stage, stage


async def opened(scene: Stage) -> tuple[Repository, PullRequest]:
    repo = await scene.repository({".portcullis.yml": GATE, "a.py": "print(1)\n"})
    await scene.forge.push("alice", repo, "topic", {"a.py": "print(2)\n"}, base="main")
    return repo, await scene.forge.open_pull_request("alice", repo, "topic")


async def push(scene: Stage, repo: Repository, number: int) -> str:
    return await scene.forge.push("alice", repo, "topic", {"a.py": f"print({number})\n"})


async def test_two_pushes_within_a_second(tmp_path, migrated_url):
    runner = ScriptedExecutor({"lint": (Answer(hold=True), Answer())})
    async with stage(tmp_path, runner=runner, database_url=migrated_url) as scene:
        repo, pull = await opened(scene)
        first = await runner.until_running("lint", 20)
        heads = [pull.head_sha, await push(scene, repo, 3), await push(scene, repo, 4)]
        await scene.settled()
        run = await ended_well(scene, repo, pull, "success")
        assert run.head_sha == heads[-1]
        assert first.attempt_id in runner.cancelled
        for head in heads[:-1]:
            assert [found.conclusion for found in scene.runs(repo, head)] in ([], ["cancelled"])
        assert scene.runs(repo, heads[0])[0].history == ["in_progress", "completed:cancelled"]
        attempts = await rows(scene, select(ATTEMPTS.c.status).order_by(ATTEMPTS.c.id))
        assert {row["status"] for row in attempts[:-1]} == {"cancelled"}
        assert attempts[-1]["status"] == "completed"
        like_github(scene)


async def test_every_delivery_doubled(tmp_path, migrated_url):
    runner = ScriptedExecutor({"lint": (Answer(exit_code=1), Answer())})
    async with stage(tmp_path, runner=runner, database_url=migrated_url) as scene:
        scene.forge.hooks.double = True
        repo, pull = await opened(scene)
        await scene.settled()
        await ended_well(scene, repo, pull, "failure")
        await push(scene, repo, 3)
        await scene.settled()
        await ended_well(scene, repo, pull, "success")
        assert len(runner.ran) == 2
        assert len(ours(repo)) == 2
        assert scene.verdict(repo, pull).history == ["in_progress", "completed:success"]


async def test_redelivered_under_the_same_id_later(tmp_path):
    async with stage(tmp_path) as scene:
        repo, pull = await opened(scene)
        await push(scene, repo, 3)
        await scene.settled()
        before = [list(found.history) for found in ours(repo)]
        for delivery in [each for each in scene.world.deliveries.values() if each.event == "pull_request"]:
            scene.forge.hooks.redeliver(delivery)
        await scene.settled()
        await ended_well(scene, repo, pull, "success")
        assert [found.history for found in ours(repo)] == before


async def test_everything_arrives_in_reverse(tmp_path, migrated_url):
    async with stage(tmp_path, database_url=migrated_url) as scene:
        scene.forge.hooks.hold()
        repo, pull = await opened(scene)
        for number in range(3, 6):
            await push(scene, repo, number)
        scene.forge.hooks.release(lambda held: held[::-1])
        await scene.settled()
        run = await ended_well(scene, repo, pull, "success")
        assert run.head_sha == pull.head_sha
        assert {found.head_sha for found in ours(repo)} == {pull.head_sha}


async def test_reversed_after_a_verdict(tmp_path):
    """The first push is known and judged; the next three are told in reverse."""
    runner = ScriptedExecutor({"lint": (Answer(), Answer(exit_code=1))})
    async with stage(tmp_path, runner=runner) as scene:
        repo, pull = await opened(scene)
        await scene.settled()
        scene.forge.hooks.hold()
        for number in range(3, 6):
            await push(scene, repo, number)
        scene.forge.hooks.release(lambda held: held[::-1])
        await scene.settled()
        await ended_well(scene, repo, pull, "failure")
        like_github(scene)


@pytest.mark.parametrize("end", ["open", "closed"])
async def test_closed_and_reopened_in_any_order(tmp_path, end):
    async with stage(tmp_path) as scene:
        repo, pull = await opened(scene)
        await scene.settled()
        scene.forge.hooks.hold()
        await scene.forge.close("alice", repo, pull)
        await scene.forge.reopen("alice", repo, pull)
        if end == "closed":
            await scene.forge.close("alice", repo, pull)
        scene.forge.hooks.release(lambda held: held[::-1])
        await scene.settled()
        if end == "open":
            await ended_well(scene, repo, pull, "success")
        else:
            live = await rows(scene, select(ATTEMPTS.c.id).where(ATTEMPTS.c.status == "running"))
            assert (live, [run.status for run in ours(repo)]) == ([], ["completed"])


async def test_closed_while_judged_then_reopened(tmp_path):
    runner = ScriptedExecutor({"lint": (Answer(hold=True), Answer())})
    async with stage(tmp_path, runner=runner) as scene:
        repo, pull = await opened(scene)
        await runner.until_running("lint", 20)
        await scene.forge.close("alice", repo, pull)
        await scene.settled()
        assert [run.history for run in ours(repo)] == [["in_progress", "completed:cancelled"]]
        assert "losed" in str(ours(repo)[0].title)
        await scene.forge.reopen("alice", repo, pull)
        await scene.settled()
        await ended_well(scene, repo, pull, "success")


async def test_a_lost_push_is_found_by_the_hourly_look(tmp_path, migrated_url):
    clock = HandTurnedClock()
    async with stage(tmp_path, clock=clock, database_url=migrated_url) as scene:
        repo, pull = await opened(scene)
        await scene.settled()
        scene.forge.hooks.drop = 10
        await push(scene, repo, 3)
        scene.forge.hooks.drop = 0
        await scene.settled()
        assert scene.runs(repo, pull.head_sha) == []
        await clock.advance(3700, rest(scene, clock))
        await ended_well(scene, repo, pull, "success")


async def test_looks_are_rare_and_only_where_somebody_touched(tmp_path):
    """What was looked at and found unchanged is not looked at again each minute: a repository every 25
    minutes, the log of deliveries every 10, who installed us every hour, a branch's rules every day.
    """
    clock = HandTurnedClock()
    async with stage(tmp_path, clock=clock) as scene:
        repo, _ = await opened(scene)
        await scene.settled()
        before = len(scene.world.requests)
        await clock.advance(2 * 3600 + 300, rest(scene, clock))
        asked = list(scene.world.requests)[before:]
        paths = [seen.path for seen in asked if "access_tokens" not in seen.path]
        most = {
            f"/repositories/{repo.id}": 5,
            "/repos/acme/shop/pulls": 5,
            "/repos/acme/shop/issues/1/comments": 2,  # touched when it was first listed
            "/app/hook/deliveries": 12,
            "/app/installations": 2,
        }
        assert Counter(paths) <= Counter(most), paths


async def test_a_read_that_is_older_than_a_delivery(tmp_path):
    """The forge's own answer is stale (a replica): the newer head that a push told of wins in the end."""
    async with stage(tmp_path) as scene:
        repo, pull = await opened(scene)
        await scene.settled()
        await scene.forge.retitle("alice", repo, pull, "Another title")
        pushing = asyncio.create_task(push(scene, repo, 3))
        await scene.settled()
        await pushing
        await scene.settled()
        await ended_well(scene, repo, pull, "success")
