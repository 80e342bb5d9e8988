"""All that can be wrong with a condition, told at its place with a way out."""

from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.language import Context, Problem, ValueType, check_expression, signature, used
from app.language.parser import parse
from app.model import Kind
from tests.unit.language.vocabulary import VOCABULARY


def check(
    text: str, *, context: Context = "gate", declared: Collection[Kind] | None = None
) -> tuple[Problem, ...]:
    return check_expression(text, VOCABULARY, context=context, check_ids=("lint", "test"), declared=declared)


@pytest.mark.parametrize(
    "text",
    [
        "coverage.new >= 80%",
        "80% <= coverage.new",
        "coverage.new - coverage.overall >= -0.2%",
        "coverage.new * 2 > 1% and 2 * coverage.new > 1% and coverage.new / 2 > 1%",
        "coverage.new / coverage.overall > 0.9",
        "tests.failed + 1 * 2 - 3 / 4 == -(tests.total)",
        "checks.lint.seconds < 5m or checks.lint.seconds < 300",
        "checks.lint.seconds + 30s < 1h",
        "pr.base in ['main', \"release\"]",
        "pr.base not in ['main']",
        "'x' in pr.labels",
        "checks.lint.out.level in pr.labels",
        "checks.lint.out.level == 'high' and checks.lint.out.score > 3 and checks.lint.out.flag",
        "checks.lint.out.score + 1 > checks.test.out.score",
        "checks.lint.conclusion in ['success', 'failure']",
        "-checks.lint.out.score < 2",
        "not pr.draft == true and not (false or checks.passed)",
        "findings('high', 'new', tool='ruff') == 0",
        "findings(age='new', min_severity='high') == 0",
        "changed('a', 'b') or not changed('c')",
        "approved_by('@acme/x') and approved_by('@acme/x', 2) and approved_by(who='dana', n=1)",
        "rating.new <= 'B' and 'A' == rating.new and rating.new == rating.new",
        "tests.failed in [0, 1] and tests.failed in []",
        "pr.title == 'it\\'s \"so\"'",
        "checks.test.passed",
        "true",
        "((((tests.failed == 0))))",
    ],
)
def test_sound_conditions(text: str) -> None:
    assert check(text) == ()


