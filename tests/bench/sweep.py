"""Reading a repository with a thousand open pull requests again: requests and time, by what happened since.

The real service and a practice GitHub in one process; nobody delivers anything, so all is found by reading.
"""

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from app.engine.rereading import read_repository
from app.practice import Repository
from app.store import metadata
from tests.bench.report import Bench, Table
from tests.support.aftermath import later, rows
from tests.support.clock import HandTurnedClock
from tests.support.service import Stage, stage

OPEN = 1000
PATIENCE = 3600.0


async def opened(scene: Stage) -> Repository:
    """A repository with that many pull requests, all of one commit, and no gate file."""
    repo = await scene.repository({"a.py": "1\n"})
    sha = await scene.forge.push("alice", repo, "topic", {"a.py": "2\n"}, base="main")
    for number in range(OPEN):
        await repo.git.set_ref(f"refs/heads/b{number}", sha)
        await scene.forge.open_pull_request("alice", repo, f"b{number}")
    return repo


async def swept(scene: Stage, row_id: int) -> tuple[float, Counter[str]]:
    """Seconds that one reading took, and what was asked by it and by what it woke."""
    forge = scene.program.services.forges["github"]
    before, started = Counter(forge.requests), time.perf_counter()
    await read_repository(scene.program.services, row_id)
    took = time.perf_counter() - started
    await scene.settled(PATIENCE)
    return took, Counter(forge.requests) - before


async def play(root: Path) -> Table:
    clock = HandTurnedClock()
    async with stage(root, clock=clock) as scene:
        await scene.repository({"a.py": "1\n"}, "acme/first")
        await scene.settled()
        scene.forge.hooks.drop = 10**9
        repo = await opened(scene)
        scene.forge.hooks.drop = 0
        await scene.forge.push("alice", repo, "told", {"a.py": "3\n"}, base="main")  # makes it known
        await scene.settled()
        scene.forge.hooks.drop = 10**9
        known = metadata.tables["repositories"].c
        (row,) = await rows(scene, known.id.table.select().where(known.forge_id == repo.id))
        row_id = int(str(row["id"]))
        found = [("all of them new to us", *await swept(scene, row_id))]
        for _ in range(2):  # what was touched within a minute of being listed is looked at again
            await later(scene, clock, 300)
            await swept(scene, row_id)
        await later(scene, clock, 300)
        found.append(("nothing happened", *await swept(scene, row_id)))
        await scene.forge.comment("bob", repo, repo.pulls[OPEN // 2], "hm")
        await later(scene, clock, 300)
        found.append(("one commented", *await swept(scene, row_id)))
        for token in scene.world.tokens.values():
            token.revoked = True
        found.append(("nothing happened, another token", *await swept(scene, row_id)))
    return Table(
        title=f"a repository with {OPEN} open pull requests, read again",
        columns=["since the last time", "seconds", "requests", "pages of pull requests", "comments"],
        rows=[
            [what, f"{took:.2f}", str(sum(spent.values())), str(spent["pulls"]), str(spent["comments"])]
            for what, took, spent in found
        ],
        notes=["pages that are as they were are answered 304: no request of the hourly limit"],
    )


def measure(_rounds: int, _seconds: float) -> Iterator[Table]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        yield asyncio.run(play(Path(folder)))


BENCH = Bench(name="sweep", run=measure)
