"""Conditions judged: three values, not applicable, intervals, and words for people."""

from fractions import Fraction
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.language import (
    Context,
    Known,
    NotApplicable,
    Plain,
    Unknown,
    Value,
    ValueType,
    check_expression,
    combine,
    evaluate,
    group,
    leaves,
    show,
    worst,
)
from app.model import Outcome, OutcomeValue, Source, UnknownCause
from tests.unit.language.vocabulary import TYPES, VOCABULARY, Given, unknown

MET, UNMET, UNKNOWN, EXEMPT = (
    OutcomeValue.MET,
    OutcomeValue.UNMET,
    OutcomeValue.UNKNOWN,
    OutcomeValue.EXEMPT,
)
NA = NotApplicable(reason="7 new lines")
WAITS = unknown()


def known(value: Plain | float) -> Known:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Known(value=Fraction(str(value)))
    return Known(value=value)


def judge(text: str, context: Context = "gate", **values: object) -> Outcome:
    facts = {
        name.replace("__", "."): value if isinstance(value, Value) else known(value)  # type: ignore[arg-type]
        for name, value in values.items()
    }
    return evaluate(text, Given(facts), context=context)


@pytest.mark.parametrize(
    ("text", "values", "value", "says"),
    [
        ("coverage.new >= 80%", {"coverage__new": 76.24}, UNMET, "coverage on new code 76.2 % < 80 %"),
        ("coverage.new >= 80%", {"coverage__new": 79.999}, UNMET, "coverage on new code 79.9 % < 80 %"),
        ("coverage.new >= 80%", {"coverage__new": 80}, MET, "coverage on new code 80 % ≥ 80 %"),
        ("coverage.new > 80%", {"coverage__new": 80.04}, MET, "coverage on new code 80.04 % > 80 %"),
        ("coverage.new <= 3%", {"coverage__new": 3.04}, UNMET, "coverage on new code 3.1 % > 3 %"),
        ("coverage.new <= 3.05%", {"coverage__new": 3.04}, MET, "coverage on new code 3.04 % ≤ 3.05 %"),
        ("80% <= coverage.new", {"coverage__new": 1}, UNMET, "coverage on new code 1 % < 80 %"),
        ("not coverage.new < 80%", {"coverage__new": 1}, UNMET, "coverage on new code 1 % < 80 %"),
        ("coverage.new >= -0.25%", {"coverage__new": -0.3}, UNMET, "coverage on new code -0.3 % < -0.25 %"),
        (
            "coverage.new >= coverage.overall",
            {"coverage__new": 70.04, "coverage__overall": 70.06},
            UNMET,
            "coverage on new code 70.0 % < coverage.overall 70.1 %",
        ),
        (
            "coverage.new - coverage.overall >= -0.2%",
            {"coverage__new": 70, "coverage__overall": 71},
            UNMET,
            "coverage.new - coverage.overall -1 % < -0.2 %",
        ),
        ("tests.failed == 0", {"tests__failed": 2}, UNMET, "failed tests 2 > 0"),
        ("tests.failed == 3", {"tests__failed": 2}, UNMET, "failed tests 2 < 3"),
        ("tests.failed == 0", {"tests__failed": 0}, MET, "failed tests 0 = 0"),
        ("tests.failed != 0", {"tests__failed": 0}, UNMET, "failed tests 0 = 0"),
        ("tests.failed != 0", {"tests__failed": 1}, MET, "failed tests 1 ≠ 0"),
        ("tests.failed / 3 == 0", {"tests__failed": 1}, UNMET, "tests.failed / 3 0.4 > 0"),
        ("tests.failed in [0, 1]", {"tests__failed": 2}, UNMET, "failed tests 2 not in [0, 1]"),
        ("tests.failed not in [0, 1]", {"tests__failed": 2}, MET, "failed tests 2 not in [0, 1]"),
        ("not (tests.failed in [2])", {"tests__failed": 2}, UNMET, "failed tests 2 in [2]"),
        ("pr.base == 'main'", {"pr__base": "dev"}, UNMET, "pr.base 'dev' ≠ 'main'"),
        ("pr.base != 'main'", {"pr__base": "dev"}, MET, "pr.base 'dev' ≠ 'main'"),
        ("pr.base in ['main']", {"pr__base": "main"}, MET, "pr.base 'main' in ['main']"),
        ("'a' in pr.labels", {"pr__labels": ("a", "b")}, MET, "'a' in pr.labels ['a', 'b']"),
        ("pr.draft == false", {"pr__draft": False}, MET, "pr.draft false = false"),
        ("pr.draft != false", {"pr__draft": False}, UNMET, "pr.draft false = false"),
        ("pr.draft", {"pr__draft": True}, MET, "pr.draft: yes"),
        ("not pr.draft", {"pr__draft": False}, MET, "pr.draft: no"),
        ("pr.draft", {"pr__draft": Known(value=True, says="a draft")}, MET, "a draft"),
        ("true", {}, MET, ": yes"),
        ("rating.new <= 'B'", {"rating__new": "C"}, UNMET, "rating.new 'C' > 'B'"),
        ("checks.lint.seconds < 5m", {"checks__lint__seconds": 330.5}, UNMET, "checks.lint.seconds 5m 31s ≥ 5m"),
        ("checks.lint.seconds < 300", {"checks__lint__seconds": 12}, MET, "checks.lint.seconds 12s < 5m"),
        ("coverage.new >= 80%", {"coverage__new": NA}, EXEMPT, "coverage on new code: 7 new lines"),
        ("coverage.new >= 80%", {"coverage__new": WAITS}, UNKNOWN, "coverage on new code: waits for test"),
        ("80% > coverage.new", {"coverage__new": WAITS}, UNKNOWN, "coverage on new code: waits for test"),
        ("pr.draft", {"pr__draft": NA}, EXEMPT, "pr.draft: 7 new lines"),
        ("pr.draft", {"pr__draft": "yes"}, UNKNOWN, "pr.draft: is a text, true or false was expected"),
        ("pr.draft", {"pr__draft": ("yes",)}, UNKNOWN, "pr.draft: is a list, true or false was expected"),
        ("pr.base < 'x'", {"pr__base": "main"}, UNKNOWN, "pr.base: is a text, something to compare with a text was expected"),
        ("pr.base == 'x'", {"pr__base": 3}, UNKNOWN, "pr.base: is a number, something to compare with a text was expected"),
        ("pr.draft == 'x'", {"pr__draft": True}, UNKNOWN, "pr.draft: is true or false, something to compare with a text was expected"),
        ("pr.base + 1 > 2", {"pr__base": "x"}, UNKNOWN, "pr.base + 1: is a text, a number was expected"),
        ("1 + pr.base > 2", {"pr__base": "x"}, UNKNOWN, "1 + pr.base: is a text, a number was expected"),
        ("'x' in pr.labels", {"pr__labels": "x"}, UNKNOWN, "pr.labels: is a text, a list was expected"),
        ("tests.failed / tests.total > 1", {"tests__failed": 1, "tests__total": 0}, UNKNOWN, "tests.failed / tests.total: division by zero"),
        ("changed('a')", {"changed": True}, MET, "changed: yes"),
        ("findings('high', age='new') == 'x'", {"findings": "f"}, UNMET, """findings 'f('high',){'age': 'new'}' ≠ 'x'"""),
        ("approved_by(pr.title)", {"pr__title": NA, "approved_by": True}, EXEMPT, "approved_by: 7 new lines"),
        ("approved_by('x', n=tests.failed) == true", {"tests__failed": WAITS, "approved_by": True}, UNKNOWN, "approved_by: waits for test"),
        ("pr.base in ['a', pr.title]", {"pr__base": "b", "pr__title": WAITS}, UNKNOWN, "['a', pr.title]: waits for test"),
        ("pr.base in ['a', pr.title]", {"pr__base": "b", "pr__title": NA}, EXEMPT, "['a', pr.title]: 7 new lines"),
        ("pr.title in ['a']", {"pr__title": WAITS}, UNKNOWN, "pr.title: waits for test"),
        ("-tests.failed > -3", {"tests__failed": 2}, MET, "-tests.failed -2 > -3"),
        ("-coverage.new < -3%", {"coverage__new": 2}, UNMET, "-coverage.new -2 % ≥ -3 %"),
        ("(tests.failed == 0) == pr.draft", {"tests__failed": 0, "pr__draft": True}, MET, "(tests.failed == 0) true = pr.draft true"),
        ("(pr.draft or true) == true", {"pr__draft": False}, MET, "(pr.draft or true) true = true"),
        ("(not pr.draft) == true", {"pr__draft": WAITS}, UNKNOWN, "(not pr.draft): pr.draft: waits for test"),
        ("(not pr.draft) == true", {"pr__draft": NA}, EXEMPT, "(not pr.draft): pr.draft: 7 new lines"),
        ("(not pr.draft) == true", {"pr__draft": True}, UNMET, "(not pr.draft) false ≠ true"),
    ],
)  # fmt: skip
def test_one_leaf(text: str, values: dict[str, object], value: OutcomeValue, says: str) -> None:
    outcome = judge(text, **values)
    assert (outcome.value, outcome.says) == (value, says)
    assert outcome.text == text
    assert outcome.kind == "leaf"


