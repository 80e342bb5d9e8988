"""The long way of tests/flow/test_chaos.py: a larger fleet, seed after seed, for as long as `--seconds` says."""

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.bench.report import Bench, Table
from tests.support.chaos import ROLES, Chaos, chaos
from tests.support.cluster import cluster

STEPS = 40


async def play(root: Path, seed: int) -> tuple[Chaos, float]:
    """One story; gives it with the seconds in which all was right after the last fault. Raises AssertionError
    with what was not.
    """
    with cluster() as server:
        async with chaos(root, server, seed, ROLES, Chaos) as story:
            for _ in range(STEPS):
                await story.act()
            await story.calm()
            return story, await story.ends_right()


def measure(_rounds: int, seconds: float) -> Iterator[Table]:
    until, seed = time.monotonic() + seconds, 1
    done: Counter[str] = Counter()
    rows = []
    while not rows or time.monotonic() < until:
        with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
            story, healed = asyncio.run(play(Path(folder), seed))
        done += story.counted()
        rows.append(
            [str(seed), str(len(story.expected)), str(story.pushes), str(len(story.steps)), f"{healed:.1f}"]
        )
        seed += 1
    yield Table(
        title=f"chaos: {', '.join(ROLES)} on PostgreSQL; every head right, nothing left",
        columns=["seed", "changes", "heads", "steps", "s to right after calm"],
        rows=rows,
        notes=["done: " + ", ".join(f"{name} {times}" for name, times in done.most_common())],
    )


BENCH = Bench(name="chaos", run=measure)
