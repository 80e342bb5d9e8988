"""The reports of one kind that checks are to deliver, and why they are not all there."""

from collections.abc import Iterable
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
    Kind,
    Plan,
    ReportContent,
    Status,
    UnknownCause,
)
from app.policy.missing import REPORT, Compared, Lost, lost_reports, may_lose

_URGENCY = (UnknownCause.OUTSTANDING, UnknownCause.ERROR, UnknownCause.MISSING)


class Gathered(msgspec.Struct, frozen=True, kw_only=True):
    """All reports of one kind, from the checks `keys`. `lacking` is why they are not all there: an unknown
    while a producer has not delivered, or less than it did on base, not applicable where none was needed,
    None when complete. `lost` is what base has and this change has not, be it optional.
    """

    reports: tuple[ReportContent, ...]
    keys: tuple[str, ...]
    lacking: Unknown | NotApplicable | None
    lost: tuple[Lost, ...] = ()


class Gathering:
    """What the checks of a plan delivered, by key and by kind."""

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

    def base_wait(self, keys: Iterable[str]) -> Unknown:
        """What to say while the evidence of these checks on base is on its way."""
        checks = tuple(keys)
        reason = f"waits for {', '.join(checks)} on {self.evidence.change.base_ref}"
        return Unknown(cause=UnknownCause.OUTSTANDING, reason=reason, checks=checks)

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
