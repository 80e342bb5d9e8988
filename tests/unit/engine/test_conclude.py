"""How a check ends whose tool found something."""

import pytest

from app.engine.conclude import conclude
from app.executors import AttemptOutcome, Ended, ReportsRead
from app.model import CheckEvidence, CheckSpec, Conclusion, Finding, Kind, ReportContent

LONG_LINE = Finding(tool="ruff", rule="E501", message="long")
UNJUDGED = "exit 1: found something, and not all of its reports are judged by a condition"
SECRET = Finding(tool="gitleaks", rule="token", message="token", secret=True)


@pytest.mark.parametrize(
    ("found", "findings_succeed", "secrets_judged", "expected", "because"),
    [
        (LONG_LINE, True, False, Conclusion.SUCCESS, "found something; the gate judges it"),
        (LONG_LINE, False, False, Conclusion.FAILURE, UNJUDGED),
        (SECRET, True, True, Conclusion.SUCCESS, "found something; the gate judges it"),
        (
            SECRET,
            True,
            False,
            Conclusion.FAILURE,
            "exit 1: found something, and no condition judges the secrets among it (secrets.new == 0 would)",
        ),
        (SECRET, False, True, Conclusion.FAILURE, UNJUDGED),
    ],
)
def test_findings_succeed_only_where_secrets_among_them_are_judged_too(
    found, findings_succeed, secrets_judged, expected, because
):
    spec = CheckSpec(
        id="lint",
        key="lint",
        findings_exits=(1,),
        findings_succeed=findings_succeed,
        secrets_judged=secrets_judged,
    )
    report = ReportContent(format="sarif", kind="findings", findings=(found,))
    outcome = AttemptOutcome(ended=Ended.EXITED, exit_code=1)
    ending = conclude(spec, outcome, ReportsRead(), CheckEvidence(key="lint", reports=(report,)))
    assert (ending.conclusion, ending.reason, ending.cause) == (expected, because, "findings")


@pytest.mark.parametrize(
    ("produces", "found", "expected"),
    [
        ((Kind.FINDINGS,), (), Conclusion.FAILURE),
        ((Kind.FINDINGS, Kind.SECRETS), (), Conclusion.FAILURE),
        ((Kind.FINDINGS,), (LONG_LINE,), Conclusion.SUCCESS),
        ((Kind.FINDINGS, Kind.TESTS), (), Conclusion.SUCCESS),  # failed tests may be what it found
        ((Kind.DUPLICATION,), (), Conclusion.SUCCESS),
    ],
)
def test_an_exit_of_findings_without_a_finding_is_no_success(produces, found, expected):
    """oxlint exits so where it could not read a file."""
    spec = CheckSpec(id="lint", key="lint", findings_exits=(1,), findings_succeed=True, produces=produces)
    reports = tuple(
        ReportContent(format="any", kind=kind.value, findings=found if kind is Kind.FINDINGS else ())
        for kind in produces
    )
    outcome = AttemptOutcome(ended=Ended.EXITED, exit_code=1)
    ending = conclude(spec, outcome, ReportsRead(), CheckEvidence(key="lint", reports=reports))
    assert ending.conclusion is expected
    if expected is Conclusion.FAILURE:
        assert ending.cause == "failure"
        assert ending.reason.startswith("exit 1: it says that it found something, but no finding is in its")
