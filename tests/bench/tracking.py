"""Tracking findings: a hundred thousand against a hundred thousand of base, beside a bare comparison."""

import time
from collections.abc import Iterator
from random import Random

import msgspec

from app.model import Comparison, FileChange, FileStatus, Finding, Hunk, Severity, Sha
from app.policy.linemap import Origins
from app.policy.tracking import match
from tests.bench.report import Bench, Table, median, ratio

FINDINGS, FILES = 100_000, 1_000
RULES = ("F401", "E501", "D103", "ANN001", "S101", "PLR2004", "UP006", "COM812")
SHA = Sha("1" * 40)


def base() -> list[Finding]:
    """A hundred findings in each of a thousand files, some lines too short to be known."""
    rng = Random(3)  # noqa: S311 - the same findings each time
    return [
        Finding(
            tool="ruff",
            rule=rng.choice(RULES),
            message=f"`name_{at % 97}` is wrong, seen on line {at}",
            severity=Severity.MEDIUM,
            path=f"src/part_{at % 37}/module_{at % FILES}.py",
            line=1 + 7 * (at // FILES),
            fingerprint=f"{rng.getrandbits(64):x}:1",
            line_hash="" if at % 9 == 0 else f"{rng.getrandbits(64):016x}",
        )
        for at in range(FINDINGS)
    ]


def head(was: list[Finding], *, edited: int) -> list[Finding]:
    """The same with three lines more above and, of every `edited` findings, one on a line that was edited."""
    return [
        msgspec.structs.replace(
            one,
            line=one.line + 3,
            line_hash=one.line_hash if at % edited else f"{at:016x}",
            fingerprint=one.fingerprint if at % edited else f"{at:x}:1",
        )
        for at, one in enumerate(was)
    ]


def comparison(was: list[Finding], *, edited: int, moved: bool) -> Comparison:
    """Each file with lines inserted above and hunks where lines were edited; `moved`: every line was."""
    hunks: dict[str, list[Hunk]] = {one.path: [Hunk(0, 0, 1, 3)] for one in was}
    for at, one in enumerate(was):
        if moved or at % edited == 0:
            hunks[one.path].append(Hunk(one.line, 1, one.line + 3, 1))
    files = tuple(
        FileChange(
            path=path, status=FileStatus.MODIFIED, hunks=tuple(sorted(some, key=lambda hunk: hunk.new_start))
        )
        for path, some in hunks.items()
    )
    return Comparison(base_sha=SHA, head_sha=SHA, tested_sha=SHA, base_tree=SHA, tested_tree=SHA, files=files)


def _timed(was: list[Finding], now: list[Finding], change: Comparison) -> tuple[float, int]:
    start = time.perf_counter()
    found = match(now, was, Origins(change))
    return time.perf_counter() - start, len(found.new)


def _bare(was: list[Finding], now: list[Finding]) -> float:
    """Sets of rule, path and line: what no tracking costs."""
    start = time.perf_counter()
    {(one.rule, one.path, one.line) for one in now} - {(one.rule, one.path, one.line) for one in was}
    return time.perf_counter() - start


def _run(rounds: int, _seconds: float) -> Iterator[Table]:
    was = base()
    cases = {
        "lines shifted, 1 in 20 edited": (head(was, edited=20), comparison(was, edited=20, moved=False)),
        "every line in a hunk": (head(was, edited=20), comparison(was, edited=20, moved=True)),
        "nothing in common": (head(was, edited=1), comparison(was, edited=1, moved=True)),
    }
    times: dict[str, list[float]] = {name: [] for name in (*cases, "bare")}
    new: dict[str, int] = {}
    for _ in range(rounds):
        times["bare"].append(_bare(was, next(iter(cases.values()))[0]))
        for name, (now, change) in cases.items():
            seconds, new[name] = _timed(was, now, change)
            times[name].append(seconds)
    rows = [
        (name, median(times[name], 2), f"{new[name]:,}", ratio(times[name], times["bare"])) for name in cases
    ]
    columns = ("case", "seconds", "new", "to a bare comparison")
    notes = ("target: at most 5 s, wished 1.5 s; a bare comparison is one of sets of rule, path and line",)
    yield Table("100,000 findings tracked against 100,000 of base", columns, rows, notes)


BENCH = Bench("tracking", _run)