@pytest.mark.parametrize(
    ("text", "code", "at", "message", "hint"),
    [
        ("covrage.new >= 80%", "G103", 0, "unknown name 'covrage.new'", "did you mean 'coverage.new'?"),
        ("nothing_like_it", "G103", 0, "unknown name 'nothing_like_it'", ""),
        ("findings == 0", "G103", 0, "'findings' is a function", "write findings(…)"),
        ("checks.lnt.passed", "G103", 0, "no check 'lnt' is declared", "did you mean 'lint'?"),
        ("checks.lint", "G103", 0, "'checks.lint' is a check", "write checks.lint.passed"),
        ("checks.lint.pased", "G103", 0, "a check has no 'pased'", "did you mean 'passed'?"),
        ("checks.lint.out", "G103", 0, "an output has one name", "write checks.lint.out.level"),
        ("checks.lint.out.a.b", "G103", 0, "an output has one name", "write checks.lint.out.level"),
        ("x" * 100, "G103", 0, f"unknown name '{'x' * 59}…'", ""),
        ("findngs('high', 'new') == 0", "G104", 0, "unknown function 'findngs'", "did you mean 'findings'?"),
        ("pr.base('x')", "G104", 0, "unknown function 'pr.base'", "write pr.base without parentheses"),
        (
            "tests.failed",
            "G111",
            0,
            "a condition must be true or false, this is a number",
            "compare it with something: … == 0, … >= 80%",
        ),
        ("not pr.base", "G111", 4, "'and', 'or' and 'not' join conditions, this is a text", ""),
        ("pr.draft and 1", "G111", 13, "'and', 'or' and 'not' join conditions, this is a number", None),
        (
            "coverage.new >= 80",
            "G105",
            16,
            "a percentage is compared with a percentage",
            "did you mean '80%'?",
        ),
        (
            "tests.failed >= coverage.new",
            "G105",
            0,
            "a percentage is compared with a percentage",
            "write 80%",
        ),
        ("coverage.new + 1 > 2%", "G105", 0, "'+' cannot join a percentage and a number", None),
        ("1h + 1 > 2h", "G105", 0, "'+' cannot join a duration and a number", ""),
        ("1% * 1% > 2%", "G105", 0, "'*' cannot join a percentage and a percentage", None),
        ("2 / 1% > 2", "G105", 0, "'/' cannot join a number and a percentage", None),
        ("tests.failed / 0 > 1", "G105", 15, "division by zero", ""),
        ("pr.base + 'x' == 'y'", "G105", 0, "'+' needs numbers, this is a text", ""),
        ("1 + pr.base > 2", "G105", 4, "'+' needs numbers, this is a text", ""),
        ("-pr.base == 'y'", "G105", 0, "'-' needs a number, this is a text", ""),
        ("pr.base < 'x'", "G105", 0, "a text is not ordered, '<' needs a number", ""),
        ("pr.draft > false", "G105", 0, "a boolean is not ordered, '>' needs a number", ""),
        ("pr.base == 1", "G105", 0, "a text cannot be compared with a number", ""),
        ("pr.labels == ['x']", "G105", 0, "a list cannot be compared with '=='", "write: value in list"),
        ("'a' in pr.title", "G105", 0, "'in' looks in a list, this is a text", "write like(text, '*part*')"),
        ("1 in 2", "G105", 0, "'in' looks in a list, this is a number", "write: in ['a', 'b']"),
        ("['a'] in pr.labels", "G105", 0, "'in' looks for one value, this is a list", ""),
        ("1 in pr.labels", "G105", 0, "the list holds texts, not a number", ""),
        ("tests.failed in ['a']", "G105", 17, "a number cannot be compared with a text", ""),
        ("pr.base in ['a', 1]", "G105", 11, "a list holds values of one type", ""),
        ("rating.new == 'F'", "G105", 14, "a rating is 'A', 'B', 'C', 'D' or 'E'", ""),
        ("rating.new == 1", "G105", 0, "a rating cannot be compared with a number", ""),
        (
            "checks.lint.conclusion == 'sucess'",
            "G105",
            26,
            "'checks.lint.conclusion' is never 'sucess'",
            "did you mean 'success'?",
        ),
        (
            "'red' in [checks.lint.conclusion]",
            "G105",
            0,
            "'checks.lint.conclusion' is never 'red'",
            "one of 'success', 'failure'",
        ),
        (
            "checks.lint.conclusion in ['nope']",
            "G105",
            27,
            "'checks.lint.conclusion' is never 'nope'",
            "one of 'success', 'failure'",
        ),
        ("changed(1)", "G105", 8, "changed: 'glob' is a text, not a number", ""),
        ("changed(nope)", "G103", 8, "unknown name 'nope'", ""),
        ("nope + 1 > 2", "G103", 0, "unknown name 'nope'", ""),
        ("1 - nope > 2", "G103", 4, "unknown name 'nope'", ""),
        ("-nope > 2", "G103", 1, "unknown name 'nope'", ""),
        ("changed()", "G106", 0, "changed needs 'glob'", "write changed(glob…)"),
        (
            "findings('high') == 0",
            "G106",
            0,
            "findings needs 'age'",
            "write findings(min_severity, age, tool=…)",
        ),
        ("findings('high', 'new', 'ruff') == 0", "G106", 24, "findings takes at most 2 values", None),
        ("findings('high', 'new', tol='x') == 0", "G106", 28, "findings has no 'tol'", None),
        ("findings('high', 'new', age='new') == 0", "G106", 28, "findings got 'age' twice", None),
        ("findings('high', 'new', tool='a', tool='b') == 0", "G106", 39, "findings got 'tool' twice", None),
        ("findings(age='new', 'high') == 0", "G106", 20, "values without a name come first", ""),
        (
            "findings('hihg', 'new') == 0",
            "G106",
            9,
            "'min_severity' cannot be 'hihg'",
            "did you mean 'high'?",
        ),
        ("findings('high', 'zzz') == 0", "G106", 17, "'age' cannot be 'zzz'", "one of 'new', 'all'"),
        (
            "findings(pr.base, 'new') == 0",
            "G106",
            9,
            "'min_severity' must be written as one of 'high', 'low'",
            "",
        ),
        ("duplication.new < 3%", "G108", 0, "'duplication.new' is not yet supported by this version", ""),
        ("deployed()", "G108", 0, "'deployed' is for later", ""),
        ("", "G101", 0, "empty condition", None),
        ("1 +", "G101", 3, "expected a value, found the end", ""),
        ("a b", "G101", 2, "expected an operator or the end, found 'b'", ""),
        ("f(a b)", "G101", 4, "expected ')', found 'b'", ""),
        ("(a", "G101", 0, "'(' is never closed", "add ')'"),
        ("['a'", "G101", 0, "'[' is never closed", "add ']'"),
        ("f('a'", "G101", 1, "'(' is never closed", "add ')'"),
        ("a < b < c", "G101", 6, "comparisons do not chain, found '<'", "write: a < b and b < c"),
        ("'abc", "G101", 0, "text that begins with ' never ends", "close it with '"),
        ("a == “x”", "G101", 5, "unexpected character '“'", "use straight quotes: '…'"),
        ("coverage.new > 1 %", "G101", 17, "unexpected character '%'", None),
        ("a ; b", "G101", 2, "unexpected character ';'", ""),
        ("5x > 1", "G101", 1, "unknown unit 'x'", None),
        ("1234567890123456 > 1", "G101", 0, "a number has at most 15 digits", ""),
        ("pr.draft && true", "G110", 9, "'&&' is not an operator here", "did you mean 'and'?"),
        ("pr.draft || true", "G110", 9, "'||' is not an operator here", "did you mean 'or'?"),
        ("!pr.draft", "G110", 0, "'!' is not an operator here", "did you mean 'not'?"),
        ("pr.draft = true", "G110", 9, "'=' does not compare", "did you mean '=='?"),
        ("pr.draft AND true", "G110", 9, "'AND' is not an operator here", "did you mean 'and'?"),
        ("pr.draft == True", "G110", 12, "'True' is not an operator here", "did you mean 'true'?"),
        ("pr.base <> 'x'", "G110", 8, "'<>' is not an operator here", "did you mean '!='?"),
    ],
)
def test_one_problem(text: str, code: str, at: int, message: str, hint: str | None) -> None:
    (problem,) = check(text)
    assert (problem.code, problem.offset, problem.message) == (code, at, message)
    assert problem.length >= 1
    assert at + problem.length <= max(len(text), 1) + 1
    if hint is not None:
        assert problem.hint == hint


