"""The parts of the evidence that people look at: new findings, failing tests, coverage of new lines.

What is new, and what counts as covered, is the policy's to say. Here it is put in reading order and placed
on head_sha, where the line also exists there.
"""

from collections.abc import Iterable

import msgspec

from app.model import Evidence, Finding, Judgement, Plan, TestCase, Waiver
from app.policy import HeadPlaces, compare_tests, lost_coverage, new_coverage, new_findings
from app.publish import phrases
from app.publish.measured import Section, sections
from app.publish.ran import test_sections

Range = tuple[int, int]
"""First and last line, 1-based, both included."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Lines of a file on head_sha."""

    path: str
    first: int
    last: int


class ShownFinding(msgspec.Struct, frozen=True, kw_only=True):
    """A new finding of one check. `head` is None where the line is not on head_sha; `waiver` covers it.
    `on_changed_line`: the change adds or edits a line of it; else it is new through what the change did
    elsewhere.
    """

    finding: Finding
    check: str
    required: bool
    head: Place | None
    waiver: Waiver | None = None
    on_changed_line: bool = True


class ShownTest(msgspec.Struct, frozen=True, kw_only=True):
    """A failing test of one check; `head` as for findings. `alike`: it fails on base too."""

    test: TestCase
    check: str
    required: bool
    head: Place | None
    alike: bool = False


class ShownCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """New code of one file: how many lines and branches are coverable, how many covered; lines not run
    as ranges in the tested tree and as places on head_sha. `unreported`: in no report at all.
    """

    path: str
    covered: int
    coverable: int
    uncovered: tuple[Range, ...]
    head: tuple[Place, ...]
    unreported: bool = False


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """All of it, in reading order: findings most severe first, then by place, waived ones last; worst
    covered file first. `coverage_lost` says which report of coverage base has and this change lacks.
    """

    findings: tuple[ShownFinding, ...] = ()
    tests: tuple[ShownTest, ...] = ()
    coverage: tuple[ShownCoverage, ...] = ()
    coverage_lost: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()

    @property
    def findings_heading(self) -> str:
        """How many findings there are, waived ones counted apart."""
        unwaived = [item.finding for item in self.findings if item.waiver is None]
        return phrases.findings_counted(unwaived, len(self.findings) - len(unwaived))


def show(judgement: Judgement) -> Shown:
    """What a judgement's evidence gives to look at; empty where nothing was planned."""
    evidence, plan = judgement.evidence, judgement.plan
    if evidence is None or plan is None:
        return Shown()
    places = HeadPlaces(evidence.comparison)
    return Shown(
        findings=_findings(plan, evidence, places),
        tests=_tests(plan, evidence, places),
        coverage=_coverage(plan, evidence, places),
        coverage_lost=lost_coverage(plan, evidence),
        dropped=tuple(
            note for delivered in evidence.reports for report in delivered.reports for note in report.dropped
        ),
        sections=(*test_sections(evidence), *sections(plan, evidence)),
    )


def _place(places: HeadPlaces, path: str, first: int, last: int) -> Place | None:
    """Lines of the tested tree on head_sha; only the first must be there."""
    if not path or first < 1:
        return None
    start = places.place(path, first)
    if start is None:
        return None
    end = places.place(path, last) if last > first else None
    return Place(path=start[0], first=start[1], last=max(start[1], end[1] if end is not None else 0))


def _findings(plan: Plan, evidence: Evidence, places: HeadPlaces) -> tuple[ShownFinding, ...]:
    """New findings of all checks: those of advisory ones are shown too, and marked."""
    required = {spec.key: spec.required for spec in plan.checks}
    found = [
        ShownFinding(
            finding=new.finding,
            check=new.check,
            required=required[new.check],
            head=_place(places, new.finding.path, new.finding.line, new.finding.end_line),
            waiver=new.waiver,
            on_changed_line=new.on_changed_line,
        )
        for new in new_findings(plan, evidence, advisory=True)
    ]
    found.sort(
        key=lambda item: (
            item.waiver is not None,
            -item.finding.severity.rank,
            not item.on_changed_line,
            item.finding.path,
            item.finding.line,
        )
    )
    return tuple(found)


def _tests(plan: Plan, evidence: Evidence, places: HeadPlaces) -> tuple[ShownTest, ...]:
    required = {spec.key: spec.required for spec in plan.checks}
    return tuple(
        ShownTest(
            test=test,
            check=key,
            required=required.get(key, False),
            head=_place(places, test.path, test.line, test.line),
            alike=alike,
        )
        for key in dict.fromkeys(delivered.key for delivered in evidence.reports)
        for test, alike in compare_tests(evidence, key).told
    )


def _coverage(plan: Plan, evidence: Evidence, places: HeadPlaces) -> tuple[ShownCoverage, ...]:
    found = new_coverage(plan, evidence)
    files = [
        ShownCoverage(
            path=file.path,
            covered=file.covered,
            coverable=file.total,
            uncovered=ranges(file.missed),
            head=_missed_on_head(places, file.path, file.missed),
            unreported=file.unreported,
        )
        for file in found.files
        if found.measured and file.total
    ]
    return tuple(sorted(files, key=lambda file: (file.covered - file.coverable, file.path)))


def _missed_on_head(places: HeadPlaces, path: str, missed: Iterable[int]) -> tuple[Place, ...]:
    there = [place for line in missed if (place := places.place(path, line)) is not None]
    on = there[0][0] if there else path
    return tuple(Place(path=on, first=first, last=last) for first, last in ranges(line for _, line in there))


def ranges(numbers: Iterable[int]) -> tuple[Range, ...]:
    """Ascending line numbers grouped into ranges of neighbours."""
    grouped: list[Range] = []
    for number in numbers:
        if grouped and number == grouped[-1][1] + 1:
            grouped[-1] = (grouped[-1][0], number)
        else:
            grouped.append((number, number))
    return tuple(grouped)
