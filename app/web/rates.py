"""How often somebody may ask: a bucket of tokens for each."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from math import ceil

_MOST_KNOWN = 10_000


class Rates:
    """Allows `burst` at once and `per_minute` in the long run, for each key apart. `now` gives seconds."""

    def __init__(self, *, burst: int, per_minute: float, now: Callable[[], float]) -> None:
        self._burst = burst
        self._per_second = per_minute / 60
        self._now = now
        self._left: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def wait(self, key: Hashable, *, take: bool = True) -> int:
        """Take one, or only look; gives whole seconds to wait where there is none (0 = there was one)."""
        now = self._now()
        left, at = self._left.pop(key, (float(self._burst), now))
        left = min(float(self._burst), left + max(0.0, now - at) * self._per_second)
        there = left >= 1
        self._left[key] = (left - 1 if there and take else left, now)
        if len(self._left) > _MOST_KNOWN:
            self._left.popitem(last=False)
        return 0 if there else max(1, ceil((1 - left) / self._per_second))
