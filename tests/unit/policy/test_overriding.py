"""An override covers what was seen, as it was seen, and nothing more."""

import msgspec
import pytest

from app.model import (
    CheckEvidence,
    Evidence,
    Excused,
    Finding,
    Kind,
    Outcome,
    OutcomeValue,
    Overridden,
    Override,
    People,
    Plan,
    ReportContent,
    UnknownCause,
    Verdict,
    VerdictState,
)
from app.policy import evaluate, excusable, merge_group_verdict
from app.policy.judged import Judged
from app.policy.overriding import carried, excuse
from app.policy.things import MOST
from tests.unit.policy import world as w

UNMET, MET, UNKNOWN = OutcomeValue.UNMET, OutcomeValue.MET, OutcomeValue.UNKNOWN
HIGH = Outcome(value=UNMET, text="findings('high', 'new') == 0", says="new high+ findings 1 > 0")
PEOPLE = Outcome(value=UNMET, text="approvals >= 2", says="2 approvals", people=True)
CHECKS = Outcome(
    value=UNMET,
    text="checks.passed",
    children=(
        Outcome(value=UNMET, text="lint", says="lint failed: exit 1", kind="check", checks=("lint",)),
        Outcome(value=MET, text="test", kind="check", checks=("test",)),
    ),
)
ADVICE = msgspec.structs.replace(HIGH, text="size.added < 9", advisory=True)


def verdict(*outcomes: Outcome) -> Verdict:
    return Verdict(state=VerdictState.BLOCKED, outcomes=outcomes)


def seen(*outcomes: Outcome) -> tuple[Excused, ...]:
    return excusable(w.plan(), w.evidence(), verdict(*outcomes))


def word(by: str, *outcomes: Outcome) -> Override:
    return Override(by=by, because=f"{by} says so", at=1.0, excused=seen(*outcomes))


def passes(outcome: Outcome, *overrides: Override, people: int = 1) -> bool:
    (marked,), let_pass = excuse(Judged(w.plan(), w.evidence()), (outcome,), overrides, people)
    assert marked.overridden == bool(let_pass)
    return marked.overridden


def test_it_names_what_is_unmet_or_unsettled_and_binding() -> None:
    unknown = Outcome(value=UNKNOWN, text="coverage.new >= 80%", cause=UnknownCause.ERROR, says="our fault")
    later = msgspec.structs.replace(unknown, text="tests.failed == 0", cause=UnknownCause.OUTSTANDING)
    met = Outcome(value=MET, text="size.files < 9")
    found = seen(HIGH, met, ADVICE, unknown, later, CHECKS)
    assert [one.text for one in found] == [HIGH.text, unknown.text, "checks.passed"]
    assert found[2].leaves == ("lint: lint failed: exit 1",)


@pytest.mark.parametrize(
    ("seen", "now", "covered"),
    [
        (HIGH, HIGH, True),
        (HIGH, msgspec.structs.replace(HIGH, says="new high+ findings 2 > 0"), False),
        (HIGH, PEOPLE, False),
        (PEOPLE, msgspec.structs.replace(PEOPLE, says="1 more approval"), True),
        (CHECKS, CHECKS, True),
        (
            CHECKS,
            msgspec.structs.replace(
                CHECKS,
                children=(
                    CHECKS.children[0],
                    Outcome(
                        value=UNMET, text="test", says="test failed: exit 1", kind="check", checks=("test",)
                    ),
                ),
            ),
            False,
        ),
    ],
    ids=["same", "more findings", "another condition", "an approval more", "same check", "one check more"],
)
def test_it_covers_what_was_seen_as_it_was(seen: Outcome, now: Outcome, covered: bool) -> None:
    assert passes(now, word("bob", seen)) is covered


def test_a_check_that_was_mended_leaves_the_rest_covered() -> None:
    both = msgspec.structs.replace(
        CHECKS,
        children=(
            CHECKS.children[0],
            Outcome(value=UNMET, text="test", says="test failed", kind="check", checks=("test",)),
        ),
    )
    assert passes(CHECKS, word("bob", both))


def test_what_is_met_or_advisory_is_not_marked() -> None:
    met = msgspec.structs.replace(HIGH, value=MET)
    assert not passes(met, word("bob", HIGH))
    assert not passes(
        ADVICE,
        Override(by="bob", because="b", at=0.0, excused=(Excused(text=ADVICE.text, says="", leaves=()),)),
    )


def test_each_outcome_needs_the_word_of_as_many_people() -> None:
    bob, carol = word("bob", HIGH, CHECKS), word("carol", HIGH)
    assert passes(HIGH, bob, carol, people=2)
    assert not passes(CHECKS, bob, carol, people=2)
    assert not passes(HIGH, bob, word("bob", HIGH), people=2)
    _, (one,) = excuse(Judged(w.plan(), w.evidence()), (HIGH,), (bob, carol), 2)
    assert one == Overridden(
        excused=seen(HIGH)[0], by=("bob", "carol"), because=("bob says so", "carol says so")
    )


def test_a_merge_group_carries_what_its_change_was_let_pass() -> None:
    both = (word("bob", HIGH), word("carol", HIGH))
    _, let_pass = excuse(Judged(w.plan(), w.evidence()), (HIGH,), both, 2)
    subject = msgspec.structs.replace(verdict(HIGH), overridden=let_pass)
    assert passes(HIGH, *carried(subject))
    assert carried(None) == carried(verdict(HIGH)) == ()


# --- what a leaf counts: the things that were seen, and no others

