"""`coverage.new`, `coverage.overall` and `coverage.delta`."""

from collections.abc import Iterable

import msgspec

from app.language import Known, Name, NotApplicable, Unknown, Value, ValueType
from app.model import BaselineState, Conclusion, Evidence, Kind, Plan, ReportContent, UnknownCause
from app.policy.judged import Judged
from app.policy.newcoverage import cover_new
from app.policy.protocol import Fact, Family
from app.policy.wholecoverage import carry_forward, whole_coverage

_EMPTY = Unknown(cause=UnknownCause.MISSING, reason="the coverage report names no file")


def _new(judged: Judged) -> Value:
    gathered = judged.gather(Kind.COVERAGE)
    if gathered.lacking is not None:
        return gathered.lacking
    found = cover_new(judged.plan, judged.evidence, gathered.reports)
    if not found.measured:
        return _EMPTY
    percent = found.percent
    if percent is None:
        emptied = _emptied(judged, list(gathered.reports), gathered.keys)
        return emptied or NotApplicable(reason="no coverable new line")
    if found.small_change:
        lines = "1 new line" if found.added == 1 else f"{found.added} new lines"
        return NotApplicable(reason=lines)
    return Known(value=percent, checks=gathered.keys, of=f"{found.covered:,} of {found.total:,}")


def lost_coverage(plan: Plan, evidence: Evidence) -> tuple[str, ...]:
    """Sentences on the coverage that base has and this change lacks: without it no figure here is whole."""
    return tuple(one.says for one in Judged(plan, evidence).gather(Kind.COVERAGE).lost)


class Idle(msgspec.Struct, frozen=True, kw_only=True):
    """Checks (by key) that report coverage and were not needed: those whose coverage on base stands in,
    those it is waited for, and those that have none.
    """

    carried: tuple[str, ...] = ()
    waits: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


def idle_coverage(judged: Judged) -> Idle:
    """What is carried forward of checks that were not needed."""
    baselines = judged.baselines
    keys = [
        spec.key
        for spec in judged.plan.checks
        if spec.required
        and Kind.COVERAGE in spec.produces
        and (result := judged.results.get(spec.key)) is not None
        and result.conclusion is Conclusion.NOT_NEEDED
    ]
    states = {key: baselines[key].state if key in baselines else None for key in keys}
    ready = [key for key in keys if states[key] is BaselineState.READY and _measured(baselines[key].reports)]
    waits = [key for key in keys if states[key] is BaselineState.OUTSTANDING]
    without = [key for key in keys if key not in ready and key not in waits]
    return Idle(carried=tuple(ready), waits=tuple(waits), without=tuple(without))


def _measured(reports: Iterable[ReportContent]) -> list[ReportContent]:
    return [report for report in reports if report.kind == Kind.COVERAGE.value]


def _overall(judged: Judged) -> Value:
    gathered, idle = judged.gather(Kind.COVERAGE), idle_coverage(judged)
    obstacle = gathered.lacking
    if isinstance(obstacle, Unknown):
        return obstacle
    if idle.waits:
        return judged.base_wait(idle.waits)
    if obstacle is not None and not idle.carried:
        return obstacle
    return _whole(judged, [*gathered.reports, *_carried(judged, idle)], (*gathered.keys, *idle.carried))


def _carried(judged: Judged, idle: Idle) -> list[ReportContent]:
    baselines, comparison = judged.baselines, judged.evidence.comparison
    return [
        carry_forward(report, comparison)
        for key in idle.carried
        for report in _measured(baselines[key].reports)
    ]


def _whole(judged: Judged, reports: list[ReportContent], keys: tuple[str, ...]) -> Value:
    if not any(report.coverage for report in reports):
        return _EMPTY
    share = whole_coverage(judged.plan, reports)
    if not share.total:
        return _emptied(judged, reports, keys) or NotApplicable(reason="no coverable line")
    return Known(value=share.percent, checks=keys, of=str(share))