def test_a_comparison_is_exact_and_only_display_rounds() -> None:
    third = Known(value=Fraction(80 * 10**15 - 1, 10**15))
    outcome = judge("coverage.new >= 80%", coverage__new=third)
    assert outcome.value is UNMET
    assert outcome.says == "coverage on new code 79.9 % < 80 %"
    close = Known(value=Fraction(80 * 10**15 + 1, 10**15))
    assert judge("coverage.new > 80%", coverage__new=close).says == "coverage on new code 80.000000 % > 80 %"


def test_a_leaf_tells_what_it_read() -> None:
    huge = Known(value=Fraction(10**20), checks=("test",))
    outcome = judge(
        "tests.failed < 5 * coverage.new / 1% + tests.total",
        tests__failed=huge,
        coverage__new=Fraction(1, 3),
        tests__total=WAITS,
    )
    assert outcome.used == {
        "tests.failed": "100000000000000000000",
        "coverage.new": 1 / 3,
        "tests.total": None,
    }
    assert outcome.checks == ("test",)
    listed = judge("'a' in pr.labels and changed('x')", pr__labels=("a", "b"), changed=True)
    assert [leaf.used for leaf in leaves(listed)] == [{"pr.labels": "a, b"}, {"changed('x')": True}]


def test_who_can_change_a_leaf() -> None:
    assert judge("pr.draft", pr__draft=True).people
    assert judge("pr.base == pr.title", pr__base="a", pr__title="b").people
    assert not judge("pr.base == pr.title", pr__base="a", pr__title="b").fixed
    assert judge("pr.base == 'main'", pr__base="a").fixed
    assert not judge("tests.failed == 0", tests__failed=1).fixed
    assert judge("(pr.draft or pr.base == 'x') == true", pr__draft=False, pr__base="a").people


