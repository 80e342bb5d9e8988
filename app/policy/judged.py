"""The plan and the evidence of one judgement, indexed once for all conditions."""

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cached_property

import msgspec

from app.language import NotApplicable, Unknown
from app.model import (
    Baseline,
    BaselineState,
    CheckResult,
    CheckSpec,
    Conclusion,
    Evidence,
    Finding,
    Kind,
    Plan,
    ReportContent,
    Severity,
    Status,
    UnknownCause,
)
from app.policy.flaky import FlakyTest, flaky_tests
from app.policy.missing import REPORT, Compared, Lost, lost_reports, may_lose
from app.policy.newcode import Age, CheckFindings, TrackedFinding, Tracking, known_finding, waived
from app.policy.required import required_keys
from app.policy.suites import CheckTests, compare_tests, known_test
from app.policy.waiving import Covered

GOOD = frozenset({Conclusion.SUCCESS, Conclusion.NOT_NEEDED})


class Gathered(msgspec.Struct, frozen=True, kw_only=True):
    """All reports of one kind, from the checks `keys`. `lacking` is why they are not all there: an unknown
    while a producer has not delivered, or less than it did on base, not applicable where none was needed,
    None when complete. `lost` is what base has and this change has not, be it optional.
    """

    reports: tuple[ReportContent, ...]
    keys: tuple[str, ...]
    lacking: Unknown | NotApplicable | None
    lost: tuple[Lost, ...] = ()


