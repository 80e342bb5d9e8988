"""Coverage of new lines over the releases of more-itertools: `portcullis judge` beside diff-cover.

Each release is a commit, its own tests are run beneath coverage.py, and both judge the same report of the same two commits.
A difference is explained by measuring again: diff-cover with the algorithm of git that Portcullis uses.
"""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench.releases import Release, releases
from tests.bench.report import Bench, Table
from tests.support.git import Origin
from tests.support.patch_coverage import OURS, Covered, Patch, by_diff_cover, by_portcullis, measure

PROJECT, SOURCE = "more-itertools", "more_itertools"


def commit(origin: Origin, release: Release) -> None:
    """The release as the next commit, whole."""
    origin.git("rm", "-rqf", "--ignore-unmatch", ".")
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(release.unpack(Path(folder)), origin.place, dirs_exist_ok=True)
    origin.commit(release.version)
    origin.git("tag", f"v{release.version}")


def where(one: Patch, other: Patch) -> str:
    """The files and lines that only one of two counts, or that they count apart."""
    none = Covered(frozenset(), frozenset())
    told = []
    for path in sorted({*one.files, *other.files}):
        a, b = one.files.get(path, none), other.files.get(path, none)
        lines = sorted((a.hit ^ b.hit) | (a.missed ^ b.missed))
        if lines:
            told.append(f"{path}:{','.join(map(str, lines[:8]))}{',…' if len(lines) > 8 else ''}")
    return " ".join(told)


def steps(folder: Path) -> Iterator[tuple[str, Patch, Patch, str]]:
    """Each step: its name, ours, diff-cover's, and where they differ why."""
    origin = Origin(folder / PROJECT)
    report, before = folder / "coverage.xml", ""
    for release in releases(PROJECT):
        commit(origin, release)
        if before:
            tests = "tests" if (origin.place / "tests").is_dir() else f"{SOURCE}/tests"
            measure(origin.place, report, SOURCE, tests)
            ours = by_portcullis(origin.place, f"v{before}", report, folder / "data")
            theirs = by_diff_cover(origin.place, f"v{before}", report)
            why = ""
            if ours != theirs:
                alike = by_diff_cover(origin.place, f"v{before}", report, algorithm=OURS)
                why = f"git's algorithm ({OURS})" if alike == ours else f"unexplained: {where(ours, alike)}"
            yield f"{before}..{release.version}", ours, theirs, why
        before = release.version


def run(_rounds: int, _seconds: float) -> Iterator[Table]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        found = list(steps(Path(folder)))
    same = sum(ours == theirs for _, ours, theirs, _ in found)
    rows = [(name, str(ours), str(theirs), why or "=") for name, ours, theirs, why in found]
    yield Table(
        f"Lines that tests run of new coverable lines, {PROJECT}, each release against the one before",
        ("step", "ours", "diff-cover", "why"),
        rows,
        (
            f"{same} of {len(found)} equal line by line; {sum('unexplained' in row[3] for row in rows)} unexplained",
        ),
    )


BENCH = Bench("patch_coverage", run)