def test_parts_of_a_value_become_its_children() -> None:
    part = Outcome(value=UNMET, text="checks.lint.passed", says="lint failed", kind="check", checks=("lint",))
    value = Known(value=False, says="lint failed", parts=(part,), checks=("lint",))
    outcome = judge("checks.passed", checks__passed=value)
    assert (outcome.kind, outcome.children, outcome.says) == ("check", (part,), "lint failed")
    waiting = Unknown(cause=UnknownCause.OUTSTANDING, reason="lint is running", parts=(part,))
    assert judge("checks.passed", checks__passed=waiting).children == (part,)
    assert judge("not checks.passed", checks__passed=value).children == ()
    assert judge("not checks.passed", checks__passed=value).value is MET


def test_what_cannot_be_read_is_an_error_of_ours() -> None:
    outcome = judge("a ==")
    assert (outcome.value, outcome.cause) == (UNKNOWN, UnknownCause.ERROR)
    assert outcome.says == "cannot be read: expected a value, found the end"


def test_the_source_is_kept() -> None:
    source = Source(path=".portcullis.yml", line=3)
    outcome = evaluate("true and true", Given({}), source=source)
    assert {outcome.source, *(leaf.source for leaf in leaves(outcome))} == {source}


# incomplete counts


@pytest.mark.parametrize(
    ("text", "least", "value", "says"),
    [
        ("tests.failed == 0", 1, UNMET, "failed tests at least 1 > 0"),
        ("tests.failed == 0", 0, UNKNOWN, "failed tests: waits for test"),
        ("tests.failed != 0", 1, MET, "failed tests at least 1 ≠ 0"),
        ("tests.failed >= 2", 2, MET, "failed tests at least 2 ≥ 2"),
        ("tests.failed > 2", 2, UNKNOWN, "failed tests: waits for test"),
        ("tests.failed < 2", 2, UNMET, "failed tests at least 2 ≥ 2"),
        ("tests.failed <= 2", 2, UNKNOWN, "failed tests: waits for test"),
        ("tests.failed <= 2", 3, UNMET, "failed tests at least 3 > 2"),
        ("not (tests.failed <= 2)", 3, MET, "failed tests at least 3 > 2"),
        ("2 >= tests.failed", 3, UNMET, "failed tests at least 3 > 2"),
        ("tests.failed * 2 + 1 > 2", 1, MET, "tests.failed * 2 + 1 at least 3 > 2"),
        ("10 - tests.failed < 8", 3, MET, "10 - tests.failed at most 7 < 8"),
        ("-2 * tests.failed < -3", 2, MET, "-2 * tests.failed at most -4 < -3"),
        ("tests.failed / -2 < 0", 2, MET, "tests.failed / -2 at most -1 < 0"),
        ("tests.failed * 0 == 0", 5, MET, "tests.failed * 0 0 = 0"),
        ("5 / tests.failed > 1", 5, UNKNOWN, "5 / tests.failed: waits for test"),
        ("tests.failed * tests.failed > 1", 5, UNKNOWN, "tests.failed * tests.failed: waits for test"),
        ("tests.failed - tests.failed == 0", 5, UNKNOWN, "tests.failed - tests.failed: waits for test"),
        ("tests.failed in [1]", 5, UNKNOWN, "failed tests: waits for test"),
    ],
)
def test_an_incomplete_count_is_an_interval(text: str, least: int, value: OutcomeValue, says: str) -> None:
    outcome = judge(text, tests__failed=unknown(at_least=Fraction(least), checks=("test",)))
    assert (outcome.value, outcome.says) == (value, says)
    assert outcome.checks == ("test",)


