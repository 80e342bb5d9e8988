"""Which tests are flaky: seen where two runs of the same code differ, known afterwards, excused never."""

import msgspec

from app.model import CheckEvidence, Kind, KnownFlaky, ReportContent
from app.model import TestCase as Case
from app.policy import evaluate, failed_keys, flaky_tests, seen_flaky
from app.policy.flaky import AT_ONCE
from app.policy.flaky import test_key as key_of
from tests.unit.policy.world import C, E, F, P, S, check, ended, evidence, outcome_of, plan

GATE = ("tests.new_failed == 0", "tests.flaky == 0")
SUITE = check("test", Kind.TESTS)


def body(*cases: Case, key: str = "test") -> CheckEvidence:
    return CheckEvidence(key=key, reports=(ReportContent(format="junit", kind="tests", tests=cases),))


def case(name: str, outcome: object = P, **fields: object) -> Case:
    return Case(name=name, classname="c", path="t.py", outcome=outcome, **fields)  # type: ignore[arg-type]


def known(name: str, **fields: object) -> KnownFlaky:
    given = {"times": 2, "last": "2026-11-20", "origin": "run 7"} | fields
    return KnownFlaky(test=key_of("test", case(name)), **given)  # type: ignore[arg-type]


def test_two_runs_of_one_tree_that_differ_show_a_flaky_test():
    first = body(case("a", F), case("b"), case("c", E), case("d", S), case("e"))
    second = body(case("a"), case("b", F), case("c"), case("d"), case("e"))
    wanted = sorted(key_of("test", case(name)) for name in "abc")
    assert list(seen_flaky("test", second, [first])) == wanted
    assert list(seen_flaky("test", first, [body(), second])) == wanted
    assert seen_flaky("test", first, []) == ()
    assert seen_flaky("test", body(case("a", flaky=True)), []) == (key_of("test", case("a")),)


def test_nothing_is_told_of_tests_that_share_a_name():
    twice = body(case("a"), case("a", F))
    assert seen_flaky("test", body(case("a")), [twice]) == ()
    assert seen_flaky("test", twice, [body(case("a"))]) == ()


def test_where_everything_turns_at_once_it_was_the_machine():
    names = [f"t{n}" for n in range(AT_ONCE + 1)]
    red = body(*(case(name, F) for name in names))
    green = body(*(case(name) for name in names))
    assert seen_flaky("test", green, [red]) == ()
    fewer = body(*(case(name) for name in names[1:]))
    assert len(seen_flaky("test", fewer, [red])) == AT_ONCE


def test_a_test_is_another_in_another_check_class_or_file():
    one = case("a")
    others = [
        msgspec.structs.replace(one, classname="d"),
        msgspec.structs.replace(one, path="u.py"),
        msgspec.structs.replace(one, name="b"),
    ]
    keys = {key_of("test", one), key_of("slow", one), *(key_of("test", other) for other in others)}
    assert len(keys) == 5
    assert key_of("test", msgspec.structs.replace(one, name="\udcff")) not in keys


def test_a_known_flaky_test_that_fails_has_failed_and_is_counted_as_both():
    given = evidence(
        ended("test", C.SUCCESS, Kind.TESTS),
        reports=[body(case("a", F), case("b", F), case("c"), case("d", S), case("e", flaky=True))],
        flaky=(known("a"), known("c"), known("d", here=True)),
    )
    verdict = evaluate(plan(SUITE, gate=GATE), given)
    assert outcome_of(verdict, "tests.new_failed == 0").says == "failed tests 2 > 0"
    assert outcome_of(verdict, "tests.flaky == 0").says == "flaky tests 2 > 0"
    assert [(one.case.name, one.known is not None) for one in flaky_tests(given)] == [
        ("a", True),
        ("e", False),
    ]
    assert (
        "1 test (c::a) of test is known to be flaky: it counts as failed all the same; "
        "run test again, or mend it" in verdict.notes
    )
    assert failed_keys(given) == (key_of("test", case("a")), key_of("test", case("b")))


def test_what_passed_now_and_failed_before_on_this_very_tree_is_flaky():
    given = evidence(
        ended("test", C.SUCCESS, Kind.TESTS),
        reports=[body(case("a"), case("b"))],
        flaky=(known("a", here=True), known("b")),
    )
    verdict = evaluate(plan(SUITE, gate=GATE), given)
    assert outcome_of(verdict, "tests.flaky == 0").says == "flaky tests 1 > 0"
    assert not any("known to be flaky" in note for note in verdict.notes)


def test_flaky_tests_are_at_least_those_delivered_while_others_run():
    given = evidence(
        ended("test", C.SUCCESS, Kind.TESTS),
        ended("slow", None),
        reports=[body(case("a", flaky=True))],
    )
    verdict = evaluate(plan(SUITE, check("slow", Kind.TESTS), gate=GATE), given)
    assert outcome_of(verdict, "tests.flaky == 0").says == "flaky tests at least 1 > 0"


def test_an_advisory_check_counts_for_nothing_and_is_shown():
    given = evidence(
        ended("test", C.SUCCESS, Kind.TESTS),
        ended("extra", C.SUCCESS, Kind.TESTS),
        reports=[body(case("a")), body(case("a", flaky=True), key="extra")],
    )
    verdict = evaluate(plan(SUITE, check("extra", Kind.TESTS, required=False), gate=GATE), given)
    assert outcome_of(verdict, "tests.flaky == 0").says == "flaky tests 0 = 0"
    assert [one.check for one in flaky_tests(given)] == ["extra"]
