"""Tests of a JUnit file that passed: nearly all that most files hold, so each costs as little as can be."""

from collections.abc import Callable, Sequence
from itertools import chain
from typing import TypeVar

from app.model import TestCase
from app.reports.junit_case import seconds
from app.reports.text import NAME_CHARS, line, lines
from app.reports.xml import EndHandler, Pairs, PairsHandler

UNNAMED = "(unnamed test)"
TOGETHER = 1000
"""How many tests are gathered before they are made."""

# What most tests say, and nothing else.
_USUAL = frozenset({"name", "classname", "time"})

T = TypeVar("T")


class _Known(dict[str, T]):
    """What texts mean, each worked out once: a hundred thousand tests name few classes and durations."""

    def __init__(self, meaning: Callable[[str], T]) -> None:
        super().__init__()
        self._meaning = meaning

    def __missing__(self, text: str) -> T:
        found = self[text] = self._meaning(text)
        return found


class Gathered:
    """Tests that begin one after the other, and the ends heard meanwhile.

    Ends are appended by expat itself, without a call of Python, and looked at only when something else
    begins: as many ends as tests mean that each test is closed and nothing else was.
    """

    def __init__(self) -> None:
        self.tests: list[Pairs] = []
        self._ends: list[str] = []

    def handlers(self, other: PairsHandler) -> tuple[PairsHandler, EndHandler]:
        """For expat while no test is open; `other` hears of what is no test, and must call `settle` first."""
        tests, ends = self.tests, self._ends
        keep = tests.append

        def start(name: str, pairs: Pairs) -> None:
            if name == "testcase" and len(ends) == len(tests) < TOGETHER:
                keep(pairs)
            else:
                other(name, pairs)

        return start, ends.append

    def settle(self) -> tuple[Pairs | None, list[str]]:
        """The test that is still open, which is taken out; ends of other elements since the last time."""
        tests, ends = self.tests, self._ends
        opened = tests.pop() if len(ends) < len(tests) else None
        others = ends[len(tests) :]
        del ends[len(tests) :]
        return opened, others

    def clear(self) -> None:
        """Forget those that were made."""
        self.tests.clear()
        self._ends.clear()


class Words:
    """What the texts of tests mean."""

    def __init__(self) -> None:
        self.classes = _Known(lambda raw: line(raw, NAME_CHARS))
        self.durations = _Known(seconds)

    def made(self, found: Sequence[Pairs], suite: str) -> list[TestCase] | None:
        """Passed tests of these attributes; None if any says more than its name, class and time."""
        said = _usual(found)
        if said is None:
            return None
        names, classes, times = said
        if "" in classes:
            classes = [class_ or suite for class_ in classes]
        meant = zip(
            lines(names),
            map(self.classes.__getitem__, classes),
            map(self.durations.__getitem__, times),
            strict=True,
        )
        return [
            TestCase(name=name or UNNAMED, classname=class_, seconds=took) for name, class_, took in meant
        ]


def _usual(found: Sequence[Pairs]) -> list[list[str]] | None:
    """Names, classes and times of tests that say nothing else; None if any is otherwise."""
    names = found[0][::2]
    if len(names) != len(_USUAL) or not _USUAL.issuperset(names):
        return None
    flat = list(chain.from_iterable(found))
    # No test names an attribute twice: if three take turns throughout, each test has these three.
    if flat[::2] != names * len(found):
        return None
    return [flat[2 * names.index(one) + 1 :: 6] for one in ("name", "classname", "time")]
