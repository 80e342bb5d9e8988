"""A circuit breaker, as pure state: whoever does not answer is left alone for a while.

CLOSED lets everything pass. After so many failures in a row it is OPEN: nothing is sent until a time. From
then on it is HALF_OPEN: one request goes, and its end decides. Each further failure doubles the pause. (M.
Nygard, "Release It!", circuit breaker.)
"""

from enum import StrEnum
from typing import Final

import msgspec

FIRST_PAUSE: Final = 10.0
LONGEST_PAUSE: Final = 120.0
"""Who comes back is noticed within two minutes."""
TRIAL_SECONDS: Final = 60.0
"""A trial that did not end after so long is not waited for: its process may have died with it."""


class State(StrEnum):
    """What a breaker does with a request."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Breaker(msgspec.Struct, frozen=True, kw_only=True):
    """A new one is closed; any answer, whatever it says, is reason for a new one.

    `failures` in a row; `pauses` in a row; `until` is the end of the pause and `trying` that of the trial
    (epoch seconds, 0 = none).
    """

    threshold: int
    failures: int = 0
    pauses: int = 0
    until: float = 0.0
    trying: float = 0.0

    def state(self, now: float) -> State:
        """Where it is."""
        if not self.pauses:
            return State.CLOSED
        return State.OPEN if now < max(self.until, self.trying) else State.HALF_OPEN

    def free_at(self, now: float) -> float:
        """When the next request may go (epoch seconds); `now` where it may go now."""
        return max(now, self.until, self.trying) if self.pauses else now

    def sent(self, now: float) -> "Breaker":
        """A request goes, which `free_at` allowed. In the half-open state all others wait for its end."""
        return msgspec.structs.replace(self, trying=now + TRIAL_SECONDS) if self.pauses else self

    def failed(self, now: float) -> "Breaker":
        """It was not answered, or by "I cannot"."""
        failures = self.failures + 1
        trial_failed = self.pauses and now >= self.until
        if failures < self.threshold and not trial_failed:
            return msgspec.structs.replace(self, failures=failures)
        if self.pauses and not trial_failed:
            return self  # one that was under way when the pause began
        pause = min(FIRST_PAUSE * 2.0**self.pauses, LONGEST_PAUSE)
        return msgspec.structs.replace(
            self, failures=failures, pauses=self.pauses + 1, until=now + pause, trying=0.0
        )
