"""An earlier result as the result of a check that has not begun: pure decisions."""

from collections.abc import Mapping
from typing import Final

from app.engine.conclude import delivered_by, has_secrets
from app.model import (
    CheckEvidence,
    CheckResult,
    CheckSpec,
    Conclusion,
    Earlier,
    Ending,
    Plan,
    Reused,
    Status,
)

UNKNOWN_ATTEMPT: Final = -1


def given_to(
    spec: CheckSpec, plan: Plan, results: Mapping[str, CheckResult], attempts: Mapping[str, int]
) -> dict[str, int]:
    """The attempts whose artifacts a check is given, by their check's key: 0 where one was not needed or did
    not run, UNKNOWN_ATTEMPT where it ran and `attempts` does not tell its id.
    """
    ids = {need.check for need in spec.needs}
    keeping = [other.key for other in plan.checks if other.id in ids and other.artifacts]
    return {key: _attempt_of(results[key], attempts) for key in keeping if key in results}


def _attempt_of(result: CheckResult, attempts: Mapping[str, int]) -> int:
    if result.reused is not None:
        return result.reused.attempt
    return attempts.get(result.key, UNKNOWN_ATTEMPT) if result.attempt else 0


def earlier_of(
    attempt_id: int,
    ending: Ending,
    evidence: CheckEvidence,
    outputs: dict[str, str | int | float | bool],
    given: dict[str, int],
    now: float,
) -> Earlier | None:
    """What a first attempt came to, for those that it may serve; None for all but a success that no test of
    it was flaky in.
    """
    if ending.conclusion is not Conclusion.SUCCESS or _flaky(evidence):
        return None
    return Earlier(
        attempt=attempt_id,
        at=now,
        seconds=round(ending.seconds, 3),
        exit_code=ending.exit_code,
        outputs=outputs,
        delivered=delivered_by(evidence),
        secrets=has_secrets(evidence),
        artifacts=ending.artifacts,
        given=given,
    )


def speaks_against(ending: Ending, evidence: CheckEvidence) -> bool:
    """Whether an attempt shows that no success on its inputs may serve: it failed on them, or passed by luck.
    An error of ours says nothing.
    """
    if ending.conclusion is Conclusion.SUCCESS:
        return _flaky(evidence)
    return ending.conclusion in {Conclusion.FAILURE, Conclusion.TIMED_OUT}


def _flaky(evidence: CheckEvidence) -> bool:
    return any(case.flaky for report in evidence.reports for case in report.tests)


def succeeds(spec: CheckSpec, earlier: Earlier) -> bool:
    """Whether what was a success is one by this gate too: findings are only where an item judges them."""
    if not earlier.exit_code:
        return True
    return spec.findings_succeed and (spec.secrets_judged or not earlier.secrets)


def taken_over(earlier: Earlier) -> dict[str, object]:
    """The fields of the result of a check that an earlier one serves."""
    return {
        "status": Status.COMPLETED,
        "conclusion": Conclusion.SUCCESS,
        "reason": f"reused from {earlier.origin}",
        "blocked_by": "",
        "seconds": earlier.seconds,
        "exit_code": earlier.exit_code,
        "outputs": earlier.outputs,
        "delivered": earlier.delivered,
        "reused": Reused(attempt=earlier.attempt, at=earlier.at),
    }
