"""What tests of conditions share: deciding one expression."""

from collections.abc import Iterable

from app.model import (
    Change,
    CheckEvidence,
    CheckResult,
    CheckSpec,
    Expression,
    FileChange,
    Outcome,
    OutcomeValue,
    People,
    Plan,
)
from app.policy import decide
from tests.unit.policy.world import CHANGE, evidence, plan

MET, UNMET, UNKNOWN, EXEMPT = (
    OutcomeValue.MET,
    OutcomeValue.UNMET,
    OutcomeValue.UNKNOWN,
    OutcomeValue.EXEMPT,
)

ASKED = People()


def judge(
    text: str,
    *,
    checks: Iterable[CheckSpec] = (),
    results: Iterable[CheckResult] = (),
    reports: Iterable[CheckEvidence] = (),
    files: Iterable[FileChange] = (),
    change: Change = CHANGE,
    people: People = ASKED,
    of: Plan | None = None,
    **fields: object,
) -> Outcome:
    given = evidence(*results, reports=reports, files=files, change=change, people=people, **fields)
    return decide(Expression(text=text), of or plan(*checks), given, context="gate")
