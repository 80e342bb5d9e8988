"""The plan and the evidence of one judgement, indexed once for all conditions."""

from collections import Counter
from collections.abc import Iterator
from functools import cached_property

import msgspec

from app.model import (
    CheckSpec,
    Conclusion,
    Finding,
    Kind,
    Severity,
)
from app.policy.flaky import FlakyTest, flaky_tests
from app.policy.gathering import Gathering
from app.policy.newcode import Age, CheckFindings, TrackedFinding, Tracking, known_finding, waived
from app.policy.required import required_keys
from app.policy.suites import CheckTests, compare_tests, known_test
from app.policy.waiving import Covered

GOOD = frozenset({Conclusion.SUCCESS, Conclusion.NOT_NEEDED})


class Judged(Gathering):
    """What conditions read. Only required checks feed aggregates; results are kept per instance."""

    @cached_property
    def delivered(self) -> frozenset[str]:
        """The kinds of evidence that required checks have delivered, declared or not."""
        required = required_keys(self.plan)
        return frozenset(
            kind for result in self.evidence.checks if result.key in required for kind in result.delivered
        )

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """All touched paths; a rename is both its paths."""
        return self.evidence.comparison.paths

    @cached_property
    def tracking(self) -> Tracking:
        """What is new among the findings of each check."""
        return Tracking(self.evidence)

    def compared(self, kind: Kind) -> tuple[CheckFindings, ...]:
        """The findings of all required checks that are to report this kind."""
        return tuple(self.tracking.of(key) for key in self.gather(kind).keys)

    @cached_property
    def covered(self) -> Covered:
        """What waivers cover of the new findings, secrets among them."""
        return waived(self.plan, self.evidence, self.tracking)

    @cached_property
    def findings(self) -> tuple[TrackedFinding, ...]:
        """The findings that count (not suppressed, no secrets)."""
        return tuple(one for one in self._told(Kind.FINDINGS) if not one.finding.secret)

    @cached_property
    def secrets(self) -> tuple[TrackedFinding, ...]:
        """The secrets that count (not suppressed)."""
        return tuple(one for one in self._told(Kind.SECRETS) if one.finding.secret)

    @cached_property
    def suppressed(self) -> tuple[TrackedFinding, ...]:
        """The findings and secrets that the source tells its tools to ignore, as far as they report them."""
        keys = dict.fromkeys(key for kind in (Kind.FINDINGS, Kind.SECRETS) for key in self.gather(kind).keys)
        return tuple(one for key in keys for one in self.tracking.of(key).findings if one.finding.suppressed)

    def _told(self, kind: Kind) -> Iterator[TrackedFinding]:
        for check in self.compared(kind):
            for one in check.findings:
                if kind.value not in one.kinds or one.finding.suppressed:
                    continue
                covered = one.age is Age.NEW and self.covered.waiver(one.finding) is not None
                yield msgspec.structs.replace(one, age=Age.WAIVED) if covered else one

    @cached_property
    def fixed(self) -> tuple[Finding, ...]:
        """Findings of base that would count and are gone."""
        return tuple(one for check in self.compared(Kind.FINDINGS) for one in check.fixed if not one.secret)

    @cached_property
    def tests(self) -> tuple[CheckTests, ...]:
        """The tests of all required checks that are to report any, beside base's."""
        return tuple(compare_tests(self.evidence, key) for key in self.gather(Kind.TESTS).keys)

    @cached_property
    def flaky(self) -> tuple[FlakyTest, ...]:
        """The tests of all checks that are flaky."""
        return flaky_tests(self.evidence)

    @cached_property
    def findings_by_severity(self) -> Counter[tuple[Severity, Age]]:
        """How many findings count, by severity and age."""
        return Counter((one.finding.severity, one.age) for one in self.findings)

    @cached_property
    def sifted(self) -> dict[str, tuple[tuple[int, Age, Finding], ...]]:
        """The findings that count by path, each with its severity's rank and its age: what conditions sift,
        so that a path is looked at once however many findings it has.
        """
        found: dict[str, list[tuple[int, Age, Finding]]] = {}
        for one in self.findings:
            told = (one.finding.severity.rank, one.age, one.finding)
            found.setdefault(one.finding.path, []).append(told)
        return {path: tuple(told) for path, told in found.items()}

    def failures(self, key: str) -> Iterator[tuple[str, ...]]:
        """What a check brings that may have made it fail, each by what it is known by: its failed tests and
        its findings that base has not.
        """
        for case in compare_tests(self.evidence, key).failed:
            yield known_test(key, case)
        for one in self.tracking.of(key).findings:
            if one.age is not Age.EXISTING and not one.finding.suppressed:
                yield known_finding(one)

    def cells(self, check_id: str) -> list[CheckSpec]:
        """The checks of one id, in the plan's order."""
        return [spec for spec in self.plan.checks if spec.id == check_id]
