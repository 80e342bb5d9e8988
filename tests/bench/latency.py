"""From a delivery to "in progress" and to the verdict: the real service in a process of its own, one trivial
check in the real sandbox, GitHub played in this process.

Buildbot is measured in the same run, against a stub of GitHub that answers at once. So is the floor: bare posts by the same HTTP client from a third process. The check
prints the time as its last act, so that what follows its end holds the end of the sandbox too.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import httpx

from app.practice import Repository
from app.store import Database, records
from tests.bench.github import Scene, scene
from tests.bench.peers.timing import Timed, timed
from tests.bench.report import Bench, Table
from tests.support.cluster import cluster
from tests.support.edge_process import REPOSITORY

SINGLES = 16
FIRSTS = 5
BURST = 50
SENDERS = 10
FLOOR = 100
GATE = """\
version: 1
checks:
  trivial: {run: "date +%s.%N"}
gate:
  - checks.passed
"""
FILES = {".portcullis.yml": GATE, "a.py": "print(1)\n"}


class Judged(NamedTuple):
    """One pull request's moments, seconds since its delivery was sent, and requests made for it."""

    accepted: float
    pending: float
    verdict: float
    calls: int
    sha: str
    posted: float


async def judge(made: Scene, repo: Repository) -> Judged:
    """Open a pull request, send its delivery, wait for the verdict, then for silence."""
    pull, delivery = await made.opened(repo, await made.branch(repo))
    await made.quiet()
    since = len(made.requests.arrivals)
    sent = await made.send(delivery)
    accepted = time.time()
    posted = await made.judged(pull, since)
    await made.quiet()
    pending = made.first(pull, "in_progress", since)
    calls = len(made.requests.arrivals) - since
    return Judged(accepted - sent, (pending or posted) - sent, posted - sent, calls, pull.head_sha, posted)


async def burst(made: Scene, repo: Repository) -> tuple[float, list[float], int]:
    """Open many at once: seconds until the last verdict, until each "in progress", requests made."""
    waiting = [await made.opened(repo, await made.branch(repo)) for _ in range(BURST)]
    await made.quiet()
    since, started = len(made.requests.arrivals), time.time()
    queue = [delivery for _, delivery in waiting]
    sent: dict[str, float] = {}

    async def sender() -> None:
        while queue:
            delivery = queue.pop(0)
            sent[delivery.payload["pull_request"]["head"]["sha"]] = await made.send(delivery)

    await asyncio.gather(*(sender() for _ in range(SENDERS)))
    ends = [await made.judged(pull, since) for pull, _ in waiting]
    await made.quiet()
    pending = [
        (made.first(pull, "in_progress", since) or end) - sent[pull.head_sha]
        for (pull, _), end in zip(waiting, ends, strict=True)
    ]
    return max(ends) - started, pending, len(made.requests.arrivals) - since


def last_acts(url: str) -> dict[str, float]:
    """When the check of each head printed the time, by head."""
    database = Database(url)
    query = "SELECT runs.head_sha AS head, attempts.id AS attempt FROM attempts JOIN runs ON runs.id = attempts.run_id"
    with database.engine.connect() as connection:
        rows = connection.exec_driver_sql(query).all()
        found = {
            row.head: b"".join(data for _, data in records.read_log_from(connection, row.attempt, 0))
            for row in rows
        }
    database.close()
    return {head: float(text) for head, text in found.items() if text.strip()}


async def floor(made: Scene, repo: Repository) -> float:
    """Median seconds of a bare write to GitHub by the same HTTP client, from another process."""
    sha = next(iter(repo.pulls.values())).head_sha
    token = made.forge.world.account("alice").token
    url = f"{made.forge.world.api_url}/repos/{repo.full_name}/statuses/{sha}"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.latency", url, token),
        cwd=REPOSITORY,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    return float(output)


