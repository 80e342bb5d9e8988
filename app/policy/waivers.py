"""`waivers.used`."""

from fractions import Fraction

from app.language import Known, Name, Unknown, Value, ValueType
from app.model import Kind
from app.policy.counting import waits_of
from app.policy.judged import Judged
from app.policy.protocol import Fact, Family
from app.policy.waiving import waivers_of

_WAIVABLE = (Kind.FINDINGS, Kind.SECRETS)


def _used(judged: Judged) -> Value:
    if not waivers_of(judged.plan, judged.evidence):
        return Known(value=Fraction(0))
    produced = {kind for spec in judged.plan.checks if spec.required for kind in spec.produces}
    # one finding more may bring a waiver into use, or be one too many for it: no bound either way
    for kind in _WAIVABLE:
        if kind in produced and isinstance(lacking := judged.gather(kind).lacking, Unknown):
            return lacking
    if waits := waits_of(judged, [one for kind in _WAIVABLE for one in judged.compared(kind)]):
        return waits
    return Known(value=Fraction(len(judged.covered.used)))


WAIVERS = Family(
    name="waivers",
    doc="New findings that somebody answers for until a date.",
    facts={
        "waivers.used": Fact(
            meaning=Name(
                type=ValueType.NUMBER, doc="Waivers that cover a new finding of this change.", gate_only=True
            ),
            words="waivers used",
            read=_used,
        ),
    },
)
