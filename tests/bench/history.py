"""Tracking over a real project's history: all that ruff finds in one release of Flask against an earlier one, beside
matching by rule, path and line, and beside "it stands on a changed line".
"""

import asyncio
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from app.policy.linemap import new_lines
from app.policy.tracking import Pass
from tests.bench.releases import Release, releases
from tests.bench.report import Bench, Table
from tests.support.moves import Compared, Files, Project

PROJECT = "flask"
COLUMNS = (
    "step",
    "base",
    "head",
    *(one.value for one in Pass),
    "new",
    "on a changed line",
    "least",
    "exact",
    "diff filter",
)


def tree(release: Release) -> Files:
    """The Python files of a release."""
    with tempfile.TemporaryDirectory() as folder:
        top = release.unpack(Path(folder))
        return {str(path.relative_to(top)): path.read_text("utf-8") for path in sorted(top.rglob("*.py"))}


def row(step: str, compared: Compared) -> tuple[str, ...]:
    """The figures of one step."""
    lines = new_lines(compared.comparison)
    changed = {
        at
        for at, one in enumerate(compared.head)
        if one.path in lines
        and (lines[one.path].touches(one.line, one.line) if one.line else lines[one.path].whole)
    }
    places = {(one.rule, one.path, one.line) for one in compared.base}
    exact = sum((one.rule, one.path, one.line) not in places for one in compared.head)
    new, passes = set(compared.matching.new), compared.matching.passes
    found = (len(compared.base), len(compared.head), *(passes.get(one, 0) for one in Pass), len(new))
    return (
        step,
        *(f"{count:,}" for count in (*found, len(new & changed), compared.least_new(), exact, len(changed))),
    )


async def rows(folder: Path) -> list[tuple[str, ...]]:
    trees = {release.version: tree(release) for release in releases(PROJECT)}
    names, found = list(trees), []
    for old, new in [*pairwise(names), (names[0], names[-1])]:
        place = folder / f"{old}-{new}"
        place.mkdir()
        found.append(row(f"{old}..{new}", await Project(place).compare(trees[old], trees[new])))
    return found


def run(_rounds: int, _seconds: float) -> Iterator[Table]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        found = asyncio.run(rows(Path(folder)))
    notes = (
        "least: more of them by rule and message, whatever is matched; exact: not at the same rule, path and line;",
        "diff filter: on an added or edited line, new or not",
    )
    yield Table(f"Findings of ruff ALL in {PROJECT}, release against release", COLUMNS, found, notes)


BENCH = Bench("history", run)
