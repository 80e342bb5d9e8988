"""Conditions on checks, their outputs and their tests, and when a count is complete."""

import pytest

from app.model import CheckResult, Kind, Outcome, OutcomeValue, ReportSpec, Source, Status, UnknownCause
from tests.unit.policy.decided import EXEMPT, MET, UNKNOWN, UNMET, judge
from tests.unit.policy.world import C, E, F, P, S, check, ended, file, junit, plan


@pytest.mark.parametrize(
    ("result", "value", "cause", "says"),
    [
        (ended("lint"), MET, UnknownCause.NONE, "lint passed"),
        (
            ended("lint", C.NOT_NEEDED, reason="nothing under infra/ changed"),
            MET,
            UnknownCause.NONE,
            "lint was not needed: nothing under infra/ changed",
        ),
        (
            ended("lint", C.FAILURE, reason="report missing: out/junit.xml"),
            UNMET,
            UnknownCause.NONE,
            "lint failed: report missing: out/junit.xml",
        ),
        (ended("lint", C.TIMED_OUT), UNMET, UnknownCause.NONE, "lint timed out"),
        (ended("lint", C.CANCELLED), UNMET, UnknownCause.NONE, "lint was cancelled"),
        (ended("lint", C.ERROR), UNKNOWN, UnknownCause.ERROR, "lint could not be judged"),
        (ended("lint", None), UNKNOWN, UnknownCause.OUTSTANDING, "lint is running"),
        (
            ended("lint", None, status=Status.WAITING, reason="held until not pr.draft"),
            UNKNOWN,
            UnknownCause.OUTSTANDING,
            "lint is waiting: held until not pr.draft",
        ),
    ],
)
def test_one_check(result: CheckResult, value: OutcomeValue, cause: UnknownCause, says: str) -> None:
    outcome = judge("checks.lint.passed", checks=[check("lint")], results=[result])
    assert (outcome.value, outcome.cause) == (value, cause)
    assert says in outcome.says
    assert outcome.checks == ("lint",)
    assert outcome.children == ()
    whole = judge("checks.passed", checks=[check("lint")], results=[result])
    assert (whole.value, whole.cause, whole.kind) == (value, cause, "check")
    assert whole.children[0].says == says


def test_a_check_without_a_result_is_outstanding() -> None:
    outcome = judge("checks.passed", checks=[check("lint", source=Source(line=3))])
    assert (outcome.value, outcome.cause) == (UNKNOWN, UnknownCause.OUTSTANDING)
    assert outcome.children[0].says == "lint has not started"
    assert outcome.children[0].source.line == 3


def test_a_skipped_check_takes_the_value_of_what_blocked_it() -> None:
    checks = [check("lint"), check("test"), check("deploy")]
    skipped = [ended("test", C.SKIPPED, blocked_by="lint"), ended("deploy", C.SKIPPED, blocked_by="test")]
    for conclusion, value, cause in (
        (C.FAILURE, UNMET, UnknownCause.NONE),
        (C.ERROR, UNKNOWN, UnknownCause.ERROR),
        (None, UNKNOWN, UnknownCause.OUTSTANDING),
        (C.SUCCESS, UNKNOWN, UnknownCause.OUTSTANDING),
        (C.NOT_NEEDED, UNKNOWN, UnknownCause.OUTSTANDING),
    ):
        results = [ended("lint", conclusion), *skipped]
        outcome = judge("checks.deploy.passed", checks=checks, results=results)
        assert (outcome.value, outcome.cause, outcome.checks) == (value, cause, ("deploy", "lint"))
        assert "deploy was skipped (blocked by lint)" in outcome.says


def test_a_skipped_check_that_names_no_blocker_or_itself_fails_closed() -> None:
    for blocked_by in ("", "lint", "test"):
        results = [
            ended("lint", C.SKIPPED, blocked_by=blocked_by),
            ended("test", C.SKIPPED, blocked_by="lint"),
        ]
        outcome = judge("checks.lint.passed", checks=[check("lint"), check("test")], results=results)
        assert outcome.value is UNMET
    gone = judge(
        "checks.lint.passed", checks=[check("lint")], results=[ended("lint", C.SKIPPED, blocked_by="x")]
    )
    assert (gone.value, gone.cause) == (UNKNOWN, UnknownCause.OUTSTANDING)


