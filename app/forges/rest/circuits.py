"""The circuit breakers of one forge: one for each installation and for the app, one for all of it."""

from collections.abc import Callable
from typing import Final

import structlog

from app.forges.rest.breaker import Breaker, State
from app.forges.rest.calls import Call
from app.forges.rest.limits import outage_until

LOG = structlog.get_logger(__name__)
ALL: Final = -2
"""The breaker of the whole forge."""
THRESHOLD: Final = 6
THRESHOLD_OF_ALL: Final = 12
"""So many failures in a row, of one installation or of all, and nothing is sent for a while."""
SOON: Final = 5.0


class Circuits:
    """Kept per process: however many processes there are, each sends one request per pause."""

    def __init__(self, now: Callable[[], float], title: str = "the forge") -> None:
        self._now = now
        self._title = title
        self._breakers: dict[int, Breaker] = {}

    def _of(self, key: int) -> Breaker:
        return self._breakers.get(key) or Breaker(threshold=THRESHOLD_OF_ALL if key == ALL else THRESHOLD)

    def free_at(self, who: int, now: float) -> float:
        """When the next request may go (epoch seconds); soon, where another one is just trying."""
        found = [self._of(key) for key in (ALL, who)]
        trying = any(each.state(now) is State.OPEN and each.until <= now for each in found)
        at = max(each.free_at(now) for each in found)
        return min(at, now + SOON) if trying else at

    def ask_leave(self, call: Call) -> None:
        """Go on. Raises Outage where the forge is left alone, without sending anything."""
        now = self._now()
        at = self.free_at(call.who, now)
        if at > now:
            raise outage_until(f"{call.kind}: {self._title} does not answer for now", at)
        for key in (ALL, call.who):
            if key in self._breakers:
                self._breakers[key] = self._breakers[key].sent(now)

    def failed(self, call: Call) -> None:
        """No answer, or "I cannot"."""
        for key in (ALL, call.who):
            before = self._of(key)
            after = self._breakers[key] = before.failed(self._now())
            if after.pauses and not before.pauses:
                LOG.warning("the forge is left alone for a while", installation=key, failures=after.failures)

    def answered(self, call: Call) -> None:
        """An answer, whatever it says: nothing is held against anybody any more."""
        for key in (ALL, call.who):
            known = self._breakers.pop(key, None)
            if known is not None and known.pauses:
                LOG.info("the forge answers again", installation=key)
