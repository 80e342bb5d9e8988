"""The long way of tests/unit/fuzz: every reader, one after the other, for as long as `--seconds` says in all."""

import random
import time
from collections.abc import Iterator

from tests.bench.report import Bench, Table
from tests.support.fuzz import targets


def measure(_rounds: int, seconds: float) -> Iterator[Table]:
    seed = int(time.time())
    found = targets()
    rows = []
    for name, target in found.items():
        rng = random.Random(f"{seed} {name}")  # noqa: S311 - chance that can be repeated
        until, read = time.monotonic() + seconds / len(found), 0
        while not read or time.monotonic() < until:
            target.once(rng)
            read += 1
        rows.append([name, str(len(target.samples)), str(read)])
    yield Table(
        title="fuzz: what strangers write is read or refused",
        columns=["reader", "samples", "contents read"],
        rows=rows,
        notes=[f"seed {seed}"],
    )


BENCH = Bench(name="fuzz", run=measure)
