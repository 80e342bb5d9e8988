"""The verdict: precedence, groups, the fewest leaves, merge groups, and that it can be computed again."""

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.model import (
    CheckResult,
    CheckSpec,
    Conditional,
    Evidence,
    Expression,
    Kind,
    Outcome,
    OutcomeValue,
    People,
    Plan,
    Readable,
    Severity,
    Source,
    Status,
    UnknownCause,
    Verdict,
    VerdictState,
)
from app.policy import (
    blocked_verdict,
    builtin_gate,
    decide,
    errored_verdict,
    evaluate,
    expressions_of,
    gate_of,
    merge_group_verdict,
    pending_verdict,
)
from app.policy.fewest import CAP
from tests.unit.policy.world import (
    CHANGE,
    GROUP,
    PUSH,
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
    outcome_of,
    plan,
    when,
)

PASSED, BLOCKED, PENDING, ERRORED = (
    VerdictState.PASSED,
    VerdictState.BLOCKED,
    VerdictState.PENDING,
    VerdictState.ERRORED,
)
LINT, TEST = check("lint"), check("test", Kind.TESTS, Kind.COVERAGE)
GOOD_TEST = ended("test", C.SUCCESS, Kind.TESTS, Kind.COVERAGE)
LATER = People(state=Readable.LATER, unreadable="GitHub answers 502")
REFUSED = People(state=Readable.REFUSED, unreadable="no permission to read reviews")
NOBODY = People(state=Readable.NOT_APPLICABLE)


def judge(
    gate: object = (), *results: CheckResult, checks: tuple[CheckSpec, ...] = (LINT,), **more: object
) -> Verdict:
    """A verdict with lint passed unless told otherwise; words of `plan` and `evidence` in `more`."""
    words = {name: more.pop(name) for name in ("mode", "missing", "blocked", "empty_checks") if name in more}
    listed = [gate] if isinstance(gate, str) or not isinstance(gate, list | tuple | None) else gate
    given = evidence(*(results or (ended("lint"),)), **more)  # type: ignore[arg-type]
    return evaluate(plan(*checks, gate=listed, **words), given)


# precedence


def test_passed() -> None:
    verdict = judge("size.files == 0")
    assert (verdict.state, verdict.fewest, verdict.waits_for, verdict.people_only) == (PASSED, (), (), False)
    assert (verdict.checks_ran, verdict.checks_total, verdict.notes) == (1, 1, ())
    assert [outcome.text for outcome in verdict.outcomes] == ["checks.passed", "size.files == 0"]


def test_what_cannot_be_planned_is_blocked_before_all() -> None:
    verdict = judge("size.files == 1", ended("lint", None), blocked="conflicts with main in a.py")
    assert verdict == blocked_verdict("conflicts with main in a.py")
    assert judge("true", blocked="too large", mode="observe").observed


def test_pending_while_a_required_check_runs_and_says_what_is_certain() -> None:
    verdict = judge(["size.files > 0", "approvals >= 1"], ended("lint", None))
    assert (verdict.state, verdict.waits_for, verdict.people_only) == (PENDING, ("lint",), False)
    assert verdict.fewest == ("changed files 0 ≤ 0", "approvals 0 < 1")


def test_a_check_held_by_after_is_pending() -> None:
    held = ended("lint", None, status=Status.WAITING, reason="held until not pr.draft")
    verdict = judge((), held)
    assert (verdict.state, verdict.waits_for) == (PENDING, ("lint",))
    assert "held until not pr.draft" in outcome_of(verdict, "checks.passed").says


def test_a_failed_check_does_not_end_the_waiting_for_others() -> None:
    checks = (LINT, check("test"))
    verdict = judge((), ended("lint", C.FAILURE), ended("test", None), checks=checks)
    assert (verdict.state, verdict.waits_for) == (PENDING, ("test",))
    assert verdict.fewest == ("lint failed",)
    assert judge((), ended("lint", C.FAILURE), checks=checks).state is PENDING


def test_advisory_items_and_checks_are_left_out_and_shown() -> None:
    docs = check("docs", Kind.TESTS, required=False)
    verdict = judge(
        [condition("size.files == 9", advisory=True, because="nice to have"), "true"],
        ended("lint"),
        ended("docs", None),
        checks=(LINT, docs),
    )
    assert (verdict.state, verdict.waits_for) == (PASSED, ())
    advice = outcome_of(verdict, "size.files == 9")
    assert (advice.advisory, advice.because, advice.value) == (True, "nice to have", OutcomeValue.UNMET)
    unfed = judge(condition("tests.failed == 0", advisory=True))
    assert unfed.state is PASSED


def test_blocked_before_errored() -> None:
    verdict = judge("size.files == 1", ended("lint", C.ERROR))
    assert (verdict.state, verdict.fewest) == (BLOCKED, ("changed files 0 < 1",))