class Judged:
    """What conditions read. Only required checks feed aggregates; results are kept per instance."""

    def __init__(self, plan: Plan, evidence: Evidence) -> None:
        self.plan = plan
        self.evidence = evidence
        self._gathered: dict[tuple[Kind, str], Gathered] = {}

    @cached_property
    def results(self) -> dict[str, CheckResult]:
        """The results by check key."""
        return {result.key: result for result in self.evidence.checks}

    @cached_property
    def reports(self) -> dict[str, tuple[ReportContent, ...]]:
        """What checks delivered, by check key."""
        return {delivered.key: delivered.reports for delivered in self.evidence.reports}

    @cached_property
    def baselines(self) -> dict[str, Baseline]:
        """What is known of base, by check key."""
        return {baseline.key: baseline for baseline in self.evidence.baselines}

    @cached_property
    def delivered(self) -> frozenset[str]:
        """The kinds of evidence that required checks have delivered, declared or not."""
        required = required_keys(self.plan)
        return frozenset(
            kind for result in self.evidence.checks if result.key in required for kind in result.delivered
        )

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """All touched paths; a rename is both its paths."""
        return self.evidence.comparison.paths

    @cached_property
    def tracking(self) -> Tracking:
        """What is new among the findings of each check."""
        return Tracking(self.evidence)

    def compared(self, kind: Kind) -> tuple[CheckFindings, ...]:
        """The findings of all required checks that are to report this kind."""
        return tuple(self.tracking.of(key) for key in self.gather(kind).keys)

    @cached_property
    def covered(self) -> Covered:
        """What waivers cover of the new findings, secrets among them."""
        return waived(self.plan, self.evidence, self.tracking)

    @cached_property
    def findings(self) -> tuple[TrackedFinding, ...]:
        """The findings that count (not suppressed, no secrets)."""
        return tuple(one for one in self._told(Kind.FINDINGS) if not one.finding.secret)

    @cached_property
    def secrets(self) -> tuple[TrackedFinding, ...]:
        """The secrets that count (not suppressed)."""
        return tuple(one for one in self._told(Kind.SECRETS) if one.finding.secret)

    @cached_property
    def suppressed(self) -> tuple[TrackedFinding, ...]:
        """The findings and secrets that the source tells its tools to ignore, as far as they report them."""
        keys = dict.fromkeys(key for kind in (Kind.FINDINGS, Kind.SECRETS) for key in self.gather(kind).keys)
        return tuple(one for key in keys for one in self.tracking.of(key).findings if one.finding.suppressed)

    def _told(self, kind: Kind) -> Iterator[TrackedFinding]:
        for check in self.compared(kind):
            for one in check.findings:
                if kind.value not in one.kinds or one.finding.suppressed:
                    continue
                covered = one.age is Age.NEW and self.covered.waiver(one.finding) is not None
                yield msgspec.structs.replace(one, age=Age.WAIVED) if covered else one

    @cached_property
    def fixed(self) -> tuple[Finding, ...]:
        """Findings of base that would count and are gone."""
        return tuple(one for check in self.compared(Kind.FINDINGS) for one in check.fixed if not one.secret)

    @cached_property
    def tests(self) -> tuple[CheckTests, ...]:
        """The tests of all required checks that are to report any, beside base's."""
        return tuple(compare_tests(self.evidence, key) for key in self.gather(Kind.TESTS).keys)

    @cached_property
    def flaky(self) -> tuple[FlakyTest, ...]:
        """The tests of all checks that are flaky."""
        return flaky_tests(self.evidence)

    @cached_property
    def findings_by_severity(self) -> Counter[tuple[Severity, Age]]:
        """How many findings count, by severity and age."""
        return Counter((one.finding.severity, one.age) for one in self.findings)

    @cached_property
    def sifted(self) -> dict[str, tuple[tuple[int, Age, Finding], ...]]:
        """The findings that count by path, each with its severity's rank and its age: what conditions sift,
        so that a path is looked at once however many findings it has.
        """
        found: dict[str, list[tuple[int, Age, Finding]]] = {}
        for one in self.findings:
            told = (one.finding.severity.rank, one.age, one.finding)
            found.setdefault(one.finding.path, []).append(told)
        return {path: tuple(told) for path, told in found.items()}

    def failures(self, key: str) -> Iterator[tuple[str, ...]]:
        """What a check brings that may have made it fail, each by what it is known by: its failed tests and
        its findings that base has not.
        """
        for case in compare_tests(self.evidence, key).failed:
            yield known_test(key, case)
        for one in self.tracking.of(key).findings:
            if one.age is not Age.EXISTING and not one.finding.suppressed:
                yield known_finding(one)

    def base_wait(self, keys: Iterable[str]) -> Unknown:
        """What to say while the evidence of these checks on base is on its way."""
        checks = tuple(keys)
        reason = f"waits for {', '.join(checks)} on {self.evidence.change.base_ref}"
        return Unknown(cause=UnknownCause.OUTSTANDING, reason=reason, checks=checks)

    def cells(self, check_id: str) -> list[CheckSpec]:
        """The checks of one id, in the plan's order."""
        return [spec for spec in self.plan.checks if spec.id == check_id]

    def root(self, key: str) -> str:
        """The check that a skipped one takes its value from: the end of the chain of blockers."""
        seen = {key}
        while (result := self.results.get(key)) is not None and result.blocked_by:
            if result.conclusion is not Conclusion.SKIPPED or result.blocked_by in seen:
                break
            key = result.blocked_by
            seen.add(key)
        return key

    def gather(self, kind: Kind, check_id: str = "") -> Gathered:
        """The reports of one kind, of all checks or one, and whether they are complete (gate-file.md section
        5).
        """
        if (kind, check_id) not in self._gathered:
            self._gathered[kind, check_id] = self._gather(kind, check_id)
        return self._gathered[kind, check_id]

    def _gather(self, kind: Kind, check_id: str) -> Gathered:
        producers = [
            spec
            for spec in self.plan.checks
            if spec.required and check_id in {"", spec.id} and self._produces(spec, kind)
        ]
        left_out = [spec for spec in producers if self._left_out(spec, kind)]
        omitted = tuple(
            spec.key for spec in left_out if self.results[spec.key].conclusion is not Conclusion.NOT_NEEDED
        )
        content: list[ReportContent] = []
        lacking: list[Unknown] = []
        lost: list[Lost] = []
        needed = [spec for spec in producers if spec not in left_out]
        for spec in needed:
            content += [report for report in self.reports.get(spec.key, ()) if kind.value in report.kinds]
            gone = self._lost(spec, kind)
            lost += gone
            if (why := self._undelivered(spec, kind) or self._short(spec, kind, gone)) is not None:
                lacking.append(why)
        return Gathered(
            reports=tuple(content),
            keys=tuple(spec.key for spec in needed),
            lacking=_lacking(kind, producers, lacking, omitted=omitted, needed=bool(needed)),
            lost=tuple(lost),
        )

    def _lost(self, spec: CheckSpec, kind: Kind) -> list[Lost]:
        baseline = self.baselines.get(spec.key)
        if baseline is None or baseline.state is not BaselineState.READY:
            return []
        compared = Compared(
            spec=spec,
            here=self.reports.get(spec.key, ()),
            there=baseline.reports,
            comparison=self.evidence.comparison,
            base_ref=self.evidence.change.base_ref,
        )
        return list(lost_reports(compared, kind))

    def _short(self, spec: CheckSpec, kind: Kind, lost: list[Lost]) -> Unknown | None:
        """Why what a producer delivered may be less than it delivers on base. Tests are compared by name."""
        if kind is Kind.TESTS:
            return None
        if (says := next((one.says for one in lost if not one.optional), None)) is not None:
            return Unknown(cause=UnknownCause.MISSING, reason=says, checks=(spec.key,))
        baseline = self.baselines.get(spec.key)
        waits = baseline is not None and baseline.state is BaselineState.OUTSTANDING
        return self.base_wait((spec.key,)) if waits and may_lose(spec, kind) else None

    def _produces(self, spec: CheckSpec, kind: Kind) -> bool:
        """Whether it declares that kind, or delivered it all the same: secrets among findings."""
        result = self.results.get(spec.key)
        return kind in spec.produces or (result is not None and kind.value in result.delivered)

    def _left_out(self, spec: CheckSpec, kind: Kind) -> bool:
        """Not needed, or succeeded without a report that it may leave out."""
        result = self.results.get(spec.key)
        if result is None or result.status is not Status.COMPLETED:
            return False
        if result.conclusion is Conclusion.NOT_NEEDED:
            return True
        of_kind = [report for report in spec.reports if kind in report.kinds]
        optional = bool(of_kind) and all(report.optional for report in of_kind)
        return optional and result.conclusion is Conclusion.SUCCESS and kind.value not in result.delivered

    def _undelivered(self, spec: CheckSpec, kind: Kind) -> Unknown | None:
        """Why one producer has not delivered all it will; None when it has."""
        key = self.root(spec.key)
        result = self.results.get(key)
        if result is None or result.status is not Status.COMPLETED:
            return Unknown(cause=UnknownCause.OUTSTANDING, reason=f"waits for {key}", checks=(key,))
        blocked = f", which blocks {spec.key}" if key != spec.key else ""
        match result.conclusion:
            case Conclusion.ERROR:
                reason = f"{key} could not be judged{blocked}"
                return Unknown(cause=UnknownCause.ERROR, reason=reason, checks=(key,))
            case Conclusion.SUCCESS | Conclusion.FAILURE if kind.value in result.delivered and not blocked:
                return None
            case Conclusion.SUCCESS | Conclusion.NOT_NEEDED if blocked:
                # what blocked it no longer does: it will be run
                return Unknown(
                    cause=UnknownCause.OUTSTANDING, reason=f"waits for {spec.key}", checks=(spec.key,)
                )
            case _:
                # what was cut off half-way (timed out, cancelled) may lack anything
                reason = f"{key} delivered no complete {REPORT[kind.value]}{blocked}"
                return Unknown(cause=UnknownCause.MISSING, reason=reason, checks=(key,))


_URGENCY = (UnknownCause.OUTSTANDING, UnknownCause.ERROR, UnknownCause.MISSING)


def _lacking(
    kind: Kind,
    producers: list[CheckSpec],
    lacking: list[Unknown],
    *,
    omitted: tuple[str, ...],
    needed: bool,
) -> Unknown | NotApplicable | None:
    if not producers:
        reason = f"no required check declares a {REPORT[kind.value]}"
        return Unknown(cause=UnknownCause.MISSING, reason=reason)
    if not needed and omitted:
        return NotApplicable(reason=f"{omitted[0]} left out its {REPORT[kind.value]}, which is optional")
    if not needed:
        return NotApplicable(reason=f"no check with a {REPORT[kind.value]} was needed")
    if not lacking:
        return None
    first = min(lacking, key=lambda unknown: _URGENCY.index(unknown.cause))
    checks = dict.fromkeys(key for unknown in lacking for key in unknown.checks)
    return Unknown(cause=first.cause, reason=first.reason, checks=tuple(checks))