def test_a_matrix_passes_when_all_its_cells_do() -> None:
    checks = [check("test", cell="3.11"), check("test", cell="3.12")]
    good = [ended("test (3.11)"), ended("test (3.12)", C.NOT_NEEDED)]
    outcome = judge("checks.test.passed", checks=checks, results=good)
    assert (outcome.value, outcome.says, len(outcome.children)) == (MET, "test passed", 2)
    bad = judge("checks.test.passed", checks=checks, results=[good[0], ended("test (3.12)", C.FAILURE)])
    assert (bad.value, bad.says) == (UNMET, "test (3.12) failed")
    missing = judge("checks.test.passed", checks=checks, results=good[:1])
    assert (missing.value, missing.cause) == (UNKNOWN, UnknownCause.OUTSTANDING)


def test_only_required_checks_count_and_none_is_passed() -> None:
    advisory = check("docs", required=False)
    failed = judge("checks.passed", checks=[advisory], results=[ended("docs", C.FAILURE)])
    assert (failed.value, failed.says) == (MET, "no required checks")
    assert judge("checks.passed").says == "no checks declared"
    assert judge("checks.docs.passed", checks=[advisory], results=[ended("docs", C.FAILURE)]).value is UNMET


def test_an_empty_matrix_has_nothing_to_fail() -> None:
    empty = plan(empty_checks=("suite",))
    assert judge("checks.suite.passed", of=empty).says == "suite had nothing to run on"
    for name in ("conclusion == 'success'", "seconds < 5m", "out.level == 'high'"):
        assert judge(f"checks.suite.{name}", of=empty).value is EXEMPT
    for name in ("passed", "conclusion == 'success'", "seconds < 5m", "out.level == 'high'"):
        outcome = judge(f"checks.other.{name}", of=empty)
        assert (outcome.value, outcome.cause) == (UNKNOWN, UnknownCause.ERROR)


def test_conclusions_and_durations() -> None:
    checks = [check("test", cell="1"), check("test", cell="2")]
    results = [ended("test (1)", seconds=12.5), ended("test (2)", C.TIMED_OUT, seconds=400.0)]
    assert judge("checks.test.conclusion == 'timed_out'", checks=checks, results=results).value is MET
    slow = judge("checks.test.seconds < 5m", checks=checks, results=results)
    assert (slow.value, slow.says) == (UNMET, "duration of test 6m 40s ≥ 5m")
    waiting = judge("checks.test.conclusion == 'success'", checks=checks, results=results[:1])
    assert (waiting.value, waiting.checks) == (UNKNOWN, ("test (2)",))
    assert waiting.says == "conclusion of test: waits for test (2)"
    idle = judge("checks.test.seconds < 5m", checks=checks[:1], results=[ended("test (1)", C.NOT_NEEDED)])
    assert idle.says == "duration of test: test did not run"


@pytest.mark.parametrize(
    ("outputs", "text", "value", "cause"),
    [
        ({"level": "high"}, "level == 'high'", MET, UnknownCause.NONE),
        ({"level": "low"}, "level == 'high'", UNMET, UnknownCause.NONE),
        ({"level": 3}, "level == 'high'", UNKNOWN, UnknownCause.MISSING),
        ({"level": True}, "level", MET, UnknownCause.NONE),
        ({"level": 1}, "level", UNKNOWN, UnknownCause.MISSING),
        ({"level": 0.1}, "level * 10 == 1", MET, UnknownCause.NONE),
        ({"level": 81.5}, "level >= 80%", MET, UnknownCause.NONE),
        ({"level": float("inf")}, "level > 1", UNKNOWN, UnknownCause.MISSING),
        ({"level": 10**30}, "level > 1", UNKNOWN, UnknownCause.MISSING),
        ({}, "level == 'high'", UNKNOWN, UnknownCause.MISSING),
    ],
)
def test_outputs(outputs: dict[str, object], text: str, value: OutcomeValue, cause: UnknownCause) -> None:
    result = ended("risk", outputs=outputs)
    outcome = judge(f"checks.risk.out.{text}", checks=[check("risk")], results=[result])
    assert (outcome.value, outcome.cause) == (value, cause)


