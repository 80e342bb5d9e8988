"""Secrets that real scanners report: never counted by `findings()`, never passed over in silence."""

import pytest

from app.model import CheckEvidence, Kind, OutcomeValue
from app.policy import evaluate
from tests.unit.policy.world import C, check, ended, evidence, file, outcome_of, plan
from tests.unit.reports.reading import sample

NOTE = "secrets that checks find are not judged in this version"


@pytest.mark.parametrize(
    ("name", "kind", "others"),
    [
        ("gitleaks.json", Kind.SECRETS, 0),
        ("detect_secrets.json", Kind.SECRETS, 0),
        ("checkov_secrets.json", Kind.FINDINGS, 0),
        ("trivy.json", Kind.FINDINGS, 3),
    ],
)
def test_findings_leave_out_what_scanners_of_secrets_report(name: str, kind: Kind, others: int) -> None:
    report = sample(name)
    secrets = [finding for finding in report.findings if finding.secret]
    assert secrets
    assert len(report.findings) == len(secrets) + others
    for age in ("all", "new"):
        text = f"findings('info', '{age}') == {others}"
        # A second check with findings of its own, so that there is something to count in each case.
        checks = (check("scan", kind), check("lint", Kind.FINDINGS))
        verdict = evaluate(
            plan(*checks, gate=[text]),
            evidence(
                ended("scan", C.SUCCESS, kind),
                ended("lint", C.SUCCESS, Kind.FINDINGS),
                files=[file(finding.path, (1, 99)) for finding in report.findings if finding.path],
                reports=[
                    CheckEvidence(key="scan", reports=(report,)),
                    CheckEvidence(key="lint"),
                ],
            ),
        )
        assert outcome_of(verdict, text).value is OutcomeValue.MET, outcome_of(verdict, text).says
        assert NOTE in verdict.notes
