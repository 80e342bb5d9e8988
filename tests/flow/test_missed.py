"""What no delivery told: results of others from before our looking, lost reviews, lost openings."""

import pytest

from tests.support.aftermath import GATE, ended_well, like_github, rest
from tests.support.clock import HandTurnedClock
from tests.support.service import stage

EXTERNAL = """\
version: 1
checks:
  build: {external: {context: build, app: otherci}}
gate:
  - checks.passed
"""
DONE = {"name": "build", "status": "completed", "conclusion": "success"}


@pytest.mark.parametrize("told", ["before the change was opened", "never"])
async def test_a_result_of_another_system(tmp_path, told):
    clock = HandTurnedClock()
    async with stage(tmp_path, clock=clock) as scene:
        repo = await scene.repository({".portcullis.yml": EXTERNAL, "a.py": "1\n"})
        other = scene.world.add_app("otherci", owner="acme")
        sha = await scene.forge.push("alice", repo, "topic", {"a.py": "2\n"}, base="main")
        if told == "never":
            pull = await scene.forge.open_pull_request("alice", repo, "topic")
            await scene.settled()
            assert scene.verdict(repo, pull).status == "in_progress"
            scene.forge.hooks.drop = 10
            await scene.forge.create_check_run(other, repo, {**DONE, "head_sha": sha})
            scene.forge.hooks.drop = 0
            await clock.advance(3700, rest(scene, clock))
        else:
            await scene.forge.create_check_run(other, repo, {**DONE, "head_sha": sha})
            await scene.settled()
            pull = await scene.forge.open_pull_request("alice", repo, "topic")
            await scene.settled()
        await ended_well(scene, repo, pull, "success")
        like_github(scene)


async def test_a_lost_review_and_a_lost_opening(tmp_path, migrated_url):
    clock = HandTurnedClock()
    async with stage(tmp_path, clock=clock, database_url=migrated_url) as scene:
        repo = await scene.repository({".portcullis.yml": GATE + "  - approvals >= 1\n", "a.py": "1\n"})
        await scene.forge.push("alice", repo, "topic", {"a.py": "2\n"}, base="main")
        await scene.forge.push("alice", repo, "other", {"a.py": "3\n"}, base="main")
        pull = await scene.forge.open_pull_request("alice", repo, "topic")
        await scene.settled()
        assert scene.verdict(repo, pull).conclusion == "action_required"
        scene.forge.hooks.drop = 2
        await scene.forge.review("bob", repo, pull, "APPROVED")
        lost = await scene.forge.open_pull_request("alice", repo, "other")
        await scene.settled()
        await clock.advance(3700, rest(scene, clock))
        assert scene.verdict(repo, pull).conclusion == "success"
        assert scene.verdict(repo, lost).conclusion == "action_required"
        like_github(scene)
