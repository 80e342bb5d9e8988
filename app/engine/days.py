"""Dates in UTC, a forge's times, and when a waiver's day begins or ends."""

import datetime as dt
from collections.abc import Sequence

from app.model import Waiver


def utc_day(at: float) -> str:
    """The date of a moment (epoch seconds) in UTC: `2026-11-21`."""
    return dt.datetime.fromtimestamp(at, dt.UTC).date().isoformat()


def seconds(iso: str) -> float:
    """A forge's time in epoch seconds; 0 for one that cannot be read."""
    try:
        return dt.datetime.fromisoformat(iso).timestamp()
    except ValueError:
        return 0.0


def waivers_turn(waivers: Sequence[Waiver], today: str) -> float | None:
    """The next midnight UTC (epoch seconds) at which one of the waivers begins or ends, if any."""
    begins = [dt.date.fromisoformat(one.granted) for one in waivers if one.granted > today]
    ends = [
        dt.date.fromisoformat(one.expires) + dt.timedelta(days=1) for one in waivers if one.expires >= today
    ]
    turn = min((*begins, *ends), default=None)
    return None if turn is None else dt.datetime.combine(turn, dt.time(), dt.UTC).timestamp()
