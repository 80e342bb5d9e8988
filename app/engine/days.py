"""Dates in UTC, and when a waiver's day begins or ends."""

import datetime as dt

from app.model import (
    Plan,
)


def utc_day(at: float) -> str:
    """The date of a moment (epoch seconds) in UTC: `2026-11-21`."""
    return dt.datetime.fromtimestamp(at, dt.UTC).date().isoformat()


def waivers_turn(plan: Plan, today: str) -> float | None:
    """The next midnight UTC (epoch seconds) at which a waiver of the plan begins or ends, if any."""
    begins = [dt.date.fromisoformat(one.granted) for one in plan.waivers if one.granted > today]
    ends = [
        dt.date.fromisoformat(one.expires) + dt.timedelta(days=1)
        for one in plan.waivers
        if one.expires >= today
    ]
    turn = min((*begins, *ends), default=None)
    return None if turn is None else dt.datetime.combine(turn, dt.time(), dt.UTC).timestamp()
