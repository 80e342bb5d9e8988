"""Numbers, times, lists of names."""

import pytest

from app.publish import figures
from tests.unit.publish.samples import NOW


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0.0 s"),
        (0.44, "0.4 s"),
        (12.5, "12 s"),
        (59.4, "59 s"),
        (59.6, "1 m 0 s"),
        (200, "3 m 20 s"),
        (7500, "2 h 5 m"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert figures.duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "a few seconds"),
        (9.9, "a few seconds"),
        (12, "10 s"),
        (63, "65 s"),
        (130, "2 min"),
        (5_000, "83 min"),
        (9_000, "2.5 h"),
    ],
)
def test_a_usual_duration_is_told_roughly(seconds: float, text: str) -> None:
    assert figures.roughly(seconds) == text


def test_clock_names_the_day_only_when_it_is_another() -> None:
    assert figures.clock(NOW, NOW) == "11:06 UTC"
    assert figures.clock(NOW - 86_400, NOW) == "17 Nov 11:06 UTC"


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a and b"),
        (["a", "b", "c"], "a, b and c"),
        (["a", "b", "c", "d"], "a, b, c and d"),
        (["a", "b", "c", "d", "e"], "a, b, c and 2 more"),
    ],
)
def test_listing(names: list[str], text: str) -> None:
    assert figures.listing(names) == text


def test_percent_is_never_better_than_the_truth() -> None:
    assert figures.percent(7_999, 10_000) == "79.9 %"
    assert figures.percent(999_999, 1_000_000) == "99.9 %"
    assert figures.percent(1, 1) == "100.0 %"


def test_count() -> None:
    assert figures.count(1, "check") == "1 check"
    assert figures.count(12_000, "check") == "12,000 checks"
    assert figures.count(2, "branch", "branches") == "2 branches"


def test_line_ranges() -> None:
    assert figures.line_ranges([(3, 3), (5, 9)]) == "3 and 5-9"


def test_place() -> None:
    assert figures.place("", 0) == "the whole project"
    assert figures.place("a.py", 0) == "a.py"
    assert figures.place("a.py", 3) == "a.py:3"
