"""What the source tells its tools to ignore: counted apart, never passed over in silence."""

from collections.abc import Iterable

import pytest

from app.model import (
    Baseline,
    BaselineState,
    CheckEvidence,
    Finding,
    Kind,
    OutcomeValue,
    ReportContent,
    Verdict,
)
from app.policy import evaluate
from tests.unit.policy.world import C, check, ended, evidence, file, finding, outcome_of, plan

NEW = "suppressions.new == 0"
UNKNOWN = OutcomeValue.UNKNOWN


def ignored(line: int, **fields: object) -> Finding:
    return finding("a.py", line, suppressed=True, **fields)


def judge(
    *some: Finding,
    kind: Kind = Kind.FINDINGS,
    gate: Iterable[str] = (NEW,),
    base: tuple[Finding, ...] | None = None,
    conclusion: C = C.SUCCESS,
    delivered: bool = True,
) -> Verdict:
    def report(found: tuple[Finding, ...]) -> ReportContent:
        return ReportContent(format="sarif", kind=kind.value, findings=found)

    baselines = ()
    if base is not None:
        baselines = (Baseline(key="scan", state=BaselineState.READY, reports=(report(base),)),)
    return evaluate(
        plan(check("scan", kind), gate=gate),
        evidence(
            ended("scan", conclusion, *((kind,) if delivered else ())),
            files=[file("a.py", (3, 4))],
            reports=[CheckEvidence(key="scan", reports=(report(some),))],
            baselines=baselines,
        ),
    )


@pytest.mark.parametrize("kind", [Kind.FINDINGS, Kind.SECRETS])
def test_new_ones_are_counted_and_told(kind: Kind) -> None:
    secret = kind is Kind.SECRETS
    verdict = judge(ignored(3, secret=secret), ignored(9, secret=secret), finding("a.py", 4), kind=kind)
    outcome = outcome_of(verdict, NEW)
    assert (outcome.value, outcome.says) == (OutcomeValue.UNMET, "new in-source ignores 1 > 0")
    assert "1 new finding is ignored by the source itself: ruff F821 at a.py:3" in verdict.notes


def test_they_are_told_where_no_condition_judges_them_and_no_count_holds_them() -> None:
    text = "findings('info', 'all') == 0"
    verdict = judge(*(ignored(3, rule=f"R{n}") for n in range(7)), gate=(text,))
    assert outcome_of(verdict, text).value is OutcomeValue.MET
    (note,) = (note for note in verdict.notes if "ignored" in note)
    assert note.startswith("7 new findings are ignored by the source itself: ruff R0 at a.py:3, ")
    assert note.endswith(" and 2 more")


def test_old_ones_are_neither() -> None:
    verdict = judge(ignored(9))
    assert outcome_of(verdict, NEW).value is OutcomeValue.MET
    assert not any("ignored" in note for note in verdict.notes)


def test_an_ignore_added_to_an_old_finding_is_new() -> None:
    old = finding("a.py", 3, line_hash="x")
    verdict = judge(ignored(3, line_hash="x"), base=(old,))
    assert outcome_of(verdict, NEW).value is OutcomeValue.UNMET
    was = judge(ignored(9, line_hash="x"), base=(ignored(9, line_hash="x"),))
    assert outcome_of(was, NEW).value is OutcomeValue.MET


def test_several_kinds_are_one_count() -> None:
    checks = (check("lint", Kind.FINDINGS), check("scan", Kind.SECRETS))
    given = {
        "files": [file("a.py", (3, 4))],
        "reports": [
            CheckEvidence(
                key="lint", reports=(ReportContent(format="sarif", kind="findings", findings=(ignored(3),)),)
            )
        ],
    }
    running = evaluate(
        plan(*checks, gate=[NEW, "suppressions.new <= 1"]),
        evidence(ended("lint", C.SUCCESS, Kind.FINDINGS), ended("scan", None), **given),
    )
    assert outcome_of(running, NEW).value is OutcomeValue.UNMET
    assert outcome_of(running, "suppressions.new <= 1").value is UNKNOWN
    idle = evaluate(
        plan(*checks, gate=[NEW]),
        evidence(ended("lint", C.NOT_NEEDED), ended("scan", C.NOT_NEEDED), files=given["files"]),
    )
    assert outcome_of(idle, NEW).value is OutcomeValue.EXEMPT
    half = evaluate(
        plan(*checks, gate=[NEW]),
        evidence(ended("lint", C.SUCCESS, Kind.FINDINGS), ended("scan", C.NOT_NEEDED), **given),
    )
    assert outcome_of(half, NEW).value is OutcomeValue.UNMET


def test_nothing_that_could_report_any() -> None:
    verdict = evaluate(plan(check("build"), gate=[NEW]), evidence(ended("build", C.SUCCESS)))
    assert outcome_of(verdict, NEW).value is UNKNOWN
    assert outcome_of(verdict, NEW).says.endswith("no required check declares a findings report")
