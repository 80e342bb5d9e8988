"""Groups, conditionals, and merge groups."""

import msgspec
import pytest

from app.model import Conditional, OutcomeValue, People, UnknownCause, Verdict
from app.policy import evaluate, merge_group_verdict
from tests.unit.policy.judged import (
    BLOCKED,
    GOOD_TEST,
    LATER,
    LINT,
    NOBODY,
    PASSED,
    PENDING,
    REFUSED,
    TEST,
    judge,
)
from tests.unit.policy.world import (
    GROUP,
    C,
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
    junit,
    outcome_of,
    plan,
    when,
)


@pytest.mark.parametrize(
    ("item", "people", "value", "cause", "says"),
    [
        (when("pr.base == 'dev'", "false"), NOBODY, OutcomeValue.EXEMPT, "none", "does not apply: the target branch 'main' ≠ 'dev'"),
        (when("approvals >= 1", "false"), NOBODY, OutcomeValue.EXEMPT, "none", "does not apply: approvals: no people to ask here"),
        (when("pr.base == 'main'", "size.files == 0"), NOBODY, OutcomeValue.MET, "none", "changed files 0 = 0"),
        (when("pr.base == 'main'", "size.files == 1", "size.added == 1"), NOBODY, OutcomeValue.UNMET, "none", "changed files 0 < 1; added lines 0 < 1"),
        (when("pr.base == 'main'", "approvals >= 1"), NOBODY, OutcomeValue.EXEMPT, "none", "approvals: no people to ask here"),
        (when("approvals >= 1", "size.files == 0"), LATER, OutcomeValue.MET, "none", "changed files 0 = 0"),
        (when("approvals >= 1", "size.files == 1"), LATER, OutcomeValue.UNKNOWN, "later", "approvals: GitHub answers 502; it is tried again; then changed files 0 < 1"),
        (when("approvals >= 1", "size.files == 1"), REFUSED, OutcomeValue.UNKNOWN, "refused", "approvals: no permission to read reviews; then changed files 0 < 1"),
        (when("checks.lint.out.x == 1", "approvals >= 1"), LATER, OutcomeValue.UNKNOWN, "later", "x of lint: lint gave no usable output 'x'; then approvals: GitHub answers 502; it is tried again"),
        (when("approvals >= 1 and pr.draft", "false"), NOBODY, OutcomeValue.EXEMPT, "none", "does not apply: not a draft"),
    ],
)  # fmt: skip
def test_conditionals(item: Conditional, people: People, value: OutcomeValue, cause: str, says: str) -> None:
    outcome = judge([item], people=people).outcomes[1]
    assert (outcome.value, outcome.cause, outcome.says) == (value, UnknownCause(cause), says)
    assert outcome.kind == "when"
    assert outcome.children[0].text == item.when.text


def test_the_situation_of_a_docs_only_change() -> None:
    gate = "not (coverage.new < 80% and size.added > 100)"
    report = [coverage("test", covered("src/a.py", "1+"))]
    docs = [file("docs/a.md", (1, 500))]
    verdict = judge(gate, GOOD_TEST, checks=(TEST,), reports=report, files=docs)
    assert (verdict.state, outcome_of(verdict, gate).value) == (PASSED, OutcomeValue.EXEMPT)


def test_groups_name_themselves_in_one_line() -> None:
    gate = [any_of("true", all_of("false", "true")), when("true", any_of("true"))]
    assert [outcome.text for outcome in judge(gate).outcomes[1:]] == [
        "any: [true; all: [false; true]]",
        "when true: [any: [true]]",
    ]


def test_a_merge_group_copies_what_only_its_change_can_tell() -> None:
    gate = [
        "size.files == 0",
        condition("approvals >= 1", because="two eyes"),
        "pr.base == 'main'",
        when("pr.base == 'main'", "approved_by('@a/b', 1)"),
        "like(pr.title, 'feat*')",
        "has_label('api') or true",
        any_of("reviews.changes_requested == 0", "size.files == 5"),
        "author_in('dana')",
        condition("pr.draft", advisory=True),
    ]
    rules = plan(LINT, gate=gate)
    people = People(approvals=("ann",), teams={"@a/b": ("ann",)})
    subject = evaluate(rules, evidence(ended("lint", C.FAILURE), people=people, files=[file("a.py", (1, 2))]))
    assert subject.state is BLOCKED
    verdict = merge_group_verdict(rules, evidence(ended("lint"), change=GROUP, people=NOBODY), subject)
    assert verdict.state is PASSED
    assert outcome_of(verdict, "approvals >= 1") == outcome_of(subject, "approvals >= 1")
    assert outcome_of(verdict, "size.files == 0").value is OutcomeValue.MET
    assert outcome_of(subject, "size.files == 0").value is OutcomeValue.UNMET
    assert outcome_of(verdict, "checks.passed").value is OutcomeValue.MET
    unseen = merge_group_verdict(rules, evidence(ended("lint"), change=GROUP, people=NOBODY), None)
    assert (unseen.state, unseen.waits_for) == (PENDING, ("approvals",))
    waiting = outcome_of(unseen, "approvals >= 1")
    assert (waiting.cause, waiting.because) == (UnknownCause.LATER, "two eyes")
    assert waiting.says == "waits for the verdict on its change: approvals >= 1"


def test_a_merge_group_never_waits_for_people() -> None:
    rules = plan(LINT, gate=["approvals >= 1"])
    subject = evaluate(rules, evidence(ended("lint"), people=People()))
    assert (subject.state, subject.people_only) == (BLOCKED, True)
    group = merge_group_verdict(rules, evidence(ended("lint"), change=GROUP, people=NOBODY), subject)
    assert (group.state, group.people_only) == (BLOCKED, False)


def test_a_merge_group_fails_as_soon_as_one_condition_is_certainly_unmet() -> None:
    checks = (LINT, check("test"))
    given = evidence(ended("lint", C.FAILURE), ended("test", None), change=GROUP, people=NOBODY)
    verdict = merge_group_verdict(plan(*checks), given, None)
    assert (verdict.state, verdict.waits_for, verdict.fewest) == (BLOCKED, (), ("lint failed",))
    running = evidence(ended("lint"), ended("test", None), change=GROUP, people=NOBODY)
    assert merge_group_verdict(plan(*checks), running, None).state is PENDING
    blocked = merge_group_verdict(plan(*checks, blocked="conflict", mode="observe"), running, None)
    assert (blocked.state, blocked.observed) == (BLOCKED, True)


def test_a_copied_item_waits_for_what_its_change_waits_for() -> None:
    rules = plan(TEST, gate=[any_of("has_label('x')", "tests.failed == 0")])
    subject = evaluate(rules, evidence(ended("test", None)))
    group = evidence(GOOD_TEST, change=GROUP, people=NOBODY, reports=[junit("test", P)])
    verdict = merge_group_verdict(rules, group, subject)
    assert (verdict.state, verdict.waits_for) == (PENDING, ("test",))
    (item,) = [outcome for outcome in subject.outcomes if outcome.kind == "any"]
    bare = Verdict(state=PENDING, outcomes=(msgspec.structs.replace(item, checks=()),))
    assert merge_group_verdict(rules, group, bare).waits_for == (item.text,)
