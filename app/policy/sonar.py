"""SonarQube's default gate, condition for condition, as data: `settings.gate: sonar_way`.

*Sonar way* of SonarQube 10.3 and later. Its conditions state the failing side, with a strict comparison; a
measure that is missing is OK; below 20 new lines a failing condition on coverage or duplication is turned OK
(`SmallChangesetQualityGateSpecialCase`), which is our `settings.small_change`.
"""

from collections.abc import Collection
from typing import Literal

import msgspec

from app.model import Condition, Expression, Kind, Outcome, OutcomeValue, Source, UnknownCause


class SonarCondition(msgspec.Struct, frozen=True, kw_only=True):
    """One condition of SonarQube: it fails where `metric` is greater (GT) or less (LT) than `threshold`.

    `expression` is what holds exactly where it does not fail, judged where a check brings `kind` of
    evidence. An empty one has nothing to feed it here.
    """

    metric: str
    operator: Literal["GT", "LT"]
    threshold: int
    kind: Kind | None = None
    expression: str = ""


SONAR_WAY = (
    # an issue of SonarQube is a finding or a secret here
    SonarCondition(
        metric="new_violations",
        operator="GT",
        threshold=0,
        kind=Kind.FINDINGS,
        expression="findings('info', 'new') == 0",
    ),
    SonarCondition(
        metric="new_violations", operator="GT", threshold=0, kind=Kind.SECRETS, expression="secrets.new == 0"
    ),
    SonarCondition(
        metric="new_coverage",
        operator="LT",
        threshold=80,
        kind=Kind.COVERAGE,
        expression="coverage.new >= 80%",
    ),
    SonarCondition(
        metric="new_duplicated_lines_density",
        operator="GT",
        threshold=3,
        kind=Kind.DUPLICATION,
        expression="duplication.new <= 3%",
    ),
    SonarCondition(metric="new_security_hotspots_reviewed", operator="LT", threshold=100),
)
_SOURCE = Source(layer="sonar_way")


def sonar_gate(kinds: Collection[str]) -> tuple[Condition, ...]:
    """The conditions on these kinds of evidence, as items of a gate."""
    return tuple(
        Condition(expression=Expression(text=one.expression, source=_SOURCE))
        for one in SONAR_WAY
        if one.kind is not None and one.kind.value in kinds
    )


def unmeasured(kinds: Collection[str]) -> tuple[str, ...]:
    """What to say of the metrics that nothing measures."""
    fed = {one.metric for one in SONAR_WAY if one.kind is not None and one.kind.value in kinds}
    return tuple(
        f"{metric} is not judged: nothing measures it here, which SonarQube takes as OK"
        for metric in dict.fromkeys(one.metric for one in SONAR_WAY)
        if metric not in fed
    )


def missing_is_ok(outcome: Outcome) -> Outcome:
    """One of its conditions as SonarQube sees it: a measure that nobody delivered is OK."""
    missing = outcome.value is OutcomeValue.UNKNOWN and outcome.cause is UnknownCause.MISSING
    if outcome.source != _SOURCE or not missing:
        return outcome
    says = f"{outcome.says}, which SonarQube takes as OK"
    return msgspec.structs.replace(outcome, value=OutcomeValue.EXEMPT, cause=UnknownCause.NONE, says=says)
