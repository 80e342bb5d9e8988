"""Which findings are new, existing or fixed between base_sha and tested_sha (gate-file.md section 6).

With base's evidence of the same check they are tracked, tool by tool. Where it cannot be had, or cannot be
compared, a weaker rule tells: a finding is new when it stands on a line that the change adds or edits; one
about a whole file when the change touches that file; one about the whole project always. A secret that no
line holds stands in a commit of the change, whatever became of its file: it is always new.
"""

from collections.abc import Callable, Container, Iterable, Iterator
from enum import StrEnum
from functools import cached_property
from typing import Literal

import msgspec

from app.model import Baseline, BaselineState, Evidence, Finding, Plan, ReportContent, Waiver
from app.policy.linemap import NewLines, Origins, new_lines
from app.policy.required import required_keys
from app.policy.tracking import match
from app.policy.waiving import Covered, cover, waivers_of

By = Literal["base", "line", "file", "project"]
"""What told: a comparison with base, or the weaker rule by line, touched file, whole project."""
_WEAKER = "new ones are those on changed lines, in changed files where there is no line, or about the project"


class Age(StrEnum):
    """Whether base has a finding too. UNKNOWN: base's evidence is on its way. WAIVED: new, and covered."""

    NEW = "new"
    EXISTING = "existing"
    WAIVED = "waived"
    UNKNOWN = "unknown"


class TrackedFinding(msgspec.Struct, frozen=True, kw_only=True):
    """A finding of one check (by key), from a report of `kinds`. `by` says what told its age;
    `on_changed_line` whether the change adds or edits one of its lines, whatever its age.
    """

    check: str
    kinds: tuple[str, ...]
    finding: Finding
    age: Age
    by: By
    on_changed_line: bool
    waiver: Waiver | None = None


def known_finding(one: TrackedFinding) -> tuple[str, ...]:
    """What a finding of this change is known by whenever its check runs again."""
    found = one.finding
    place = found.fingerprint or f"{found.line}: {found.message}"
    return "finding", one.check, found.tool, found.rule, found.path, place


class CheckFindings(msgspec.Struct, frozen=True, kw_only=True):
    """All findings of one check, what the tool suppressed and secrets included, in its reports' order.

    `fixed` are base's findings that are gone from files that were looked at again; of those in files that
    nobody looked at nothing is known. `untold` is why `fixed` cannot be told ('' = it can, or base is still
    waited for); `weaker` are sentences that tell where the weaker rule judged, and why. `waits`: base's
    evidence is on its way.
    """

    check: str
    findings: tuple[TrackedFinding, ...] = ()
    fixed: tuple[Finding, ...] = ()
    untold: str = ""
    weaker: tuple[str, ...] = ()
    waits: bool = False


