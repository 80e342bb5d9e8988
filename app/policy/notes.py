"""What a verdict's reader should know besides its outcomes: one sentence each."""

from collections.abc import Iterator

from app.language import Used, used
from app.model import (
    BaselineState,
    Conclusion,
    GateItem,
    Kind,
    Outcome,
    OutcomeValue,
    TestCase,
    UnknownCause,
    VerdictState,
)
from app.policy.coverage import idle_coverage
from app.policy.gate import expressions_in, kinds_of
from app.policy.judged import Judged
from app.policy.missing import REPORT, declares, may_lose
from app.policy.newcode import Age
from app.policy.sonar import unmeasured

_RAN = frozenset({Conclusion.SUCCESS, Conclusion.FAILURE})
_NAMED = 5
"""How many tests a note names."""


def notes_on(
    judged: Judged,
    items: tuple[GateItem, ...],
    outcomes: tuple[Outcome, ...],
    state: VerdictState,
    *,
    ran: int,
) -> tuple[str, ...]:
    """The notes of a verdict that judged `items`, each once."""
    words = [used(expression.text) for item in items for expression in expressions_in(item)]
    notes = (
        *_on_the_gate(judged, state, ran=ran),
        *_on_base(judged, words),
        *_on_flaky_tests(judged),
        *_on_secrets(judged, words),
        *_on_suppressed(judged),
        *judged.covered.notes,
        *_on_approvals(judged, words),
        *_let_pass(judged, outcomes),
    )
    return tuple(dict.fromkeys(notes))


def _on_the_gate(judged: Judged, state: VerdictState, *, ran: int) -> Iterator[str]:
    plan = judged.plan
    if not plan.checks and not plan.empty_checks:
        yield "no checks declared"
    elif state is VerdictState.PASSED and plan.checks and ran == 0:
        yield f"0 of {len(plan.checks)} checks ran"
    if not plan.gate_declared and plan.settings.gate == "sonar_way":
        yield "no gate is written: SonarQube's default gate (Sonar way) judges"
        yield from unmeasured(kinds_of(plan.checks, judged.delivered))
    elif not plan.gate_declared:
        yield "no gate is written: the built-in gate judges"


def _on_approvals(judged: Judged, words: list[Used]) -> Iterator[str]:
    """Which approvals do not count for want of knowing who wrote the change."""
    if any("approvals" in one.names or "approved_by" in one.functions for one in words):
        for login, author in sorted(judged.evidence.people.doubted.items()):
            who = f"{author}, an author without an account here"
            yield f"an approval by {login} does not count: they may be {who}"


def _on_base(judged: Judged, words: list[Used]) -> Iterator[str]:
    """How this change was compared with base, where that is not as people expect it."""
    names = {name for one in words for name in one.names}
    for kind in _kinds_told_new(words, names):
        yield from (sentence for check in judged.compared(kind) for sentence in check.weaker)
    if "tests.new_failed" in names:
        yield from _on_failed_tests(judged)
    yield from _on_removed_tests(judged)
    yield from _on_lost_reports(judged)
    if names & {"coverage.overall", "coverage.delta"}:
        yield from _on_idle_coverage(judged)


def _kinds_told_new(words: list[Used], names: set[str]) -> Iterator[Kind]:
    """The kinds of which it is asked what is new, by whatever name."""
    both = bool(names & {"suppressions.new", "waivers.used"})
    rated = any(name.startswith("rating.") for name in names)
    if both or rated or any(("findings", "new") in one.texts for one in words):
        yield Kind.FINDINGS
    if both or names & {"secrets.new", "rating.security.new"}:
        yield Kind.SECRETS


def _on_lost_reports(judged: Judged) -> Iterator[str]:
    """What is not there, of whichever kind: also where nothing judges it, or where it may be left out."""
    for kind in Kind:
        gathered = judged.gather(kind)
        yield from (says for key in gathered.keys if (says := _untold(judged, key, kind)))
        for lost in gathered.lost:
            yield f"{lost.says}; it is optional" if lost.optional else lost.says
    yield from _on_optional_reports(judged)


