"""Somebody sets the machine's clock while the service works: nothing is lost, nothing waits for hours."""

import pytest
from sqlalchemy import select, update

from app.engine.sweep import lose_lapsed
from app.executors import Answer, ScriptedExecutor
from app.practice import Fault
from tests.flow.test_crash import opened, ours
from tests.flow.test_races import opened as opened_here
from tests.support.aftermath import ATTEMPTS, ended_well, rows
from tests.support.clock import HandTurnedClock
from tests.support.prerequisites import program
from tests.support.service import stage
from tests.support.service_process import WallClock, process_stage, until

GATE = "version: 1\nchecks:\n  lint: {run: 'grep -q 2 a.py'}\ngate: [checks.passed]\n"


async def test_what_runs_here_is_not_lost_by_a_clock_that_is_set_forward(tmp_path):
    clock, runner = HandTurnedClock(), ScriptedExecutor({"lint": (Answer(hold=True),)})
    async with stage(tmp_path, runner=runner, clock=clock) as scene:
        repo, pull = await opened_here(scene)
        await runner.until_running("lint", 20)

        def lapse(unit):  # as a clock that is set forward makes it seem, before the lease is renewed
            unit.connection.execute(update(ATTEMPTS).values(lease_until=clock.now() - 7200))

        await scene.program.database.run(lapse)
        await lose_lapsed(scene.program.services)
        assert [row["status"] for row in await rows(scene, select(ATTEMPTS.c.status))] == ["running"]
        runner.release("lint")
        await scene.settled()
        await ended_well(scene, repo, pull, "success")
        assert [row["status"] for row in await rows(scene, select(ATTEMPTS.c.status))] == ["completed"]


@pytest.mark.sandbox
@pytest.mark.parametrize("seconds", [-10_800, 10_800])
async def test_what_is_due_later_does_not_wait_for_a_clock_that_is_set(tmp_path, seconds):
    """A post failed and is to be tried again in some seconds; then the clock is set by hours."""
    program("bwrap")
    clock = WallClock(tmp_path / "clock")
    async with process_stage(tmp_path) as served:
        served.environment |= clock.environment
        await served.start()
        served.world.faults.append(Fault(method="POST", path="/check-runs$", status=502, times=10_000))
        repo, pull = await opened(served, GATE)
        await until(lambda: "posting is tried again" in served.log(), 60)
        clock.set_off(seconds)
        served.world.faults.clear()
        await served.judged(repo, pull.head_sha, 150)
        assert [run.conclusion for run in ours(repo)] == ["success"]