class Tracking:
    """The findings of all checks, required or not, each check looked at once."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._baselines = {baseline.key: baseline for baseline in evidence.baselines}
        self._reports = {one.key: one.reports for one in evidence.reports}
        self._origins = Origins(evidence.comparison)
        self._known: dict[str, CheckFindings] = {}

    @cached_property
    def _changes(self) -> tuple[dict[str, NewLines], frozenset[str]]:
        return new_lines(self._evidence.comparison), frozenset(self._evidence.comparison.paths)

    def of(self, check: str) -> CheckFindings:
        """The findings of one check, by key."""
        if check not in self._known:
            self._known[check] = self._track(check)
        return self._known[check]

    def _track(self, check: str) -> CheckFindings:
        reports = self._reports.get(check, ())
        baseline = self._baselines.get(check)
        if baseline is not None and baseline.state is BaselineState.READY:
            return self._compared(check, reports, baseline)
        if baseline is not None and baseline.state is BaselineState.OUTSTANDING:
            found = self._told(check, reports, _waiting)
            return CheckFindings(check=check, findings=found, waits=True)
        found = self._told(check, reports, self._by_rule)
        if baseline is None:
            why = f"findings of {check} were not compared with {self._base}"
        else:
            why = baseline.reason or f"{check} cannot be run on {self._base}"
        return CheckFindings(
            check=check, findings=found, untold=why, weaker=(f"{why}: {_WEAKER}",) if found else ()
        )

    def _told(
        self, check: str, reports: tuple[ReportContent, ...], age: Callable[[Finding, bool], tuple[Age, By]]
    ) -> tuple[TrackedFinding, ...]:
        lines = self._changes[0]
        return tuple(
            _tracked(check, report, one, age(one, on_line), on_line)
            for report, one in _each(reports)
            for on_line in (_on_new_line(one, lines),)
        )

    @property
    def _base(self) -> str:
        return self._evidence.change.base_ref

    def _compared(self, check: str, reports: tuple[ReportContent, ...], baseline: Baseline) -> CheckFindings:
        here, there = list(_each(reports)), [one for _, one in _each(baseline.reports)]
        on_line = [_on_new_line(one, self._changes[0]) for _, one in here]
        ages: dict[int, tuple[Age, By]] = {}
        fixed: list[Finding] = []
        weaker: list[str] = []
        for tool in dict.fromkeys([one.tool for _, one in here] + [one.tool for one in there]):
            places = [place for place, (_, one) in enumerate(here) if one.tool == tool]
            why = _not_comparable(tool, reports, baseline.reports, self._base)
            if why:
                ages |= {place: self._by_rule(here[place][1], on_line[place]) for place in places}
                weaker += [f"{why}: {_WEAKER}"] if places else []
                continue
            found = [here[place][1] for place in places]
            new, gone = self._matched(found, [one for one in there if one.tool == tool])
            ages |= {
                place: _PROJECT
                if _in_a_commit(here[place][1])
                else (Age.NEW if at in new else Age.EXISTING, "base")
                for at, place in enumerate(places)
            }
            fixed += gone
        tracked = tuple(
            _tracked(check, report, one, ages[place], on_line[place])
            for place, (report, one) in enumerate(here)
        )
        return CheckFindings(check=check, findings=tracked, fixed=tuple(fixed), weaker=tuple(weaker))

    def _matched(self, head: list[Finding], base: list[Finding]) -> tuple[set[int], list[Finding]]:
        """The places in `head` of new findings, and the findings of base that are fixed.

        What the tool suppressed is matched apart: taking an ignore away makes a finding new, and one that
        is ignored from now on is not fixed.
        """
        new: set[int] = set()
        left: dict[bool, list[Finding]] = {}
        ignored: list[Finding] = []
        for suppressed in (False, True):
            places = [place for place, one in enumerate(head) if one.suppressed is suppressed]
            was = [one for one in base if one.suppressed is suppressed]
            matching = match([head[place] for place in places], was, self._origins)
            new.update(places[at] for at in matching.new)
            left[suppressed] = [was[at] for at in matching.gone]
            if suppressed:
                ignored = [head[places[at]] for at in matching.new]
        gone = left[False]
        if gone and ignored:
            gone = [gone[at] for at in match(ignored, gone, self._origins).gone]
        seen = {self._origins.path(one.path) for one in head}
        touched = self._changes[1]
        return new, [one for one in gone if not one.path or one.path in touched or one.path in seen]

    def _by_rule(self, finding: Finding, on_new_line: bool) -> tuple[Age, By]:
        if not finding.path or _in_a_commit(finding):
            return _PROJECT
        if not finding.line:
            return (Age.NEW if finding.path in self._changes[1] else Age.EXISTING), "file"
        return (Age.NEW if on_new_line else Age.EXISTING), "line"


def _tracked(
    check: str,
    report: ReportContent,
    finding: Finding,
    told: tuple[Age, By],
    on_changed_line: bool,
) -> TrackedFinding:
    age, by = told
    return TrackedFinding(
        check=check, kinds=report.kinds, finding=finding, age=age, by=by, on_changed_line=on_changed_line
    )


def new_findings(plan: Plan, evidence: Evidence, *, advisory: bool = False) -> tuple[TrackedFinding, ...]:
    """New findings of all required checks, in the order of the reports; secrets and waived ones (with their
    waiver) included, with `advisory` those of advisory checks too.

    What the tool itself suppressed is left out, and what is not known to be new (yet).
    """
    tracking = Tracking(evidence)
    found = _new(tracking, evidence, {spec.key for spec in plan.checks if spec.required or advisory})
    if not waivers_of(plan, evidence):
        return tuple(found)
    covered = waived(plan, evidence, tracking)
    return tuple(msgspec.structs.replace(one, waiver=covered.waiver(one.finding)) for one in found)


def waived(plan: Plan, evidence: Evidence, tracking: Tracking) -> Covered:
    """What waivers cover of the new findings of all required checks."""
    waivers = waivers_of(plan, evidence)
    if not waivers:
        return Covered()
    found = _new(tracking, evidence, required_keys(plan))
    return cover(waivers, evidence.today, ((one.check, one.finding) for one in found))


def _new(tracking: Tracking, evidence: Evidence, keys: Container[str]) -> Iterator[TrackedFinding]:
    for key in dict.fromkeys(one.key for one in evidence.reports if one.key in keys):
        for found in tracking.of(key).findings:
            if found.age is Age.NEW and not found.finding.suppressed:
                yield found


_PROJECT: tuple[Age, By] = (Age.NEW, "project")


def _in_a_commit(finding: Finding) -> bool:
    return finding.secret and not finding.line


def _waiting(finding: Finding, _on_new_line: bool) -> tuple[Age, By]:
    return _PROJECT if _in_a_commit(finding) else (Age.UNKNOWN, "base")


def _on_new_line(finding: Finding, lines: dict[str, NewLines]) -> bool:
    new = lines.get(finding.path) if finding.line else None
    return new is not None and new.touches(finding.line, max(finding.line, finding.end_line))


def _each(reports: Iterable[ReportContent]) -> Iterator[tuple[ReportContent, Finding]]:
    return ((report, finding) for report in reports for finding in report.findings)


def _not_comparable(
    tool: str, here: tuple[ReportContent, ...], there: tuple[ReportContent, ...], base: str
) -> str:
    """Why one tool's findings of the two trees cannot be compared; '' if they can."""
    ours = [report for report in here if _carries(report, tool)]
    kinds = {(report.format, report.flag) for report in ours}
    theirs = [
        report
        for report in there
        if _carries(report, tool) or (not report.tool and (report.format, report.flag) in kinds)
    ]
    if not theirs:
        return f"{tool} reported nothing on {base}"
    versions = [{report.tool_version for report in side if report.tool_version} for side in (ours, theirs)]
    if all(versions) and versions[0] != versions[1]:
        now, was = (", ".join(sorted(side)) for side in versions)
        return f"{tool} is {now} here and {was} on {base}"
    return ""


def _carries(report: ReportContent, tool: str) -> bool:
    """Whether a report is one of the tool's, be it without a finding."""
    named = report.tool.split(", ")
    return tool in named or any(finding.tool == tool for finding in report.findings)
