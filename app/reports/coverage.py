"""Lines and branches gathered per file, whatever the format: hit if any entry says hit."""

from app.model import FileCoverage
from app.reports.paths import Place
from app.reports.protocol import Dropped, Limits, too_many

Lines = dict[int, int]
"""Line to hits."""

Branches = dict[int, tuple[int, int]]
"""Line to (covered, total) branches."""


class Gathered:
    """Coverage so far. Entries of one file met twice (inner classes, several test names) are merged:
    the larger number of hits, the larger numbers of branches. Readers write straight into the
    dictionaries that `file` gives them: half a million entries leave no time for a call each.
    """

    def __init__(self, limits: Limits) -> None:
        self.dropped = Dropped()
        self._limit = limits.lines
        self._files: dict[str, tuple[Lines, Branches]] = {}
        self._open: Lines = {}
        self._before = 0
        self._lines = 0

    def file(self, place: Place, raw: str) -> tuple[Lines, Branches] | None:
        """Where to put lines and branches of the file that begins; None (and noted) if it has no place.

        Raises AuthorFault once the files before it hold too many lines.
        """
        self._close()
        if not place.path:
            self.dropped.add(f"file {place.why.value}", raw)
            return None
        target = self._files.setdefault(place.path, ({}, {}))
        self._open, self._before = target[0], len(target[0])
        return target

    def _close(self) -> None:
        """Count the lines of the file that ends. Line 0, which some tools write, is left out."""
        if self._open.pop(0, None) is not None:
            self.dropped.add("line 0, which no file has")
        self._lines += len(self._open) - self._before
        self._open, self._before = {}, 0
        if self._lines > self._limit:
            raise too_many("covered lines", self._limit)

    def files(self) -> tuple[FileCoverage, ...]:
        """All files, in the order of the report; those without a line count too: they were measured."""
        self._close()
        found = []
        for path, (lines, branches) in self._files.items():
            branches.pop(0, None)
            found.append(FileCoverage(path=path, lines=lines, branches=branches))
        return tuple(found)


def merge_branches(branches: Branches, line: int, covered: int, total: int) -> None:
    """One entry for the branches of a line; of two entries the larger numbers count."""
    before = branches.get(line)
    if before is None:
        branches[line] = (covered, total)
        return
    branches[line] = (min(max(before[0], covered), max(before[1], total)), max(before[1], total))
