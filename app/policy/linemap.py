"""Lines of one tree as lines of another, through the hunks of `git diff -U0`."""

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate

import msgspec

from app.model import Comparison, FileChange, FileStatus, Hunk

Range = tuple[int, int]
"""First and last line, 1-based, both included."""


class NewLines(msgspec.Struct, frozen=True, kw_only=True):
    """The lines of one file that the change adds or edits, as ascending ranges. `whole` = all of it is
    new, also what has no lines (an added or edited binary, a link).
    """

    ranges: tuple[Range, ...]
    whole: bool = False

    def touches(self, first: int, last: int) -> bool:
        """Whether any line of first…last is new."""
        if self.whole:
            return True
        # ranges ascend and are disjoint: the last that begins in time reaches furthest
        at = bisect_right(self.ranges, (last, math.inf))
        return at > 0 and self.ranges[at - 1][1] >= first

    def among(self, lines: Iterable[int]) -> list[int]:
        """Those of the lines that are new, in their order."""
        if self.whole:
            return list(lines)
        wanted = {number for start, end in self.ranges for number in range(start, end + 1)}
        return [line for line in lines if line in wanted]


def new_lines(comparison: Comparison) -> dict[str, NewLines]:
    """What base_sha → tested_sha adds or edits, by path in tested_sha; removed files are left out."""
    return {file.path: _of_file(file) for file in comparison.files if file.status is not FileStatus.REMOVED}


def _of_file(file: FileChange) -> NewLines:
    ranges = sorted(
        (hunk.new_start, hunk.new_start + hunk.new_count - 1) for hunk in file.hunks if hunk.new_count
    )
    return NewLines(ranges=tuple(ranges), whole=file.status is FileStatus.ADDED or file.binary)


class Origins:
    """Where places of tested_sha stood in base_sha, through renames and hunks."""

    def __init__(self, comparison: Comparison) -> None:
        self._changed = {
            file.path: file for file in comparison.files if file.status is not FileStatus.REMOVED
        }
        self._shifts: dict[str, _Shifts] = {}

    def path(self, path: str) -> str | None:
        """The file's path on base; None where base has no such file."""
        file = self._changed.get(path)
        if file is None:
            return path
        return None if file.status is FileStatus.ADDED else file.old_path or path

    def line(self, path: str, line: int) -> int | None:
        """The line's number on base; None where it is added or edited."""
        file = self._changed.get(path)
        if file is None:
            return line
        if file.status is FileStatus.ADDED or file.binary:
            return None
        if path not in self._shifts:
            self._shifts[path] = _Shifts(file.hunks)
        return self._shifts[path].old(line)


class _Shifts:
    """New lines of one file as old ones, each found by bisection."""

    def __init__(self, hunks: Sequence[Hunk]) -> None:
        ordered = sorted(hunks, key=lambda hunk: (hunk.new_start, hunk.new_count))
        # a hunk that only removes stands after its new line
        self._from = [hunk.new_start + (not hunk.new_count) for hunk in ordered]
        self._ends = [hunk.new_start + hunk.new_count for hunk in ordered]
        self._shift = list(accumulate(hunk.old_count - hunk.new_count for hunk in ordered))

    def old(self, line: int) -> int | None:
        at = bisect_right(self._from, line) - 1
        if at < 0:
            return line
        return None if line < self._ends[at] else line + self._shift[at]


class HeadPlaces:
    """Where places of tested_sha stand in head_sha."""

    def __init__(self, comparison: Comparison) -> None:
        self._changed = {
            file.old_path or file.path: file
            for file in comparison.to_head
            if file.status is not FileStatus.ADDED
        }
        self._shifts: dict[str, Forward] = {}

    def place(self, path: str, line: int) -> tuple[str, int] | None:
        """A line (1-based) as path and line on head_sha; None where head has no such line. Files that do not
        differ between the two keep their lines.
        """
        file = self._changed.get(path)
        if file is None:
            return path, line
        if file.status is FileStatus.REMOVED or file.binary:
            return None
        if path not in self._shifts:
            self._shifts[path] = Forward(file.hunks)
        mapped = self._shifts[path].line(line)
        return None if mapped is None else (file.path, mapped)


class Forward:
    """Old lines of one file as new ones, each found by bisection."""

    def __init__(self, hunks: Sequence[Hunk]) -> None:
        ordered = sorted(hunks, key=lambda hunk: (hunk.old_start, hunk.old_count))
        # a hunk that only adds stands after its old line
        self._from = [hunk.old_start + (not hunk.old_count) for hunk in ordered]
        self._ends = [hunk.old_start + hunk.old_count for hunk in ordered]
        self._shift = list(accumulate(hunk.new_count - hunk.old_count for hunk in ordered))

    def line(self, line: int) -> int | None:
        """An old line as a new one: None inside a hunk, else shifted by all hunks before it."""
        at = bisect_right(self._from, line) - 1
        if at < 0:
            return line
        return None if line < self._ends[at] else line + self._shift[at]
