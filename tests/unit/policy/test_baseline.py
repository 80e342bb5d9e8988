"""Which checks base's evidence is wanted of."""

import msgspec
import pytest

from app.model import (
    Baseline,
    BaselineState,
    CheckEvidence,
    CheckResult,
    Evidence,
    Kind,
    Package,
    ReportContent,
    ReportSpec,
    Severity,
)
from app.policy import baselines_wanted
from tests.unit.policy.world import (
    C,
    F,
    P,
    check,
    coverage,
    covered,
    ended,
    evidence,
    finding,
    findings,
    junit,
    plan,
    when,
)

NEW = "findings('high', 'new') == 0"
LINT = check("lint", Kind.FINDINGS)
TEST = check("test", Kind.TESTS)


def linted(*conclusions: CheckResult, report: CheckEvidence) -> Evidence:
    return evidence(*(conclusions or (ended("lint", C.SUCCESS, Kind.FINDINGS),)), reports=[report])


@pytest.mark.parametrize(
    ("condition", "fields", "wanted"),
    [
        (NEW, {}, True),
        (NEW, {"severity": Severity.LOW}, False),
        ("findings('low', 'new') == 0", {"severity": Severity.LOW}, True),
        ("findings('high', 'all') == 0", {}, False),
        ("findings('high', 'fixed') > 0", {"severity": Severity.LOW}, True),
        (NEW, {"suppressed": True}, False),
        ("suppressions.new == 0", {"suppressed": True}, True),
        ("suppressions.new == 0", {}, False),
        (NEW, {"secret": True}, False),
        ("secrets.new == 0", {"secret": True}, True),
        ("rating.security.new == 'A'", {"severity": Severity.INFO}, True),
        ("rating.security.new == 'A'", {"secret": True}, True),
        ("rating.reliability.new == 'A'", {"secret": True}, False),
        ("waivers.used == 0", {"severity": Severity.INFO}, True),
        ("waivers.used == 0", {"secret": True}, True),
        ("waivers.used == 0", {"suppressed": True}, False),
        ("checks.lint.passed", {}, False),
    ],
)
def test_findings_that_an_item_asks_about(condition: str, fields: dict[str, object], *, wanted: bool) -> None:
    given = linted(report=findings("lint", finding(**fields)))  # type: ignore[arg-type]
    assert baselines_wanted(plan(LINT, gate=[condition]), given) == (("lint",) if wanted else ())


def test_a_clean_run_wants_none_unless_what_is_gone_is_asked_for() -> None:
    clean = linted(report=findings("lint"))
    assert baselines_wanted(plan(LINT, gate=[NEW]), clean) == ()
    assert baselines_wanted(plan(LINT, gate=["findings('info', 'fixed') >= 0"]), clean) == ("lint",)


@pytest.mark.parametrize(
    ("condition", "report", "wanted"),
    [
        (NEW, ReportSpec(path="out/*.sarif", kind=Kind.FINDINGS), True),
        (NEW, ReportSpec(path="out/*"), True),
        ("rating.security.new == 'A'", ReportSpec(path="out/*.sarif", kind=Kind.FINDINGS), True),
        ("suppressions.new == 0", ReportSpec(path="out/*.sarif", kind=Kind.FINDINGS), True),
        ("coverage.new >= 80%", ReportSpec(path="out/*.sarif", kind=Kind.FINDINGS), False),
        ("checks.passed", ReportSpec(path="out/*.sarif", kind=Kind.FINDINGS), False),
        (NEW, ReportSpec(path="out/lint.sarif", kind=Kind.FINDINGS), False),
        (NEW, ReportSpec(path="out/*.sarif", kind=Kind.FINDINGS, optional=True), False),
        (NEW, ReportSpec(path="out/*.xml", kind=Kind.TESTS), False),
    ],
)
def test_a_clean_run_wants_one_where_a_glob_hides_what_is_lost(
    condition: str, report: ReportSpec, *, wanted: bool
) -> None:
    clean = linted(report=findings("lint"))
    spec = msgspec.structs.replace(LINT, reports=(report,))
    assert baselines_wanted(plan(spec, gate=[condition]), clean) == (("lint",) if wanted else ())


@pytest.mark.parametrize("name", ["new", "overall"])
def test_coverage_without_a_line_is_compared(name: str) -> None:
    given = evidence(ended("test", C.SUCCESS, Kind.COVERAGE), reports=[coverage("test", covered("a.py", ""))])
    spec = check("test", Kind.COVERAGE)
    assert baselines_wanted(plan(spec, gate=[f"coverage.{name} >= 80%"]), given) == ("test",)
    assert baselines_wanted(plan(spec, gate=["checks.passed"]), given) == ()


