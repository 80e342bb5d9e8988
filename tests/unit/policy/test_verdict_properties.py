"""What holds for every verdict, whatever the gate and the evidence."""

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.model import (
    Evidence,
    Kind,
    Outcome,
    OutcomeValue,
    People,
    Plan,
    Readable,
    Severity,
    UnknownCause,
    Verdict,
    VerdictState,
)
from app.policy import evaluate, merge_group_verdict
from tests.unit.policy.judged import BLOCKED, ERRORED, PASSED, PENDING, TEST
from tests.unit.policy.world import (
    CHANGE,
    GROUP,
    C,
    F,
    P,
    all_of,
    any_of,
    check,
    condition,
    coverage,
    covered,
    ended,
    evidence,
    file,
    finding,
    findings,
    junit,
    plan,
    when,
)

TEXTS = [
    "tests.failed == 0", "tests.failed <= 2", "coverage.new >= 80%", "findings('high', 'new') == 0",
    "findings('info', 'all') < 3", "approvals >= 1", "not pr.draft", "has_label('x')", "size.added <= 10",
    "checks.lint.passed", "checks.test.seconds < 5m", "checks.lint.out.level == 'high'", "pr.author == 'x'",
    "not (coverage.new < 80% and size.added > 3)", "approved_by('@a/b', 1) or tests.total > 1", "changed('a.py')",
]  # fmt: skip
texts = st.sampled_from(TEXTS)
items = st.one_of(
    texts.map(condition),
    st.builds(lambda text: condition(text, advisory=True), texts),
    st.lists(texts, min_size=1, max_size=3).map(lambda some: any_of(*some)),
    st.lists(texts, min_size=1, max_size=3).map(lambda some: all_of(any_of(*some), some[0])),
    st.tuples(texts, texts).map(lambda two: when(*two)),
)
plans = st.builds(
    lambda gate, missing, declared: plan(
        check("lint", Kind.FINDINGS),
        TEST,
        gate=gate if declared else None,
        missing=missing,
        small_change_lines=1,
    ),
    st.lists(items, max_size=4),
    st.sampled_from(["fail", "pass", "advisory"]),
    st.booleans(),
)
conclusions = st.sampled_from(
    [None, C.SUCCESS, C.SUCCESS, C.FAILURE, C.ERROR, C.NOT_NEEDED, C.SKIPPED, C.TIMED_OUT]
)
severities = st.sampled_from(Severity)
some_findings = st.lists(
    st.builds(finding, st.sampled_from(["a.py", "b.py", ""]), st.integers(0, 4), severities),
    max_size=4,
)  # fmt: skip


@st.composite
def given_evidence(draw: st.DrawFn) -> Evidence:
    lint = draw(conclusions)
    test = draw(conclusions)
    delivered = [kind for kind in (Kind.TESTS, Kind.COVERAGE) if draw(st.booleans())]
    hits = " ".join(f"{n}{'+' if draw(st.booleans()) else '-'}" for n in range(1, 4))
    return evidence(
        ended("lint", lint, *([Kind.FINDINGS] if draw(st.booleans()) else []), outputs={"level": "high"}),
        ended("test", test, *delivered, seconds=3.0, blocked_by="lint" if test is C.SKIPPED else ""),
        reports=[
            findings("lint", *draw(some_findings)),
            junit("test", *draw(st.lists(st.sampled_from([P, F]), max_size=3))),
            coverage("test", covered("a.py", hits)),
        ],
        files=[file("a.py", (1, 3))],
        people=People(
            state=draw(st.sampled_from(Readable)),
            approvals=("ann",) if draw(st.booleans()) else (),
            teams={"@a/b": ("ann",)} if draw(st.booleans()) else {},
        ),
        change=CHANGE,
        trusted=draw(st.booleans()),
    )


@given(plans, given_evidence())
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_a_verdict_can_be_computed_again_byte_for_byte(rules: Plan, given_: Evidence) -> None:
    first = msgspec.json.encode(evaluate(rules, given_))
    again_rules = msgspec.json.decode(msgspec.json.encode(rules), type=Plan)
    again_given = msgspec.json.decode(msgspec.json.encode(given_), type=Evidence)
    assert msgspec.json.encode(evaluate(again_rules, again_given)) == first
    verdict = msgspec.json.decode(first, type=Verdict)
    assert (verdict.state is PENDING) <= bool(verdict.waits_for)
    assert (verdict.state in {BLOCKED, ERRORED}) <= bool(verdict.fewest)
    assert (verdict.state is PASSED) <= (verdict.fewest == ())
    assert verdict.people_only <= (verdict.state is BLOCKED)


BADNESS = {PASSED: 0, PENDING: 1, ERRORED: 1, BLOCKED: 2}


@given(
    st.lists(st.sampled_from(["findings('high', 'new') == 0", "findings('info', 'all') <= 2", "approvals >= 1", "checks.passed"]), min_size=1),
    given_evidence(),
    some_findings,
    st.sampled_from(["fail", "pass", "advisory"]),
)  # fmt: skip
def test_more_findings_never_improve_a_verdict(
    gate: list[str], before: Evidence, more: list[object], missing: str
) -> None:
    rules = plan(check("lint", Kind.FINDINGS), TEST, gate=gate, missing=missing)
    lint, *others = before.reports
    (report,) = lint.reports
    grown = msgspec.structs.replace(report, findings=(*report.findings, *more))
    after = msgspec.structs.replace(
        before, reports=(msgspec.structs.replace(lint, reports=(grown,)), *others)
    )
    assert BADNESS[evaluate(rules, after).state] >= BADNESS[evaluate(rules, before).state]


@pytest.mark.parametrize("cause", list(UnknownCause))
@pytest.mark.parametrize("missing", ["fail", "pass"])
def test_what_is_not_known_never_passes_unless_nobody_delivered_it(cause: UnknownCause, missing: str) -> None:
    rules = plan(check("lint"), gate=["approvals >= 1"], missing=missing)
    copied = Outcome(value=OutcomeValue.UNKNOWN, text="approvals >= 1", says="?", cause=cause)
    subject = Verdict(state=VerdictState.PENDING, outcomes=(copied,))
    verdict = merge_group_verdict(rules, evidence(ended("lint"), change=GROUP), subject)
    passes = cause is UnknownCause.MISSING and missing == "pass"
    assert (verdict.state is VerdictState.PASSED) == passes


@given(plans, given_evidence())
def test_doing_the_fewest_opens_every_blocking_item(rules: Plan, given_: Evidence) -> None:
    """Each named leaf met, all top-level items hold: checked by turning those leaves in the tree."""
    verdict = evaluate(rules, given_)
    if verdict.state is not BLOCKED:
        return

    def opened(outcome: Outcome) -> bool:
        if outcome.value in {OutcomeValue.MET, OutcomeValue.EXEMPT}:
            return True
        members = outcome.children[1:] if outcome.kind == "when" else outcome.children
        if not members:
            blocker = outcome.kind == "check" or "was skipped" in outcome.says
            return outcome.says in verdict.fewest or blocker or outcome.fixed
        return (any if outcome.kind == "any" else all)(map(opened, members))

    for outcome in verdict.outcomes:
        unmet = outcome.value is OutcomeValue.UNMET or outcome.cause is UnknownCause.REFUSED
        if unmet and not outcome.advisory:
            assert opened(outcome)
