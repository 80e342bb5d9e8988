"""Identity tokens of CI jobs (OpenID Connect): verified by their issuer's keys, nothing else is believed.

A token is a JSON Web Token (RFC 7519). Its issuer must be one that the operator lists, its audience us, its
algorithm RS256 or ES256 by a key that the issuer publishes (RFC 7517, found as OpenID Connect Discovery 1.0
section 4 says). Keys are fetched when a token names one that is not known, at most once per REST_SECONDS.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import jwt
import msgspec
import structlog

from app.forges.claims import READERS, Claims, Identity, Untrusted
from app.model import Misconfigured, Outage

LOG = structlog.get_logger(__name__)
ALGORITHMS: Final = ("RS256", "ES256")
LEEWAY: Final = 30.0
"""Seconds by which the issuer's clock and ours may differ."""
FRESH_SECONDS: Final = 600.0
"""Keys are read anew after that long, so that a withdrawn one stops working."""
LONGEST_SECONDS: Final = 3600.0
"""While the issuer does not answer, known keys are believed for that long."""
REST_SECONDS: Final = 30.0
MAX_TOKEN: Final = 16_384
_MAX_ANSWER: Final = 512_000
_MAX_KEYS: Final = 100
_TIMEOUT: Final = 5.0
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class Issuer(msgspec.Struct, frozen=True, kw_only=True):
    """Who issues tokens: its address as tokens name it, and the forge whose repositories they are about, by
    name; `kind` tells how its tokens are read.
    """

    url: str
    kind: str
    forge: str


class _Unsigned(msgspec.Struct):
    iss: str = ""


class _Discovery(msgspec.Struct):
    issuer: str
    jwks_uri: str


class _KeySet(msgspec.Struct):
    keys: list[dict[str, Any]]


class Keys:
    """The public keys of one issuer, cached."""

    def __init__(self, issuer: str, client: httpx.AsyncClient, now: Callable[[], float]) -> None:
        self._issuer = issuer
        self._client = client
        self._now = now
        self._keys: dict[str, jwt.PyJWK] = {}
        self._read_at = float("-inf")
        self._tried_at = float("-inf")
        self._reading = asyncio.Lock()

    async def key(self, key_id: str) -> jwt.PyJWK | None:
        """The key of this id; None if the issuer has none. Raises Outage when that cannot be known now."""
        if self._stale(key_id):
            async with self._reading:
                if self._stale(key_id):  # nobody has read them meanwhile
                    await self._refresh()
        age = self._now() - self._read_at
        if age > LONGEST_SECONDS:
            raise Outage(f"the keys of {self._issuer} cannot be read for now")
        return self._keys.get(key_id)

    def _stale(self, key_id: str) -> bool:
        now = self._now()
        old = now - self._read_at > FRESH_SECONDS
        return (old or key_id not in self._keys) and now - self._tried_at > REST_SECONDS

    async def _refresh(self) -> None:
        """Read the keys anew; where that fails the known ones stay for a while."""
        self._tried_at = self._now()
        try:
            self._keys = await self._fetch()
        except (httpx.HTTPError, httpx.InvalidURL, msgspec.DecodeError, Misconfigured) as error:
            LOG.warning("an issuer's keys cannot be read", issuer=self._issuer, reason=str(error))
            return
        self._read_at = self._now()

    async def _fetch(self) -> dict[str, jwt.PyJWK]:
        found = await self._get(f"{self._issuer}/.well-known/openid-configuration", _Discovery)
        if found.issuer != self._issuer:
            raise Misconfigured(f"it calls itself {found.issuer[:200]!r}")
        if _origin(found.jwks_uri) != _origin(self._issuer):
            raise Misconfigured(f"its keys are elsewhere: {found.jwks_uri[:200]!r}")
        listed = await self._get(found.jwks_uri, _KeySet)
        return dict(_usable(listed.keys[:_MAX_KEYS]))

    async def _get(self, url: str, shape: type["_Answer"]) -> Any:  # noqa: ANN401 - one of two shapes
        parts = urlsplit(url)
        if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            raise Misconfigured("only https is asked")
        content = bytearray()
        async with self._client.stream("GET", url) as response:
            response.raise_for_status()
            async for part in response.aiter_bytes():
                content += part
                if len(content) > _MAX_ANSWER:
                    raise Misconfigured("its answer is too long")
        return msgspec.json.decode(content, type=shape)