def test_outputs_of_checks_that_did_not_deliver() -> None:
    def of(*results: CheckResult) -> Outcome:
        checks = [check("risk", cell=str(n)) for n in range(len(results))]
        return judge("checks.risk.out.level == 'high'", checks=checks, results=results)

    assert of(ended("risk (0)", C.NOT_NEEDED)).says == "level of risk: risk was not needed"
    assert of(ended("risk (0)", C.ERROR)).cause is UnknownCause.ERROR
    assert of(ended("risk (0)", None)).cause is UnknownCause.OUTSTANDING
    differing = of(ended("risk (0)", outputs={"level": "a"}), ended("risk (1)", outputs={"level": "b"}))
    assert differing.says == "level of risk: the cells of risk gave different 'level'"
    odd = of(ended("risk (0)", outputs={"level": 1}), ended("risk (1)", outputs={"level": True}))
    assert odd.cause is UnknownCause.MISSING
    same = of(ended("risk (0)", outputs={"level": "high"}), ended("risk (1)", outputs={"level": "high"}))
    assert same.value is MET
    flag = judge(
        "checks.risk.out.flag", checks=[check("risk")], results=[ended("risk", outputs={"flag": False})]
    )
    assert (flag.value, flag.says) == (UNMET, "flag of risk: no")


def test_an_output_of_what_an_error_blocked_is_an_error() -> None:
    checks = [check("lint"), check("risk")]
    results = [ended("lint", C.ERROR), ended("risk", C.SKIPPED, blocked_by="lint")]
    outcome = judge("checks.risk.out.level == 'x'", checks=checks, results=results)
    assert outcome.cause is UnknownCause.ERROR


def test_what_this_version_cannot_tell_is_an_error_of_ours() -> None:
    for text in (
        "deployed('a')",
        "checks.lint == 1",
    ):
        outcome = judge(text, checks=[check("lint")], results=[ended("lint")])
        assert (outcome.value, outcome.cause) == (UNKNOWN, UnknownCause.ERROR)
        assert "this version cannot tell" in outcome.says


TESTED = check("test", Kind.TESTS)
DONE = ended("test", C.SUCCESS, Kind.TESTS)


def test_counts_of_tests() -> None:
    reports = [junit("test", P, P, F, E, S, flaky=1)]
    expected = {"passed": 3, "failed": 2, "new_failed": 2, "skipped": 1, "total": 6, "flaky": 1}
    for name, count in expected.items():
        outcome = judge(f"tests.{name} == {count}", checks=[TESTED], results=[DONE], reports=reports)
        assert (outcome.value, outcome.checks) == (MET, ("test",)), name


def test_advisory_evidence_enters_no_count() -> None:
    checks = [TESTED, check("slow", Kind.TESTS, required=False)]
    results = [DONE, ended("slow", C.SUCCESS, Kind.TESTS)]
    outcome = judge(
        "tests.failed == 0", checks=checks, results=results, reports=[junit("test", P), junit("slow", F)]
    )
    assert (outcome.value, outcome.used) == (MET, {"tests.failed": 0})


