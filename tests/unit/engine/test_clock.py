"""Clocks that are set while a service runs."""

import asyncio
import time

import pytest

from app.engine import SharedClock, SystemClock
from app.engine.clock import Jumps


class Machine:
    """A machine's two clocks: one that anybody may set, and one that nobody does."""

    def __init__(self) -> None:
        self.wall = 1_000_000.0
        self.steady = 50.0

    def passes(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


def test_a_clock_that_is_set_forward_is_followed():
    machine = Machine()
    clock = SystemClock(lambda: machine.wall, lambda: machine.steady)
    machine.passes(10)
    assert clock.now() == 1_000_010
    machine.wall += 3600
    assert clock.now() == 1_003_610


def test_a_clock_that_is_set_back_is_waited_for_at_half_its_pace():
    machine = Machine()
    clock = SystemClock(lambda: machine.wall, lambda: machine.steady)
    assert clock.now() == 1_000_000
    machine.wall -= 100
    assert clock.now() == 1_000_000
    for _ in range(100):
        machine.passes(1)
        clock.now()
    assert clock.now() == pytest.approx(1_000_050)
    machine.passes(100)
    assert clock.now() == pytest.approx(1_000_100) == machine.wall
    machine.passes(7)
    assert clock.now() == machine.wall


async def test_no_wait_is_made_longer_by_a_clock_that_is_set_back():
    steps = iter([1_000_000.0, 1_000_000.0])  # as it is made and asked; an hour earlier from then on
    clock = SystemClock(lambda: next(steps, 996_400.0), time.monotonic)
    started = time.monotonic()
    async with asyncio.timeout(30):
        await clock.sleep_until(1_000_000.2)
    assert time.monotonic() - started >= 0.2


def test_a_fleet_has_the_time_of_its_database():
    machine = Machine()
    clock = SharedClock(lambda: machine.wall, lambda: machine.steady)
    assert clock.tell(2_000_000.0) == 1_000_000
    machine.wall -= 86_400
    assert clock.now() == 2_000_000
    machine.passes(5)
    assert clock.now() == 2_000_005
    assert clock.tell(2_000_003.0) == -2
    assert clock.now() == 2_000_003


def test_a_jump_is_seen_once():
    machine = Machine()
    clock = SharedClock(lambda: machine.wall, lambda: machine.steady)
    jumps = Jumps(clock, 10.0, lambda: machine.steady)
    machine.passes(500)
    assert not jumps.seen()
    clock.tell(clock.now() + 9)
    assert not jumps.seen()
    clock.tell(clock.now() - 60)
    assert jumps.seen()
    assert not jumps.seen()