def test_errored_before_missing() -> None:
    results = (ended("lint", C.ERROR, reason="the sandbox could not be set up"), ended("test", C.SUCCESS))
    verdict = judge("tests.failed == 0", *results, checks=(LINT, TEST))
    assert (verdict.state, verdict.fewest) == (
        ERRORED,
        ("lint could not be judged: the sandbox could not be set up",),
    )


def test_an_error_is_never_let_pass_by_missing() -> None:
    for missing in ("fail", "pass", "advisory"):
        results = (ended("lint"), ended("test", C.ERROR))
        verdict = judge("tests.failed == 0", *results, checks=(LINT, TEST), missing=missing)
        assert verdict.state is ERRORED


def test_missing_evidence_follows_the_setting_on_the_whole_item() -> None:
    def of(missing: str, gate: object) -> Verdict:
        return judge(gate, ended("lint"), ended("test"), checks=(LINT, TEST), missing=missing)

    failed = of("fail", "tests.failed == 0")
    assert (failed.state, failed.people_only) == (BLOCKED, False)
    assert failed.fewest == ("failed tests: test delivered no complete test report",)
    passed = of("pass", "tests.failed == 0")
    assert passed.state is PASSED
    assert "settings.missing lets pass: failed tests: test delivered" in passed.notes[-1]
    assert not outcome_of(passed, "tests.failed == 0").advisory
    advised = of("advisory", "tests.failed == 0")
    assert (advised.state, outcome_of(advised, "tests.failed == 0").advisory) == (PASSED, True)
    # inside a group a missing value is unknown, not passed
    assert of("pass", all_of("tests.failed == 0", "size.files == 1")).state is BLOCKED
    assert of("pass", any_of("tests.failed == 0", "size.files == 1")).state is PASSED
    assert of("fail", any_of("tests.failed == 0", "size.files == 0")).state is PASSED


def test_people_that_cannot_be_read_keep_pending_or_block() -> None:
    later = judge("approvals >= 1", people=LATER)
    assert (later.state, later.waits_for) == (PENDING, ("approvals",))
    for missing in ("fail", "pass", "advisory"):
        refused = judge("approvals >= 1", people=REFUSED, missing=missing)
        assert (refused.state, refused.people_only) == (BLOCKED, False)
        assert refused.fewest == ("approvals: no permission to read reviews",)
    assert judge("approvals >= 1", people=NOBODY).state is PASSED
    assert judge(condition("approvals >= 1", advisory=True), people=LATER).state is PASSED


def test_required_means_required_listed_or_not() -> None:
    for gate in ([], [condition("checks.passed", advisory=True)], [any_of("checks.passed", "true")]):
        verdict = judge(gate, ended("lint", C.FAILURE))
        assert (verdict.state, verdict.fewest) == (BLOCKED, ("lint failed",))
        assert verdict.outcomes[0].text == "checks.passed"
        assert verdict.outcomes[0].source == Source(layer="built-in")
    listed = judge(["true", "checks.passed"], ended("lint", C.FAILURE))
    assert [outcome.text for outcome in listed.outcomes] == ["true", "checks.passed"]


def test_observe_tells_what_would_have_been() -> None:
    verdict = judge("size.files == 1", mode="observe")
    assert (verdict.state, verdict.observed) == (BLOCKED, True)
    assert not judge("size.files == 1").observed


def test_only_people_are_waited_for() -> None:
    assert judge(["approvals >= 1", "has_label('x')", "not pr.trusted"], trusted=True).people_only
    assert judge("pr.draft").people_only
    assert not judge(["approvals >= 1", "size.files == 1"]).people_only
    assert not judge("pr.ai_authored").people_only
    either = judge(any_of("size.files == 1", "has_label('large')", "has_label('x')"))
    assert either.state is PASSED
    either = judge(any_of("size.files == 1", "has_label('x')"))
    assert (either.people_only, either.fewest) == (True, ("no label 'x'",))


def test_verdicts_that_rest_on_no_outcome() -> None:
    assert errored_verdict("no valid gate file").state is ERRORED
    pending = pending_verdict("GitHub answers 502", ("lint",))
    assert (pending.state, pending.reason, pending.waits_for) == (PENDING, "GitHub answers 502", ("lint",))


# notes


def test_notes() -> None:
    assert judge(checks=(), gate=[]).notes == ("no checks declared",)
    idle = judge((), ended("lint", C.NOT_NEEDED), ended("test", C.SKIPPED, blocked_by="lint"))
    assert (idle.state, idle.notes, idle.checks_ran) == (PASSED, ("0 of 1 checks ran",), 0)
    assert judge((), ended("lint", C.CANCELLED)).notes == ()
    assert judge(checks=(), gate=[], empty_checks=("suite",)).notes == ()
    built_in = judge(None, ended("lint", C.SUCCESS, Kind.FINDINGS), checks=(check("lint", Kind.FINDINGS),))
    assert built_in.notes == ("no gate is written: the built-in gate judges",)
    assert judge("tests.new_failed >= 0", checks=(check("lint", Kind.SECRETS),)).notes == ()


