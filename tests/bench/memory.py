"""Resident memory of each process, idle and as runs go by, beside a bare FastAPI process: no growth is the target.

Each round is 100 runs; `--rounds 100` makes 10,000. The first fifth of them is warming up: what grows is fitted
through the rest.
"""

import asyncio
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

from app.practice import PullRequest, Repository
from tests.bench.github import resident
from tests.bench.report import Bench, Table
from tests.support.cluster import cluster
from tests.support.database import sqlite_url
from tests.support.edge_process import serving
from tests.support.fleet import Fleet, fleet_stage, repository
from tests.support.service_process import until

RUNS, AT_ONCE, SAMPLES = 100, 20, 50
GATE = 'version: 1\nchecks:\n  trivial: {run: "true"}\ngate: [checks.passed]\n'
SHOWN = (0.0, 0.2, 0.6, 1.0)
Samples = list[tuple[int, dict[str, float]]]
"""After how many runs each process had how many MB."""


def memory(fleet: Fleet) -> dict[str, float]:
    """MB of each process; its helpers (git, the reader of reports) apart."""
    found = {}
    for member in fleet.members:
        assert member.process is not None
        pid = member.process.pid
        found[f"{member.name}"] = resident(pid)
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        found[f"{member.name}, its helpers"] = sum(map(resident, map(int, children)))
    return found


async def judged_all(fleet: Fleet, repo: Repository, pulls: list[PullRequest], run: int) -> None:
    """A new head for each pull request, and its verdict."""
    for number, pull in enumerate(pulls):
        await fleet.forge.push("alice", repo, pull.head_ref, {"a.py": f"{run + number}\n"})
    heads = {pull.head_sha for pull in pulls}

    def done() -> bool:
        return heads <= {each.head_sha for each in repo.runs.values() if each.status == "completed"}

    await until(done, 300)
    for old in [key for key, each in repo.runs.items() if each.head_sha not in heads]:
        del repo.runs[old]  # the forge forgets, so that looking at it stays quick


async def play(root: Path, url: str, roles: tuple[str, ...], runs: int) -> Samples:
    async with fleet_stage(root, url, roles) as fleet:
        fleet.world.rate_limit = 100_000_000
        repo = await repository(fleet, {".portcullis.yml": GATE, "a.py": "1\n"})
        await fleet.forge.settle()
        found: Samples = [(0, memory(fleet))]
        pulls = []
        for number in range(AT_ONCE):
            await fleet.forge.push("alice", repo, f"topic{number}", {"b.py": "2\n"}, base="main")
            pulls.append(await fleet.forge.open_pull_request("alice", repo, f"topic{number}"))
        for run in range(AT_ONCE, runs + 1, AT_ONCE):
            await judged_all(fleet, repo, pulls, run)
            if run * SAMPLES // runs > found[-1][0] * SAMPLES // runs:
                found.append((run, memory(fleet)))
        return found


def rows(what: str, found: Samples) -> Iterator[list[str]]:
    """One row per process: some of the samples, and MB per 1,000 runs through those after the first fifth."""
    last = found[-1][0]
    later = [(run, sizes) for run, sizes in found if run >= last / 5]
    for name in found[0][1]:
        shown = [min(found, key=lambda each: abs(each[0] - share * last))[1][name] for share in SHOWN]
        slope, _ = statistics.linear_regression(
            [run for run, _ in later], [sizes[name] for _, sizes in later]
        )
        yield [f"{what}: {name}", *(f"{size:.0f}" for size in shown), f"{slope * 1000:+.2f}"]


def measure(rounds: int, _seconds: float) -> Iterator[Table]:
    runs = rounds * RUNS
    with serving(["tests.bench.bare"]) as process:
        bare = resident(process.popen.pid)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        embedded = asyncio.run(play(Path(folder), sqlite_url(Path(folder) / "p.db"), ("all",), runs))
    with cluster() as server, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        fleet = asyncio.run(play(Path(folder), server.url, ("web", "control", "checks"), runs))
    idle = embedded[0][1]["all1"]
    yield Table(
        title=f"resident memory in MB, as {runs:,} runs of one trivial check go by",
        columns=["", *(f"after {share * runs:,.0f}" for share in SHOWN), "per 1,000 runs"],
        rows=[
            ["bare FastAPI under uvicorn", f"{bare:.0f}", *[""] * len(SHOWN)],
            *rows("serve on SQLite", embedded),
            *rows("fleet on PostgreSQL", fleet),
        ],
        notes=[f"idle serve: {idle / bare:.2f} x bare, must <= 150 MB (100)"],
    )


BENCH = Bench(name="memory", run=measure)
