"""One test case of a JUnit XML file while it is open, and the tries of one made one."""

import msgspec

from app.model import TestCase, TestOutcome
from app.reports.xml import Attributes

BAD = frozenset({"failure", "error"})
FLAKY = frozenset({"flakyFailure", "flakyError", "rerun"})
DETAILS = BAD | FLAKY | {"skipped", "rerunFailure", "rerunError"}

_STATUSES = {
    **dict.fromkeys(("fail", "failed", "failure"), TestOutcome.FAILED),
    **dict.fromkeys(("error", "errored", "broken"), TestOutcome.ERRORED),
    **dict.fromkeys(
        ("notrun", "skipped", "disabled", "ignored", "suppressed", "pending", "todo", "inconclusive"),
        TestOutcome.SKIPPED,
    ),
}
_MAX_SECONDS = 10_000_000.0


def seconds(text: str) -> float:
    """A duration: `0.123`, surefire's `1,234.5`, a decimal comma `0,5`, `0.1s`; 0.0 if unreadable."""
    try:
        value = float(text)
    except ValueError:
        text = text.strip().removesuffix("s").strip()
        text = text.replace(",", "") if "." in text else text.replace(",", ".")
        try:
            value = float(text)
        except ValueError:
            return 0.0
    return value if 0.0 <= value <= _MAX_SECONDS else 0.0


class Case:
    """An open test case. `stray` = a problem that stands in no test."""

    __slots__ = ("attributes", "details", "message", "output", "stray")

    def __init__(self, attributes: Attributes, *, stray: bool = False) -> None:
        self.attributes = attributes
        self.details: set[str] = set()
        self.message = ""
        self.output = ""
        self.stray = stray

    def outcome(self) -> TestOutcome:
        """How it ended, by its elements first, then by its attributes."""
        if "error" in self.details:
            return TestOutcome.ERRORED
        if "failure" in self.details and "todo" not in self.details:
            return TestOutcome.FAILED
        if "skipped" in self.details:
            return TestOutcome.ERRORED if self._could_not_start() else TestOutcome.SKIPPED
        for name in ("result", "status"):
            outcome = _STATUSES.get(self.attributes.get(name, "").lower())
            if outcome is not None:
                return outcome
        return TestOutcome.PASSED

    def _could_not_start(self) -> bool:
        """CTest counts as failed what it skips, unless the test itself asked for it."""
        said = self.attributes
        return (
            said.get("status") == "notrun" and "result" not in said and not self.message.startswith("SKIP_")
        )


def joined(tests: list[TestCase]) -> list[TestCase]:
    """Tries of one test of Go made one: flaky if any passed, failed if none did. Names in a package of Go
    are unique, so that tries are all they can be; those that never failed are left as they are.
    """
    tries: dict[tuple[str, str], list[TestCase]] = {}
    for test in tests:
        tries.setdefault((test.classname, test.name), []).append(test)
    kept: list[TestCase] = []
    for found in tries.values():
        failed = [test for test in found if test.outcome is TestOutcome.FAILED]
        passed = [test for test in found if test.outcome is TestOutcome.PASSED]
        if failed and passed:
            first, last = failed[0], passed[-1]
            kept.append(msgspec.structs.replace(last, message=first.message, output=first.output, flaky=True))
        else:
            kept.extend(failed[:1] or found)
    return kept