def test_items_in_groups_and_behind_a_when_count_too() -> None:
    given = linted(report=findings("lint", finding()))
    assert baselines_wanted(plan(LINT, gate=[when("pr.base == 'main'", NEW)]), given) == ("lint",)


def test_the_built_in_gate_asks() -> None:
    given = linted(report=findings("lint", finding()))
    assert baselines_wanted(plan(LINT, gate=None), given) == ("lint",)


@pytest.mark.parametrize("conclusion", [None, C.ERROR, C.CANCELLED, C.TIMED_OUT, C.SKIPPED])
def test_only_checks_that_ended_well_enough_are_compared(conclusion: C | None) -> None:
    given = linted(ended("lint", conclusion, Kind.FINDINGS), report=findings("lint", finding()))
    assert baselines_wanted(plan(LINT, gate=[NEW]), given) == ()


def test_advisory_checks_and_blocked_plans_want_none() -> None:
    given = linted(report=findings("lint", finding()))
    advisory = msgspec.structs.replace(LINT, required=False)
    assert baselines_wanted(plan(advisory, gate=[NEW]), given) == ()
    assert baselines_wanted(plan(LINT, gate=[NEW], blocked="conflicts"), given) == ()


@pytest.mark.parametrize("state", list(BaselineState))
def test_one_that_is_there_in_any_state_is_not_wanted_again(state: BaselineState) -> None:
    given = linted(report=findings("lint", finding()))
    given = msgspec.structs.replace(given, baselines=(Baseline(key="lint", state=state),))
    assert baselines_wanted(plan(LINT, gate=[NEW]), given) == ()


@pytest.mark.parametrize(
    ("condition", "outcome", "wanted"),
    [
        ("tests.new_failed == 0", F, True),
        ("tests.new_failed == 0", P, False),
        ("tests.failed == 0", F, False),
        ("tests.removed == 0", P, True),
    ],
)
def test_tests(condition: str, outcome: object, *, wanted: bool) -> None:
    given = evidence(ended("test", C.FAILURE, Kind.TESTS), reports=[junit("test", outcome)])  # type: ignore[arg-type]
    assert baselines_wanted(plan(TEST, gate=[condition]), given) == (("test",) if wanted else ())


def test_tests_that_are_all_gone_are_looked_for_on_base() -> None:
    given = evidence(ended("test", C.FAILURE))
    assert baselines_wanted(plan(TEST, gate=["tests.removed == 0"]), given) == ("test",)


@pytest.mark.parametrize(
    ("condition", "ran", "idle"),
    [
        ("coverage.new >= 80%", False, False),
        ("coverage.overall >= 80%", False, True),
        ("coverage.delta >= -0.2%", True, True),
    ],
)
def test_coverage_is_compared_or_carried_forward(condition: str, *, ran: bool, idle: bool) -> None:
    shards = check("test", Kind.COVERAGE, cell="a"), check("test", Kind.COVERAGE, cell="b")
    given = evidence(
        ended("test (a)", C.SUCCESS, Kind.COVERAGE),
        ended("test (b)", C.NOT_NEEDED),
        reports=[coverage("test (a)", covered("a.py", "1+"))],
    )
    wanted = {"test (a)": ran, "test (b)": idle}
    assert baselines_wanted(plan(*shards, gate=[condition]), given) == tuple(
        key for key, one in wanted.items() if one
    )


def test_secrets_that_turn_up_among_findings_are_compared_by_the_built_in_gate() -> None:
    found = findings("lint", finding(secret=True))
    told = evidence(ended("lint", C.SUCCESS, Kind.FINDINGS, Kind.SECRETS), reports=[found])
    assert baselines_wanted(plan(LINT, gate=None), told) == ("lint",)


def test_packages_are_compared_where_their_licences_are_judged() -> None:
    report = ReportContent(format="spdx", kind="licences", packages=(Package(name="a"),))
    bill = check("bill", Kind.LICENCES)
    told = evidence(
        ended("bill", C.SUCCESS, Kind.LICENCES), reports=[CheckEvidence(key="bill", reports=(report,))]
    )
    assert baselines_wanted(plan(bill, gate=["licences.denied == 0"]), told) == ("bill",)
    assert baselines_wanted(plan(bill, gate=["checks.passed"]), told) == ()
