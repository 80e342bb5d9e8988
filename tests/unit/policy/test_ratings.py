"""Ratings A to E, held against SonarQube's definitions."""

import msgspec
import pytest

from app.model import (
    Baseline,
    BaselineState,
    Finding,
    Kind,
    Outcome,
    ReportContent,
    Severity,
    UnknownCause,
    Waiver,
)
from app.model import CheckEvidence as Delivered
from app.policy import evaluate
from app.policy.ratings import by_debt, by_severity
from tests.unit.policy.world import C, check, ended, evidence, file, finding, findings, outcome_of, plan

LINT = check("lint", Kind.FINDINGS)
S, R, M = "security", "reliability", "maintainability"


def rating(
    domain: str, *found: Finding, lines: int = 20, waivers: tuple[Waiver, ...] = (), **more: object
) -> str:
    """The letter, read off the verdict."""
    text = f"rating.{domain}.new == 'A'"
    judging = msgspec.structs.replace(plan(LINT, gate=(text,)), waivers=waivers)
    given = evidence(
        ended("lint", C.SUCCESS, Kind.FINDINGS),
        reports=[findings("lint", *found)],
        today="2026-11-21",
        **({"files": [file("a.py", (1, lines)), file("notes.md", (1, 500))]} | more),
    )
    return str(outcome_of(evaluate(judging, given), text).used[f"rating.{domain}.new"])


@pytest.mark.parametrize(
    ("severity", "letter"),
    [(None, "A"), ("info", "A"), ("low", "B"), ("medium", "C"), ("high", "D"), ("critical", "E")],
)
def test_security_and_reliability_follow_the_worst_issue(severity, letter):
    """Rating.RATING_BY_SEVERITY: info A, minor B, major C, critical D, blocker E."""
    assert by_severity(Severity(severity) if severity else None) == letter


@pytest.mark.parametrize(
    ("minutes", "lines", "letter"),
    [
        (0, 100, "A"), (150, 100, "A"), (151, 100, "B"), (300, 100, "B"), (301, 100, "C"), (600, 100, "C"),
        (601, 100, "D"), (1500, 100, "D"), (1501, 100, "E"), (5, 0, "E"), (0, 0, "A"),
    ],
)  # fmt: skip
def test_maintainability_follows_the_debt_ratio_each_bound_included(minutes, lines, letter):
    assert by_debt(minutes, lines) == letter


def test_each_domain_counts_its_own_new_findings_only():
    found = (
        finding("a.py", 1, Severity.MEDIUM, domain=S),
        finding("a.py", 2, Severity.LOW, domain=S),
        finding("a.py", 3, Severity.CRITICAL, domain=R),
        finding("a.py", 99, Severity.CRITICAL, domain=S),
        finding("a.py", 4, Severity.CRITICAL, domain=S, suppressed=True),
    )
    assert (rating(S, *found), rating(R, *found), rating(M, *found)) == ("C", "E", "A")


def test_what_nobody_classifies_is_a_bug_if_severe_and_debt_if_not():
    severe, slight = finding("a.py", 1, Severity.HIGH), finding("a.py", 1, Severity.MEDIUM)
    assert (rating(S, severe), rating(R, severe), rating(M, severe, lines=1)) == ("A", "D", "A")
    assert (rating(S, slight), rating(R, slight), rating(M, slight, lines=1)) == ("A", "A", "C")


def test_the_tools_own_effort_counts_and_five_minutes_where_it_tells_none():
    told = finding("a.py", 1, Severity.LOW, domain=M, effort=60)
    # 60 of 600 minutes, of the Python lines alone: 10 %
    assert rating(M, told) == "B"
    assert rating(M, msgspec.structs.replace(told, effort=61)) == "C"
    # 7 * 5 = 35 of 600 minutes
    untold = [finding("a.py", line, Severity.INFO, domain=M) for line in range(1, 8)]
    assert (rating(M, *untold[:6]), rating(M, *untold)) == ("A", "B")


def test_debt_without_a_line_of_its_kind_counts_against_all_new_lines():
    # found in a file of a kind that the change adds no line of
    elsewhere = finding("go.mod", 0, Severity.LOW, domain=M, effort=60)
    base = (Baseline(key="lint", state=BaselineState.READY, reports=findings("lint").reports),)
    # 60 of 520 * 30 minutes
    assert rating(M, elsewhere, baselines=base) == "A"
    assert rating(M, msgspec.structs.replace(elsewhere, effort=1561), baselines=base) == "C"
    assert rating(M, elsewhere, files=(), baselines=base) == "E"


