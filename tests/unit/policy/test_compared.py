"""Findings compared with base: what is new, what is fixed, what is not known yet."""

import pytest

from app.model import (
    Baseline,
    CheckEvidence,
    Finding,
    Kind,
    OutcomeValue,
    ReportContent,
    Severity,
    UnknownCause,
    VerdictState,
)
from app.policy import Age, Tracking, new_findings
from tests.unit.policy.compared import (
    EDITED,
    LINT,
    NEW,
    content,
    impossible,
    judge,
    linted,
    outstanding,
    ready,
    says,
)
from tests.unit.policy.decided import MET, UNKNOWN, UNMET
from tests.unit.policy.world import check, evidence, finding, findings, outcome_of, plan


def test_what_base_has_is_not_new_though_its_line_was_edited() -> None:
    known, fresh = finding(line=2, line_hash="k"), finding(line=3, line_hash="f")
    base = ready("lint", content(finding(line=50, line_hash="k")))
    verdict = linted(NEW, known, fresh, base=base)
    assert outcome_of(verdict, NEW).says == "new high+ findings 1 > 0"
    assert verdict.notes == ()
    given = evidence(reports=[findings("lint", known, fresh)], files=[EDITED], baselines=(base,))
    assert [one.finding for one in new_findings(plan(LINT), given)] == [fresh]


def test_what_the_change_causes_elsewhere_is_new_and_told_apart() -> None:
    given = evidence(
        reports=[findings("lint", finding(line=9), finding(line=1, line_hash="x"))],
        files=[EDITED],
        baselines=(ready("lint", content()),),
    )
    assert [(one.age, one.by, one.on_changed_line) for one in Tracking(given).of("lint").findings] == [
        (Age.NEW, "base", False),
        (Age.NEW, "base", True),
    ]


@pytest.mark.parametrize(
    ("base", "note"),
    [
        (None, "findings of lint were not compared with main: "),
        (impossible("lint"), "ruff fails on main: "),
        (impossible("lint", ""), "lint cannot be run on main: "),
        (ready("lint", content(finding(line=1), tool_version="0.1")), "ruff is 0.2 here and 0.1 on main: "),
        (ready("lint"), "ruff reported nothing on main: "),
    ],
)
def test_the_weaker_rule_is_named_with_its_reason(base: Baseline | None, note: str) -> None:
    verdict = linted(NEW, finding(line=1), finding(line=9), base=base, tool_version="0.2")
    assert outcome_of(verdict, NEW).says == "new high+ findings 1 > 0"
    assert note + "new ones are those on changed lines" in verdict.notes[0]


def test_a_report_without_a_version_or_without_findings_can_be_compared() -> None:
    verdict = linted(NEW, finding(line=9), base=ready("lint", content()), tool_version="0.2")
    assert (outcome_of(verdict, NEW).value, verdict.notes) == (UNMET, ())


@pytest.mark.parametrize(
    ("text", "some", "value", "says"),
    [
        (NEW, 0, MET, "new high+ findings 0 = 0"),
        (NEW, 2, UNKNOWN, "new high+ findings: waits for lint on main"),
        ("findings('high', 'new') <= 2", 2, MET, "new high+ findings at most 2 ≤ 2"),
        ("findings('high', 'new') < 2", 2, UNKNOWN, "new high+ findings: waits for lint on main"),
        ("findings('high', 'all') < 2", 2, UNMET, "high+ findings 2 ≥ 2"),
        ("findings('high', 'fixed') >= 0", 2, MET, "fixed high+ findings at least 0 ≥ 0"),
        ("findings('high', 'fixed') > 0", 2, UNKNOWN, "fixed high+ findings: waits for lint on main"),
    ],
)
def test_while_base_is_waited_for_a_count_is_an_interval(
    text: str, some: int, value: OutcomeValue, says: str
) -> None:
    verdict = linted(text, *(finding(line=n + 1) for n in range(some)), base=outstanding("lint"))
    outcome = outcome_of(verdict, text)
    assert (outcome.value, outcome.says) == (value, says)
    waits = value is UNKNOWN
    assert verdict.state is (VerdictState.PENDING if waits else verdict.state)
    assert verdict.waits_for == (("lint on main",) if waits else ())


