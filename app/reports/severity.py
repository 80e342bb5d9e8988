"""How bad a finding is: the preset's table, then the tool's score, then its level (gate-file.md 6)."""

import fnmatch
from collections.abc import Mapping
from typing import Generic, TypeVar

from app.model import Severity

T = TypeVar("T")

LEVELS = {
    "error": Severity.HIGH,
    "warning": Severity.MEDIUM,
    "note": Severity.LOW,
    "none": Severity.INFO,
}
"""SARIF's levels; also those of every tool that uses the same words."""

SHELL_LEVELS = {
    "error": Severity.HIGH,
    "warning": Severity.MEDIUM,
    "info": Severity.LOW,
    "style": Severity.INFO,
}
"""The words of shellcheck and hadolint."""

BLOCKER_WORDS = {
    "blocker": Severity.CRITICAL,
    "critical": Severity.HIGH,
    "major": Severity.MEDIUM,
    "minor": Severity.LOW,
    "info": Severity.INFO,
}
"""The words of SonarQube and Code Climate, in lower case (gate-file.md 6)."""

# What vendors call it, in lower case. `unknown` is no word: see `from_word`.
_WORDS = {
    "critical": Severity.CRITICAL,
    "high": Severity.HIGH,
    "important": Severity.HIGH,
    "medium": Severity.MEDIUM,
    "moderate": Severity.MEDIUM,
    "low": Severity.LOW,
    "negligible": Severity.INFO,
    "informational": Severity.INFO,
    "info": Severity.INFO,
    "none": Severity.INFO,
}

# CVSS bounds of `security-severity`, worst first.
_SCORES = ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM))


class RuleTable(Generic[T]):
    """Rule globs → what is said of them; of the globs that match the longest wins, ties by alphabet."""

    def __init__(self, table: Mapping[str, T]) -> None:
        self._exact = {glob: said for glob, said in table.items() if not set(glob) & set("*?[")}
        globs = sorted(
            (glob for glob in table if glob not in self._exact), key=lambda glob: (-len(glob), glob)
        )
        self._globs = [(glob, table[glob]) for glob in globs]
        self._known: dict[str, T | None] = {}
        self.empty = not table

    def of(self, rule: str) -> T | None:
        """What is said of a rule, None if the table is silent on it."""
        if rule not in self._known:
            self._known[rule] = self._exact.get(rule) or next(
                (said for glob, said in self._globs if fnmatch.fnmatchcase(rule, glob)), None
            )
        return self._known[rule]


def from_word(text: str | None) -> Severity | None:
    """A vendor's word for a severity, in any case; None if it is none (`UNKNOWN`, `UNDEFINED`)."""
    return _WORDS.get(text.strip().lower()) if text and len(text) < 20 else None  # noqa: PLR2004 - no word is longer


def from_score(text: str | float | None) -> Severity | None:
    """GitHub's `security-severity` (0.0 … 10.0, a string or a number); None if it is none."""
    try:
        score = float(text) if text is not None else -1.0
    except ValueError:
        return None
    if not 0.0 < score <= 10.0:  # noqa: PLR2004 - the scale of CVSS; NaN compares false
        return None
    return next((severity for bound, severity in _SCORES if score >= bound), Severity.LOW)
