"""The sentences about evidence: findings, tests, coverage, waivers; facts in, plain text out, no markup."""

from collections import Counter
from collections.abc import Sequence
from typing import assert_never

from app.model import (
    Finding,
    Overridden,
    Severity,
    TestCase,
    UsedWaiver,
    Verdict,
    Waiver,
)
from app.policy import FLAKY_WINDOW, FlakyTest, Standing, describe
from app.publish import figures


def severities_counted(severities: Sequence[Severity]) -> str:
    """`2 high, 1 low`, worst first."""
    counted = Counter(severities)
    return ", ".join(f"{counted[level]:,} {level}" for level in reversed(Severity) if counted[level])


def findings_counted(findings: Sequence[Finding], waived: int = 0) -> str:
    """`3 new findings: 1 high, 2 low; 1 waived`; `findings` are those that are not waived."""
    levels = severities_counted([finding.severity for finding in findings])
    text = figures.count(len(findings), "new finding") + (f": {levels}" if levels else "")
    return f"{text}; {waived:,} waived" if waived else text


def overridden_counted(verdict: Verdict) -> str:
    """`2 conditions overridden by bob`; '' for none."""
    if not verdict.overridden:
        return ""
    people = dict.fromkeys(person for one in verdict.overridden for person in one.by)
    number = figures.count(len(verdict.overridden), "condition")
    return f"{number} overridden by {figures.listing(list(people), 3)}"


def let_pass(one: Overridden) -> str:
    """What is let pass, by whom and why."""
    return f"{one.excused.says}: overridden by {', '.join(one.by)}, because {'; '.join(one.because)}"


def waivers_counted(verdict: Verdict) -> str:
    """`1 waiver used`; '' for none."""
    return f"{figures.count(len(verdict.waivers), 'waiver')} used" if verdict.waivers else ""


def waiver_used(used: UsedWaiver) -> str:
    """What a waiver covers, why, who answers for it and until when."""
    one = used.waiver
    most = f" of at most {one.max}" if not one.fingerprint else ""
    covers = f"{describe(one)}, {used.findings:,}{most} {'finding' if one.max == 1 else 'findings'}"
    ticket = f", {one.ticket}" if one.ticket else ""
    return f"{covers}: {one.reason} ({waived_by(one)}{ticket})"


def waived_by(waiver: Waiver) -> str:
    """Who answers for it until when."""
    return f"{waiver.owner}, until {waiver.expires}"


COVERAGE_LOST = "coverage that base has is missing here"


def coverage_counted(files: Sequence[tuple[int, int]]) -> str:
    """`4 of 8 new lines and branches covered (50.0 %)` from (covered, coverable) of each file."""
    covered, coverable = sum(file[0] for file in files), sum(file[1] for file in files)
    share = figures.percent(covered, coverable)
    return f"{covered:,} of {coverable:,} new lines and branches covered ({share})"


def duplication_counted(duplicated: int, new: int) -> str:
    """`12 of 40 new lines duplicated (30.0 %)`."""
    return f"{duplicated:,} of {new:,} new lines duplicated ({figures.percent(duplicated, new, up=True)})"


def complexity_counted(functions: int, worst: int) -> str:
    """`7 functions written or edited, complexity at most 12`."""
    return f"{figures.count(functions, 'function')} written or edited, complexity at most {worst:,}"


def licences_counted(packages: int) -> str:
    """`2 new packages under a licence that is not allowed`."""
    return f"{figures.count(packages, 'new package')} under a licence that is not allowed"


def licence_standing(standing: Standing) -> str:
    """How a package's licence stands to settings.licences."""
    match standing:
        case "allowed":
            return "allowed"
        case "denied":
            return "not allowed"
        case "unknown":
            return "no licence that SPDX knows"
        case _:
            assert_never(standing)


def not_covered(lines: Sequence[tuple[int, int]], *, unreported: bool, named: int = 8) -> str:
    """Which new lines no test runs."""
    return "in no coverage report" if unreported else figures.line_ranges(lines, named)


def finding_name(finding: Finding) -> str:
    """The tool and its rule: `ruff F821`."""
    return " ".join(part for part in (finding.tool, finding.rule) if part) or "finding"


def test_name(test: TestCase) -> str:
    """`tests.test_pay::test_refund`."""
    return f"{test.classname}::{test.name}" if test.classname else test.name


def flaky_counted(passed: int, failed: int) -> str:
    """`3 flaky tests: 2 passed only when tried again, 1 failed and is known to be flaky`."""
    said = [f"{passed:,} passed only when tried again"] if passed else []
    said += [f"{failed:,} failed and {'is' if failed == 1 else 'are'} known to be flaky"] if failed else []
    return f"{figures.count(passed + failed, 'flaky test')}: {', '.join(said)}"


def flaky_known(one: FlakyTest) -> str:
    """`passed and failed for the same code 3 times in 30 days, last on 2026-11-20 (run 7)`."""
    if one.known is None:
        return "passed only when tried again"
    often = "once" if one.known.times == 1 else f"{one.known.times:,} times"
    days = f"{FLAKY_WINDOW / 86_400:g} days"
    last = f"last on {one.known.last} ({one.known.origin})"
    return f"passed and failed for the same code {often} in {days}, {last}"


def slowest_counted(number: int) -> str:
    """`The 5 slowest tests`."""
    return "The slowest test" if number == 1 else f"The {number:,} slowest tests"


def suggestion(finding: Finding) -> str:
    """What stands above a suggested fix."""
    return f"{finding_name(finding)} suggests"


ELSEWHERE = "not on a changed line: new through this change all the same"
"""Said of a new finding on a line that the change leaves alone."""

ALIKE = "it fails alike on the base branch"
"""Said of a failing test that is not this change's fault."""


def uncovered(lines: tuple[int, int]) -> str:
    """What an uncovered range of new lines means."""
    first, last = lines
    if first == last:
        return "This new line is not run by any test."
    return f"These {last - first + 1:,} new lines ({first}-{last}) are not run by any test."