def test_two_intervals_apart_are_known() -> None:
    low = unknown(at_least=Fraction(0), at_most=Fraction(3))
    high = unknown(at_least=Fraction(5))
    outcome = judge("size.added == tests.total", size__added=low, tests__total=high)
    assert outcome.value is UNMET
    assert outcome.says == (
        "size.added at least 0 and at most 3 and tests.total at least 5 (size.added == tests.total)"
    )
    exact = judge("size.added < tests.total", size__added=3, tests__total=high)
    assert exact.says == "size.added 3 and tests.total at least 5 (size.added < tests.total)"
    assert judge("tests.total > size.added", size__added=low, tests__total=high).value is MET


@given(
    st.integers(0, 6),
    st.lists(st.integers(0, 6), min_size=1, max_size=4),
    st.sampled_from(["==", "!=", "<", "<=", ">", ">="]),
    st.integers(-2, 8),
    st.sampled_from(["x", "x + 1", "2 * x", "3 - x", "-x", "x / 2"]),
)
def test_what_is_known_of_an_incomplete_count_stays_true(
    delivered: int, later: list[int], op: str, limit: int, form: str
) -> None:
    text = f"{form.replace('x', 'tests.failed')} {op} {limit}".replace("--", "- -")
    early = judge(text, tests__failed=unknown(at_least=Fraction(delivered)))
    if early.value is UNKNOWN:
        return
    for more in later:
        assert judge(text, tests__failed=delivered + more).value is early.value


# Kleene and not applicable

Member = tuple[OutcomeValue, UnknownCause]
CAUSES = [cause for cause in UnknownCause if cause is not UnknownCause.NONE]
members = st.one_of(
    st.sampled_from([(MET, UnknownCause.NONE), (UNMET, UnknownCause.NONE), (EXEMPT, UnknownCause.NONE)]),
    st.sampled_from(CAUSES).map(lambda cause: (UNKNOWN, cause)),
)
modes = st.sampled_from(["all", "any"])
contexts = st.sampled_from(["gate", "when", "after"])


def as_truth(member: Member, context: Context) -> bool | None:
    if member[0] is EXEMPT:
        return context != "when"
    return {MET: True, UNMET: False}.get(member[0])


@given(modes, st.lists(members, max_size=5), contexts)
def test_joining_follows_kleene(mode: Literal["all", "any"], some: list[Member], context: Context) -> None:
    truths = [as_truth(member, context) for member in some]
    decisive = mode == "any"
    undecided = None if None in truths else not decisive
    expected = decisive if decisive in truths else undecided
    value, cause = combine(mode, some, context=context)
    assert as_truth((value, cause), context) is expected
    assert (value is UNKNOWN) == (cause is not UnknownCause.NONE)


