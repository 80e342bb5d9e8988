"""`duplication.new` and `duplication.overall`: how much of the code stands in more than one place.

New = new lines in any clone / new lines, over the files that were searched; a clone that has no new line
does not count. Overall = lines in any clone / lines searched. As SonarQube's duplicated lines density both
count every copy; jscpd's own percentage counts each clone once.
"""

from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import PurePosixPath

import msgspec

from app.language import Known, Name, NotApplicable, Unknown, Value, ValueType
from app.model import CloneBlock, Evidence, FileChange, Kind, Plan, ReportContent, UnknownCause
from app.policy.judged import Judged
from app.policy.linemap import NewLines, Range, new_lines
from app.policy.newcoverage import is_generated
from app.policy.protocol import Fact, Family
from app.policy.required import required_reports

_UNSIZED = Unknown(
    cause=UnknownCause.MISSING, reason="the duplication report does not tell how many lines were searched"
)


class FileDuplication(msgspec.Struct, frozen=True, kw_only=True):
    """One changed file: its new lines, those of them in a clone as ranges, and where the same code stands."""

    path: str
    new: int
    duplicated: int
    ranges: tuple[Range, ...]
    elsewhere: tuple[CloneBlock, ...]


class NewDuplication(msgspec.Struct, frozen=True, kw_only=True):
    """New lines in clones, of all new lines of the files searched. `added` are the non-blank ones: what
    `small_change` looks at. `files` are those with a new clone.
    """

    duplicated: int
    new: int
    added: int
    files: tuple[FileDuplication, ...]
    small_change: bool


def new_duplication(plan: Plan, evidence: Evidence) -> NewDuplication:
    """Duplication of new code over all reports of required checks."""
    reports = (report for _, report in required_reports(plan, evidence) if report.kind == "duplication")
    return duplicate_new(plan, evidence, reports)


def duplicate_new(plan: Plan, evidence: Evidence, reports: Iterable[ReportContent]) -> NewDuplication:
    """Duplication of new code by the given reports, united."""
    reports = list(reports)
    searched = _Searched(reports)
    clones = _by_path(reports)
    lines = new_lines(evidence.comparison)
    files: list[FileDuplication] = []
    new = added = 0
    for change in evidence.comparison.files:
        of_file = lines.get(change.path)
        if of_file is None or change.binary or is_generated(plan, change.path):
            continue
        if change.path not in searched:
            continue
        ranges = of_file.ranges or _whole(change, of_file)
        count = _length(ranges)
        new += count
        added += change.added_nonblank
        shared = _shared(ranges, [(block.line, block.end_line) for block, _ in clones.get(change.path, ())])
        if shared:
            files.append(
                FileDuplication(
                    path=change.path,
                    new=count,
                    duplicated=_length(shared),
                    ranges=shared,
                    elsewhere=_elsewhere(shared, clones[change.path]),
                )
            )
    files.sort(key=lambda file: (-file.duplicated, file.path))
    return NewDuplication(
        duplicated=sum(file.duplicated for file in files),
        new=new,
        added=added,
        files=tuple(files),
        small_change=added < plan.settings.small_change_lines,
    )


class _Searched:
    """Which files were searched: those that the reports list; where one lists none, all of the kinds of
    file that it names, or any if it names none.
    """

    def __init__(self, reports: Iterable[ReportContent]) -> None:
        self._listed: set[str] = set()
        self._suffixes: set[str] = set()
        self._any = False
        for report in reports:
            paths = {path for path in report.sizes if path}
            self._listed |= paths
            if not paths:
                blocks = [block for clone in report.clones for block in clone.blocks]
                self._suffixes.update(PurePosixPath(block.path).suffix for block in blocks)
                self._any = self._any or not blocks

    def __contains__(self, path: str) -> bool:
        return self._any or path in self._listed or PurePosixPath(path).suffix in self._suffixes


_Placed = tuple[CloneBlock, tuple[CloneBlock, ...]]
"""One place of a clone, and all of its places."""


