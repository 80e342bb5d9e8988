"""The plan and the evidence of one judgement, indexed once for all conditions."""

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cached_property

import msgspec

from app.language import Globs, NotApplicable, Unknown
from app.model import (
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
from app.policy.missing import REPORT
from app.policy.newcode import Age, CheckFindings, TrackedFinding, Tracking, waived
from app.policy.required import required_keys
from app.policy.suites import CheckTests, compare_tests
from app.policy.waiving import Covered

GOOD = frozenset({Conclusion.SUCCESS, Conclusion.NOT_NEEDED})


class Gathered(msgspec.Struct, frozen=True, kw_only=True):
    """All reports of one kind, from the checks `keys`. `lacking` is why they are not all there: an unknown
    while a producer has not delivered, not applicable where none was needed, None when complete.
    """

    reports: tuple[ReportContent, ...]
    keys: tuple[str, ...]
    lacking: Unknown | NotApplicable | None


class Judged:
    """What conditions read. Only required checks feed aggregates; results are kept per instance."""

    def __init__(self, plan: Plan, evidence: Evidence) -> None:
        self.plan = plan
        self.evidence = evidence
        self._gathered: dict[Kind, Gathered] = {}

    @cached_property
    def results(self) -> dict[str, CheckResult]:
        """The results by check key."""
        return {result.key: result for result in self.evidence.checks}

    @cached_property
    def delivered(self) -> frozenset[str]:
        """The kinds of evidence that required checks have delivered, declared or not."""
        required = required_keys(self.plan)
        return frozenset(
            kind for result in self.evidence.checks if result.key in required for kind in result.delivered
        )

    @cached_property
    def generated(self) -> Globs:
        """`settings.generated` of the base."""
        return Globs(self.plan.settings.generated)

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

    def gather(self, kind: Kind) -> Gathered:
        """The reports of one kind and whether they are complete (gate-file.md section 5)."""
        if kind not in self._gathered:
            self._gathered[kind] = self._gather(kind)
        return self._gathered[kind]

    def _gather(self, kind: Kind) -> Gathered:
        producers = [spec for spec in self.plan.checks if spec.required and self._produces(spec, kind)]
        content: list[ReportContent] = []
        lacking: list[Unknown] = []
        needed: list[str] = []
        for spec in producers:
            if self._left_out(spec, kind):
                continue
            needed.append(spec.key)
            content.extend(
                report
                for delivered in self.evidence.reports
                for report in delivered.reports
                if delivered.key == spec.key and kind.value in report.kinds
            )
            if (why := self._undelivered(spec, kind)) is not None:
                lacking.append(why)
        return Gathered(
            reports=tuple(content),
            keys=tuple(needed),
            lacking=_lacking(kind, producers, lacking, needed=bool(needed)),
        )

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
    kind: Kind, producers: list[CheckSpec], lacking: list[Unknown], *, needed: bool
) -> Unknown | NotApplicable | None:
    if not producers:
        reason = f"no required check declares a {REPORT[kind.value]}"
        return Unknown(cause=UnknownCause.MISSING, reason=reason)
    if not needed:
        return NotApplicable(reason=f"no check with a {REPORT[kind.value]} was needed")
    if not lacking:
        return None
    first = min(lacking, key=lambda unknown: _URGENCY.index(unknown.cause))
    checks = dict.fromkeys(key for unknown in lacking for key in unknown.checks)
    return Unknown(cause=first.cause, reason=first.reason, checks=tuple(checks))
