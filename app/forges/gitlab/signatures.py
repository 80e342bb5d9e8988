"""What proves a delivery: a signing token, an external status check's secret, or the older secret token.

Sources: docs.gitlab.com "Webhooks" (X-Gitlab-Token is the secret itself); gitlab-org/gitlab!230944, !231325
(a signing token `whsec_…`, by https://www.standardwebhooks.com: HMAC-SHA256 of `id.timestamp.body`, several
signatures separated by a space); GitLab's own ExternalStatusChecks service (X-GitLab-Signature: bare hex
HMAC-SHA256 of the body).
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from app.forges.values import BadDelivery

WINDOW: Final = 300.0
"""Seconds by which a signed delivery's time and ours may differ (Standard Webhooks): older is a replay."""
PREFIX: Final = "whsec_"
_PURPOSE: Final = b"portcullis GitLab signing token v1"
_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,100}")
_HEX: Final = re.compile(r"[0-9a-f]{64}")

SecretProvider = Callable[[], Sequence[str]]
"""Gives the secrets that count now: more than one while a secret is being changed."""


def prove(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: float) -> None:
    """Check the strongest proof that a delivery carries; a wrong one is not made good by a weaker one. Header
    names in lower case, `now` in epoch seconds. Raises BadDelivery (401).
    """
    known = [secret for secret in secrets if secret]  # an empty secret would let anybody sign
    if not known:
        raise BadDelivery("no GitLab is set up here yet", status=401)
    if "webhook-signature" in headers:
        _standard(headers, body, known, now)
    elif "x-gitlab-signature" in headers:
        _status_check(headers["x-gitlab-signature"], body, known)
    else:
        _token(headers.get("x-gitlab-token", ""), known)


def _standard(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: float) -> None:
    delivery_id, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not _ID.fullmatch(delivery_id) or not re.fullmatch(r"[0-9]{1,12}", at):
        raise BadDelivery("no valid webhook-id and webhook-timestamp headers", status=401)
    if abs(now - int(at)) > WINDOW:
        raise BadDelivery("the delivery was signed too long ago, or one of the clocks is wrong", status=401)
    signed = b"%b.%b.%b" % (delivery_id.encode(), at.encode(), body)
    wanted = [
        base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
        for secret in secrets
        if (key := signing_key(secret))
    ]
    given = [part[3:].encode() for part in headers["webhook-signature"].split() if part.startswith("v1,")]
    good = False
    for one in given[:10]:
        for other in wanted:
            good |= hmac.compare_digest(one, other)
    if not good:
        raise BadDelivery("the signature does not match", status=401)


def signing_key(secret: str) -> bytes:
    """The key that a secret signs by: a signing token's own; of any other secret one is derived, as GitLab
    takes none but signing tokens of 32 bytes. Empty for a malformed token.
    """
    if not secret.startswith(PREFIX):
        return hmac.new(secret.encode(), _PURPOSE, hashlib.sha256).digest()
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return b""


def signing_token(secret: str) -> str:
    """The signing token that a webhook is given for a secret."""
    return PREFIX + base64.b64encode(signing_key(secret)).decode()


def _status_check(given: str, body: bytes, secrets: Sequence[str]) -> None:
    if not _HEX.fullmatch(given):
        raise BadDelivery("no valid X-GitLab-Signature header", status=401)
    good = False
    for secret in secrets:
        good |= hmac.compare_digest(hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(), given)
    if not good:
        raise BadDelivery("the signature does not match", status=401)


def _token(given: str, secrets: Sequence[str]) -> None:
    if not given:
        raise BadDelivery("neither signed nor with an X-Gitlab-Token header", status=401)
    good = False
    for secret in secrets:
        good |= hmac.compare_digest(secret.encode(), given.encode())
    if not good:
        raise BadDelivery("the token does not match", status=401)
