"""Which checks base's evidence is wanted of: only where it can change what a gate item says."""

from functools import cached_property

from app.language import used
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
)
from app.policy.gate import expressions_in, gate_of
from app.policy.judged import Judged
from app.policy.missing import may_lose
from app.policy.registry import vocabulary
from app.policy.suites import FAILED

_RAN = frozenset({Conclusion.SUCCESS, Conclusion.FAILURE})
_ANY = -1
_OF_SECRETS = frozenset({"secrets.new", "rating.security.new", "waivers.used"})
"""What counts new secrets."""


class _Asked:
    """What the items of a gate ask for that only a comparison with base answers."""

    def __init__(self, plan: Plan, evidence: Evidence) -> None:
        items = gate_of(plan, Judged(plan, evidence).delivered)
        expressions = (one for item in items for one in expressions_in(item))
        self._words = [used(one.text) for one in expressions]
        self.names = {name for words in self._words for name in words.names}

    @cached_property
    def any_new(self) -> bool:
        """Whether every new finding matters, however slight."""
        return any(name.startswith(("rating.", "waivers.")) for name in self.names)

    @cached_property
    def new_from(self) -> int | None:
        """The rank of the least severe new finding that is asked for; None where none is."""
        ranks = [_least(texts) for words in self._words if (texts := _finding_texts(words.texts)) & {"new"}]
        return _ANY if self.any_new else min(ranks, default=None)

    @cached_property
    def gone(self) -> set[Kind]:
        """The kinds of which it is asked what base has and this change has not."""
        fixed = any("fixed" in _finding_texts(words.texts) for words in self._words)
        removed = "tests.removed" in self.names
        return {kind for kind, asked in ((Kind.FINDINGS, fixed), (Kind.TESTS, removed)) if asked}

    @cached_property
    def judged(self) -> set[Kind]:
        """The kinds of which it matters that no report is lost; tests are compared by name."""
        known = vocabulary()
        meanings = [known.names[name] for name in self.names if name in known.names]
        kinds = {kind for meaning in meanings for kind in meaning.kinds | meaning.fed_by}
        called = {name for words in self._words for name in words.functions}
        functions = [known.functions[name] for name in called if name in known.functions]
        kinds |= {kind for function in functions for kind in function.kinds | function.fed_by}
        if self.any_new:
            kinds |= {Kind.FINDINGS, Kind.SECRETS}
        return kinds - {Kind.TESTS}

    @cached_property
    def overall(self) -> bool:
        """Whether coverage of all the code is asked for, so that what did not run is carried forward."""
        return bool(self.names & {"coverage.overall", "coverage.delta"})


def _finding_texts(texts: frozenset[tuple[str, str]]) -> set[str]:
    return {text for function, text in texts if function == "findings"}


def _least(texts: set[str]) -> int:
    return min((Severity(text).rank for text in texts if text in set(Severity)), default=_ANY)


def baselines_wanted(plan: Plan, evidence: Evidence) -> tuple[str, ...]:
    """Keys of checks, in the plan's order, whose evidence on base is needed and not there (in any state).

    Only required checks that ended well enough to be compared count, and only where what they delivered
    is asked about: a run without findings wants no baseline, unless a report may be gone that nobody would
    miss, because globs declare it. One that was not needed wants its own where coverage of all the code is
    asked for, to carry it forward.
    """
    if plan.blocked:
        return ()
    asked = _Asked(plan, evidence)
    there = {baseline.key for baseline in evidence.baselines}
    results = {result.key: result for result in evidence.checks}
    reports = {one.key: one.reports for one in evidence.reports}
    return tuple(
        spec.key
        for spec in plan.checks
        if spec.required
        and spec.key not in there
        and (result := results.get(spec.key)) is not None
        and result.status is Status.COMPLETED
        and _wants(asked, spec, result, reports.get(spec.key, ()))
    )


def _wants(asked: _Asked, spec: CheckSpec, result: CheckResult, reports: tuple[ReportContent, ...]) -> bool:
    if result.conclusion is Conclusion.NOT_NEEDED:
        return asked.overall and Kind.COVERAGE in spec.produces
    if result.conclusion not in _RAN:
        return False
    if asked.gone & set(spec.produces):
        return True
    if any(may_lose(spec, kind) for kind in asked.judged if kind.value in result.delivered):
        return True
    return any(_compared(asked, report) for report in reports)


def _compared(asked: _Asked, report: ReportContent) -> bool:
    """Whether something in the report may be as it is on base already, and that matters."""
    if report.kind == Kind.COVERAGE.value and Kind.COVERAGE in asked.judged:
        return "coverage.delta" in asked.names or not any(file.lines for file in report.coverage)
    if report.packages and "licences.denied" in asked.names:
        return True
    if "tests.new_failed" in asked.names and any(case.outcome in FAILED for case in report.tests):
        return True
    return any(_asked_of(asked, finding) for finding in report.findings)


def _asked_of(asked: _Asked, finding: Finding) -> bool:
    if finding.suppressed:
        return "suppressions.new" in asked.names
    if finding.secret:
        return bool(asked.names & _OF_SECRETS)
    return asked.new_from is not None and finding.severity.rank >= asked.new_from
