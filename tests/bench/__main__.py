"""`python -m tests.bench [NAME…]`: every bench (or those named) as a table of ratios from one run."""

import argparse

from app import telemetry
from tests.bench import (
    chaos,
    checks,
    evaluate,
    fleet,
    fuzz,
    history,
    intake,
    latency,
    memory,
    outage,
    patch_coverage,
    reports,
    storm,
    sweep,
    tracking,
    workspace,
)
from tests.bench.report import Bench

BENCHES: tuple[Bench, ...] = (
    intake.BENCH,
    latency.BENCH,
    checks.BENCH,
    workspace.BENCH,
    evaluate.BENCH,
    reports.BENCH,
    tracking.BENCH,
    history.BENCH,
    patch_coverage.BENCH,
    sweep.BENCH,
    memory.BENCH,
    chaos.BENCH,
    storm.BENCH,
    outage.BENCH,
    fleet.BENCH,
    fuzz.BENCH,
)
"""One file per bench, one line here."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(bench.name for bench in BENCHES))
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default 5)")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of one measurement (default 2)")
    options = parser.parse_args()
    unknown = set(options.names) - {bench.name for bench in BENCHES}
    if unknown:
        parser.error(f"no such bench: {', '.join(sorted(unknown))}")
    telemetry.setup(level="critical")  # tables only
    for bench in BENCHES:
        if not options.names or bench.name in options.names:
            for table in bench.run(options.rounds, options.seconds):
                print(table.text(), flush=True)


if __name__ == "__main__":
    main()