def _on_optional_reports(judged: Judged) -> Iterator[str]:
    for spec in judged.plan.checks:
        result = judged.results.get(spec.key)
        if not spec.required or result is None or result.conclusion not in _RAN:
            continue
        here = judged.reports.get(spec.key, ())
        for declared in spec.reports:
            if declared.optional and not any(declares(declared, report) for report in here):
                yield f"{spec.key} left out {declared.path}, which is optional"


def _untold(judged: Judged, key: str, kind: Kind) -> str:
    """That nobody can tell whether a check lost a report; '' where somebody can."""
    baseline = judged.baselines.get(key)
    if baseline is None or baseline.state is not BaselineState.IMPOSSIBLE or kind is Kind.TESTS:
        return ""
    if not any(spec.key == key and may_lose(spec, kind) for spec in judged.plan.checks):
        return ""
    base = judged.evidence.change.base_ref
    why = baseline.reason or f"{key} cannot be run on {base}"
    return f"{why}: whether a {REPORT[kind.value]} of {key} is lost is not known"


def _on_failed_tests(judged: Judged) -> Iterator[str]:
    base = judged.evidence.change.base_ref
    for check in judged.tests:
        if check.untold and check.failed:
            yield f"{check.untold}: every failed test counts as new"
        if check.alike:
            yield f"{_tests(check.alike)} of {check.check} {_verb(check.alike)} alike on {base}"
        if check.flaky_on_base:
            yield f"{_tests(check.flaky_on_base)} of {check.check} passed on {base} only when tried again"


def _on_flaky_tests(judged: Judged) -> Iterator[str]:
    """That a failed test is known to be flaky excuses nothing, so that it is told wherever one fails."""
    for check in judged.gather(Kind.TESTS).keys:
        failed = tuple(one.case for one in judged.flaky if one.check == check and one.failed)
        if failed:
            what = (
                "is known to be flaky: it counts" if len(failed) == 1 else "are known to be flaky: they count"
            )
            yield f"{_tests(failed)} of {check} {what} as failed all the same; run {check} again, or mend it"


def _on_removed_tests(judged: Judged) -> Iterator[str]:
    base = judged.evidence.change.base_ref
    for check in judged.tests:
        if check.removed:
            gone = "is" if len(check.removed) == 1 else "are"
            yield f"{_tests(check.removed)} of {check.check} on {base} {gone} gone"


def _tests(cases: tuple[TestCase, ...]) -> str:
    names = [f"{case.classname}::{case.name}" if case.classname else case.name for case in cases]
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return f"{len(names):,} test{'' if len(names) == 1 else 's'} ({', '.join(names[:_NAMED])}{more})"


def _verb(cases: tuple[TestCase, ...]) -> str:
    return "fails" if len(cases) == 1 else "fail"


def _on_idle_coverage(judged: Judged) -> Iterator[str]:
    idle, base = idle_coverage(judged), judged.evidence.change.base_ref
    if idle.carried:
        yield f"not needed here, so that coverage of {base} stands in: {', '.join(idle.carried)}"
    if idle.without:
        yield f"not needed here and without coverage on {base}, left out: {', '.join(idle.without)}"


def _on_secrets(judged: Judged, words: list[Used]) -> Iterator[str]:
    """What to say where no item names `secrets.new` and there are some."""
    found = sum(one.age is Age.NEW for one in judged.secrets)
    if found and not any("secrets.new" in one.names for one in words):
        what = "1 new secret is" if found == 1 else f"{found} new secrets are"
        yield f"{what} judged by no condition: add 'secrets.new == 0' to the gate"


def _on_suppressed(judged: Judged) -> Iterator[str]:
    """New ignores are counted nowhere else, so they are always told."""
    new = [one.finding for one in judged.suppressed if one.age is Age.NEW]
    if new:
        names = [f"{one.tool} {one.rule} at {one.path}:{one.line}" for one in new]
        more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
        what = "1 new finding is" if len(new) == 1 else f"{len(new):,} new findings are"
        yield f"{what} ignored by the source itself: {', '.join(names[:_NAMED])}{more}"


def _let_pass(judged: Judged, outcomes: tuple[Outcome, ...]) -> Iterator[str]:
    if judged.plan.settings.missing == "fail":
        return
    for outcome in outcomes:
        if outcome.value is OutcomeValue.UNKNOWN and outcome.cause is UnknownCause.MISSING:
            yield f"evidence is missing, which settings.missing lets pass: {outcome.says}"
