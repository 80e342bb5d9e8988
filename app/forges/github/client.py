"""The client of GitHub's REST API: who asks, and what its refusals mean.

Nothing here knows what the requests mean; `reads.py` and `writes.py` do.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Final

from app.forges.github.auth import AccessToken, CredentialsProvider, Keyring
from app.forges.github.calls import Call
from app.forges.github.errors import explain, message_of, too_fast
from app.forges.github.limits import Limits
from app.forges.protocol import Ledger
from app.forges.rest.calls import ANONYMOUS, APP
from app.forges.rest.client import RestClient
from app.model import Misconfigured, PortcullisError

_VERSION: Final = "2022-11-28"


class _GitHub:
    """Implements Dialect. `token` gives one of an installation."""

    title = "GitHub"
    headers: Mapping[str, str] = {"x-github-api-version": _VERSION}
    rate_prefix = "x-ratelimit-"
    address_hint = "PORTCULLIS_GITHUB_API_URL must be the address GitHub itself uses for its API"

    def __init__(self, keyring: Keyring, token: Callable[[int], Awaitable[str]]) -> None:
        self._keyring = keyring
        self._token = token

    async def bearer(self, who: int) -> str:
        """The app's JSON Web Token, or an installation's token."""
        if who == ANONYMOUS:
            return ""
        return self._keyring.app_jwt() if who == APP else await self._token(who)

    def renewed(self, who: int, headers: Mapping[str, str], token: str) -> bool:
        """A new token of an installation; of the app where its clock was wrong."""
        if who == ANONYMOUS:
            return False
        if who != APP:
            self._keyring.forget(who, token)
            return True
        try:
            server = parsedate_to_datetime(headers.get("date", "")).timestamp()
        except (TypeError, ValueError):
            return False
        return self._keyring.learn_skew(server)

    def secrets(self) -> tuple[str, ...]:
        """The keyring's."""
        return self._keyring.secrets()

    def message_of(self, content: bytes) -> str:
        """GitHub's sentence."""
        return message_of(content)

    def too_fast(self, status: int, headers: Mapping[str, str], message: str) -> bool:
        """Whether an answer is a rate limit."""
        return too_fast(status, headers, message)

    def explain(self, kind: str, status: int, message: str, headers: Mapping[str, str]) -> PortcullisError:
        """What a refusal means."""
        return explain(kind, status, message, headers)


class Client(RestClient):
    """Speaks to one GitHub as one app."""

    def __init__(
        self,
        credentials: CredentialsProvider,
        *,
        api_url: str = "https://api.github.com",
        limits: Limits | None = None,
        ledger: Ledger | None = None,
        now: Callable[[], float] = time.time,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.keyring = Keyring(credentials, now)
        super().__init__(
            _GitHub(self.keyring, self.token),
            api_url=api_url,
            limits=limits if limits is not None else Limits.for_api(api_url),
            ledger=ledger,
            now=now,
            pause=pause,
        )

    async def token(self, installation_id: int, *, clone: int = 0) -> str:
        """A token of the installation, valid for ten more minutes. With `clone` (a repository id) one
        that can read that repository's content and nothing else: the only kind that leaves this process.
        """
        if installation_id <= 0:
            raise Misconfigured(
                "no installation of the GitHub App is known for this repository",
                hint="install the app on the repository; hooks of a repository alone are not enough",
            )

        async def mint() -> AccessToken:
            answer = await self.send(
                Call(
                    kind="token",
                    who=APP,
                    method="POST",
                    path=f"/app/installations/{installation_id}/access_tokens",
                    body={"repository_ids": [clone], "permissions": {"contents": "read"}} if clone else {},
                )
            )
            return answer.read(AccessToken)

        return await self.keyring.installation((installation_id, clone), mint)
