"""TAP as node, tape, Test::More and pytest write it."""

from collections import Counter

import pytest
from inline_snapshot import snapshot

from app import model
from app.reports import Limits, ReadContext
from tests.unit.reports.reading import fault, read, sample


def counts(tests: tuple[model.TestCase, ...]) -> dict[str, int]:
    return dict(Counter(test.outcome.value for test in tests))


def outcomes(text: str) -> list[tuple[str, str, str]]:
    return [(test.classname, test.name, test.outcome.value) for test in read(text, "tap").tests]


def test_node_counts_as_its_last_lines_do():
    """tests 9 (suites 2), pass 4, fail 3, skipped 1, todo 1."""
    tests = sample("node.tap").tests
    assert counts(tests) == {"passed": 4, "failed": 3, "skipped": 2}
    assert [
        (test.classname, test.name, test.outcome.value, test.path, test.line) for test in tests
    ] == snapshot(
        [
            ("total", "adds", "passed", "", 0),
            ("total", "takes a discount", "failed", "web/test/cart.test.js", 7),
            ("total", "is not negative", "skipped", "", 0),
            ("total", "is exact", "skipped", "web/test/cart.test.js", 9),
            ("a cart", "has a label", "passed", "", 0),
            ("a cart", "has none", "failed", "web/test/cart.test.js", 13),
            ("", "a cart", "failed", "web/test/cart.test.js", 11),
            ("", "last", "passed", "", 0),
            ("shop", "opens", "passed", "", 0),
        ]
    )
    assert tests[0].seconds == pytest.approx(0.000975252)
    assert tests[1].message == snapshot("""\
Expected values to be strictly equal:

90 !== 91\
""")


def test_tape_counts_as_its_last_lines_do():
    tests = sample("tape.tap").tests
    assert counts(tests) == {"passed": 1, "failed": 1}
    assert [(test.classname, test.name, test.path, test.line) for test in tests] == snapshot(
        [("total", "same", "", 0), ("total", "other", "web/test/tape.js", 2)]
    )


def test_perl_counts_the_tests_of_a_subtest():
    """prove: 6 tests of which 2 failed, 1 was skipped, 1 is still to be done, 1 of those passed early."""
    tests = sample("perl.tap").tests
    assert [(test.classname, test.name, test.outcome.value) for test in tests] == snapshot(
        [
            ("", "opens", "passed"),
            ("", "sells # all", "failed"),
            ("", "delivers", "skipped"),
            ("", "delivers early", "passed"),
            ("", "test 5", "skipped"),
            ("till", "in", "passed"),
            ("till", "out", "failed"),
        ]
    )
    assert tests[1].message.startswith("Failed test 'sells # all'")


def test_pytest_counts_as_its_last_line_does():
    """1 failed, 2 passed, 1 skipped, 1 xfailed, 1 xpassed, 1 error, which TAP cannot tell from failed."""
    assert counts(sample("pytest.tap").tests) == {"failed": 2, "passed": 3, "skipped": 2}


def test_reasons_are_kept():
    (test,) = read("1..1\nok 1 - deploys # SKIP no network: offline\n").tests
    assert (test.name, test.outcome.value, test.message) == ("deploys", "skipped", "no network: offline")


def test_a_run_that_bails_out_has_an_errored_test():
    assert outcomes("TAP version 14\n1..9\nok 1 - a\nBail out! no database\nok 2 - b\n") == [
        ("", "a", "passed"),
        ("", "Bail out!", "errored"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("TAP version 13\nok 1 - a\n", "it holds no plan like '1..3'"),
        ("1..3\nok 1 - a\nok 2 - b\n", "3 tests are planned, but 2 are in it"),
        ("1..1\nok 1 - a\nok 2 - b\n", "1 tests are planned, but 2 are in it"),
        ("", "it holds no plan like '1..3'"),
        ("hello\n", "it holds no plan like '1..3'"),
    ],
)
def test_what_is_cut_off_is_refused(text, message):
    assert fault(text, "tap") == message


def test_a_run_of_nothing_is_said():
    read_ = read("1..0 # SKIP no tests here\n")
    assert (read_.tests, read_.dropped) == ((), ("once: run without a test (first: 'SKIP no tests here')",))


def test_several_streams_in_one_file():
    assert outcomes("1..1\nok 1 - a\n1..2\nok 1 - b\nnot ok 2 - c\n") == [
        ("", "a", "passed"),
        ("", "b", "passed"),
        ("", "c", "failed"),
    ]


def test_subtests_in_braces_and_without_a_sum():
    text = (
        "1..2\nok 1 - outer {\n    1..1\n    not ok 1 - inner\n}\n    ok 1 - deep\nok 2 - sum # time=12.5ms\n"
    )
    assert outcomes(text) == [("outer", "inner", "failed"), ("sum", "deep", "passed")]


def test_escapes_and_missing_names():
    assert outcomes("1..4\nok 1 - a \\# skip \\\\\nok\nok 3\nok - # skip\n") == [
        ("", "a # skip \\", "passed"),
        ("", "(unnamed test)", "passed"),
        ("", "test 3", "passed"),
        ("", "(unnamed test)", "skipped"),
    ]


def test_yaml_is_looked_at_and_never_built():
    text = "1..1\nnot ok 1 - a\n  ---\n  message: >-\n    one\n    two\n  at: f (/workspace/a.js:3:4)\n  ok 2\n  &a: *a\n  ...\n"
    (test,) = read(text).tests
    assert (test.message, test.path, test.line) == ("one\ntwo", "a.js", 3)


def test_more_tests_than_we_read():
    context = ReadContext(limits=Limits(tests=3))
    assert fault("ok 1\n" * 4, context=context) == "it holds more than 3 tests"


@pytest.mark.parametrize(
    ("line", "outcome"),
    [
        ("not ok 1 - empty cart # todos are listed", "failed"),
        ("not ok 1 - empty cart # TODO list them", "skipped"),
        ("not ok 1 - empty cart # todo: list them", "skipped"),
        ("ok 1 - empty cart # skipped on Windows", "skipped"),
    ],
)
def test_only_skip_may_run_on(line, outcome):
    ((_, _, found),) = outcomes(f"1..1\n{line}\n")
    assert found == outcome
