"""Secrets that real scanners report: never counted by `findings()`, all counted by `secrets.new`."""

from collections.abc import Iterable

import pytest

from app.model import CheckEvidence, FileChange, Finding, Kind, OutcomeValue, ReportContent, VerdictState
from app.policy import evaluate
from tests.unit.policy.world import C, check, ended, evidence, file, finding, outcome_of, plan
from tests.unit.reports.reading import sample

NEW = "secrets.new == 0"
REPORTS = [
    ("gitleaks.json", (Kind.SECRETS,), 0),
    ("detect_secrets.json", (Kind.SECRETS,), 0),
    ("checkov_secrets.json", (Kind.FINDINGS, Kind.SECRETS), 0),
    ("trivy.json", (Kind.FINDINGS, Kind.SECRETS), 3),
]


def judge(
    *some: Finding,
    gate: Iterable[str] | None = (NEW,),
    kinds: tuple[Kind, ...] = (Kind.SECRETS,),
    **given: object,
):
    """The verdict on what one check found."""
    files: Iterable[FileChange] = given.pop("files", ())  # type: ignore[assignment]
    also = ("secrets",) if Kind.FINDINGS in kinds and any(one.secret for one in some) else ()
    report = ReportContent(format="sarif", kind=kinds[0].value, findings=some, also=also)
    delivered = (*kinds, *(Kind(kind) for kind in also))
    return evaluate(
        plan(check("scan", *kinds, **given), gate=gate),
        evidence(
            ended("scan", C.SUCCESS, *delivered),
            files=files,
            reports=[CheckEvidence(key="scan", reports=(report,))],
        ),
    )


def secret(path: str = "a.env", line: int = 1, **fields: object) -> Finding:
    return finding(path, line, tool="gitleaks", rule="token", message="token", secret=True, **fields)


@pytest.mark.parametrize(("name", "kinds", "others"), REPORTS)
def test_findings_leave_out_what_scanners_of_secrets_report(
    name: str, kinds: tuple[Kind, ...], others: int
) -> None:
    report = sample(name)
    secrets = [finding for finding in report.findings if finding.secret]
    assert secrets
    assert len(report.findings) == len(secrets) + others
    assert report.kinds == tuple(kind.value for kind in kinds)
    for age in ("all", "new"):
        text = f"findings('info', '{age}') == {others}"
        # A second check with findings of its own, so that there is something to count in each case.
        checks = (check("scan", *kinds), check("lint", Kind.FINDINGS))
        verdict = evaluate(
            plan(*checks, gate=[text, f"secrets.new == {len(secrets)}"]),
            evidence(
                ended("scan", C.SUCCESS, *kinds),
                ended("lint", C.SUCCESS, Kind.FINDINGS),
                files=[file(finding.path, (1, 99)) for finding in report.findings if finding.path],
                reports=[
                    CheckEvidence(key="scan", reports=(report,)),
                    CheckEvidence(key="lint"),
                ],
            ),
        )
        assert outcome_of(verdict, text).value is OutcomeValue.MET, outcome_of(verdict, text).says
        counted = outcome_of(verdict, f"secrets.new == {len(secrets)}")
        assert counted.value is OutcomeValue.MET, counted.says


def test_a_new_secret_blocks_and_an_old_one_does_not() -> None:
    blocked = judge(secret(line=3), secret(line=9), files=[file("a.env", (3, 3))])
    assert blocked.state is VerdictState.BLOCKED
    assert blocked.fewest == ("new secrets 1 > 0",)
    assert judge(secret(line=9), files=[file("a.env", (3, 3))]).state is VerdictState.PASSED


def test_a_secret_that_only_a_commit_of_the_change_holds_is_new() -> None:
    """Neither its line nor, perhaps, its file is in the tested tree."""
    for gone in (secret("gone.env", 0), secret("", 0)):
        assert judge(gone).state is VerdictState.BLOCKED


def test_what_a_person_audited_as_no_secret_is_not_counted() -> None:
    assert judge(secret("", 0, suppressed=True)).state is VerdictState.PASSED


def test_the_built_in_gate_judges_secrets_where_they_are_declared() -> None:
    assert [outcome.text for outcome in judge(gate=None).outcomes] == [
        "checks.passed",
        NEW,
        "reviews.changes_requested == 0",
    ]


def test_the_built_in_gate_judges_secrets_that_turn_up_among_findings() -> None:
    clean = judge(finding(), gate=None, kinds=(Kind.FINDINGS,))
    assert NEW not in [outcome.text for outcome in clean.outcomes]
    found = judge(secret("", 0), gate=None, kinds=(Kind.FINDINGS,))
    assert found.state is VerdictState.BLOCKED
    assert outcome_of(found, NEW).value is OutcomeValue.UNMET
    old = judge(secret(line=9), gate=None, kinds=(Kind.FINDINGS,))
    assert old.state is VerdictState.PASSED
    advisory = judge(secret("", 0), gate=None, kinds=(Kind.FINDINGS,), required=False)
    assert NEW not in [outcome.text for outcome in advisory.outcomes]


def test_new_secrets_that_no_condition_judges_are_said() -> None:
    gate = ("findings('high', 'new') == 0",)
    (*_, note) = judge(secret("", 0), gate=gate, kinds=(Kind.FINDINGS,)).notes
    assert note == "1 new secret is judged by no condition: add 'secrets.new == 0' to the gate"
    (*_, note) = judge(secret("", 0), secret("b", 0), gate=gate, kinds=(Kind.FINDINGS,)).notes
    assert note.startswith("2 new secrets are judged by no condition")
    assert not any(
        "secret" in note for note in judge(secret(line=9), gate=gate, kinds=(Kind.FINDINGS,)).notes
    )
