"""Flaky tests: they pass and fail for the same code. Seen where evidence comes in, known afterwards.

A test is seen flaky when it passed only on a later try, or when two runs of the same definition of a check on
the same tree differ about it. For `WINDOW` seconds it is known to be flaky. That excuses nothing: a known
flaky test that fails has failed, and the verdict says beside it what is known. What is known of a test goes
with its file, where git sees that renamed.
"""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from app.model import CheckEvidence, Comparison, Evidence, KnownFlaky, TestCase, TestOutcome
from app.policy.suites import FAILED, Renames

WINDOW: Final = 30 * 86_400.0
AT_ONCE: Final = 50
"""Where more tests than this turn at once it was the machine (a database that was down), not the tests."""


class FlakyTest(msgspec.Struct, frozen=True, kw_only=True):
    """A test of this change that is flaky, in a check by key. `known` is what history says of it; None where
    only this change's own tries tell.
    """

    check: str
    case: TestCase
    known: KnownFlaky | None = None

    @property
    def failed(self) -> bool:
        """Whether it failed in the end."""
        return self.case.outcome in FAILED


def test_key(check_id: str, case: TestCase) -> str:
    """What a test of a check (by the gate file's id, all cells alike) is known by: a hash of 64 digits."""
    said = f"{check_id}\0{case.classname}\0{case.name}\0{case.path}"
    return hashlib.sha256(said.encode(errors="surrogatepass")).hexdigest()


def seen_flaky(check_id: str, body: CheckEvidence, earlier: Iterable[CheckEvidence]) -> tuple[str, ...]:
    """The keys of tests that `body` shows to be flaky, alone or beside `earlier` evidence of the same
    definition on the same tree; none where more than AT_ONCE turned.
    """
    passed, failed = _sides(check_id, body)
    found = {test_key(check_id, case) for case in _cases(body) if case.flaky}
    for other in earlier:
        was_passed, was_failed = _sides(check_id, other)
        found |= (passed & was_failed) | (failed & was_passed)
    return tuple(sorted(found)) if len(found) <= AT_ONCE else ()


def _sides(check_id: str, body: CheckEvidence) -> tuple[set[str], set[str]]:
    """Keys of what passed and of what failed. Where two tests share a name nothing is told of either."""
    passed = {test_key(check_id, case) for case in _cases(body) if case.outcome is TestOutcome.PASSED}
    failed = {test_key(check_id, case) for case in _cases(body) if case.outcome in FAILED}
    return passed - failed, failed - passed


def _cases(body: CheckEvidence) -> Iterator[TestCase]:
    return (case for report in body.reports for case in report.tests)


def former_keys(check_id: str, body: CheckEvidence, comparison: Comparison) -> dict[str, str]:
    """Of the tests in files that the change renames, by the key they had on base: the key now."""
    renames = Renames(comparison)
    found = {}
    for case in _cases(body) if renames else ():
        classname, name, path = renames.identity(case)
        if (classname, path) != (case.classname, case.path):
            former = msgspec.structs.replace(case, classname=classname, name=name, path=path)
            found[test_key(check_id, former)] = test_key(check_id, case)
    return found


def failed_keys(evidence: Evidence) -> tuple[str, ...]:
    """The keys of all tests that failed here: what history is asked of."""
    ids = _ids(evidence)
    return tuple(
        test_key(ids[body.key], case)
        for body in evidence.reports
        if body.key in ids
        for case in _cases(body)
        if case.outcome in FAILED
    )


def flaky_tests(evidence: Evidence) -> tuple[FlakyTest, ...]:
    """The tests of this change that are flaky, in the order of the reports: those that passed only when tried
    again, those that failed and are known to do both, and those that passed now and failed for this very code
    before. One that is known to be flaky and simply passed is none.
    """
    known, ids = {one.test: one for one in evidence.flaky}, _ids(evidence)
    here = any(one.here for one in evidence.flaky)
    found = []
    for body in evidence.reports:
        for case in _cases(body):
            asked = case.outcome in FAILED or (here and case.outcome is TestOutcome.PASSED) or case.flaky
            history = known.get(test_key(ids[body.key], case)) if asked and body.key in ids else None
            shows = history is not None and (history.here or case.outcome in FAILED)
            if case.flaky or shows:
                found.append(FlakyTest(check=body.key, case=case, known=history))
    return tuple(found)


def _ids(evidence: Evidence) -> dict[str, str]:
    return {result.key: result.id for result in evidence.checks}
