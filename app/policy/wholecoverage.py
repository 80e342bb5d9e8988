"""Coverage of all the code: shards, matrix legs and flags united, what did not run carried forward."""

from collections.abc import Iterable
from fractions import Fraction

import msgspec

from app.language import Globs
from app.model import Comparison, FileCoverage, FileStatus, Plan, ReportContent
from app.policy.linemap import Forward
from app.policy.newcoverage import exclusions, unite


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """Covered of coverable lines and branches."""

    covered: int
    total: int

    @property
    def percent(self) -> Fraction:
        """In points, exact; `total` must not be 0."""
        return Fraction(100 * self.covered, self.total)

    def __str__(self) -> str:
        """`16 of 21`."""
        return f"{self.covered:,} of {self.total:,}"


def whole_coverage(plan: Plan, reports: Iterable[ReportContent]) -> Share:
    """Covered of coverable lines and branches over all files that count; a line any report ran is covered."""
    excluded: Globs = exclusions(plan)
    by_path: dict[str, list[FileCoverage]] = {}
    for report in reports:
        for file in report.coverage:
            by_path.setdefault(file.path, []).append(file)
    covered = total = 0
    for path, reported in by_path.items():
        if excluded.matches(path):
            continue
        lines, branches = unite(reported)
        covered += sum(1 for hits in lines.values() if hits) + sum(one for one, _ in branches.values())
        total += len(lines) + sum(two for _, two in branches.values())
    return Share(covered=covered, total=total)


def carry_forward(report: ReportContent, comparison: Comparison) -> ReportContent:
    """Coverage measured on base_sha as lines of tested_sha: what the change edits or removes is left out."""
    changed = {
        file.old_path or file.path: file for file in comparison.files if file.status is not FileStatus.ADDED
    }
    carried: list[FileCoverage] = []
    for file in report.coverage:
        change = changed.get(file.path)
        if change is None:
            carried.append(file)
        elif change.status is not FileStatus.REMOVED and not change.binary:
            forward = Forward(change.hunks)
            lines = {new: hits for line, hits in file.lines.items() if (new := forward.line(line))}
            branches = {new: pair for line, pair in file.branches.items() if (new := forward.line(line))}
            carried.append(FileCoverage(path=change.path, lines=lines, branches=branches))
    return msgspec.structs.replace(report, coverage=tuple(carried))
