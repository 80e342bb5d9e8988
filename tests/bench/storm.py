"""10,000 deliveries over 500 pull requests, 20 % doubled, 10 % reordered, 5 % dropped, while the processes of a
fleet are killed at random. Ends only when every head is right; what is not is said by an AssertionError.
"""

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.bench.report import Bench, Table
from tests.support.chaos import ROLES, chaos
from tests.support.cluster import cluster
from tests.support.storm import Storm

DELIVERIES, PULLS, REPOSITORIES = 2_000, 100, 10
"""Deliveries and pull requests of each round: five make 10,000 and 500."""
SEED = 1
PATIENCE = 600.0


async def play(root: Path, rounds: int) -> Table:
    with cluster() as server:
        async with chaos(root, server, SEED, ROLES, Storm) as story:
            story.fleet.world.rate_limit = 1_000_000
            await story.more_repositories(REPOSITORIES)
            started = time.monotonic()
            await story.blow(rounds * DELIVERIES, rounds * PULLS)
            blown = time.monotonic() - started
            await story.calm()
            healed = await story.ends_right(PATIENCE)
            return table(story, blown, healed)


def table(story: Storm, blown: float, healed: float) -> Table:
    counts, attempts = story.weather.counts, story.attempts()
    answers = Counter(each.status_code for each in attempts)
    killed = Counter(step.split()[1].rstrip("0123456789") for step in story.steps if step.startswith("kill"))
    came, tries, lost = story.fleet.rows(
        "SELECT (SELECT count(*) FROM deliveries), count(*), count(*) FILTER (WHERE status = 'lost') FROM attempts"
    )[0]
    rows = [
        ("deliveries during the storm", counts["deliveries"]),
        ("  doubled", counts["doubled"]),
        ("  reordered", counts["reordered"]),
        ("  dropped", counts["dropped"]),
        ("  sent in vain while the web process was down", answers[502] - counts["dropped"] // 2),
        ("  answered 503", answers[503]),
        ("  delivered again at our asking", sum(each.redelivery for each in attempts)),
        ("acknowledged, those after the storm too", len(story.acknowledged())),
        ("  in the database", came),
        ("  acknowledged and lost", 0),
        ("pull requests", len(story.pulls)),
        ("heads", len(story.heads)),
        ("  with a check run (the others had a newer head before anybody looked)", len(story.runs())),
        ("kill -9", sum(killed.values())),
        *((f"  {role}", times) for role, times in sorted(killed.items())),
        ("attempts of checks", tries),
        ("  lost with their worker and run again", lost),
        ("seconds of storm", f"{blown:.0f}"),
        ("seconds from calm until all was right", f"{healed:.0f}"),
    ]
    return Table(
        title=f"storm: {', '.join(ROLES)} on PostgreSQL, seed {SEED}",
        columns=["", ""],
        rows=[[name, f"{value:,}" if isinstance(value, int) else str(value)] for name, value in rows],
        notes=[
            "held: every newest head has its right verdict, no head two; one comment per pull request; nothing left"
        ],
    )


def measure(rounds: int, _seconds: float) -> Iterator[Table]:
    with tempfile.TemporaryDirectory(prefix="storm-") as folder:
        yield asyncio.run(play(Path(folder), rounds))


BENCH = Bench(name="storm", run=measure)
