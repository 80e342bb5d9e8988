"""GitHub's deliveries: verified over their raw bytes, then read into one typed event each.

Sources: docs.github.com "Validating webhook deliveries", "Webhook events and payloads". The sender is
known from the address it posts to, never guessed from the content.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final
from urllib.parse import parse_qs

import msgspec

from app.forges.connection import AccountProvider, Connection, Means
from app.forges.github.envelope import Envelope, Missing
from app.forges.github.readers import READERS
from app.forges.values import BadDelivery, DeliveryHead
from app.model import Event, Ignored

SecretProvider = Callable[[], Sequence[str]]
"""Gives the webhook secrets that count now: more than one while a secret is being changed."""

_SIGNATURE: Final = re.compile(r"sha256=([0-9a-f]{64})")
_DELIVERY_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,100}")
_EVENT: Final = re.compile(r"[a-z0-9_]{1,64}")
_FORM: Final = b"payload="


class GitHubIntake:
    """The sans-I/O side of GitHub: verify and read deliveries."""

    kind = "github"
    events = frozenset(READERS)

    def __init__(self, secret_provider: SecretProvider) -> None:
        self._secrets = secret_provider

    def verify(self, headers: Mapping[str, str], body: bytes) -> DeliveryHead:
        """Check X-Hub-Signature-256 over the raw bytes in constant time; header names in lower case.

        Every secret is tried, whichever matches. The older SHA-1 header is never looked at. Raises
        BadDelivery: 400 where GitHub's headers are missing, 401 for no or a wrong signature.
        """
        event = headers.get("x-github-event", "")
        delivery_id = headers.get("x-github-delivery", "")
        if "x-gitea-event" in headers or "x-forgejo-event" in headers:  # they send our headers too
            raise BadDelivery("no GitHub sent this: it belongs to /webhooks/gitea or /webhooks/forgejo")
        if not _EVENT.fullmatch(event):
            raise BadDelivery("no valid X-GitHub-Event header")
        if not _DELIVERY_ID.fullmatch(delivery_id):
            raise BadDelivery("no valid X-GitHub-Delivery header")
        signature = _SIGNATURE.fullmatch(headers.get("x-hub-signature-256", ""))
        if signature is None:
            raise BadDelivery("no valid X-Hub-Signature-256 header", status=401)
        if not any(self._secrets()):
            raise BadDelivery("no GitHub App is set up here yet", status=401)
        if not self._signed(signature.group(1), body):
            raise BadDelivery("the signature does not match", status=401)
        target = headers.get("x-github-hook-installation-target-type", "")
        return DeliveryHead(
            delivery_id=delivery_id,
            event=event,
            hook_id=headers.get("x-github-hook-id", "")[:32],
            installation_hint=f"{target}:{headers.get('x-github-hook-installation-target-id', '')}"[:64],
        )

    def _signed(self, given: str, body: bytes) -> bool:
        good = False
        for secret in self._secrets():
            if secret:  # an empty secret would let anybody sign
                wanted = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
                good |= hmac.compare_digest(wanted, given)
        return good

    def read(self, event: str, body: bytes) -> Event:
        """The typed event, or Ignored with its reason. Raises BadDelivery (400) for bytes that are no
        JSON object (or form with one) or whose used fields have other types than documented.
        """
        reader = READERS.get(event)
        if reader is None:
            _decode(body, Envelope)
            return Ignored(reason=f"nobody needs {event} deliveries")
        envelope = _decode(body, reader.view)
        try:
            return reader.read(envelope)
        except Missing as problem:
            raise BadDelivery(f"{event}: {problem}") from None


def hear_github(_connection: Connection, account: AccountProvider, _means: Means) -> GitHubIntake:
    """The intake of a connection: deliveries are signed with its webhook secret."""

    def secrets() -> tuple[str, ...]:
        found = account()
        return () if found is None else (found.webhook_secret,)

    return GitHubIntake(secrets)


def _decode(body: bytes, view: type[Envelope]) -> Envelope:
    if body.startswith(_FORM):
        body = _form_payload(body)
    try:
        return msgspec.json.decode(body, type=view)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise BadDelivery(f"not a GitHub payload: {problem}"[:200]) from None


def _form_payload(body: bytes) -> bytes:
    """The `payload` field of a form-encoded delivery (GitHub's other content type)."""
    try:
        fields = parse_qs(body.decode("ascii"), strict_parsing=True, max_num_fields=4)
        return fields["payload"][0].encode()
    except (UnicodeError, ValueError, KeyError):
        raise BadDelivery("malformed form") from None
