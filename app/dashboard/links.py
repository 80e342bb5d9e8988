"""Signed links: one names one run, works for about a week, and says nothing else."""

import base64
import binascii
import hashlib
import hmac
import secrets
import struct
from enum import StrEnum

DAY = 86_400
LIFETIME_DAYS = 7
_RUN = b"portcullis run link v1"
_STATE = b"portcullis set-up state v1"
STATE_LIFETIME = 3_600
"""Seconds that the forge gives for the manifest flow."""
_FORM = struct.Struct(">I")
_DIGEST = 32
_NONCE = 16


class LinkState(StrEnum):
    """What a token is worth. EXPIRED was once ours for this run."""

    VALID = "valid"
    EXPIRED = "expired"
    WRONG = "wrong"


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def _decode(token: str, size: int) -> bytes | None:
    """The bytes of a token of ours, None for anything of another form."""
    try:
        raw = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if len(raw) == size and _encode(raw) == token else None


class Links:
    """Signs links with a key derived from `secret` (PORTCULLIS_SECRET_KEY), and believes those of the
    `former` ones too.

    The token is base64url(expiry ‖ HMAC-SHA256(key, run id ‖ expiry)), expiry in whole days since 1970, so
    that a run's link stays the same for a day and texts that hold it need no edit.
    """

    def __init__(self, secret: str, *former: str) -> None:
        self._key = hmac.digest(secret.encode(), _RUN, hashlib.sha256)
        self._former = tuple(hmac.digest(one.encode(), _RUN, hashlib.sha256) for one in former)

    def sign(self, run_id: int, now: float) -> str:
        """A token for one run that works from now until the end of the sixth UTC day after today."""
        expiry = _FORM.pack(int(now // DAY) + LIFETIME_DAYS)
        return _encode(expiry + _mac(self._key, run_id, expiry))

    def verify(self, run_id: int, token: str, now: float) -> LinkState:
        """What a token is worth for this run, in constant time; any text is fine."""
        raw = _decode(token, _FORM.size + _DIGEST)
        if raw is None:
            return LinkState.WRONG
        expiry, mac = raw[: _FORM.size], raw[_FORM.size :]
        ours = [hmac.compare_digest(mac, _mac(key, run_id, expiry)) for key in (self._key, *self._former)]
        if not any(ours):
            return LinkState.WRONG
        return LinkState.VALID if now < _FORM.unpack(expiry)[0] * DAY else LinkState.EXPIRED

    def run_url(self, public_url: str, run_id: int, now: float, *, private: bool) -> str:
        """The address of a run's page; signed only where the repository is private."""
        query = f"?t={self.sign(run_id, now)}" if private else ""
        return f"{public_url.rstrip('/')}/runs/{run_id}{query}"


def _mac(key: bytes, run_id: int, expiry: bytes) -> bytes:
    return hmac.digest(key, run_id.to_bytes(8, "big") + expiry, hashlib.sha256)


class States:
    """The `state` of the set-up flow: proves for an hour that a call back answers a form of ours."""

    def __init__(self, secret: str) -> None:
        self._key = hmac.digest(secret.encode(), _STATE, hashlib.sha256)

    def make(self, now: float) -> str:
        """A state that works for an hour; each differs."""
        body = _FORM.pack(int(now) + STATE_LIFETIME) + secrets.token_bytes(_NONCE)
        return _encode(body + hmac.digest(self._key, body, hashlib.sha256))

    def verify(self, state: str, now: float) -> bool:
        """Whether a state is ours and still works, in constant time; any text is fine."""
        raw = _decode(state, _FORM.size + _NONCE + _DIGEST)
        if raw is None:
            return False
        body, mac = raw[:-_DIGEST], raw[-_DIGEST:]
        genuine = hmac.compare_digest(mac, hmac.digest(self._key, body, hashlib.sha256))
        return genuine and now < _FORM.unpack(body[: _FORM.size])[0]
