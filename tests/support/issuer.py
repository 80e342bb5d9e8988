"""An issuer of identity tokens on loopback: publishes keys, signs what a test wants signed."""

import base64
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.practice import listening

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@cache
def rsa_key(number: int = 0) -> rsa.RSAPrivateKey:
    """Making one takes a while: each number has one in a process."""
    del number
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class Issuer:
    """`keys` are published by id; `answer` replaces a path's answer; `asked` counts what was fetched."""

    url: str = ""
    keys: dict[str, Key] = field(default_factory=lambda: {"one": rsa_key()})
    more_keys: list[dict[str, Any]] = field(default_factory=list)
    answer: dict[str, Response] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)

    def sign(
        self, claims: dict[str, Any], *, key_id: str = "one", key: Key | None = None, **header: Any
    ) -> str:
        """A token of these claims; `iss` is ours unless they say otherwise."""
        key = key or self.keys[key_id]
        algorithm = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
        return jwt.encode(
            {"iss": self.url, **claims}, key, algorithm=algorithm, headers={"kid": key_id, **header}
        )

    def unsigned(self, claims: dict[str, Any], header: dict[str, Any], signature: bytes = b"") -> str:
        """A token put together by hand."""
        parts = [json.dumps(part).encode() for part in (header, {"iss": self.url, **claims})]
        return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (*parts, signature))

    def public(self) -> list[dict[str, Any]]:
        found = []
        for key_id, key in self.keys.items():
            kind = (
                jwt.algorithms.RSAAlgorithm
                if isinstance(key, rsa.RSAPrivateKey)
                else jwt.algorithms.ECAlgorithm
            )
            jwk = kind.to_jwk(key.public_key(), as_dict=True)
            found.append({**jwk, "kid": key_id, "use": "sig"})
        return [*found, *self.more_keys]


@asynccontextmanager
async def issuing() -> AsyncIterator[Issuer]:
    """An issuer that is listening."""
    issuer = Issuer()

    async def discovery(request: Request) -> Response:
        issuer.asked["discovery"] += 1
        made = {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/keys"}
        return issuer.answer.get("discovery") or JSONResponse(made)

    async def keys(request: Request) -> Response:
        issuer.asked["keys"] += 1
        return issuer.answer.get("keys") or JSONResponse({"keys": issuer.public()})

    routes = [Route("/.well-known/openid-configuration", discovery), Route("/keys", keys)]
    async with listening(Starlette(routes=routes)) as url:
        issuer.url = url
        yield issuer


def github_claims(audience: str, now: float, repository_id: int, **more: Any) -> dict[str, Any]:
    """What GitHub says of a job for pull request 1 of acme/shop."""
    return {
        "aud": audience,
        "iat": int(now),
        "nbf": int(now) - 300,
        "exp": int(now) + 600,
        "sub": "repo:acme/shop:pull_request",
        "repository": "acme/shop",
        "repository_id": str(repository_id),
        "event_name": "pull_request",
        "ref": "refs/pull/1/merge",
        "head_ref": "topic",
        "base_ref": "main",
        "sha": "d" * 40,
        "workflow_ref": "acme/shop/.github/workflows/ci.yml@refs/pull/1/merge",
        "run_id": "123",
        "run_attempt": "1",
        "actor": "alice",
        **more,
    }
