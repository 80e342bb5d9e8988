"""The client of GitLab's REST API (version 4): who asks, and what its refusals mean.

Nothing here knows what the requests mean; `reads.py`, `people.py`, `writes.py` and `elsewhere.py` do.
Sources: docs.gitlab.com "REST API" (pagination by Link, RateLimit-* headers), "REST API authentication"
(access tokens of people, projects and groups are taken as OAuth tokens are: `Authorization: Bearer`).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

from app.forges.connection import AccountProvider
from app.forges.gitlab.calls import at
from app.forges.gitlab.errors import explain, message_of
from app.forges.gitlab.views import INSTALLATION, Account
from app.forges.protocol import Ledger
from app.forges.rest.calls import ANONYMOUS
from app.forges.rest.client import RestClient
from app.forges.rest.limits import Limits
from app.model import Misconfigured, PortcullisError

NOTES_PER_MINUTE = 60
"""docs.gitlab.com "Rate limits on GitLab.com": notes a user may write."""


class _GitLab:
    """Implements Dialect."""

    title = "GitLab"
    headers: Mapping[str, str] = {}
    rate_prefix = "ratelimit-"
    address_hint = "the connection's address must be the one that GitLab itself uses (its external_url)"

    def __init__(self, account: AccountProvider) -> None:
        self._account = account

    async def bearer(self, who: int) -> str:
        """The connection's token."""
        if who == ANONYMOUS:
            return ""
        account = self._account()
        if account is None or not account.secret:
            raise Misconfigured(
                "no token for GitLab is configured",
                hint="`portcullis forges add gitlab URL TOKEN`, or set PORTCULLIS_GITLAB_TOKEN",
            )
        return account.secret

    def renewed(self, who: int, headers: Mapping[str, str], token: str) -> bool:  # noqa: ARG002 - as all dialects
        """Whether another token was set meanwhile."""
        account = self._account()
        return account is not None and account.secret != token

    def secrets(self) -> tuple[str, ...]:
        """The token, and what deliveries are proved by."""
        account = self._account()
        return () if account is None else (account.secret, account.webhook_secret)

    def message_of(self, content: bytes) -> str:
        """GitLab's sentence."""
        return message_of(content)

    def too_fast(self, status: int, headers: Mapping[str, str], message: str) -> bool:  # noqa: ARG002 - as all dialects
        """Whether an answer is a rate limit: 429, and GitLab.com's own front door answers 403 with a time."""
        return status == 429 or (status == 403 and "retry-after" in headers)  # noqa: PLR2004 - HTTP's own numbers

    def explain(self, kind: str, status: int, message: str, headers: Mapping[str, str]) -> PortcullisError:
        """What a refusal means."""
        return explain(kind, status, message, headers)


def api_url(url: str) -> str:
    """Where the API is, given the address of a GitLab for people (which may lie beneath a path)."""
    url = url.rstrip("/")
    return url if url.endswith("/api/v4") else f"{url}/api/v4"


class Client(RestClient):
    """Speaks to one GitLab as one account."""

    def __init__(
        self,
        account: AccountProvider,
        *,
        url: str,
        ledger: Ledger | None = None,
        now: Callable[[], float] = time.time,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        hosted = urlsplit(url).hostname == "gitlab.com"
        super().__init__(
            _GitLab(account),
            api_url=api_url(url),
            limits=Limits(content_per_minute=NOTES_PER_MINUTE if hosted else 0),
            ledger=ledger,
            now=now,
            pause=pause,
        )
        self._own: tuple[str, int] | None = None

    async def token(self) -> str:
        """The token that counts now. Raises Misconfigured where there is none."""
        return await self._dialect.bearer(INSTALLATION)

    async def own_id(self) -> int:
        """The id of the token's account, asked once for each token."""
        token = await self.token()
        if self._own is None or self._own[0] != token:
            self._own = token, (await self.send(at("user", "/user"))).read(Account).id
        return self._own[1]

    @property
    def known_id(self) -> int:
        """The same as far as it was asked yet, 0 before."""
        return 0 if self._own is None else self._own[1]
