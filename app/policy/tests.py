"""`tests.…`: counts over the test reports of all required checks."""

from collections.abc import Callable

from app.language import Name, Value, ValueType
from app.model import Kind, TestCase, TestOutcome
from app.policy.counting import count
from app.policy.judged import Judged
from app.policy.protocol import Fact, Family

LATER = "not yet supported by this version"
NEW_FAILED_NOTE = (
    "tests.new_failed counts every failed test in this version, also one that fails alike on base"
)

_FAILED = frozenset({TestOutcome.FAILED, TestOutcome.ERRORED})


def _counting(wanted: Callable[[TestCase], bool]) -> Callable[[Judged], Value]:
    def read(judged: Judged) -> Value:
        gathered = judged.gather(Kind.TESTS)
        found = sum(1 for report in gathered.reports for case in report.tests if wanted(case))
        return count(found, gathered)

    return read


def _fact(words: str, doc: str, wanted: Callable[[TestCase], bool]) -> Fact:
    return Fact(
        meaning=Name(type=ValueType.NUMBER, doc=doc, kinds=frozenset({Kind.TESTS}), gate_only=True),
        words=words,
        read=_counting(wanted),
    )


TESTS = Family(
    name="tests",
    doc="Results of tests, over all required checks that report any.",
    facts={
        "tests.passed": _fact(
            "passed tests", "Tests that passed.", lambda case: case.outcome is TestOutcome.PASSED
        ),
        "tests.failed": _fact(
            "failed tests", "Tests that failed or could not be run.", lambda case: case.outcome in _FAILED
        ),
        "tests.new_failed": _fact(
            "failed tests",
            "Failed tests that do not fail alike on base; in this version the same as tests.failed.",
            lambda case: case.outcome in _FAILED,
        ),
        "tests.skipped": _fact(
            "skipped tests", "Tests that were skipped.", lambda case: case.outcome is TestOutcome.SKIPPED
        ),
        "tests.total": _fact("tests", "All tests, however they ended.", lambda _: True),
        "tests.flaky": _fact(
            "flaky tests", "Tests that failed, then passed when tried again.", lambda case: case.flaky
        ),
    },
    later_names={
        "tests.removed": Name(
            type=ValueType.NUMBER,
            doc="Tests of base that are gone.",
            kinds=frozenset({Kind.TESTS}),
            unsupported=LATER,
        ),
    },
)
