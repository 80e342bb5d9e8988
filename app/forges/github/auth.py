"""Proving who we are: the app's JSON Web Token and the installations' short-lived tokens.

Sources: docs.github.com "Generating a JSON Web Token for a GitHub App" (RS256, iat 60 s back, at most
10 minutes, iss = the app), "Generating an installation access token" (valid for one hour).
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import jwt
import msgspec

from app.model import Misconfigured

_BACKDATED = 60.0
_LIFETIME = 540.0
_RENEW_BEFORE = 600.0
"""Installation tokens are renewed ten minutes early, so one handed to git lives five more."""


class AppCredentials(msgspec.Struct, frozen=True, kw_only=True):
    """The app's id and its private key (PEM text)."""

    app_id: int
    private_key: str

    def __repr__(self) -> str:
        """Without the key: representations end in logs."""
        return f"AppCredentials(app_id={self.app_id})"


CredentialsProvider = Callable[[], AppCredentials | None]
"""Gives the credentials that count now; None before the app was set up."""


class AccessToken(msgspec.Struct, kw_only=True):
    """GitHub's answer with an installation token."""

    token: str
    expires_at: str

    @property
    def expires(self) -> float:
        """When it ends, epoch seconds."""
        return datetime.fromisoformat(self.expires_at).timestamp()


Scope = tuple[int, int]
"""What a token is for: (installation id, repository id), 0 = everything the installation reaches."""


class Keyring:
    """The app's tokens, cached. `now` gives epoch seconds."""

    def __init__(self, credentials: CredentialsProvider, now: Callable[[], float]) -> None:
        self._credentials = credentials
        self._now = now
        self._jwt: tuple[AppCredentials, str, float] | None = None
        self._tokens: dict[Scope, AccessToken] = {}
        self._locks: dict[Scope, asyncio.Lock] = {}
        self.skew = 0.0
        """Seconds GitHub's clock is ahead of ours, as last learnt from a refused JWT."""

    def app(self) -> AppCredentials:
        """The credentials; raises Misconfigured before set-up."""
        found = self._credentials()
        if found is None or not found.app_id or not found.private_key:
            raise Misconfigured(
                "no GitHub App is configured",
                hint="open /setup/github, or set PORTCULLIS_GITHUB_APP_ID and PORTCULLIS_GITHUB_PRIVATE_KEY",
            )
        return found

    def app_jwt(self) -> str:
        """The app's JSON Web Token, renewed a minute before its end. Raises Misconfigured."""
        app, now = self.app(), self._now() + self.skew
        if self._jwt is not None:
            known, token, expires = self._jwt
            if known == app and now < expires - _BACKDATED:
                return token
        claims = {"iat": int(now - _BACKDATED), "exp": int(now + _LIFETIME), "iss": str(app.app_id)}
        try:
            token = jwt.encode(claims, app.private_key, algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError):
            raise Misconfigured(
                "the GitHub App's private key is not an RSA key in PEM form",
                hint="PORTCULLIS_GITHUB_PRIVATE_KEY holds the whole text of the .pem file",
            ) from None
        self._jwt = (app, token, now + _LIFETIME)
        return token

    def learn_skew(self, server: float) -> bool:
        """Take GitHub's time (epoch seconds) from a refused answer; whether it changed anything."""
        skew = server - self._now()
        changed = abs(skew - self.skew) > _BACKDATED / 2
        if changed:
            self.skew, self._jwt = skew, None
        return changed

    async def installation(self, scope: Scope, mint: Callable[[], Awaitable[AccessToken]]) -> str:
        """A token of that scope, valid for ten more minutes; minted once however many ask."""
        found = self._fresh(scope)
        if found is not None:
            return found
        async with self._locks.setdefault(scope, asyncio.Lock()):
            found = self._fresh(scope)
            if found is None:
                token = await mint()
                self._tokens[scope] = token
                found = token.token
        return found

    def _fresh(self, scope: Scope) -> str | None:
        token = self._tokens.get(scope)
        if token is None or token.expires - _RENEW_BEFORE <= self._now() + self.skew:
            return None
        return token.token

    def forget(self, installation_id: int, token: str) -> None:
        """Drop a refused token (unless it was renewed meanwhile)."""
        known = self._tokens.get((installation_id, 0))
        if known is not None and known.token == token:
            del self._tokens[installation_id, 0]

    def secrets(self) -> tuple[str, ...]:
        """Everything that must never be shown."""
        known = [token.token for token in self._tokens.values()]
        if self._jwt is not None:
            known += [self._jwt[1], self._jwt[0].private_key]
        return tuple(known)
