"""`settings.gate: sonar_way`, condition for condition against what SonarQube publishes of *Sonar way*."""

import msgspec
import pytest

from app.model import CheckSpec, Evidence, Finding, Kind, OutcomeValue, Plan, Severity, Verdict, VerdictState
from app.plan.judged import SONAR_WAY as JUDGED
from app.policy import evaluate, gate_of, vocabulary
from app.policy.sonar import SONAR_WAY
from tests.unit.policy.world import (
    C,
    F,
    check,
    coverage,
    covered,
    ended,
    evidence,
    file,
    finding,
    findings,
    junit,
    outcome_of,
    plan,
)

LINT, TEST = check("lint", Kind.FINDINGS), check("test", Kind.COVERAGE)
NEW, COVERED = "findings('info', 'new') == 0", "coverage.new >= 80%"
PASSED, BLOCKED = VerdictState.PASSED, VerdictState.BLOCKED

PUBLISHED = {
    ("new_violations", "GT", 0),
    ("new_coverage", "LT", 80),
    ("new_duplicated_lines_density", "GT", 3),
    ("new_security_hotspots_reviewed", "LT", 100),
}
"""Its default conditions since 10.3: the failing side and the threshold."""


def sonar_way(*checks: CheckSpec, **settings: object) -> Plan:
    one = plan(*checks, gate=None, **settings)
    return msgspec.structs.replace(one, settings=msgspec.structs.replace(one.settings, gate="sonar_way"))


def change(*found: Finding, hit: int = 100, missed: int = 0) -> Evidence:
    """hit + missed coverable new lines in a.py."""
    total = hit + missed
    lines = " ".join(f"{n}{'+' if n <= hit else '-'}" for n in range(1, total + 1))
    return evidence(
        ended("lint", C.SUCCESS, Kind.FINDINGS),
        ended("test", C.SUCCESS, Kind.COVERAGE),
        reports=[findings("lint", *found), coverage("test", covered("a.py", lines))],
        files=[file("a.py", (1, total))],
    )


def judge(*found: Finding, hit: int = 100, missed: int = 0, **settings: object) -> Verdict:
    return evaluate(sonar_way(LINT, TEST, **settings), change(*found, hit=hit, missed=missed))


def test_the_conditions_are_those_that_are_published():
    assert {(one.metric, one.operator, one.threshold) for one in SONAR_WAY} == PUBLISHED
    assert {one.kind for one in SONAR_WAY} - {None} == JUDGED


@pytest.mark.parametrize("one", [one for one in SONAR_WAY if one.expression], ids=lambda one: one.expression)
def test_an_expression_holds_exactly_where_the_condition_does_not_fail(one):
    """`> 3` fails, so 3 itself holds; `< 80` fails, so 80 itself holds. A count `<= 0` is `== 0`."""
    value, op, bound = one.expression.rpartition(" ")[0].rpartition(" ")[0], *one.expression.split(" ")[-2:]
    assert value
    assert bound == (f"{one.threshold}%" if one.kind in {Kind.COVERAGE, Kind.DUPLICATION} else "0")
    assert op == (">=" if one.operator == "LT" else "<=" if one.threshold else "==")


@pytest.mark.parametrize(
    ("hit", "missed", "state"), [(80, 20, PASSED), (79, 21, BLOCKED), (799, 201, BLOCKED), (100, 0, PASSED)]
)
def test_new_coverage_below_80_fails(hit, missed, state):
    assert judge(hit=hit, missed=missed).state is state


@pytest.mark.parametrize("severity", ["info", "critical"])
def test_any_new_issue_fails_an_old_one_does_not(severity):
    assert judge(finding("a.py", 5, Severity(severity))).state is BLOCKED
    assert judge(finding("a.py", 500, Severity(severity))).state is PASSED


@pytest.mark.parametrize(("lines", "state"), [(19, PASSED), (20, BLOCKED)])
def test_below_twenty_new_lines_coverage_is_ok_and_issues_are_not(lines, state):
    """MAXIMUM_NEW_LINES_FOR_SMALL_CHANGESETS = 19."""
    verdict = judge(hit=0, missed=lines)
    assert verdict.state is state
    value = OutcomeValue.EXEMPT if lines < 20 else OutcomeValue.UNMET
    assert outcome_of(verdict, COVERED).value is value
    assert judge(finding("a.py", 5), hit=0, missed=lines).state is BLOCKED


def test_a_measure_that_nobody_delivered_is_ok_and_said_to_be():
    given = evidence(
        ended("lint", C.SUCCESS, Kind.FINDINGS),
        ended("test", C.SUCCESS),
        reports=[findings("lint")],
        files=[file("a.py", (1, 50))],
    )
    verdict = evaluate(sonar_way(LINT, TEST), given)
    assert verdict.state is PASSED
    outcome = outcome_of(verdict, COVERED)
    assert outcome.value is OutcomeValue.EXEMPT
    assert outcome.says.endswith("delivered no complete coverage report, which SonarQube takes as OK")
    # ours are as strict as ever
    assert evaluate(plan(LINT, TEST, gate=None), given).state is BLOCKED
    waiting = evidence(
        ended("lint", C.SUCCESS, Kind.FINDINGS), ended("test", None), reports=[findings("lint")]
    )
    assert evaluate(sonar_way(LINT, TEST), waiting).state is VerdictState.PENDING
    broken = evidence(
        ended("lint", C.SUCCESS, Kind.FINDINGS), ended("test", C.ERROR), reports=[findings("lint")]
    )
    assert evaluate(sonar_way(LINT, TEST), broken).state is VerdictState.ERRORED


def test_what_no_check_measures_is_left_out_and_said():
    verdict = judge()
    assert [outcome.text for outcome in verdict.outcomes] == ["checks.passed", NEW, COVERED]
    told = [note for note in verdict.notes if "SonarQube takes as OK" in note]
    assert [note.split(" ", 1)[0] for note in told] == [
        "new_duplicated_lines_density",
        "new_security_hotspots_reviewed",
    ]
    assert "no gate is written: SonarQube's default gate (Sonar way) judges" in verdict.notes


def test_secrets_are_issues_and_clones_are_judged_where_a_check_declares_them():
    leaks, clones = check("leaks", Kind.SECRETS), check("clones", Kind.DUPLICATION)
    items = [item.expression.text for item in gate_of(sonar_way(leaks, clones))]
    assert items == ["checks.passed", "secrets.new == 0", "duplication.new <= 3%"]
    assert all(one in vocabulary().names for one in ("secrets.new", "duplication.new"))


def test_required_checks_are_judged_all_the_same_and_failing_tests_by_them_alone():
    suite = check("suite", Kind.TESTS)
    given = evidence(
        ended("suite", C.FAILURE, Kind.TESTS), reports=[junit("suite", F)], files=[file("a.py", (1, 50))]
    )
    verdict = evaluate(sonar_way(suite), given)
    assert [(outcome.text, outcome.value) for outcome in verdict.outcomes] == [
        ("checks.passed", OutcomeValue.UNMET)
    ]


def test_a_written_gate_judges_alone():
    own = msgspec.structs.replace(sonar_way(LINT), gate_declared=True, gate=plan(gate=("pr.draft",)).gate)
    assert [item.expression.text for item in gate_of(own)] == ["checks.passed", "pr.draft"]
