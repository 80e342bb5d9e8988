"""A count over reports that may not all be there yet."""

from fractions import Fraction
from typing import assert_never

from app.language import Known, NotApplicable, Unknown, Value
from app.policy.judged import Gathered


def count(found: int, gathered: Gathered) -> Value:
    """What was delivered; at least that while a producer has not delivered."""
    match gathered.lacking:
        case None:
            return Known(value=Fraction(found), checks=gathered.keys)
        case NotApplicable():
            return gathered.lacking
        case Unknown() as lacking:
            return Unknown(
                cause=lacking.cause,
                reason=lacking.reason,
                checks=lacking.checks,
                at_least=Fraction(found),
            )
        case _:
            assert_never(gathered.lacking)