def _by_path(reports: Iterable[ReportContent]) -> dict[str, list[_Placed]]:
    found: dict[str, list[_Placed]] = {}
    for report in reports:
        for clone in report.clones:
            for block in clone.blocks:
                found.setdefault(block.path, []).append((block, clone.blocks))
    return found


def _whole(change: FileChange, of_file: NewLines) -> tuple[Range, ...]:
    return ((1, change.added),) if of_file.whole and change.added else ()


def _length(ranges: Iterable[Range]) -> int:
    return sum(last - first + 1 for first, last in ranges)


def _union(ranges: Iterable[Range]) -> list[Range]:
    """Ascending and disjoint."""
    united: list[Range] = []
    for first, last in sorted(ranges):
        if united and first <= united[-1][1] + 1:
            united[-1] = (united[-1][0], max(united[-1][1], last))
        else:
            united.append((first, last))
    return united


def _shared(ranges: Iterable[Range], others: Iterable[Range]) -> tuple[Range, ...]:
    """The lines that lie in both, as ranges."""
    one, two = _union(ranges), _union(others)
    found: list[Range] = []
    at = 0
    for first, last in one:
        while at < len(two) and two[at][1] < first:
            at += 1
        step = at
        while step < len(two) and two[step][0] <= last:
            found.append((max(first, two[step][0]), min(last, two[step][1])))
            step += 1
    return tuple(found)


def _elsewhere(shared: Iterable[Range], placed: Iterable[_Placed]) -> tuple[CloneBlock, ...]:
    """The other places of the clones that the lines stand in, each once."""
    shared = tuple(shared)
    return tuple(
        dict.fromkeys(
            other
            for block, blocks in placed
            if any(first <= block.end_line and block.line <= last for first, last in shared)
            for other in blocks
            if other is not block
        )
    )


def _new(judged: Judged) -> Value:
    gathered = judged.gather(Kind.DUPLICATION)
    if gathered.lacking is not None:
        return gathered.lacking
    found = duplicate_new(judged.plan, judged.evidence, gathered.reports)
    if not found.new:
        return NotApplicable(reason="no new line in the files searched for clones")
    if found.small_change:
        return NotApplicable(reason="1 new line" if found.added == 1 else f"{found.added} new lines")
    return Known(value=Fraction(100 * found.duplicated, found.new), checks=gathered.keys)


def _overall(judged: Judged) -> Value:
    gathered = judged.gather(Kind.DUPLICATION)
    if gathered.lacking is not None:
        return gathered.lacking
    sizes: dict[str, int] = {}
    in_all = 0
    for report in gathered.reports:
        if not report.sizes:
            return _UNSIZED
        in_all += report.sizes.get("", 0)
        for path, lines in report.sizes.items():
            if path and not is_generated(judged.plan, path):
                sizes[path] = max(sizes.get(path, 0), lines)
    total = sum(sizes.values()) + in_all
    if not total:
        return NotApplicable(reason="no line was searched for clones")
    duplicated = sum(
        _length(_union((block.line, block.end_line) for block, _ in placed))
        for path, placed in _by_path(gathered.reports).items()
        if not is_generated(judged.plan, path)
    )
    return Known(value=min(Fraction(100 * duplicated, total), Fraction(100)), checks=gathered.keys)


def _fact(words: str, doc: str, read: Callable[[Judged], Value]) -> Fact:
    kinds = frozenset({Kind.DUPLICATION})
    meaning = Name(type=ValueType.PERCENT, doc=doc, kinds=kinds, gate_only=True)
    return Fact(meaning=meaning, words=words, read=read)


DUPLICATION = Family(
    name="duplication",
    doc="How much of the code stands in more than one place, over all required checks that look for clones.",
    facts={
        "duplication.new": _fact(
            "duplication of new code",
            "New lines in any clone, of all new lines of the files searched; small changes are exempt.",
            _new,
        ),
        "duplication.overall": _fact(
            "overall duplication", "Lines in any clone, of all lines searched.", _overall
        ),
    },
)
