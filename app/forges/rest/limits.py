"""Staying within a forge's rate limits, proactively where they are published, and by its answers."""

import math
from collections import deque
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import msgspec

from app.forges.importance import CONTENT_HELD_BACK, HELD_BACK, Importance
from app.forges.values import Rate
from app.model import Outage

HOUR: Final = 3600.0
_BARE_SECONDARY = 60.0
_LONGEST_BARE = 3600.0


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one installation may do by itself; 0 = unlimited. A read costs one point, a write five."""

    points_per_minute: int = 0
    content_per_minute: int = 0
    content_per_hour: int = 0


class _Window:
    """Costs within the last `seconds`; `most` = 0 means no limit."""

    def __init__(self, most: int, seconds: float, spent: Iterable[float] = ()) -> None:
        """`spent` are the times (oldest first) at which one was spent already."""
        self._most = most
        self._seconds = seconds
        self._spent: deque[tuple[float, int]] = deque((at, 1) for at in spent)
        self._total = len(self._spent)

    def free_at(self, cost: int, now: float, held_back: float = 0.0) -> float:
        """When `cost` fits (epoch seconds) without touching the share that is held back; `now` or earlier if
        it fits now.
        """
        most = math.floor(self._most * (1 - held_back))
        while self._spent and self._spent[0][0] <= now - self._seconds:
            self._total -= self._spent.popleft()[1]
        if not self._most or self._total + cost <= most:
            return now
        over, total = self._total + cost - most, 0
        for at, spent in self._spent:
            total += spent
            if total >= over:
                return at + self._seconds
        return now + self._seconds

    def spend(self, cost: int, now: float) -> None:
        if self._most and cost:
            self._spent.append((now, cost))
            self._total += cost


class Budget:
    """The limits of one bucket (the app itself, or one installation)."""

    def __init__(self, limits: Limits, prefix: str = "x-ratelimit-") -> None:
        """`prefix` is what the names of the headers that tell the primary limit begin with."""
        self._limits = limits
        self._prefix = prefix
        self._points = _Window(limits.points_per_minute, 60)
        self._content: deque[float] = deque()
        self._closed_until = 0.0
        self._bare = 0
        self.rate: Rate | None = None

    def free_at(
        self, *, write: bool, content: bool, now: float, worth: Importance = Importance.VERDICT
    ) -> float:
        """When the next request of that importance may be sent (epoch seconds)."""
        held_back = HELD_BACK[worth]
        at = max(now, self._closed_until, self._points.free_at(5 if write else 1, now, held_back))
        rate = self.rate
        if rate is not None and rate.reset > now and rate.remaining < rate.limit * held_back:
            at = max(at, rate.reset)
        return max(at, content_free_at(self._limits, self._content, worth, now)) if content else at

    def close(self, until: float) -> None:
        """Nothing is sent before."""
        self._closed_until = max(self._closed_until, until)

    def spend(self, *, write: bool, content: bool, now: float) -> None:
        """Count a request that is being sent."""
        self._points.spend(5 if write else 1, now)
        if content:
            self._content.append(now)
            while self._content[0] <= now - HOUR:
                self._content.popleft()

    def learn(self, headers: Mapping[str, str], now: float) -> None:
        """Read the primary limit of an answer; an exhausted one closes the bucket until its reset."""
        try:
            rate = Rate(
                limit=int(headers[f"{self._prefix}limit"]),
                remaining=int(headers[f"{self._prefix}remaining"]),
                reset=float(headers[f"{self._prefix}reset"]),
            )
        except (KeyError, ValueError):
            return
        self.rate = rate
        if rate.remaining == 0 and rate.reset > now:
            self._closed_until = max(self._closed_until, rate.reset)

    def limited(self, headers: Mapping[str, str], now: float) -> float:
        """An answer says "too fast": when to try again (epoch seconds), and close until then.

        In this order: retry-after, else the reset if nothing remains, else one minute doubling
        with each further bare refusal up to an hour.
        """
        wait = retry_after(headers, now)
        if wait is None and headers.get(f"{self._prefix}remaining") == "0":
            try:
                wait = float(headers.get(f"{self._prefix}reset", "")) - now
            except ValueError:
                wait = None
        if wait is None:
            wait = min(_BARE_SECONDARY * 2.0**self._bare, _LONGEST_BARE)
            self._bare += 1
        until = now + max(wait, 1.0)
        self.close(until)
        return until

    def succeeded(self) -> None:
        """An answer that is no refusal: the next bare refusal starts at one minute again."""
        self._bare = 0


def content_free_at(limits: Limits, spent: Iterable[float], worth: Importance, now: float) -> float:
    """When content of that importance may be created (epoch seconds), given when some was (oldest first). A
    verdict never waits for our own guess.
    """
    if worth is Importance.VERDICT:
        return now
    times, less = tuple(spent), CONTENT_HELD_BACK[worth]
    minute = _Window(limits.content_per_minute, 60, times)
    hour = _Window(limits.content_per_hour, HOUR, times)
    return max(minute.free_at(1, now, less), hour.free_at(1, now, less))


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds of a retry-after header (number or HTTP date); None if there is none."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (TypeError, ValueError):
        return None


def outage_until(message: str, until: float) -> Outage:
    """An Outage that names when to try again (`until` in epoch seconds)."""
    return Outage(message, retry_at=datetime.fromtimestamp(until, UTC))
