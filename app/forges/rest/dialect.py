"""What differs between forges' REST APIs: data, how one proves who asks, what refusals mean."""

from collections.abc import Mapping
from typing import Protocol

from app.model import PortcullisError


class Dialect(Protocol):
    """`title` is how people call the forge; `headers` go with every request; the names of the headers that
    tell the primary limit begin with `rate_prefix`; `address_hint` says what names the API's address.
    """

    title: str
    headers: Mapping[str, str]
    rate_prefix: str
    address_hint: str

    async def bearer(self, who: int) -> str:
        """The token to ask with, '' to ask without proof. Raises Misconfigured where there is none."""
        ...

    def renewed(self, who: int, headers: Mapping[str, str], token: str) -> bool:
        """After a 401 with these headers: whether there may be a new way to prove who asks."""
        ...

    def secrets(self) -> tuple[str, ...]:
        """All that must never be shown."""
        ...

    def message_of(self, content: bytes) -> str:
        """The forge's sentence from an error's body, on one line of sane length; '' if there is none."""
        ...

    def too_fast(self, status: int, headers: Mapping[str, str], message: str) -> bool:
        """Whether an answer is a rate limit, not a refusal."""
        ...

    def explain(self, kind: str, status: int, message: str, headers: Mapping[str, str]) -> PortcullisError:
        """The error of an answer that is neither success, outage nor rate limit."""
        ...
