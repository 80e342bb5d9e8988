"""`tests.…`: counts over the test reports of all required checks."""

from collections.abc import Callable, Iterator

from app.language import Name, Value, ValueType
from app.model import Kind, TestCase, TestOutcome
from app.policy.counting import count, count_gone, waits_of
from app.policy.judged import Judged
from app.policy.protocol import Fact, Family, Thing
from app.policy.suites import FAILED, known_test


def _counting(wanted: Callable[[TestCase], bool]) -> Callable[[Judged], Value]:
    def read(judged: Judged) -> Value:
        gathered = judged.gather(Kind.TESTS)
        found = sum(1 for report in gathered.reports for case in report.tests if wanted(case))
        return count(found, gathered)

    return read


def _which(wanted: Callable[[TestCase], bool]) -> Callable[[Judged], Iterator[Thing]]:
    def read(judged: Judged) -> Iterator[Thing]:
        return (
            known_test(key, case)
            for key in judged.gather(Kind.TESTS).keys
            for report in judged.reports.get(key, ())
            for case in report.tests
            if wanted(case)
        )

    return read


def _new_failed(judged: Judged) -> Value:
    settled = sum(len(check.failed) for check in judged.tests if not check.waits)
    return count(
        settled,
        judged.gather(Kind.TESTS),
        most=sum(len(check.failed) for check in judged.tests),
        waits=waits_of(judged, judged.tests),
    )


def _removed(judged: Judged) -> Value:
    found = sum(len(check.removed) for check in judged.tests)
    return count_gone(found, judged.gather(Kind.TESTS), judged, judged.tests)


def _flaky(judged: Judged) -> Value:
    gathered = judged.gather(Kind.TESTS)
    found = sum(1 for one in judged.flaky if one.check in gathered.keys)
    return count(found, gathered)


def _compared(
    words: str,
    doc: str,
    read: Callable[[Judged], Value],
    things: Callable[[Judged], Iterator[Thing]] | None = None,
) -> Fact:
    meaning = Name(type=ValueType.NUMBER, doc=doc, kinds=frozenset({Kind.TESTS}), gate_only=True)
    return Fact(meaning=meaning, words=words, read=read, things=things)


def _fact(words: str, doc: str, wanted: Callable[[TestCase], bool]) -> Fact:
    """A number of tests of which more are better, or just more."""
    return _compared(words, doc, _counting(wanted))


def _bad(words: str, doc: str, wanted: Callable[[TestCase], bool]) -> Fact:
    """A number of tests of which one more is worse."""
    return _compared(words, doc, _counting(wanted), _which(wanted))


TESTS = Family(
    name="tests",
    doc="Results of tests, over all required checks that report any.",
    facts={
        "tests.passed": _fact(
            "passed tests", "Tests that passed.", lambda case: case.outcome is TestOutcome.PASSED
        ),
        "tests.failed": _bad(
            "failed tests", "Tests that failed or could not be run.", lambda case: case.outcome in FAILED
        ),
        "tests.new_failed": _compared(
            "failed tests",
            "Failed tests that do not fail alike on base.",
            _new_failed,
            lambda judged: (known_test(one.check, case) for one in judged.tests for case in one.failed),
        ),
        "tests.skipped": _bad(
            "skipped tests", "Tests that were skipped.", lambda case: case.outcome is TestOutcome.SKIPPED
        ),
        "tests.total": _fact("tests", "All tests, however they ended.", lambda _: True),
        "tests.flaky": _compared(
            "flaky tests",
            "Tests that failed, then passed when tried again, and failed ones that are known to do both.",
            _flaky,
            lambda judged: (known_test(one.check, one.case) for one in judged.flaky),
        ),
        "tests.removed": _compared(
            "removed tests",
            "Tests of base that are gone.",
            _removed,
            lambda judged: (known_test(one.check, case) for one in judged.tests for case in one.removed),
        ),
    },
)
