"""Three values and *not applicable*: how conditions join (Kleene) and how unknowns join."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Literal

from app.language.protocol import Context, Known, Unknown, Value
from app.model import OutcomeValue, UnknownCause

_URGENCY = (
    UnknownCause.OUTSTANDING,
    UnknownCause.LATER,
    UnknownCause.REFUSED,
    UnknownCause.ERROR,
    UnknownCause.MISSING,
    UnknownCause.NONE,
)
"""What may still come outweighs what blocks, what blocks outweighs what errs (precedence of verdicts)."""


def combine(
    mode: Literal["all", "any"],
    members: Sequence[tuple[OutcomeValue, UnknownCause]],
    *,
    context: Context = "gate",
) -> tuple[OutcomeValue, UnknownCause]:
    """The value of `all` or `any` of its members and, where unknown, the cause.

    Kleene's strong logic. A member that is not applicable (exempt) counts as true in conditions and as
    false in a `when`; the result is exempt where that alone decided it. All of nothing is met, any of
    nothing is unmet.
    """
    values = {value for value, _ in members}
    exempt_holds = context != "when"
    decisive = OutcomeValue.UNMET if mode == "all" else OutcomeValue.MET
    neutral = OutcomeValue.MET if mode == "all" else OutcomeValue.UNMET
    # an exempt member that counts like the decisive value decides, else it is neutral
    exempt_decides = exempt_holds is (mode == "any")
    if decisive in values:
        return decisive, UnknownCause.NONE
    if exempt_decides and OutcomeValue.EXEMPT in values:
        return OutcomeValue.EXEMPT, UnknownCause.NONE
    if OutcomeValue.UNKNOWN in values:
        return OutcomeValue.UNKNOWN, worst(cause for _, cause in members)
    if values == {OutcomeValue.EXEMPT}:
        return OutcomeValue.EXEMPT, UnknownCause.NONE
    return neutral, UnknownCause.NONE


def worst(causes: Iterable[UnknownCause]) -> UnknownCause:
    """The cause that decides when several are at work."""
    return min(causes, key=_URGENCY.index, default=UnknownCause.NONE)


def join(values: Iterable[Value]) -> Unknown:
    """One unknown for all the unknown among `values` (at least one)."""
    unknown = [value for value in values if isinstance(value, Unknown)]
    cause = worst(value.cause for value in unknown)
    reason = next(value.reason for value in unknown if value.cause is cause)
    checks = dict.fromkeys(key for value in unknown for key in value.checks)
    return Unknown(cause=cause, reason=reason, checks=tuple(checks))


Bounds = tuple[Fraction | None, Fraction | None]
"""The least and greatest a number can be; None = without bound."""


def bounds(value: Value) -> Bounds | None:
    """Where a number lies; None for what is no number."""
    match value:
        case Known(value=Fraction() as exact):
            return exact, exact
        case Unknown():
            return value.at_least, value.at_most
        case _:
            return None