@given(modes, st.lists(members, max_size=5), contexts, st.randoms())
def test_joining_knows_no_order(
    mode: Literal["all", "any"], some: list[Member], context: Context, random: object
) -> None:
    shuffled = list(some)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert combine(mode, some, context=context) == combine(mode, shuffled, context=context)


def test_what_may_still_come_outweighs_what_blocks() -> None:
    assert worst([UnknownCause.MISSING, UnknownCause.ERROR]) is UnknownCause.ERROR
    assert worst([UnknownCause.ERROR, UnknownCause.REFUSED]) is UnknownCause.REFUSED
    assert worst([UnknownCause.REFUSED, UnknownCause.OUTSTANDING]) is UnknownCause.OUTSTANDING
    assert worst([]) is UnknownCause.NONE


def test_not_is_pushed_inward_before_not_applicable_counts_as_true() -> None:
    text = "not (coverage.new < 80% and size.added > 100)"
    outcome = judge(text, coverage__new=NA, size__added=500)
    assert (outcome.value, outcome.kind) == (EXEMPT, "any")
    assert [leaf.text for leaf in leaves(outcome)] == ["not coverage.new < 80%", "not size.added > 100"]
    assert judge(text, coverage__new=NA, size__added=5).value is MET
    assert judge(text, coverage__new=1, size__added=500).value is UNMET
    assert judge("not not pr.draft", pr__draft=True).value is MET


@pytest.mark.parametrize(
    ("text", "gate", "when"),
    [
        ("coverage.new >= 80%", EXEMPT, EXEMPT),
        ("coverage.new >= 80% and pr.draft", MET, EXEMPT),
        ("coverage.new >= 80% or pr.draft", MET, MET),
        ("coverage.new >= 80% or not pr.draft", EXEMPT, UNMET),
        ("coverage.new >= 80% and not pr.draft", UNMET, UNMET),
        ("not (coverage.new >= 80% or not pr.draft)", MET, EXEMPT),
    ],
)
def test_not_applicable_is_true_in_conditions_and_false_in_a_when(
    text: str, gate: OutcomeValue, when: OutcomeValue
) -> None:
    assert judge(text, coverage__new=NA, pr__draft=True).value is gate
    assert judge(text, "after", coverage__new=NA, pr__draft=True).value is gate
    assert judge(text, "when", coverage__new=NA, pr__draft=True).value is when


def test_groups_speak_for_what_decided_them() -> None:
    def leaf(value: OutcomeValue, says: str) -> Outcome:
        return Outcome(value=value, text=says, says=says, checks=(says,))

    def says(mode: Literal["all", "any"], *children: Outcome) -> str:
        return group(mode, children, text="t", source=Source()).says

    bad, worse, good, fine = leaf(UNMET, "bad"), leaf(UNMET, "worse"), leaf(MET, "good"), leaf(MET, "fine")
    assert says("all", bad, good, worse) == "bad; worse"
    assert says("any", bad, worse) == "bad and worse"
    assert says("any", bad, good, fine) == "good or fine"
    assert says("all", good, fine) == "good and fine"
    assert says("all", good, good) == "good"
    assert says("all") == ""
    whole = group("any", (bad, good), text="t", source=Source(), because="why", advisory=True)
    assert (whole.because, whole.advisory, whole.checks) == ("why", True, ("bad", "good"))


# words


@pytest.mark.parametrize(
    ("value", "unit", "towards", "shown"),
    [
        (Fraction(762, 10), ValueType.PERCENT, "down", "76.2 %"),
        (Fraction(80), ValueType.PERCENT, "down", "80 %"),
        (Fraction(-1, 3), ValueType.NUMBER, "down", "-0.4"),
        (Fraction(-1, 3), ValueType.NUMBER, "up", "-0.3"),
        (Fraction(1, 3), ValueType.NUMBER, "up", "0.4"),
        (Fraction(0), ValueType.DURATION, "down", "0s"),
        (Fraction(3661), ValueType.DURATION, "down", "1h 1m"),
        (Fraction(90061), ValueType.DURATION, "down", "1d 1h"),
        (Fraction(-605, 10), ValueType.DURATION, "down", "-1m 1s"),
        (Fraction(-605, 10), ValueType.DURATION, "up", "-1m"),
        (Fraction(605, 10), ValueType.DURATION, "up", "1m 1s"),
        (("a", True), ValueType.LIST, "down", "['a', true]"),
        (False, ValueType.BOOL, "down", "false"),
    ],
)
def test_values_in_words(value: Plain, unit: ValueType, towards: Literal["down", "up"], shown: str) -> None:
    assert show(value, unit, towards=towards) == shown


