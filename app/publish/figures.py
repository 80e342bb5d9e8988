"""Numbers, times and lists of names as people read them. Times are UTC."""

from collections.abc import Sequence
from datetime import UTC, datetime

TENTHS_BELOW, MINUTE, HOUR = 10, 60, 3600
"""Seconds: below the first tenths are told."""
STEP, ROUGH = 5, 90
"""Rough durations are told in steps of so many seconds, above ROUGH of them in minutes, then in hours."""
NAMED = 3
"""How many things a title names before it counts the rest."""


def count(number: int, one: str, many: str = "") -> str:
    """`1 check`, `2 checks`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def listing(names: Sequence[str], named: int = NAMED) -> str:
    """`a`, `a and b`, `a, b, c and 4 more`."""
    shown = list(names[:named])
    rest = len(names) - len(shown)
    if rest == 1:
        shown, rest = list(names[: named + 1]), 0
    if rest:
        return f"{', '.join(shown)} and {rest:,} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)


def duration(seconds: float) -> str:
    """`0.4 s`, `12 s`, `3 m 20 s`, `2 h 5 m`."""
    if seconds < TENTHS_BELOW:
        return f"{max(seconds, 0):.1f} s"
    whole = round(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} m {whole % MINUTE} s"
    return f"{whole // HOUR} h {whole % HOUR // MINUTE} m"


def roughly(seconds: float) -> str:
    """A usual duration, no more exact than it deserves: `a few seconds`, `25 s`, `4 min`, `2.5 h`."""
    if seconds < 2 * STEP:
        return "a few seconds"
    if seconds < ROUGH:
        return f"{STEP * round(seconds / STEP)} s"
    if seconds < ROUGH * MINUTE:
        return f"{round(seconds / MINUTE)} min"
    return f"{seconds / HOUR:.1f} h"


def clock(at: float, now: float) -> str:
    """`12:04 UTC`, with the day where it is not today's."""
    then, today = datetime.fromtimestamp(at, UTC), datetime.fromtimestamp(now, UTC)
    day = "" if then.date() == today.date() else f"{then.day} {then:%b} "
    return f"{day}{then:%H:%M} UTC"


def percent(covered: int, total: int, *, up: bool = False) -> str:
    """A share, rounded to a tenth so that it is never shown better than it is: down, or `up` where less is
    better.
    """
    tenths = -(-covered * 1000 // total) if up and total else covered * 1000 // total if total else 1000
    return f"{tenths / 10:.1f} %"


def line_ranges(ranges: Sequence[tuple[int, int]], named: int = 8) -> str:
    """`12, 14-18 and 3 more`."""
    shown = [f"{first}" if first == last else f"{first}-{last}" for first, last in ranges]
    return listing(shown, named)


def place(path: str, line: int) -> str:
    """`src/a.py:12`, `src/a.py`, or `the whole project`."""
    if not path:
        return "the whole project"
    return f"{path}:{line}" if line else path
