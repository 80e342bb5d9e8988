"""GitLab's deliveries: proved over their raw bytes, then read into one typed event each.

GitLab disables a webhook that is answered 4xx: so only what is not proved is refused.
"""

import hashlib
import re
import time
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from app.forges.gitlab.envelope import Envelope, Kind, Missing
from app.forges.gitlab.readers import READERS
from app.forges.gitlab.signatures import SecretProvider, prove
from app.forges.values import BadDelivery, DeliveryHead
from app.model import Event, Ignored

_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,100}")
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9 _]{0,60}")
_SYSTEM: Final = frozenset({"", "system", "project", "subgroup", "member"})
"""Headers that name a kind of webhook, not an event: the body does. (Status checks send no header.)"""
_SAME: Final = {"build": "job", "confidential_note": "note"}


class GitLabIntake:
    """The sans-I/O side of GitLab: prove and read deliveries. `host` is whose they are, `now` gives epoch
    seconds.
    """

    kind = "gitlab"
    events = frozenset(READERS)

    def __init__(
        self, secret_provider: SecretProvider, *, host: str = "gitlab", now: Callable[[], float] = time.time
    ) -> None:
        self._secrets = secret_provider
        self._host = host
        self._now = now

    def verify(self, headers: Mapping[str, str], body: bytes) -> DeliveryHead:
        """Check who sent it (see `signatures`); header names in lower case. Raises BadDelivery: 401 for no
        or a wrong proof.
        """
        prove(headers, body, self._secrets(), self._now())
        return DeliveryHead(
            delivery_id=_id_of(headers, body),
            event=_event_of(headers.get("x-gitlab-event", ""), body),
            hook_id=headers.get("x-gitlab-webhook-uuid", "")[:64],
            installation_hint=headers.get("x-gitlab-instance", "")[:64],
        )

    def read(self, event: str, body: bytes) -> Event:
        """The typed event, or Ignored with its reason: what is not told is found by reading. Raises
        BadDelivery for bytes that are no JSON object or whose used fields have other types than documented.
        """
        reader = READERS.get(event)
        if reader is None:
            _decode(body, Envelope)
            return Ignored(reason=f"nobody needs {event} deliveries")
        envelope = _decode(body, reader.view)
        try:
            return reader.read(envelope, self._host)
        except Missing as problem:
            return Ignored(reason=f"{event}: it tells {problem}")


def _id_of(headers: Mapping[str, str], body: bytes) -> str:
    """The same for each try of one delivery. Before GitLab 17.4 nothing tells that but the content (an
    event's id is one for all deliveries that it causes).
    """
    for name in ("webhook-id", "idempotency-key"):
        if _ID.fullmatch(headers.get(name, "")):
            return headers[name]
    event = headers.get("x-gitlab-event-uuid", "")
    known = f"{event}:" if _ID.fullmatch(event) else ""
    return f"{known[:60]}{hashlib.sha256(body).hexdigest()[:32]}"


def _event_of(header: str, body: bytes) -> str:
    """The name of the event: `Merge Request Hook` is `merge_request`. What has no name that can be read is
    nobody's.
    """
    header = header if _NAME.fullmatch(header) else ""
    name = header.lower().removesuffix("hook").strip().replace(" ", "_")
    if name in _SYSTEM:
        try:
            kind = msgspec.json.decode(body, type=Kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return "unknown"
        told = kind.object_kind or kind.event_name
        name = told.lower() if re.fullmatch(r"[A-Za-z_]{1,60}", told) else "unknown"
    return _SAME.get(name, name)


def _decode(body: bytes, view: type[Envelope]) -> Envelope:
    try:
        return msgspec.json.decode(body, type=view)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise BadDelivery(f"not a GitLab payload: {problem}"[:200]) from None