GATE = w.plan(
    w.check("test", Kind.TESTS, findings_succeed=True),
    w.check("scan", Kind.FINDINGS, findings_succeed=True),
    gate=["tests.failed == 0", "findings('high', 'new') == 0", "reviews.changes_requested == 0"],
)
MONEY = w.finding("pay.py", 9, rule="B602", fingerprint="f9")
UNUSED = w.finding("a.py", 1, fingerprint="f1")


def told(
    *failed: str,
    findings: tuple[Finding, ...] = (UNUSED,),
    vetoes: tuple[str, ...] = ("bob",),
    **more: object,
) -> Evidence:
    cases = tuple(w.TestCase(name=name, outcome=w.F) for name in failed)
    report = ReportContent(format="junit", kind="tests", tests=cases)
    files = {one.path: one.line for one in findings}
    return w.evidence(
        w.ended("test", w.C.SUCCESS, Kind.TESTS),
        w.ended("scan", w.C.SUCCESS, Kind.FINDINGS),
        reports=(CheckEvidence(key="test", reports=(report,)), w.findings("scan", *findings)),
        people=People(vetoes=vetoes),
        files=[w.file(path, (line, line)) for path, line in files.items()],
        **more,
    )


def given(evidence: Evidence, plan: Plan = GATE) -> Override:
    found = evaluate(plan, evidence)
    assert found.state is VerdictState.BLOCKED
    return Override(by="lead", because="b", at=1.0, excused=excusable(plan, evidence, found))


BEFORE = ("test_a", "test_b")


@pytest.mark.parametrize(
    ("now", "unmet"),
    [
        (told(*BEFORE), set()),
        (told("test_b"), set()),
        (told("test_a", "test_money"), {"tests.failed == 0"}),
        (told("test_a", "test_a"), {"tests.failed == 0"}),
        (told(*BEFORE, findings=(MONEY,)), {"findings('high', 'new') == 0"}),
        (told(*BEFORE, findings=(UNUSED, UNUSED)), {"findings('high', 'new') == 0"}),
        (told(*BEFORE, vetoes=("carol",)), {"reviews.changes_requested == 0"}),
        (told(*BEFORE, vetoes=("bob", "carol")), {"reviews.changes_requested == 0"}),
    ],
    ids=[
        "the same",
        "one test mended",
        "another test",
        "one test twice",
        "another finding",
        "the same finding again",
        "another person's veto",
        "one more veto",
    ],
)
def test_of_what_is_counted_it_covers_the_things_that_were_seen(now: Evidence, unmet: set[str]) -> None:
    override = given(told(*BEFORE))
    found = evaluate(GATE, msgspec.structs.replace(now, overrides=(override,)))
    assert {one.text for one in found.outcomes if one.value is UNMET and not one.overridden} == unmet


def test_a_check_that_fails_alike_by_another_test_is_newly_unmet() -> None:
    plan = w.plan(w.check("test", Kind.TESTS), gate=["checks.passed"])

    def failing(name: str) -> Evidence:
        report = w.junit("test", w.F).reports[0]
        cases = (msgspec.structs.replace(report.tests[0], name=name),)
        reports = (CheckEvidence(key="test", reports=(msgspec.structs.replace(report, tests=cases),)),)
        result = w.ended("test", w.C.FAILURE, Kind.TESTS, reason="exit status 1")
        return w.evidence(result, reports=reports)

    override = given(failing("test_a"), plan)
    again, other = (
        evaluate(plan, msgspec.structs.replace(failing(name), overrides=(override,)))
        for name in ("test_a", "test_money")
    )
    assert (again.state, other.state) == (VerdictState.PASSED, VerdictState.BLOCKED)


def test_a_count_that_became_incomplete_is_not_what_was_seen() -> None:
    """What could not be told hides things that nobody saw."""
    override = given(told(*BEFORE))
    less = told("test_a", overrides=(override,))
    checks = (w.ended("test", w.C.FAILURE), *less.checks[1:])
    found = evaluate(GATE, msgspec.structs.replace(less, checks=checks))
    assert not w.outcome_of(found, "tests.failed == 0").overridden


def test_a_word_from_before_things_were_kept_covers_none() -> None:
    override = given(told(*BEFORE))
    old = tuple(
        msgspec.structs.replace(one, leaves=(f"{one.text}: {one.says}", one.text), counted={})
        for one in override.excused
    )
    word_then = msgspec.structs.replace(override, excused=old)
    assert evaluate(GATE, told(*BEFORE, overrides=(word_then,))).overridden == ()
    assert msgspec.convert({"text": "a", "says": "b", "leaves": ["a"]}, Excused).counted == {}


def test_of_very_many_things_the_whole_set_is_covered_as_it_was() -> None:
    many = [f"test_{number}" for number in range(MOST + 1)]
    override = given(told(*many))
    assert len(override.excused[0].counted["tests.failed == 0"]) == 1
    same, fewer = (evaluate(GATE, told(*names, overrides=(override,))) for names in (many, many[1:]))
    assert w.outcome_of(same, "tests.failed == 0").overridden
    assert not w.outcome_of(fewer, "tests.failed == 0").overridden


def test_a_merge_group_fails_by_what_its_change_was_not_let_pass() -> None:
    change = told(*BEFORE)
    subject = evaluate(GATE, msgspec.structs.replace(change, overrides=(given(change),)))
    assert subject.state is VerdictState.PASSED
    for names, state in ((BEFORE, VerdictState.PASSED), (("test_a", "test_c"), VerdictState.BLOCKED)):
        group = msgspec.structs.replace(told(*names), change=w.GROUP)
        assert merge_group_verdict(GATE, group, subject).state is state