# the built-in gate


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


# conditionals


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


# the fewest leaves


@pytest.mark.parametrize(
    ("gate", "fewest"),
    [
        ([any_of("size.files == 1", "approvals >= 1")], ("approvals 0 < 1",)),
        ([any_of("size.files == 1", "size.added == 1")], ("changed files 0 < 1",)),
        (
            [any_of(all_of("size.files == 1", "size.added == 1"), "size.removed == 1")],
            ("removed lines 0 < 1",),
        ),
        (
            [any_of("size.files == 1", "size.added == 1"), any_of("size.removed == 1", "size.added == 1")],
            ("added lines 0 < 1",),
        ),
        (["size.files == 1", any_of("size.added == 1", "size.files == 1")], ("changed files 0 < 1",)),
        ([any_of("pr.author == 'x'", "size.files == 1")], ("changed files 0 < 1",)),
        (["pr.author == 'x'"], ("the author 'Dana' ≠ 'x'",)),
        ([any_of("pr.author == 'x'", "pr.number == 1")], ("the author 'Dana' ≠ 'x'", "the number 7 > 1")),
        ([when("changed('**') or true", "size.files == 1")], ("changed files 0 < 1",)),
        (["size.files == 1 and (size.added == 1 or true)"], ("changed files 0 < 1",)),
        (["not (size.files == 0 or pr.from_fork)"], ("changed files 0 = 0",)),
        ([any_of("false", "true"), "size.files == 1"], ("changed files 0 < 1",)),
    ],
)
def test_fewest(gate: list[object], fewest: tuple[str, ...]) -> None:
    assert judge(gate).fewest == fewest


def test_a_skipped_check_is_told_by_what_blocks_it() -> None:
    checks = (check("deploy"), LINT, check("test"))
    results = (
        ended("lint", C.FAILURE, reason="exit 2"),
        ended("test", C.SKIPPED, blocked_by="lint"),
        ended("deploy", C.SKIPPED, blocked_by="test"),
    )
    gate = [any_of("approvals >= 2", "checks.test.passed"), "checks.deploy.passed"]
    verdict = judge(gate, *results, checks=checks)
    assert (verdict.state, verdict.fewest) == (BLOCKED, ("lint failed: exit 2",))
    own = judge((), ended("lint", C.SKIPPED), checks=(LINT,))
    assert own.fewest == ("lint was skipped",)


def test_a_check_told_alone_stands_for_its_blocker_too() -> None:
    checks = (check("a", required=False), check("b"))
    results = (ended("a", C.FAILURE), ended("b", C.SKIPPED, blocked_by="a"))
    assert judge((), *results, checks=checks).fewest == ("b was skipped (blocked by a)",)


def test_a_search_that_grows_too_large_names_all() -> None:
    pairs = [any_of(f"size.added == {n + 1}", f"size.removed == {n + 1}") for n in range(12)]
    assert CAP < 2**12
    verdict = judge(pairs)
    assert len(verdict.fewest) == 24
    people = [any_of(f"has_label('{n}')", f"has_label('x{n}')") for n in range(12)]
    assert len(judge(people).fewest) == 24
    assert not judge(all_of(*people)).people_only


def test_unknowns_that_may_come_are_not_named() -> None:
    gate = [all_of("size.files == 1", "tests.failed == 0")]
    verdict = judge(gate, ended("test", None), checks=(TEST,))
    assert (verdict.state, verdict.fewest) == (PENDING, ("changed files 0 < 1",))
    missing = judge(gate, ended("test"), checks=(TEST,))
    assert missing.fewest == (
        "changed files 0 < 1",
        "failed tests: test delivered no complete test report",
    )


# when and after


def test_deciding_whether_a_check_runs() -> None:
    def of(text: str, context: str, **more: object) -> Outcome:
        given = evidence(ended("lint"), **more)  # type: ignore[arg-type]
        source = Source(line=7)
        return decide(Expression(text=text, source=source), plan(LINT), given, context=context)  # type: ignore[arg-type]

    nothing = of("changed('infra/**')", "when")
    assert (nothing.value, nothing.says) == (OutcomeValue.UNMET, "nothing under infra/ changed")
    assert nothing.source.line == 7
    assert of("pr.author == 'x'", "when", change=PUSH).value is OutcomeValue.EXEMPT
    assert of("pr.author == 'x'", "when", change=GROUP).value is OutcomeValue.UNKNOWN
    assert of("not pr.draft", "after").value is OutcomeValue.MET
    assert of("approvals >= 1", "after").value is OutcomeValue.UNMET
    assert of("approvals >= 1", "after", people=LATER).value is OutcomeValue.UNKNOWN
    assert of("approvals >= 1", "after", change=GROUP).value is OutcomeValue.MET
    assert of("checks.lint.passed", "when").value is OutcomeValue.MET


# merge groups


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


# properties

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