def test_all_problems_are_told_at_once_in_order_of_place() -> None:
    problems = check("covrage.new >= 80% && fnd(x) and pr.base = 1")
    assert [problem.code for problem in problems] == ["G103", "G110", "G104", "G103", "G105", "G110"]
    assert [problem.offset for problem in problems] == sorted(problem.offset for problem in problems)


def test_problems_are_capped() -> None:
    assert len(check(" and ".join(f"x{n}" for n in range(60)))) == 20


def test_places_where_names_are_refused() -> None:
    (problem,) = check("pr.draft", context="when")
    assert (problem.code, problem.message) == ("G107", "'when' cannot use 'pr.draft': people change it")
    assert [p.code for p in check("approved_by('x')", context="when")] == ["G107"]
    assert check("pr.draft and approved_by('x')", context="after") == ()
    for context in ("when", "after"):
        (problem,) = check("checks.passed", context=context)
        assert problem.code == "G107"
        assert "this one included" in problem.message


def test_what_no_check_feeds() -> None:
    (problem,) = check("coverage.new >= 80%", declared={Kind.TESTS})
    assert (problem.code, problem.offset, problem.length) == ("G109", 0, 12)
    assert "no check declares coverage" in problem.message
    assert check("tests.failed == 0", declared={Kind.TESTS}) == ()
    (problem,) = check("findings('high', 'new') == 0", declared=[])
    assert (problem.code, problem.length) == ("G109", 8)


def test_limits() -> None:
    assert check(" or ".join(["pr.draft"] * 150)) == ()
    (problem,) = check("pr.draft" + " " * 1993)
    assert (problem.code, problem.message) == ("G102", "2001 characters, at most 2000 are allowed")
    (problem,) = check("pr.base in [" + ",".join(["1"] * 300) + "]")
    assert (problem.code, problem.message) == ("G102", "more than 300 parts")
    assert check("(" * 31 + "true" + ")" * 31) == ()
    (problem,) = check("(" * 33 + "true" + ")" * 33)
    assert (problem.code, problem.message) == ("G102", "nested deeper than 32")
    assert check("+".join(["1"] * 30) + " > 1") == ()
    (problem,) = check("+".join(["1"] * 60) + " > 1")
    assert problem.message == "nested deeper than 32"
    assert check("not " * 31 + "true") == ()
    assert [p.code for p in check("not " * 40 + "true")] == ["G102"]


def test_what_a_condition_uses() -> None:
    found = used("checks.lint.out.a == 'x' and findings('high', age='new') > -size.added and [pr.base] == 1")
    assert found.names == {"checks.lint.out.a", "size.added", "pr.base"}
    assert found.functions == {"findings"}
    assert found.checks == {"lint"}
    assert used("checks.passed").checks == frozenset()
    assert used("((").names == frozenset()
    assert used("f(not a, b + c)").names == {"a", "b", "c"}


def test_signatures_are_how_a_function_is_written() -> None:
    written = {name: signature(name, function) for name, function in VOCABULARY.functions.items()}
    assert written == {
        "findings": "findings(min_severity, age, tool=…)",
        "changed": "changed(glob…)",
        "approved_by": "approved_by(who, n)",
        "deployed": "deployed()",
    }


fragments = st.sampled_from(
    [
        "and", "or", "not", "in", "==", "=", "<", "(", ")", "[", "]", ",", "-", "+", "/", "*", "!", "&&",
        "80%", "0", "30m", "'x'", '"', "'", "true", "coverage.new", "tests.failed", "pr.labels", "pr.base",
        "findings(", "changed(", "age=", "checks.lint.passed", "checks.lint.out.a", "checks.x", "rating.new",
        "nope", "%", "\\", "“", "\x00", "é",
    ]
)  # fmt: skip


@given(st.one_of(st.text(), st.lists(fragments, max_size=40).map(" ".join)))
def test_the_parser_only_ever_answers_with_problems(text: str) -> None:
    for context in ("gate", "when", "after"):
        for problem in check(text, context=context, declared=[]):
            assert problem.length >= 1
            assert 0 <= problem.offset <= max(len(text), 2000)
            assert problem.message
    parsed = parse(text)
    assert (parsed.tree is None) <= bool(parsed.problems)
    assert isinstance(used(text).names, frozenset)


def test_every_type_has_a_word() -> None:
    assert {kind.value for kind in ValueType} >= {"boolean", "number", "percentage", "duration"}
