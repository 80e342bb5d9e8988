"""The parts of the evidence that people look at: new findings, failing tests, coverage of new lines.

Each is placed in the tested tree and, where the line also exists there, on head_sha.
"""

from collections.abc import Iterable, Sequence

import msgspec

from app.model import (
    CheckEvidence,
    Comparison,
    FileChange,
    Finding,
    Judgement,
    ReportContent,
    TestCase,
    TestOutcome,
)

Range = tuple[int, int]
"""First and last line, 1-based, both included."""


class ShownFinding(msgspec.Struct, frozen=True, kw_only=True):
    """A new finding of one check. `head` is its range on head_sha, None where it cannot be mapped."""

    finding: Finding
    check: str
    required: bool
    head: Range | None


class ShownTest(msgspec.Struct, frozen=True, kw_only=True):
    """A failing test of one check; `head` as for findings."""

    test: TestCase
    check: str
    head: Range | None


class ShownCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """New lines of one file: how many are coverable, how many covered; uncovered ones as ranges in
    the tested tree and, where they exist there, on head_sha.
    """

    path: str
    covered: int
    coverable: int
    uncovered: tuple[Range, ...]
    head: tuple[Range, ...]


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """All of it, in reading order: findings most severe first, then by place."""

    findings: tuple[ShownFinding, ...] = ()
    tests: tuple[ShownTest, ...] = ()
    coverage: tuple[ShownCoverage, ...] = ()
    dropped: tuple[str, ...] = ()


def show(judgement: Judgement) -> Shown:
    """What a judgement's evidence gives to look at; empty where there is none."""
    evidence = judgement.evidence
    if evidence is None:
        return Shown()
    comparison = evidence.comparison
    new_lines = {file.path: added_lines(file) for file in comparison.files}
    required = {result.key: result.required for result in evidence.checks}
    return Shown(
        findings=_findings(evidence.reports, comparison, new_lines, required),
        tests=_tests(evidence.reports, comparison),
        coverage=_coverage(evidence.reports, comparison, new_lines),
        dropped=tuple(note for _, report in _reports(evidence.reports) for note in report.dropped),
    )


def added_lines(file: FileChange) -> frozenset[int]:
    """The 1-based lines of the new version that the change adds or edits."""
    return frozenset(
        number for hunk in file.hunks for number in range(hunk.new_start, hunk.new_start + hunk.new_count)
    )


def _reports(reports: Sequence[CheckEvidence]) -> Iterable[tuple[str, ReportContent]]:
    return ((delivered.key, report) for delivered in reports for report in delivered.reports)


def to_head(comparison: Comparison, path: str, line: int) -> int | None:
    """A line of the tested tree as a line of head_sha; None where it is not there."""
    file = next((file for file in comparison.to_head if (file.old_path or file.path) == path), None)
    if file is None:
        return line
    shift = 0
    for hunk in file.hunks:
        if hunk.old_count and hunk.old_start <= line < hunk.old_start + hunk.old_count:
            return None
        before = hunk.old_start + hunk.old_count <= line if hunk.old_count else hunk.old_start < line
        shift += hunk.new_count - hunk.old_count if before else 0
    return line + shift


def _head_range(comparison: Comparison, path: str, first: int, last: int) -> Range | None:
    if not path or first < 1:
        return None
    start, end = to_head(comparison, path, first), to_head(comparison, path, max(first, last))
    if start is None:
        return None
    return (start, end if end is not None and end >= start else start)


def _findings(
    reports: Sequence[CheckEvidence],
    comparison: Comparison,
    new_lines: dict[str, frozenset[int]],
    required: dict[str, bool],
) -> tuple[ShownFinding, ...]:
    found = [
        ShownFinding(
            finding=finding,
            check=key,
            required=required.get(key, True),
            head=_head_range(comparison, finding.path, finding.line, finding.end_line),
        )
        for key, report in _reports(reports)
        for finding in report.findings
        if not finding.suppressed and finding.line in new_lines.get(finding.path, frozenset())
    ]
    return tuple(
        sorted(found, key=lambda item: (-item.finding.severity.rank, item.finding.path, item.finding.line))
    )


def _tests(reports: Sequence[CheckEvidence], comparison: Comparison) -> tuple[ShownTest, ...]:
    return tuple(
        ShownTest(test=test, check=key, head=_head_range(comparison, test.path, test.line, test.line))
        for key, report in _reports(reports)
        for test in report.tests
        if test.outcome in {TestOutcome.FAILED, TestOutcome.ERRORED}
    )


def _coverage(
    reports: Sequence[CheckEvidence], comparison: Comparison, new_lines: dict[str, frozenset[int]]
) -> tuple[ShownCoverage, ...]:
    hits: dict[str, dict[int, int]] = {}
    for _, report in _reports(reports):
        for file in report.coverage:
            lines = hits.setdefault(file.path, {})
            for number in new_lines.get(file.path, frozenset()) & file.lines.keys():
                lines[number] = max(lines.get(number, 0), file.lines[number])
    return tuple(_file_coverage(comparison, path, lines) for path, lines in sorted(hits.items()) if lines)


def _file_coverage(comparison: Comparison, path: str, lines: dict[int, int]) -> ShownCoverage:
    uncovered = sorted(number for number, hit in lines.items() if not hit)
    on_head = (to_head(comparison, path, number) for number in uncovered)
    return ShownCoverage(
        path=path,
        covered=len(lines) - len(uncovered),
        coverable=len(lines),
        uncovered=ranges(uncovered),
        head=ranges([number for number in on_head if number is not None]),
    )


def ranges(numbers: Iterable[int]) -> tuple[Range, ...]:
    """Ascending line numbers grouped into ranges of neighbours."""
    grouped: list[Range] = []
    for number in numbers:
        if grouped and number == grouped[-1][1] + 1:
            grouped[-1] = (grouped[-1][0], number)
        else:
            grouped.append((number, number))
    return tuple(grouped)