@given(st.fractions(0, 100), st.fractions(0, 100), st.sampled_from([">=", ">", "<=", "<", "=="]))
def test_the_words_never_contradict_the_judgement(left: Fraction, right: Fraction, op: str) -> None:
    outcome = judge(f"coverage.new {op} coverage.overall", coverage__new=left, coverage__overall=right)
    words = outcome.says.split()
    symbol, shown = words[6], (float(words[4]), float(words[8]))
    relations = {"<": (-1,), "≤": (-1, 0), "=": (0,), "≥": (0, 1), ">": (1,), "≠": (-1, 1)}
    truth = (left > right) - (left < right)
    assert truth in relations[symbol]
    told = (shown[0] > shown[1]) - (shown[0] < shown[1])
    close = left != right and abs(left - right) < Fraction(1, 10**5)
    assert told in relations[symbol] or close or outcome.value is MET


# total

facts_of = {
    ValueType.BOOL: st.booleans().map(lambda value: Known(value=value)),
    ValueType.NUMBER: st.one_of(
        st.fractions(-5, 5).map(lambda value: Known(value=value)),
        st.integers(0, 5).map(lambda least: unknown(at_least=Fraction(least))),
    ),
    ValueType.TEXT: st.sampled_from(["main", "B", ""]).map(lambda value: Known(value=value)),
    ValueType.LIST: st.just(Known(value=("main", "x"))),
    ValueType.RATING: st.sampled_from("ABCDE").map(lambda value: Known(value=value)),
}
odd = st.sampled_from([NA, WAITS, unknown(UnknownCause.MISSING, "gone")])
numbers = st.recursive(
    st.sampled_from(["tests.failed", "tests.total", "size.added", "0", "2", "0.5", "checks.lint.out.a"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda one: f"-({one})"),
    ),
    max_leaves=4,
)
atoms = st.one_of(
    st.tuples(numbers, st.sampled_from(["==", "<", ">=", "!="]), numbers).map(" ".join),
    st.sampled_from(
        [
            "pr.draft", "checks.passed", "pr.base == 'main'", "pr.base in ['x', pr.title]", "'x' in pr.labels",
            "rating.new <= 'B'", "coverage.new >= 80%", "findings('high', 'new') == 0", "changed('a')",
            "approved_by(pr.title, tests.failed)", "checks.lint.out.a == 'x'", "checks.lint.out.a",
            "checks.lint.out.a > checks.lint.out.b", "true",
        ]
    ),
)  # fmt: skip
expressions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
        inner.map(lambda one: f"not ({one})"),
        inner.map(lambda one: f"({one}) == true"),
    ),
    max_leaves=6,
)


@given(expressions, contexts, st.data())
def test_evaluating_a_checked_condition_always_answers(
    text: str, context: Context, data: st.DataObject
) -> None:
    problems = check_expression(text, VOCABULARY, context="gate", check_ids=["lint"])
    if problems:
        assert all(problem.message == "division by zero" for problem in problems)
        return
    values = {
        name: data.draw(st.one_of(odd, facts_of.get(kind, facts_of[ValueType.NUMBER])), label=name)
        for name, kind in TYPES.items()
    }
    anything = st.one_of(odd, *facts_of.values())
    values |= {name: data.draw(anything, label=name) for name in ("checks.lint.out.a", "checks.lint.out.b")}
    values |= {
        "findings": values["tests.failed"],
        "changed": values["pr.draft"],
        "approved_by": values["pr.draft"],
    }
    facts = Given(values)
    outcome = evaluate(text, facts, context=context)
    assert outcome == evaluate(text, facts, context=context)
    for leaf in leaves(outcome):
        assert leaf.says
        assert (leaf.value is UNKNOWN) == (leaf.cause is not UnknownCause.NONE)
    negated = evaluate(f"not ({text})", facts, context=context).value
    if outcome.value in {MET, UNMET} and all(leaf.value is not EXEMPT for leaf in leaves(outcome)):
        assert negated is (UNMET if outcome.value is MET else MET)