def test_each_quality_has_the_severity_that_its_impact_says():
    both = finding("a.py", 1, Severity.HIGH, domain=S, impacts=((S, Severity.HIGH), (R, Severity.MEDIUM)))
    assert (rating(S, both), rating(R, both), rating(M, both)) == ("D", "C", "A")


@pytest.mark.parametrize("text", ["rating.security.new == 'A'", "rating.maintainability.new == 'A'"])
def test_a_scanner_that_is_lost_leaves_a_rating_unknown(text):
    there = (*findings("lint").reports, ReportContent(format="bandit", kind="findings", tool="bandit"))
    given = evidence(
        ended("lint", C.SUCCESS, Kind.FINDINGS),
        reports=[findings("lint")],
        baselines=(Baseline(key="lint", state=BaselineState.READY, reports=there),),
    )
    outcome = outcome_of(evaluate(plan(LINT, gate=(text,)), given), text)
    assert (outcome.value, outcome.cause) == ("unknown", UnknownCause.MISSING)
    assert outcome.says.endswith("lint: main has a findings report of bandit, this change has not")


def test_a_waived_finding_is_left_out():
    one = finding("a.py", 1, Severity.CRITICAL, domain=R, fingerprint="f:1")
    waiver = Waiver(fingerprint="f:1", reason="r", owner="o", granted="2026-11-01", expires="2026-11-30")
    assert rating(R, one) == "E"
    assert rating(R, one, waivers=(waiver,)) == "A"


def test_secrets_count_for_security():
    leak = finding("a.py", 1, Severity.CRITICAL, secret=True)
    report = ReportContent(format="gitleaks", kind="secrets", findings=(leak,))
    leaks = check("leaks", Kind.SECRETS)
    judging = plan(LINT, leaks, gate=("rating.security.new <= 'D'", "rating.reliability.new == 'A'"))
    given = evidence(
        ended("lint", C.SUCCESS, Kind.FINDINGS),
        ended("leaks", C.SUCCESS, Kind.SECRETS),
        reports=[findings("lint"), Delivered(key="leaks", reports=(report,))],
        files=[file("a.py", (1, 20))],
    )
    verdict = evaluate(judging, given)
    assert outcome_of(verdict, "rating.security.new <= 'D'").says == "security rating of new code 'E' > 'D'"
    assert outcome_of(verdict, "rating.reliability.new == 'A'").used == {"rating.reliability.new": "A"}


WAITS = (Baseline(key="lint", state=BaselineState.OUTSTANDING),)


def outcome(text: str, *found: Finding, lines: int = 20, **more: object) -> Outcome:
    """Of a condition on a rating, judged by findings of which base's are on their way."""
    given = evidence(
        ended("lint", C.SUCCESS, Kind.FINDINGS),
        reports=[findings("lint", *found)],
        files=[file("a.py", (1, lines)), file("notes.md", (1, 500))],
        **({"baselines": WAITS} | more),
    )
    return outcome_of(evaluate(plan(LINT, gate=(text,)), given), text)


@pytest.mark.parametrize(
    ("text", "value", "says"),
    [
        ("rating.security.new <= 'C'", "met", "security rating of new code at worst 'C' ≤ 'C'"),
        ("rating.security.new == 'D'", "unmet", "security rating of new code at worst 'C' ≠ 'D'"),
        ("rating.security.new > 'C'", "unmet", "security rating of new code at worst 'C' ≤ 'C'"),
        ("rating.reliability.new == 'A'", "met", "reliability rating of new code 'A' = 'A'"),
        ("rating.security.new <= 'B'", "unknown", "security rating of new code: waits for lint on main"),
        ("'B' >= rating.security.new", "unknown", "security rating of new code: waits for lint on main"),
        ("rating.security.new == 'A'", "unknown", "security rating of new code: waits for lint on main"),
        ("rating.reliability.new <= rating.security.new", "met", None),
        ("rating.security.new <= rating.reliability.new", "unknown", None),
    ],
)
def test_while_base_is_waited_for_only_what_it_can_still_decide_waits(text, value, says):
    found = outcome(text, finding("a.py", 1, Severity.MEDIUM, domain=S))
    assert found.value == value
    assert says is None or found.says == says
    assert (found.cause is UnknownCause.OUTSTANDING) is (value == "unknown")


