"""A count over reports that may not all be there yet, or not yet be compared with base."""

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from typing import Protocol, assert_never

import msgspec

from app.language import Known, NotApplicable, Unknown, Value, worst
from app.model import UnknownCause
from app.policy.gathering import Gathered
from app.policy.judged import Judged
from app.policy.newcode import Age


def count(found: int, gathered: Gathered, *, most: int | None = None, waits: Unknown | None = None) -> Value:
    """What was delivered; at least that while a producer has not delivered.

    While base is waited for (`waits`), only `most` bounds what may still turn out to count.
    """
    match gathered.lacking:
        case None:
            if waits is not None and most != found:
                return _between(waits, found, most)
            return Known(value=Fraction(found), checks=gathered.keys)
        case NotApplicable():
            return gathered.lacking
        case Unknown() as lacking:
            told = [one for one in (waits, lacking) if one is not None]
            cause = worst(one.cause for one in told)
            return _between(next(one for one in told if one.cause is cause), found, None)
        case _:
            assert_never(gathered.lacking)


class Beside(Protocol):
    """What base and one check (by key) were compared into."""

    @property
    def check(self) -> str:
        """The check's key."""
        ...

    @property
    def untold(self) -> str:
        """Why there was nothing to compare with."""
        ...

    @property
    def waits(self) -> bool:
        """Whether base's evidence is on its way."""
        ...


def waits_of(judged: Judged, compared: Sequence[Beside]) -> Unknown | None:
    """What to say of checks whose evidence on base is on its way; None where there is none."""
    waits = dict.fromkeys(one.check for one in compared if one.waits)
    return judged.base_wait(waits) if waits else None


def count_new(by_age: Counter[Age], gathered: Gathered, judged: Judged, compared: Sequence[Beside]) -> Value:
    """How many findings are new; those of which base is waited for may be."""
    new = by_age[Age.NEW]
    # one new finding more may be one too many for a waiver, which then covers none
    most = new + by_age[Age.UNKNOWN] + by_age[Age.WAIVED]
    return count(new, gathered, most=most, waits=waits_of(judged, compared))


def count_gone(found: int, gathered: Gathered, judged: Judged, compared: Sequence[Beside]) -> Value:
    """A count of what only base has: nothing bounds it while reports are missing on this side."""
    if gathered.lacking is not None:
        return gathered.lacking
    untold = [one for one in compared if one.untold]
    if untold:
        keys = tuple(one.check for one in untold)
        why = Unknown(cause=UnknownCause.MISSING, reason=untold[0].untold, checks=keys)
        return _between(why, found, None)
    return count(found, gathered, waits=waits_of(judged, compared))


def _between(why: Unknown, least: int, most: int | None) -> Unknown:
    return msgspec.structs.replace(
        why, at_least=Fraction(least), at_most=None if most is None else Fraction(most)
    )
