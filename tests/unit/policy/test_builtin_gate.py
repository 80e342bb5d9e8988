"""The gate that counts where none is written."""

from app.model import CheckSpec, Expression, Kind, People
from app.policy import builtin_gate, expressions_of, gate_of
from tests.unit.policy.judged import BLOCKED, GOOD_TEST, LINT, TEST, judge
from tests.unit.policy.world import (
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
    file,
    finding,
    findings,
    junit,
    outcome_of,
    plan,
    when,
)


def test_an_approval_in_doubt_is_told_where_approvals_are_asked_for() -> None:
    people = People(doubted={"bob": "Bob B. <bob@home.example>"})
    note = (
        "an approval by bob does not count: they may be Bob B. <bob@home.example>, an author without an "
        "account here"
    )
    for asks in ("approvals >= 1", "approved_by('bob')"):
        assert note in judge([asks], people=people).notes
    assert note not in judge(["size.added < 5"], people=people).notes


def test_the_built_in_gate_holds_what_is_declared() -> None:
    def texts(*checks: CheckSpec) -> list[str]:
        return [expression.text for expression in expressions_of(plan(*checks, gate=None))]

    always = ["checks.passed", "reviews.changes_requested == 0"]
    assert texts(check("build")) == always
    assert texts(check("lint", Kind.FINDINGS)) == [always[0], "findings('high', 'new') == 0", always[1]]
    assert texts(TEST) == [always[0], "tests.new_failed == 0", "coverage.new >= 80%", always[1]]
    assert texts(check("docs", Kind.TESTS, required=False)) == always
    assert len(builtin_gate((LINT,))) == 2
    assert gate_of(plan(LINT, gate=["true"]))[1] == condition("true")


def test_all_expressions_of_a_plan() -> None:
    spec = check("lint", when=Expression(text="changed('a')"), after=Expression(text="not pr.draft"))
    gate = [any_of("true", all_of("false")), when("pr.draft", "approvals >= 1")]
    texts = [expression.text for expression in expressions_of(plan(spec, gate=gate))]
    assert texts == [
        "checks.passed", "true", "false", "pr.draft", "approvals >= 1", "changed('a')", "not pr.draft",
    ]  # fmt: skip


def test_the_example_of_the_first_page() -> None:
    gate = ["tests.new_failed == 0", "coverage.new >= 80%", "findings('high', 'new') == 0"]
    checks = (check("lint", Kind.FINDINGS), TEST)
    results = (ended("lint", C.SUCCESS, Kind.FINDINGS), GOOD_TEST)
    lines = " ".join(f"{n}{'+' if n % 4 else '-'}" for n in range(1, 41))
    reports = [
        findings("lint", finding("a.py", 3)),
        junit("test", P, F),
        coverage("test", covered("a.py", lines)),
    ]
    verdict = judge(gate, *results, checks=checks, reports=reports, files=[file("a.py", (1, 40))])
    assert verdict.state is BLOCKED
    assert verdict.fewest == (
        "failed tests 1 > 0",
        "coverage on new code 75 % < 80 %",
        "new high+ findings 1 > 0",
    )
    assert outcome_of(verdict, "coverage.new >= 80%").used == {"coverage.new": 75}
