"""What stands on the lines of the head, and what cannot."""

import msgspec
import pytest

from app.model import (
    Baseline,
    BaselineState,
    CheckEvidence,
    Comparison,
    Evidence,
    FileChange,
    FileStatus,
    Finding,
    Hunk,
    Judgement,
    ReportContent,
    Severity,
)
from app.model import TestCase as Case
from app.model import TestOutcome as Ended
from app.publish import annotations, render_publication, show
from app.publish.annotations import LIMIT, finding_level
from tests.unit.publish.samples import BLOCKED, CHANGE, CHECKS, COMPARISON, GATE, NOW


def judged(
    *findings: Finding, tests: tuple[Case, ...] = (), comparison: Comparison = COMPARISON, key: str = "lint"
) -> Judgement:
    reports = (
        CheckEvidence(
            key=key,
            reports=(
                ReportContent(format="sarif", kind="findings", findings=findings),
                ReportContent(format="junit", kind="tests", tests=tests),
            ),
        ),
    )
    evidence = Evidence(change=CHANGE, comparison=comparison, checks=CHECKS, reports=reports)
    return msgspec.structs.replace(BLOCKED, evidence=evidence, head_diagnostics=())


def finding(line: int, message: str = "bad", path: str = "src/pay/refund.py", **fields: object) -> Finding:
    values: dict[str, object] = {"tool": "ruff", "rule": "F1", "severity": Severity.HIGH}
    return Finding(path=path, line=line, message=message, **(values | fields))  # type: ignore[arg-type]


def test_the_blocked_sample_on_its_lines() -> None:
    placed = annotations(BLOCKED, show(BLOCKED))
    assert [(found.path, found.line, found.end_line, found.level) for found in placed] == [
        ("src/pay/refund.py", 12, 12, "failure"),
        ("tests/test_refund.py", 12, 12, "failure"),
        (GATE, 22, 22, "failure"),
        ("src/pay/refund.py", 11, 13, "notice"),
        ("src/pay/refund.py", 58, 58, "notice"),
    ]
    assert "ruff E501 (low)" in placed[0].message
    assert "did you mean 'timeout'?" in placed[2].message


def test_what_is_not_on_the_head_is_listed_without_a_line() -> None:
    merged = finding(61, severity=Severity.CRITICAL)
    judgement = judged(merged)
    assert annotations(judgement, show(judgement)) == ()
    assert "`src/pay/refund.py:61` (merged code)" in render_publication(judgement, now=NOW).text


def test_most_severe_first_and_one_per_line() -> None:
    judgement = judged(
        finding(12, "low", severity=Severity.LOW),
        finding(13, "medium", severity=Severity.MEDIUM),
        finding(13, "critical", severity=Severity.CRITICAL),
        *(finding(14, f"again {n}") for n in range(20)),
    )
    placed = annotations(judgement, show(judgement))
    assert [found.line for found in placed] == [11, 12, 10]
    assert placed[0].message.startswith("critical")
    assert "medium" in placed[0].message
    assert placed[1].message.count("again") == 6


def test_what_does_not_block_is_never_red() -> None:
    assert finding_level(Severity.CRITICAL, required=True) == "failure"
    assert finding_level(Severity.HIGH, required=True) == "failure"
    assert finding_level(Severity.HIGH, required=False) == "warning"
    assert finding_level(Severity.MEDIUM, required=True) == "warning"
    assert finding_level(Severity.LOW, required=True) == "notice"
    advisory = judged(finding(14), key="docs")
    assert annotations(advisory, show(advisory))[0].level == "warning"


BAD = Case(name="t", outcome=Ended.FAILED, message="boom", path="tests/test_refund.py", line=3)


@pytest.mark.parametrize(
    ("key", "on_base", "level"),
    [
        ("lint", Ended.PASSED, "failure"),
        ("docs", Ended.PASSED, "warning"),
        ("lint", Ended.FAILED, "notice"),
        ("docs", Ended.FAILED, "notice"),
    ],
)
def test_a_failing_test_that_does_not_block_is_not_red(key: str, on_base: Ended, level: str) -> None:
    judgement = judged(tests=(BAD,), key=key)
    there = ReportContent(
        format="junit", kind="tests", tests=(msgspec.structs.replace(BAD, outcome=on_base),)
    )
    assert judgement.evidence is not None
    evidence = msgspec.structs.replace(
        judgement.evidence, baselines=(Baseline(key=key, state=BaselineState.READY, reports=(there,)),)
    )
    judgement = msgspec.structs.replace(judgement, evidence=evidence)
    (found,) = annotations(judgement, show(judgement))
    assert found.level == level
    assert (
        found.message == ("(it fails alike on the base branch)\n" if on_base is Ended.FAILED else "") + "boom"
    )


def test_no_more_than_the_limit_but_all_are_in_the_text() -> None:
    file = FileChange(path="big.py", status=FileStatus.ADDED, hunks=(Hunk(0, 0, 1, 5000),), added=5000)
    comparison = msgspec.structs.replace(COMPARISON, files=(file,), to_head=())
    judgement = judged(*(finding(n, path="big.py") for n in range(1, 1001)), comparison=comparison)
    assert len(annotations(judgement, show(judgement))) == LIMIT
    assert "… and 900 more findings." in render_publication(judgement, now=NOW).text


def test_hostile_messages_are_cleaned_and_short() -> None:
    hostile = finding(
        14, "\x1b[31m\u202e" + "x" * 100_000, rule="r" * 1000, rule_url="https://x/" + "y" * 9000
    )
    test = Case(
        name="t\x00" * 500,
        outcome=Ended.FAILED,
        message="m\x1b[0m" * 100_000,
        path="tests/test_refund.py",
        line=3,
    )
    judgement = judged(hostile, tests=(test,))
    placed = annotations(judgement, show(judgement))
    assert len(placed) == 2
    for found in placed:
        assert len(found.title) <= 255
        assert len(found.message.encode()) < 16_000
        assert "\x1b" not in found.message
        assert "\u202e" not in found.message


@pytest.mark.parametrize("line", [0, -3])
def test_a_finding_without_a_line_is_on_no_line(line: int) -> None:
    judgement = judged(finding(line))
    assert annotations(judgement, show(judgement)) == ()
