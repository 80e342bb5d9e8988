"""Lines and branches gathered per file, whatever the format: hit if any entry says hit."""

from app.model import FileCoverage
from app.reports.paths import Place
from app.reports.protocol import MAX_LINE, Dropped, Limits, too_many


class Gathered:
    """Coverage so far. Entries of one file met twice (inner classes, several test names) are merged:
    the larger number of hits, the larger numbers of branches.
    """

    def __init__(self, limits: Limits) -> None:
        self.dropped = Dropped()
        self._limit = limits.lines
        self._files: dict[str, tuple[dict[int, int], dict[int, tuple[int, int]]]] = {}
        self._lines = 0

    def file(self, place: Place, raw: str) -> tuple[dict[int, int], dict[int, tuple[int, int]]] | None:
        """Where to put lines and branches of a file; None (and noted) if it has no place here."""
        if not place.path:
            self.dropped.add(f"file {place.why}", raw)
            return None
        return self._files.setdefault(place.path, ({}, {}))

    def add_line(self, lines: dict[int, int], line: int, hits: int) -> None:
        """One entry for a line. Line 0, written by some tools for whole files, is left out."""
        before = lines.get(line)
        if before is None:
            if not 0 < line <= MAX_LINE:
                self.dropped.add("line number that no file has", str(line))
                return
            self._lines += 1
            if self._lines > self._limit:
                raise too_many("covered lines", self._limit)
            lines[line] = hits
        elif hits > before:
            lines[line] = hits

    def files(self) -> tuple[FileCoverage, ...]:
        """All files, in the order of the report; those without a line count too: they were measured."""
        return tuple(
            FileCoverage(path=path, lines=lines, branches=branches)
            for path, (lines, branches) in self._files.items()
        )


def merge_branches(branches: dict[int, tuple[int, int]], line: int, covered: int, total: int) -> None:
    """One entry for the branches of a line; of two entries the larger numbers count."""
    before = branches.get(line, (0, 0))
    branches[line] = (min(max(before[0], covered), max(before[1], total)), max(before[1], total))
