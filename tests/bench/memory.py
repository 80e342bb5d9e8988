"""Resident memory of the whole service, idle and after 50 judged changes, against a bare FastAPI process."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench.github import resident, scene
from tests.bench.latency import BURST, FILES, burst
from tests.bench.report import Bench, Table
from tests.support.edge_process import serving


async def play(root: Path) -> tuple[float, float]:
    """MB of the service when idle and after BURST changes."""
    async with scene(root) as made:
        idle = made.memory()
        await burst(made, await made.repository(FILES))
        return idle, made.memory()


def measure(_rounds: int, _seconds: float) -> Iterator[Table]:
    with serving(["tests.bench.bare"]) as process:
        bare = resident(process.popen.pid)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        idle, after = asyncio.run(play(Path(folder)))
    yield Table(
        title="resident memory",
        columns=["", "MB", "x bare", "must (stretch)"],
        rows=[
            ["bare FastAPI under uvicorn", f"{bare:.0f}", "1", ""],
            ["serve, idle", f"{idle:.0f}", f"{idle / bare:.2f}", "<= 150 (100)"],
            [f"serve, after {BURST} changes", f"{after:.0f}", f"{after / bare:.2f}", ""],
        ],
    )


BENCH = Bench(name="memory", run=measure)