_Answer = _Discovery | _KeySet


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def _usable(keys: list[dict[str, Any]]) -> "list[tuple[str, jwt.PyJWK]]":
    """Keys for signatures by the algorithms we take; others (symmetric ones above all) are left out."""
    found: list[tuple[str, jwt.PyJWK]] = []
    for key in keys:
        key_id = key.get("kid")
        if not isinstance(key_id, str) or key.get("use", "sig") != "sig":
            continue
        with contextlib.suppress(jwt.PyJWTError, ValueError, TypeError):
            read = jwt.PyJWK(key)
            if read.algorithm_name in ALGORITHMS:
                found.append((key_id, read))
    return found


class IdentityTokens:
    """Verifies identity tokens of the listed issuers, meant for `audience`. Belongs to one event loop."""

    def __init__(
        self,
        issuers: tuple[Issuer, ...],
        *,
        audience: str,
        now: Callable[[], float],
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._client = httpx.AsyncClient(timeout=_TIMEOUT, follow_redirects=False, transport=transport)
        self._issuers = {one.url: one for one in issuers}
        self._keys = {one.url: Keys(one.url, self._client, now) for one in issuers}
        self._audience = audience
        self._now = now

    async def close(self) -> None:
        """Close the client."""
        await self._client.aclose()

    async def identify(self, token: str) -> Identity:
        """Who holds the token. Raises Untrusted for one that proves nothing, Outage where the issuer's keys
        cannot be read for now.
        """
        issuer, key_id = self._head(token)
        key = await self._keys[issuer.url].key(key_id)
        if key is None:
            raise Untrusted(
                "the token is signed by a key that its issuer does not publish",
                hint="ask for a new one right before the upload; keys are changed now and then",
            )
        identity = READERS[issuer.kind](self._claims(token, key, issuer))
        return msgspec.structs.replace(identity, forge=issuer.forge)

    def _head(self, token: str) -> tuple[Issuer, str]:
        """The issuer and the key that a token names, of a form that may be verified at all."""
        if len(token) > MAX_TOKEN:
            raise Untrusted("the token is too long")
        try:
            header = jwt.get_unverified_header(token)
            named = msgspec.convert(
                jwt.decode(token, options={"verify_signature": False}), _Unsigned, strict=True
            )
        except (jwt.PyJWTError, msgspec.ValidationError, ValueError, RecursionError):
            raise Untrusted(
                "this is neither a token of ours nor an identity token",
                hint="give what portcullis tokens create printed (it begins with pct_), or the identity "
                "token of a job of GitHub Actions or GitLab CI",
            ) from None
        if header.get("alg") not in ALGORITHMS:
            raise Untrusted(f"identity tokens are signed by {' or '.join(ALGORITHMS)}")
        issuer = self._issuers.get(named.iss)
        if issuer is None:
            raise Untrusted(
                "the token's issuer is not one that this service believes",
                hint="the operator names further ones by PORTCULLIS_GITHUB_OIDC_ISSUER and "
                "PORTCULLIS_GITLAB_OIDC_ISSUERS; a repository token needs none",
            )
        return issuer, str(header.get("kid", ""))

    def _claims(self, token: str, key: jwt.PyJWK, issuer: Issuer) -> Claims:
        try:
            payload = jwt.decode(
                token,
                key,
                algorithms=list(ALGORITHMS),
                audience=self._audience,
                issuer=issuer.url,
                options={
                    "require": ["exp", "iat", "iss", "aud"],
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except jwt.InvalidAudienceError:
            raise Untrusted(
                "the token is meant for somebody else", hint=f"ask for one with the audience {self._audience}"
            ) from None
        except jwt.PyJWTError as error:
            raise Untrusted(f"the token is not valid: {error}") from None
        self._in_time(payload)
        return Claims(payload)

    def _in_time(self, payload: Mapping[str, object]) -> None:
        """Its times by our clock (the one that may be turned by hand)."""
        now = self._now()
        times = {name: payload.get(name) for name in ("exp", "nbf", "iat")}
        for name, at in times.items():
            if at is not None and (isinstance(at, bool) or not isinstance(at, int | float)):
                raise Untrusted(f"the token's {name} is no time")
        exp, nbf, iat = (float(at) if isinstance(at, int | float) else None for at in times.values())
        if exp is None or now >= exp + LEEWAY:
            raise Untrusted("the token has expired", hint="ask for a new one right before the upload")
        if any(at is not None and now < at - LEEWAY for at in (nbf, iat)):
            raise Untrusted("the token is not valid yet: its issuer's clock and ours differ")
