"""What a service does once a day."""

import asyncio
import os
import time

from app.engine.upkeep import EVERY_SECONDS
from app.executors import GitWorkspaces, ScriptedExecutor
from tests.support.aftermath import ended_well, later
from tests.support.clock import HandTurnedClock
from tests.support.service import stage

GATE = "version: 1\nchecks:\n  lint: {run: make lint}\n"


async def test_a_mirror_is_cared_for_each_day_and_keeps_what_open_changes_need(tmp_path, migrated_url):
    clock = HandTurnedClock()
    async with stage(tmp_path, runner=ScriptedExecutor({}), clock=clock, database_url=migrated_url) as scene:
        spaces = scene.program.services.workspaces
        assert isinstance(spaces, GitWorkspaces)
        repo = await scene.repository({".portcullis.yml": GATE, "a.py": "x\n"})
        before = await scene.forge.push("alice", repo, "topic", {"b.py": "1\n"}, base="main")
        pull = await scene.forge.open_pull_request("alice", repo, "topic")
        await scene.settled()
        await scene.forge.push("alice", repo, "topic", {"b.py": "2\n"})
        await scene.settled()
        await ended_well(scene, repo, pull, "success")
        [place] = (spaces.root / "mirrors").iterdir()
        pins = place / "mirror.git/refs/portcullis/pin"
        known = {pin.name for pin in pins.iterdir()}
        assert {before, pull.head_sha, pull.base_sha} <= known
        for pin in pins.iterdir():
            os.utime(pin, (1, 1))
        await later(scene, clock, EVERY_SECONDS + 1)
        until = time.monotonic() + 60
        while (left := {pin.name for pin in pins.iterdir()}) == known and time.monotonic() < until:
            await asyncio.sleep(0.05)
        assert before not in left, "of a head that another followed"
        assert {pull.head_sha, pull.base_sha} <= left
