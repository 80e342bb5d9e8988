"""How well new lines are covered (gate-file.md section 6)."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import PurePosixPath

import msgspec

from app.language import Globs, globs
from app.model import Evidence, FileChange, FileCoverage, FileStatus, Plan, ReportContent
from app.policy.linemap import NewLines, new_lines
from app.policy.required import required_reports


def is_generated(plan: Plan, path: str) -> bool:
    """Whether `settings.generated` of the base names the path."""
    return globs(plan.settings.generated).matches(path)


class FileNewCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """One changed file: covered and all coverable new lines and branches; `hit` are new lines that tests
    run, `missed` those they do not; `unreported` when it was expected in a report and is in none (its added
    lines count as missed).
    """

    path: str
    covered: int
    total: int
    missed: tuple[int, ...] = ()
    unreported: bool = False
    hit: tuple[int, ...] = ()


class NewCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """Coverage on new code: (covered new lines + branches) / (coverable new lines + branches).

    `added` counts the added non-blank lines of all expected files: what `small_change` looks at.
    `measured` is false when the reports name no file at all.
    """

    covered: int
    total: int
    added: int
    files: tuple[FileNewCoverage, ...]
    small_change: bool
    measured: bool

    @property
    def percent(self) -> Fraction | None:
        """In points, exact; None when nothing is coverable."""
        return Fraction(100 * self.covered, self.total) if self.total else None


def new_coverage(plan: Plan, evidence: Evidence) -> NewCoverage:
    """Coverage on new code over all coverage reports of required checks."""
    reports = (report for _, report in required_reports(plan, evidence) if report.kind == "coverage")
    return cover_new(plan, evidence, reports)


def cover_new(plan: Plan, evidence: Evidence, reports: Iterable[ReportContent]) -> NewCoverage:
    """Coverage on new code by the given reports, united: a line counts as run if any report ran it."""
    reports = list(reports)
    excluded = exclusions(plan)
    reported: dict[str, list[FileCoverage]] = {}
    for report in reports:
        for file in report.coverage:
            reported.setdefault(file.path, []).append(file)
    roots = _roots(reports)
    suffixes = {PurePosixPath(path).suffix for path in reported} - {""}
    lines = new_lines(evidence.comparison)
    files: list[FileNewCoverage] = []
    added = 0
    for change in evidence.comparison.files:
        if change.path not in lines or excluded.matches(change.path):
            continue
        if change.path in reported:
            files.append(_covered(change.path, reported[change.path], lines[change.path]))
        elif _expected(change, roots, suffixes):
            missing = change.added_nonblank
            files.append(FileNewCoverage(path=change.path, covered=0, total=missing, unreported=True))
        else:
            continue
        added += change.added_nonblank
    return NewCoverage(
        covered=sum(file.covered for file in files),
        total=sum(file.total for file in files),
        added=added,
        files=tuple(files),
        small_change=added < plan.settings.small_change_lines,
        measured=bool(reported),
    )


def exclusions(plan: Plan) -> Globs:
    """Paths that coverage never counts: excluded ones and generated ones."""
    return globs((*plan.settings.coverage_exclude, *plan.settings.generated))


def _covered(path: str, reported: list[FileCoverage], new: NewLines) -> FileNewCoverage:
    lines, branches = unite(reported)
    hit = {line: lines[line] > 0 for line in new.among(lines)}
    pairs = [branches[line] for line in new.among(branches)]
    return FileNewCoverage(
        path=path,
        covered=sum(hit.values()) + sum(covered for covered, _ in pairs),
        total=len(hit) + sum(total for _, total in pairs),
        missed=tuple(sorted(line for line, run in hit.items() if not run)),
        hit=tuple(sorted(line for line, run in hit.items() if run)),
    )


def unite(reported: list[FileCoverage]) -> tuple[dict[int, int], dict[int, tuple[int, int]]]:
    """Lines and branches of one file over several reports.

    Branches have no identity across reports, so the best single report counts: never too much.
    """
    if len(reported) == 1:
        return reported[0].lines, reported[0].branches
    lines: dict[int, int] = {}
    branches: dict[int, tuple[int, int]] = {}
    for file in reported:
        for line, hits in file.lines.items():
            lines[line] = max(lines.get(line, 0), hits)
        for line, (covered, total) in file.branches.items():
            before = branches.get(line, (0, 0))
            branches[line] = (max(before[0], covered), max(before[1], total))
    return lines, branches


def _roots(reports: list[ReportContent]) -> tuple[set[str], bool]:
    """Folders that the reports measured, and whether files beside them at the top were measured too.

    What a format does not name is read off the files: the folder at the top of each; of files that lie
    at the top themselves, only such.
    """
    folders: set[str] = set()
    top = False
    for report in reports:
        if report.roots:
            folders.update(root.strip("/") for root in report.roots)
            continue
        for file in report.coverage:
            head, slash, _ = file.path.partition("/")
            if slash:
                folders.add(head)
            else:
                top = True
    return folders, top


def _expected(change: FileChange, roots: tuple[set[str], bool], suffixes: set[str]) -> bool:
    """Whether a report should have named the file: under a root, with a suffix it contains."""
    if change.binary or change.status is FileStatus.REMOVED:
        return False
    if PurePosixPath(change.path).suffix not in suffixes:
        return False
    folders, top = roots
    if "/" not in change.path and top:
        return True
    return any(not root or change.path.startswith(f"{root}/") for root in folders)
