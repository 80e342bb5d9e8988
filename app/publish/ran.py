"""Tests worth a look besides those that failed: flaky ones, and those that take longest."""

from collections.abc import Iterator

from app.model import Evidence, TestCase
from app.policy import flaky_tests
from app.publish import figures, phrases
from app.publish.measured import Section

_SLOWEST = 5
_SLOW = 1.0
"""Seconds from which on a test is named among the slowest."""


def test_sections(evidence: Evidence) -> tuple[Section, ...]:
    """Tests that passed and failed for the same code, and the slowest."""
    return tuple(_sections(evidence))


def _sections(evidence: Evidence) -> Iterator[Section]:
    cases = [
        (delivered.key, case)
        for delivered in evidence.reports
        for report in delivered.reports
        for case in report.tests
    ]
    if flaky := flaky_tests(evidence):
        failed = sum(one.failed for one in flaky)
        yield Section(
            key="flaky",
            summary=phrases.flaky_counted(len(flaky) - failed, failed),
            heads=("Test", "Check", "What is known", "What failed"),
            rows=tuple(
                (phrases.test_name(one.case), one.check, phrases.flaky_known(one), one.case.message)
                for one in flaky
            ),
            one="test",
        )
    slow = sorted((one for one in cases if one[1].seconds >= _SLOW), key=_slowest_first)[:_SLOWEST]
    if slow:
        yield Section(
            key="slowest",
            summary=phrases.slowest_counted(len(slow)),
            heads=("Test", "Check", "Took"),
            rows=tuple((phrases.test_name(case), key, figures.duration(case.seconds)) for key, case in slow),
            one="test",
        )


def _slowest_first(one: tuple[str, TestCase]) -> tuple[float, str]:
    return -one[1].seconds, phrases.test_name(one[1])