def test_a_waived_finding_may_count_again_while_base_is_waited_for():
    """A secret that only a commit holds is new whatever base says; one more like it may be too many."""
    leak = finding("a.py", 0, Severity.CRITICAL, secret=True, rule="key")
    report = ReportContent(
        format="gitleaks", kind="secrets", findings=(leak, msgspec.structs.replace(leak, line=2))
    )
    waiver = Waiver(
        rule="key", path="a.py", max=1, reason="r", owner="o", granted="2026-11-01", expires="2026-11-30"
    )
    text = "rating.security.new == 'A'"
    judging = msgspec.structs.replace(
        plan(check("leaks", Kind.SECRETS), LINT, gate=(text,)), waivers=(waiver,)
    )
    given = evidence(
        ended("lint", C.SUCCESS, Kind.FINDINGS),
        ended("leaks", C.SUCCESS, Kind.SECRETS),
        reports=[findings("lint"), Delivered(key="leaks", reports=(report,))],
        files=[file("a.py", (1, 20))],
        baselines=(Baseline(key="leaks", state=BaselineState.OUTSTANDING),),
        today="2026-11-21",
    )
    assert outcome_of(evaluate(judging, given), text).value == "unknown"


@pytest.mark.parametrize(
    ("letter", "value"), [("B", "unmet"), ("C", "unknown"), ("D", "unknown"), ("E", "met")]
)
def test_while_a_report_is_missing_a_rating_is_no_better_than_what_is_there(letter, value):
    text = f"rating.reliability.new <= '{letter}'"
    judging = plan(LINT, check("slow", Kind.FINDINGS), gate=(text,))
    given = evidence(
        ended("lint", C.SUCCESS, Kind.FINDINGS),
        ended("slow", None),
        reports=[findings("lint", finding("a.py", 1, Severity.MEDIUM, domain=R))],
        files=[file("a.py", (1, 20))],
    )
    assert outcome_of(evaluate(judging, given), text).value == value


def test_debt_may_still_be_thinned_by_lines_of_other_kinds_while_a_report_is_missing():
    text = "rating.maintainability.new <= 'A'"
    judging = plan(LINT, check("slow", Kind.FINDINGS), gate=(text,))
    debt = finding("a.py", 1, Severity.LOW, domain=M, effort=60)

    def judged(other: int) -> Outcome:
        given = evidence(
            ended("lint", C.SUCCESS, Kind.FINDINGS),
            ended("slow", None),
            reports=[findings("lint", debt)],
            files=[file("a.py", (1, 20)), file("b.js", (1, other))],
        )
        return outcome_of(evaluate(judging, given), text)

    # 60 minutes of 30 * (20 + b.js): 5 % at 20 more lines, which a report on JavaScript would make count
    assert judged(19).says == "maintainability rating of new code at best 'B' > 'A'"
    assert judged(20).value == "unknown"


@pytest.mark.parametrize("domain", [S, R, M])
def test_a_gate_that_names_only_ratings_tells_of_the_weaker_rule(domain):
    impossible = Baseline(key="lint", state=BaselineState.IMPOSSIBLE, reason="lint left no report on main")
    given = evidence(
        ended("lint", C.SUCCESS, Kind.FINDINGS),
        reports=[findings("lint", finding("a.py", 1, Severity.LOW, domain=domain))],
        files=[file("a.py", (1, 20))],
        baselines=(impossible,),
    )
    verdict = evaluate(plan(LINT, gate=(f"rating.{domain}.new == 'A'",)), given)
    assert [note.partition(":")[0] for note in verdict.notes] == ["lint left no report on main"]
    assert evaluate(plan(LINT, gate=("checks.passed",)), given).notes == ()


def test_a_rating_is_not_known_before_all_have_reported_and_not_applicable_where_none_was_needed():
    text = "rating.security.new == 'A'"
    judging = plan(LINT, gate=(text,))
    waiting = outcome_of(evaluate(judging, evidence(ended("lint", None))), text)
    assert waiting.cause is UnknownCause.OUTSTANDING
    spared = outcome_of(evaluate(judging, evidence(ended("lint", C.NOT_NEEDED))), text)
    assert spared.value == "exempt"