def _emptied(judged: Judged, reports: list[ReportContent], keys: tuple[str, ...]) -> Unknown | None:
    """What to say of reports without any coverable line while base has some, or is waited for."""
    if whole_coverage(judged.plan, reports).total:
        return None
    known = {key: judged.baselines[key] for key in keys if key in judged.baselines}
    if waits := [key for key, one in known.items() if one.state is BaselineState.OUTSTANDING]:
        return judged.base_wait(waits)
    there = [report for one in known.values() for report in _measured(one.reports)]
    if not (was := whole_coverage(judged.plan, there)).total:
        return None
    base = judged.evidence.change.base_ref
    reason = f"no coverable line here, {was.total:,} on {base}"
    return Unknown(cause=UnknownCause.MISSING, reason=reason, checks=keys)


def _delta(judged: Judged) -> Value:
    gathered, idle = judged.gather(Kind.COVERAGE), idle_coverage(judged)
    obstacle = gathered.lacking
    if isinstance(obstacle, Unknown):
        return obstacle
    if (unready := _unready(judged, gathered.keys, idle)) is not None:
        return unready
    if obstacle is not None and not idle.carried:
        return obstacle
    here, there = _same_flags(judged, gathered.keys)
    baselines = judged.baselines
    here += _carried(judged, idle)
    there += [report for key in idle.carried for report in _measured(baselines[key].reports)]
    now, was = whole_coverage(judged.plan, here), whole_coverage(judged.plan, there)
    base = judged.evidence.change.base_ref
    if not was.total:
        return NotApplicable(reason=f"no coverable line on {base}")
    if not now.total:
        reason = f"no coverable line here, {was.total:,} on {base}"
        return Unknown(cause=UnknownCause.MISSING, reason=reason, checks=gathered.keys)
    of = f"{now} here, {was} on {base}"
    return Known(value=now.percent - was.percent, checks=(*gathered.keys, *idle.carried), of=of)


def _unready(judged: Judged, keys: tuple[str, ...], idle: Idle) -> Unknown | None:
    """Why base's coverage of the checks that ran is not there."""
    baselines, base = judged.baselines, judged.evidence.change.base_ref
    states = {key: baselines[key].state if key in baselines else None for key in keys}
    waits = [key for key in keys if states[key] is BaselineState.OUTSTANDING]
    if waits or idle.waits:
        return judged.base_wait([*waits, *idle.waits])
    for key in keys:
        if states[key] is not BaselineState.READY:
            why = baselines[key].reason if key in baselines else ""
            reason = why or f"coverage of {key} was not compared with {base}"
            return Unknown(cause=UnknownCause.MISSING, reason=reason, checks=(key,))
    return None


def _same_flags(judged: Judged, keys: tuple[str, ...]) -> tuple[list[ReportContent], list[ReportContent]]:
    """Reports here and on base, of flags that both have: a new flag cannot be compared."""
    baselines = judged.baselines
    here: list[ReportContent] = []
    there: list[ReportContent] = []
    for delivered in judged.evidence.reports:
        if delivered.key not in keys:
            continue
        now, was = _measured(delivered.reports), _measured(baselines[delivered.key].reports)
        flags = {report.flag for report in now} & {report.flag for report in was}
        here += [report for report in now if report.flag in flags]
        there += [report for report in was if report.flag in flags]
    return here, there


def _fact(name: str, doc: str, words: str) -> Fact:
    meaning = Name(type=ValueType.PERCENT, doc=doc, kinds=frozenset({Kind.COVERAGE}), gate_only=True)
    return Fact(meaning=meaning, words=words, read=_READ[name])


_READ = {"coverage.new": _new, "coverage.overall": _overall, "coverage.delta": _delta}

COVERAGE = Family(
    name="coverage",
    doc="How much of the code tests run, over all required checks that report coverage.",
    facts={
        "coverage.new": _fact(
            "coverage.new",
            "Covered of coverable new lines and branches; small changes are exempt.",
            "coverage on new code",
        ),
        "coverage.overall": _fact(
            "coverage.overall",
            "The same formula over all reported lines; what a check not needed covers on base is kept.",
            "overall coverage",
        ),
        "coverage.delta": _fact(
            "coverage.delta",
            "Overall coverage less that of base, of the same flags, in points.",
            "overall coverage against base",
        ),
    },
)
