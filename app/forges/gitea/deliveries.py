"""Deliveries of Gitea and Forgejo: verified over their raw bytes, then read into one typed event each.

Both send GitHub's headers and signature too. Those are never looked at: the sender is known from the address
it posts to, and proves itself by its own header (Forgejo's first, which also sends Gitea's). Source:
services/webhook/deliver.go of Gitea 1.26; forgejo.org/docs, "Webhooks".
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Final

import msgspec

from app.forges.connection import AccountProvider, Connection, Means
from app.forges.gitea.readers import READERS, Envelope, Missing
from app.forges.gitea.views import Place
from app.forges.values import BadDelivery, DeliveryHead
from app.model import Event, Ignored

_SIGNATURE: Final = re.compile(r"[0-9a-f]{64}")
_DELIVERY_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,100}")
_EVENT: Final = re.compile(r"[a-z0-9_]{1,64}")


class GiteaIntake:
    """The sans-I/O side of Gitea and Forgejo."""

    events = frozenset(READERS)

    def __init__(self, connection: Connection, account: AccountProvider, _means: Means) -> None:
        self.kind = connection.kind
        self._url = connection.url
        self._account = account

    def verify(self, headers: Mapping[str, str], body: bytes) -> DeliveryHead:
        """Check the signature over the raw bytes in constant time; header names in lower case. Raises
        BadDelivery: 400 where the forge's own headers are missing, 401 for no or a wrong signature.
        """
        event, delivery_id = _own(headers, "event"), _own(headers, "delivery")
        if not _EVENT.fullmatch(event):
            raise BadDelivery("no valid X-Gitea-Event header")
        if not _DELIVERY_ID.fullmatch(delivery_id):
            raise BadDelivery("no valid X-Gitea-Delivery header")
        signature = _own(headers, "signature")
        if not _SIGNATURE.fullmatch(signature):
            raise BadDelivery("no valid X-Gitea-Signature header", status=401)
        account = self._account()
        if account is None or not account.webhook_secret:  # an empty secret would let anybody sign
            raise BadDelivery("no secret for webhooks is set up here", status=401)
        wanted = hmac.new(account.webhook_secret.encode(), body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(wanted, signature):
            raise BadDelivery("the signature does not match", status=401)
        return DeliveryHead(
            delivery_id=delivery_id,
            event=event,
            installation_hint=_own(headers, "hook-installation-target-type")[:64],
        )

    def read(self, event: str, body: bytes) -> Event:
        """The typed event, or Ignored with its reason. Raises BadDelivery (400) for bytes that are no JSON
        object or whose used fields have other types than documented.
        """
        reader = READERS.get(event)
        if reader is None:
            _decode(body, Envelope)
            return Ignored(reason=f"nobody needs {event} deliveries")
        envelope, account = _decode(body, reader.view), self._account()
        place = Place(url=self._url, kind=self.kind, own_id=account.id if account is not None else 0)
        try:
            return reader.read(envelope, place)
        except Missing as problem:
            raise BadDelivery(f"{event}: {problem}") from None


def _own(headers: Mapping[str, str], name: str) -> str:
    """A header of Forgejo's own, else of Gitea's."""
    return headers.get(f"x-forgejo-{name}") or headers.get(f"x-gitea-{name}", "")


def _decode(body: bytes, view: type[Envelope]) -> Envelope:
    try:
        return msgspec.json.decode(body, type=view)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise BadDelivery(f"not a payload of this forge: {problem}"[:200]) from None
