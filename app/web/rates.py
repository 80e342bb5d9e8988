"""How often somebody may ask: a bucket of tokens for each, and who proves nothing waits."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from ipaddress import IPv6Address, ip_address
from math import ceil
from typing import Final

_MOST_KNOWN: Final = 10_000
_SITE_BITS: Final = 64
"""What one subscriber is given of IPv6 (RFC 6177): whoever sends from one address has them all."""
_PROVED_SECONDS: Final = 3600.0
_LONGEST: Final = 64


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


class Proofs:
    """Who sends what proves nothing waits before anything of his is looked at; who proved himself within the
    hour does not, so that a proxy which many share is not shut by one of them. `now` gives seconds.
    """

    def __init__(self, *, burst: int, per_minute: float, now: Callable[[], float]) -> None:
        self._failed = Rates(burst=burst, per_minute=per_minute, now=now)
        self._now = now
        self._proved: OrderedDict[str, float] = OrderedDict()

    def wait(self, sender: str) -> int:
        """Whole seconds until something of this sender is looked at (0 = now)."""
        if self._now() - self._proved.get(sender, -_PROVED_SECONDS) < _PROVED_SECONDS:
            return 0
        return self._failed.wait(sender, take=False)

    def proved(self, sender: str) -> None:
        """What it sent was right."""
        self._proved.pop(sender, None)
        self._proved[sender] = self._now()
        if len(self._proved) > _MOST_KNOWN:
            self._proved.popitem(last=False)

    def failed(self, sender: str) -> None:
        """What it sent proved nothing."""
        self._failed.wait(sender)


def sender_of(client: tuple[str, int] | None) -> str:
    """Who sends, of the address of a connection: an IPv4 address, or the network of an IPv6 one."""
    host = "" if client is None else client[0][:_LONGEST]
    try:
        address = ip_address(host)
    except ValueError:  # a socket of this machine, or what a proxy calls it
        return host
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(IPv6Address(int(address) >> _SITE_BITS << _SITE_BITS)) + f"/{_SITE_BITS}"
    return str(address)