@pytest.mark.parametrize(
    ("second", "value", "cause", "says"),
    [
        (ended("more", C.SUCCESS, Kind.TESTS), MET, UnknownCause.NONE, "failed tests 0 = 0"),
        (ended("more", C.FAILURE, Kind.TESTS), MET, UnknownCause.NONE, "failed tests 0 = 0"),
        (ended("more", C.NOT_NEEDED), MET, UnknownCause.NONE, "failed tests 0 = 0"),
        (ended("more", None), UNKNOWN, UnknownCause.OUTSTANDING, "failed tests: waits for more"),
        (ended("more", C.ERROR), UNKNOWN, UnknownCause.ERROR, "failed tests: more could not be judged"),
        (
            ended("more", C.FAILURE),
            UNKNOWN,
            UnknownCause.MISSING,
            "failed tests: more delivered no complete test report",
        ),
        (
            ended("more", C.TIMED_OUT, Kind.TESTS),
            UNKNOWN,
            UnknownCause.MISSING,
            "failed tests: more delivered no complete test report",
        ),
        (
            ended("more", C.SKIPPED, blocked_by="lint"),
            UNKNOWN,
            UnknownCause.MISSING,
            "failed tests: lint delivered no complete test report, which blocks more",
        ),
        (
            ended("more", C.SKIPPED, blocked_by="types"),
            UNKNOWN,
            UnknownCause.ERROR,
            "failed tests: types could not be judged, which blocks more",
        ),
        (
            ended("more", C.SKIPPED, blocked_by="test"),
            UNKNOWN,
            UnknownCause.OUTSTANDING,
            "failed tests: waits for more",
        ),
    ],
)
def test_a_count_is_complete_when_every_needed_producer_delivered(
    second: CheckResult, value: OutcomeValue, cause: UnknownCause, says: str
) -> None:
    checks = [TESTED, check("more", Kind.TESTS), check("lint"), check("types")]
    results = [DONE, second, ended("lint", C.FAILURE), ended("types", C.ERROR)]
    outcome = judge("tests.failed == 0", checks=checks, results=results, reports=[junit("test", P)])
    assert (outcome.value, outcome.cause, outcome.says) == (value, cause, says)
    # what was delivered already decides
    worse = judge("tests.failed == 0", checks=checks, results=results, reports=[junit("test", F)])
    assert worse.value is UNMET
    assert judge("tests.failed == 0", checks=checks, reports=[junit("test", P)]).checks == ("test", "more")


def test_a_count_of_what_nobody_needed_is_not_applicable() -> None:
    outcome = judge("tests.failed == 0", checks=[TESTED], results=[ended("test", C.NOT_NEEDED)])
    assert (outcome.value, outcome.says) == (EXEMPT, "failed tests: no check with a test report was needed")
    none = judge("tests.failed == 0")
    assert (none.cause, none.says) == (
        UnknownCause.MISSING,
        "failed tests: no required check declares a test report",
    )


def test_an_optional_report_may_be_left_out_by_a_success() -> None:
    optional = check(
        "test", Kind.TESTS, reports=(ReportSpec(path="out/j.xml", kind=Kind.TESTS, optional=True),)
    )
    assert judge("tests.failed == 0", checks=[optional], results=[ended("test")]).value is EXEMPT
    assert judge("tests.failed == 0", checks=[optional], results=[ended("test", C.FAILURE)]).value is UNKNOWN
    there = judge("tests.failed == 0", checks=[optional], results=[DONE], reports=[junit("test", F)])
    assert there.value is UNMET


@pytest.mark.parametrize(
    ("touched", "named", "value", "says"),
    [
        (["ruff.toml"], (), MET, "changes ruff.toml"),
        (["a.py", "lint/base.toml"], ("lint/base.toml",), MET, "changes lint/base.toml"),
        (["a.py"], (), UNMET, "no file that configures it is changed"),
        (["a.py"], None, UNKNOWN, "which files configure lint cannot be told"),
        (["ruff.toml"], None, MET, "changes ruff.toml"),
        (["of-second.toml"], (), MET, "changes of-second.toml"),
    ],
)
def test_configuration_is_what_its_files_name_too(
    touched: list[str], named: tuple[str, ...] | None, value: OutcomeValue, says: str
) -> None:
    outcome = judge(
        "checks.lint.config_changed",
        checks=[
            check("lint", cell="a", config_files=("ruff.toml",)),
            check("lint", cell="b", config_files=("ruff.toml", "of-second.toml")),
        ],
        results=[ended("lint (a)"), ended("lint (b)")],
        files=[file(path) for path in touched],
        configuring={"lint": named},
    )
    assert outcome.value is value
    assert says in outcome.says
    assert outcome.cause is (UnknownCause.MISSING if value is UNKNOWN else UnknownCause.NONE)
