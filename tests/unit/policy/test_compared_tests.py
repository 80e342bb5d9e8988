"""Tests compared with base: what fails alike, what is gone."""

from collections.abc import Iterable

import pytest

from app.model import (
    Baseline,
    CheckEvidence,
    FileChange,
    FileStatus,
    ReportContent,
    UnknownCause,
    Verdict,
    VerdictState,
)
from app.model import TestCase as Case
from app.model import TestOutcome as Ended
from tests.unit.policy.compared import TEST, impossible, judge, outstanding, ready, says
from tests.unit.policy.decided import MET, UNMET
from tests.unit.policy.world import C, F, P, ended, file, outcome_of, plan


def case(name: str, outcome: Ended = P, **fields: object) -> Case:
    given = {"classname": "tests.test_pay"} | fields
    return Case(name=name, outcome=outcome, **given)  # type: ignore[arg-type]


def suite(*cases: Case) -> ReportContent:
    return ReportContent(format="junit", kind="tests", tests=cases)


def run_tests(text: str, *cases: Case, base: Baseline | None, files: Iterable[FileChange] = ()) -> Verdict:
    reports = [CheckEvidence(key="test", reports=(suite(*cases),))]
    return judge(text, *([base] if base else []), reports=reports, of=plan(TEST), files=files)


NEW_FAILED = "tests.new_failed == 0"
REMOVED = "tests.removed == 0"


def test_what_fails_alike_on_base_is_not_new() -> None:
    base = ready("test", suite(case("a", F), case("b", Ended.ERRORED), case("c"), case("d", flaky=True)))
    verdict = run_tests(
        NEW_FAILED, case("a", F), case("b", F), case("c", F), case("d", F), case("e", F), base=base
    )
    assert says(verdict, NEW_FAILED) == "failed tests 3 > 0"
    assert verdict.notes == (
        "2 tests (tests.test_pay::a, tests.test_pay::b) of test fail alike on main",
        "1 test (tests.test_pay::d) of test passed on main only when tried again",
    )
    assert (
        says(run_tests("tests.failed <= 2", case("a", F), base=base), "tests.failed <= 2")
        == "failed tests 1 ≤ 2"
    )


def test_of_tests_of_one_name_as_many_fail_alike_as_on_base() -> None:
    verdict = run_tests(
        NEW_FAILED, case("a", F), case("a", F), base=ready("test", suite(case("a", F), case("a")))
    )
    assert says(verdict, NEW_FAILED) == "failed tests 1 > 0"
    assert verdict.notes == ("1 test (tests.test_pay::a) of test fails alike on main",)


def test_failed_tests_that_were_not_compared_all_count() -> None:
    verdict = run_tests(NEW_FAILED, case("a", F), base=impossible("test", "test fails on main"))
    assert says(verdict, NEW_FAILED) == "failed tests 1 > 0"
    assert verdict.notes == ("test fails on main: every failed test counts as new",)
    assert run_tests(NEW_FAILED, case("a"), base=None).notes == ()


def test_failed_tests_while_base_is_waited_for() -> None:
    waiting = run_tests(NEW_FAILED, case("a", F), base=outstanding("test"))
    assert (says(waiting, NEW_FAILED), waiting.waits_for) == (
        "failed tests: waits for test on main",
        ("test on main",),
    )
    assert run_tests(NEW_FAILED, case("a"), base=outstanding("test")).state is VerdictState.PASSED


@pytest.mark.parametrize(
    ("now", "renamed", "removed"),
    [
        ([case("a")], None, 1),
        ([case("a"), case("b", F)], None, 0),
        ([case("a"), case("c")], None, 1),
        ([case("a"), case("b", classname="tests.test_other")], None, 0),
        ([case("b", classname="tests.x"), case("b", classname="tests.y")], None, 1),
        ([], None, 2),
        (
            [case("a", classname="tests.test_buy"), case("b", classname="tests.test_buy.TestIt")],
            "tests/test_buy.py",
            0,
        ),
    ],
)
def test_tests_that_are_gone(now: list[Case], renamed: str | None, removed: int) -> None:
    base = ready(
        "test",
        suite(case("a"), case("b", classname="tests.test_pay.TestIt" if renamed else "tests.test_pay")),
    )
    files = [file(renamed, old_path="tests/test_pay.py", status=FileStatus.RENAMED)] if renamed else []
    verdict = run_tests(REMOVED, *now, base=base, files=files)
    assert outcome_of(verdict, REMOVED).used == {"tests.removed": removed}
    assert bool(verdict.notes) is bool(removed)


def test_a_renamed_file_keeps_what_fails_alike() -> None:
    base = ready(
        "test", suite(case("a", F, classname="pkg.tests.test_pay.TestIt", path="lib/pkg/tests/test_pay.py"))
    )
    files = [
        file("lib/pkg/tests/test_buy.py", old_path="lib/pkg/tests/test_pay.py", status=FileStatus.RENAMED)
    ]
    now = case("a", F, classname="pkg.tests.test_buy.TestIt", path="lib/pkg/tests/test_buy.py")
    assert outcome_of(run_tests(NEW_FAILED, now, base=base, files=files), NEW_FAILED).value is MET
    elsewhere = case("a", F, classname="pkg.tests.test_sell.TestIt")
    assert outcome_of(run_tests(NEW_FAILED, elsewhere, base=base, files=files), NEW_FAILED).value is UNMET


def test_removed_tests_need_both_sides() -> None:
    assert outcome_of(run_tests(REMOVED, base=None), REMOVED).cause is UnknownCause.MISSING
    assert run_tests(REMOVED, base=outstanding("test")).state is VerdictState.PENDING
    cut = ended("test", C.TIMED_OUT)
    verdict = judge(REMOVED, ready("test", suite(case("a"))), reports=[], of=plan(TEST), results=(cut,))
    assert "at least" not in says(verdict, REMOVED)
