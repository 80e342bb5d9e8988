"""Everything goes wrong, by a seed; then every head has its right verdict, once, and nothing is left.

The long way: `python -m tests.bench chaos --seconds 1800`.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.chaos import QUIET_ROLES, Chaos, chaos
from tests.support.cluster import Cluster, cluster
from tests.support.prerequisites import program

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(600)]
SEEDS = tuple(map(int, os.environ.get("PORTCULLIS_CHAOS_SEEDS", "1").split(",")))
MORE = 4


@pytest.fixture
def server() -> Iterator[Cluster]:
    program("bwrap")
    with cluster() as made:
        yield made


@pytest.mark.parametrize("seed", SEEDS)
async def test_every_head_ends_right(tmp_path: Path, server: Cluster, seed: int) -> None:
    async with chaos(tmp_path, server, seed, QUIET_ROLES, Chaos) as story:
        await story.each()
        for _ in range(MORE):
            await story.act()
        await story.calm()
        await story.ends_right()