async def bare(url: str, token: str) -> float:
    """The floor's own process."""
    took = []
    async with httpx.AsyncClient(trust_env=False) as http:
        for number in range(FLOOR):
            body = {"state": "success", "context": f"floor {number}"}
            started = time.perf_counter()
            answer = await http.post(url, json=body, headers={"authorization": f"Bearer {token}"})
            took.append(time.perf_counter() - started)
            answer.raise_for_status()
    return statistics.median(took)


def cells(values: Sequence[float]) -> list[str]:
    """p50, min, max in ms."""
    return [f"{value * 1000:.1f}" for value in (statistics.median(values), min(values), max(values))]


def measure(_rounds: int, _seconds: float) -> Iterator[Table]:
    theirs = timed(SINGLES, BURST, SENDERS)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        yield asyncio.run(play(Path(folder), "SQLite", "", theirs))
    with cluster() as server, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        yield asyncio.run(play(Path(folder), "PostgreSQL", server.url, theirs))


async def play(root: Path, database: str, url: str, theirs: Timed | None) -> Table:
    async with scene(root, url) as made:
        firsts = [await judge(made, await made.repository(FILES)) for _ in range(FIRSTS)]
        repo = made.made[0]
        bottom = await floor(made, repo)
        singles = [await judge(made, repo) for _ in range(SINGLES)]
        makespan, pending, calls = await burst(made, repo)
        again = await floor(made, repo)
        acts = last_acts(made.database_url)
    times = [each.posted - acts[each.sha] for each in singles]
    rows = [
        ["bare write to GitHub, same client", *cells([bottom, again]), "", ""],
        ["delivery -> 202", *cells([each.accepted for each in singles]), "", ""],
        [
            "delivery -> in progress, first change of a repository",
            *cells([e.pending for e in firsts]),
            "",
            "",
        ],
        ["delivery -> in progress", *cells([each.pending for each in singles]), "<= 20 (6)", "<= 0.5 (0.2)"],
        ["check's last act -> verdict", *cells(times), "<= 100 (30)", ""],
        ["delivery -> verdict, first change of a repository", *cells([e.verdict for e in firsts]), "", ""],
        ["delivery -> verdict", *cells([each.verdict for each in singles]), "", "<= 0.5 (0.2)"],
        [f"burst of {BURST}: delivery -> in progress", *cells(pending), "", ""],
        [f"burst of {BURST}: makespan", f"{makespan * 1000:.0f}", "", "", "", "<= 0.25 (0.05)"],
    ]
    beside = {} if theirs is None else by_theirs(theirs)
    calls_of_one = statistics.median(each.calls for each in singles)
    first = statistics.median(each.calls for each in firsts)
    return Table(
        title=f"latency on {database}, one trivial check: {FIRSTS} first changes, {SINGLES} single ones, burst of {BURST}",
        columns=["", "p50 ms", "min", "max", "must (stretch)", "x Buildbot", "must (stretch)"],
        rows=[[*row[:5], against(row, beside), row[5]] for row in rows],
        notes=[
            f"requests to GitHub per change: single {calls_of_one:g} (must <= 4), burst {calls / BURST:.1f}, first {first:g}",
            f"as many for Buildbot: {theirs.calls:g}" if theirs else "Buildbot could not be installed here",
        ],
    )


def by_theirs(theirs: Timed) -> dict[str, float]:
    """Buildbot's medians in seconds, by the row that they stand beside."""
    return {
        "delivery -> in progress": theirs.pending,
        "delivery -> verdict": theirs.verdict,
        f"burst of {BURST}: delivery -> in progress": theirs.burst_pending,
        f"burst of {BURST}: makespan": theirs.makespan,
    }


def against(row: Sequence[str], theirs: Mapping[str, float]) -> str:
    """A row's median by Buildbot's, which is named too."""
    other = theirs.get(row[0])
    return f"{float(row[1]) / other / 1000:.2f} ({other * 1000:.0f})" if other else ""


BENCH = Bench(name="latency", run=measure)

if __name__ == "__main__":
    print(asyncio.run(bare(sys.argv[1], sys.argv[2])))
