"""One web process and four workers against one worker: checks per second, and who spent the processors' time.

Three kinds of checks: trivial ones (the fleet's own work is the limit), ones that only reckon (the machine's
cores are), ones that only wait (neither is: what is left is how well work is handed out).
"""

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.bench.report import Bench, Table, ratio
from tests.support.cluster import Cluster, cluster
from tests.support.fleet import Fleet, fleet_stage, repository
from tests.support.service_process import until

KINDS = {
    "trivial": ("true", 10),
    "reckoning": ("i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done", 2),
    "waiting": ("sleep 2", 4),
}
"""What a check runs, and how many of it one pull request has."""
PULLS = 12
WORKERS = (1, 4)
CORES = os.cpu_count() or 1


class Played(NamedTuple):
    """Seconds from the deliveries to the last verdict, and the processor's seconds by who spent them."""

    seconds: float
    spent: dict[str, float]


def spent(pid: int) -> float:
    """Processor seconds of a process and of its children that ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def spent_by(fleet: Fleet, server: Cluster) -> dict[str, float]:
    """By part of the fleet; the forge is this process."""
    found = {"forge": spent(os.getpid()), "PostgreSQL": sum(map(spent, server.processes()))}
    for member in fleet.members:
        assert member.process is not None
        found[member.role] = found.get(member.role, 0.0) + spent(member.process.pid)
    return found


def gate(command: str, count: int) -> str:
    checks = "".join(f'  c{number}: {{run: "{command}"}}\n' for number in range(count))
    return f"version: 1\nchecks:\n{checks}gate: [checks.passed]\n"


async def play(root: Path, workers: int, command: str, count: int) -> Played:
    """PULLS pull requests at once, one of them judged before so that all is warm."""
    with cluster() as server:
        async with fleet_stage(root, server.url, ("web", *["worker"] * workers)) as fleet:
            fleet.world.rate_limit = 1_000_000
            repo = await repository(fleet, {".portcullis.yml": gate(command, count), "a.py": "1\n"})

            async def opened(number: int) -> str:
                await fleet.forge.push("alice", repo, f"topic{number}", {"a.py": f"{number}\n"}, base="main")
                return (await fleet.forge.open_pull_request("alice", repo, f"topic{number}")).head_sha

            await fleet.judged(repo, await opened(0), 120)
            fleet.forge.hooks.hold()
            heads = {await opened(number) for number in range(1, PULLS + 1)}
            before, started = spent_by(fleet, server), time.monotonic()
            fleet.forge.hooks.release()

            def judged() -> bool:
                done = {run.head_sha for run in repo.runs.values() if run.status == "completed"}
                return heads <= done

            await until(judged, 300)
            took, after = time.monotonic() - started, spent_by(fleet, server)
            good = {run.head_sha for run in repo.runs.values() if run.conclusion == "success"}
            assert heads <= good
            return Played(took, {who: after[who] - before[who] for who in after})


def measure(rounds: int, _seconds: float) -> Iterator[Table]:
    for kind, (command, count) in KINDS.items():
        played: dict[int, list[Played]] = {workers: [] for workers in WORKERS}
        for _ in range(min(rounds, 3)):
            for workers in WORKERS:
                with tempfile.TemporaryDirectory(prefix="fleet-") as folder:
                    played[workers].append(asyncio.run(play(Path(folder), workers, command, count)))
        yield table(kind, count, played)


def table(kind: str, count: int, played: dict[int, list[Played]]) -> Table:
    reference = [PULLS * count / each.seconds for each in played[WORKERS[0]]]
    whose = list(played[WORKERS[0]][0].spent)
    rows = []
    for workers, found in played.items():
        rates = [PULLS * count / each.seconds for each in found]
        shares = [
            statistics.median(each.spent[who] / (each.seconds * CORES) for each in found) for who in whose
        ]
        rows.append(
            [
                f"1 web + {workers} workers" if workers > 1 else "1 web + 1 worker",
                f"{statistics.median(rates):.1f}",
                ratio(rates, reference),
                *(f"{share:.0%}" for share in [*shares, sum(shares)]),
            ]
        )
    return Table(
        title=f"fleet on PostgreSQL: {PULLS} pull requests at once, {count} {kind} checks each, 2 at once per worker",
        columns=["", "checks per s", "x 1 worker", *(f"{who} cpu" for who in whose), "all"],
        rows=rows,
        notes=[
            f"cpu: share of the {CORES} cores, checks counted to their worker; what lacks to 100 % is idle or others'"
        ],
    )


BENCH = Bench(name="fleet", run=measure)