def test_what_is_certainly_new_is_known_before_the_rest() -> None:
    docs = check("docs", Kind.FINDINGS)
    reports = [findings("lint", finding(line=1)), findings("docs", finding("b.md", 3))]
    base = (outstanding("lint"), ready("docs", content()))
    verdict = judge(NEW, *base, reports=reports, of=plan(LINT, docs))
    assert outcome_of(verdict, NEW).says == "new high+ findings at least 1 > 0"


def test_fixed_findings() -> None:
    was = [finding(line=1, line_hash="1"), finding("b.py", 4, line_hash="2"), finding("", 0)]
    was += [
        finding(line=2, severity=Severity.LOW, line_hash="3"),
        finding(line=3, secret=True, line_hash="4"),
    ]

    def fixed(text: str, *now: Finding) -> int:
        verdict = linted(text + " >= 0", *now, base=ready("lint", content(*was)))
        return int(outcome_of(verdict, text + " >= 0").used[text] or 0)

    # of b.py, which neither changed nor was reported on, nothing is known
    assert fixed("findings('info', 'fixed')") == 3
    assert fixed("findings('high', 'fixed')") == 2
    assert fixed("findings('high', 'fixed')", finding("b.py", 9, rule="X")) == 3
    assert fixed("findings('high', 'fixed')", finding("", 0)) == 1
    assert fixed("findings('info', 'fixed', path='nowhere')") == 0
    hidden = finding(line=40, line_hash="1", suppressed=True)
    assert fixed("findings('high', 'fixed')", hidden) == 1


def test_fixed_findings_that_cannot_be_told_are_missing() -> None:
    text = "findings('high', 'fixed') > 0"
    outcome = outcome_of(linted(text, finding(), base=impossible("lint")), text)
    assert (outcome.cause, outcome.says) == (UnknownCause.MISSING, "fixed high+ findings: ruff fails on main")


def test_an_ignore_that_is_taken_away_makes_a_finding_new() -> None:
    base = ready("lint", content(finding(line=6, suppressed=True)))
    assert outcome_of(linted(NEW, finding(line=9), base=base), NEW).value is UNMET
    assert outcome_of(linted(NEW, finding(line=9, suppressed=True), base=base), NEW).value is MET


def test_a_scanner_that_reported_on_base_only_is_missing_evidence() -> None:
    base = ready("lint", content(finding(line=6)), content(tool="bandit", format="bandit", path="out/b.json"))
    verdict = linted(NEW, finding(line=9), base=base)
    outcome = outcome_of(verdict, NEW)
    why = "lint: main has a findings report of bandit out/b.json, this change has not"
    assert (outcome.value, outcome.cause, outcome.says) == (
        UNKNOWN,
        UnknownCause.MISSING,
        f"new high+ findings: {why}",
    )
    assert why in verdict.notes
    assert verdict.state is VerdictState.BLOCKED


def shared(*tools: str) -> ReportContent:
    """A report of a format whose findings name their tools."""
    return content(
        *(finding(line=at, tool=tool, line_hash=tool) for at, tool in enumerate(tools, 40)),
        format="checkstyle",
        tool="",
    )


@pytest.mark.parametrize(
    ("was", "now", "new"),
    [
        (("eslint", "shellcheck"), ("shellcheck",), 0),
        (("eslint",), (), 0),
        ((), ("eslint",), 1),
        (("eslint",), ("eslint", "shellcheck"), 1),
    ],
)
def test_who_found_something_does_not_matter_where_many_share_a_report(
    was: tuple[str, ...], now: tuple[str, ...], new: int
) -> None:
    reports = [CheckEvidence(key="lint", reports=(shared(*now),))]
    verdict = judge(NEW, ready("lint", shared(*was)), reports=reports, of=plan(LINT))
    assert (says(verdict, NEW), verdict.notes) == (
        f"new high+ findings {new} {'= 0' if not new else '> 0'}",
        (),
    )
