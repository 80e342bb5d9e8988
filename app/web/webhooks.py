"""`POST /webhooks/<kind>` and `/webhooks/<kind>/<connection>`: verify, keep, acknowledge.

A plain ASGI application, for speed. Nothing is read beyond "is it a JSON object"; reading happens later,
from the store. Bodies, headers and secrets never reach a log.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Final, Protocol

import msgspec
import structlog
from starlette.types import Receive, Scope, Send

from app.engine import Accepted
from app.forges import BadDelivery, DeliveryHead, Intake
from app.model import Outage
from app.web.rates import Proofs, sender_of

LOG = structlog.get_logger(__name__)

PREFIX: Final = "/webhooks/"
MAX_BODY: Final = 25_000_000
"""GitHub delivers at most 25 MB (docs.github.com, "Webhook events and payloads")."""
READ_SECONDS: Final = 30.0

_IN_PARTS: Final = 256_000_000
_LONG: Final = 1_000_000  # from here on checking takes milliseconds and leaves the loop
_LINGER_BYTES: Final = 50_000_000
_LINGER_SECONDS: Final = 2.0
_TELL_EVERY: Final = 60.0
_FORGED: Final = 60
"""Deliveries without a right signature that a sender may post at once, and per minute."""
_MAX_ID, _MAX_EVENT, _MAX_HOOK = 128, 64, 64  # columns of the store
_FORM: Final = b"payload="
_TOO_LARGE: Final = "the body is larger than 25 MB"
_ERROR: Final = b'{"error":"%b"}'
_CLOSE: Final = (b"connection", b"close")
_JSON: Final = (b"content-type", b"application/json")
_OUTCOMES: Final = {
    400: "malformed",
    401: "unsigned",
    403: "unsigned",
    408: "too_slow",
    413: "too_large",
    429: "limited",
    503: "unavailable",
}


class Door(Protocol):
    """Where deliveries of one connection come in: the name they are kept under, and who reads them."""

    @property
    def forge(self) -> str: ...  # noqa: D102 - see above
    @property
    def intake(self) -> Intake: ...  # noqa: D102 - see above


class Keeper(Protocol):
    """Where verified deliveries are kept (app.engine.Inbox)."""

    async def accept(self, forge: str, head: DeliveryHead, body: bytes) -> Accepted:
        """Returns once the delivery is durable; raises Outage when it is not kept."""
        ...

    async def limited(self, forge: str, sender: str) -> None:
        """Tell the operator that a sender's deliveries are refused unread."""
        ...


class Tally:
    """How deliveries ended, counted by (forge, outcome)."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()

    def count(self, forge: str, outcome: str) -> None:
        """One more."""
        self._counts[forge, outcome] += 1

    def snapshot(self) -> dict[tuple[str, str], int]:
        """The counts as they are now."""
        return dict(self._counts)


class _Refused(Exception):
    """An answer other than 202. `close` where the rest of the body was not read; `wait` in seconds."""

    def __init__(self, status: int, reason: str, *, close: bool = False, wait: int = 0) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.close = close
        self.wait = wait


class _Gone(Exception):
    """The client went away before it had sent everything."""


class _Object(msgspec.Struct):
    """A JSON object, whatever it holds."""


_OBJECT = msgspec.json.Decoder(_Object)


class Webhooks:
    """The ASGI application. `doors` are asked at every delivery, by the address below `/webhooks/`; `keeper`
    keeps, `tally` counts.
    """

    def __init__(
        self,
        doors: Mapping[str, Door],
        keeper: Keeper,
        tally: Tally,
        *,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        self._doors = doors
        self._read_seconds = read_seconds
        self._keeper = keeper
        self._tally = tally
        self._in_parts = 0  # bytes of bodies that are not complete yet
        self._told: dict[tuple[str, int], float] = {}
        self._proofs = Proofs(burst=_FORGED, per_minute=_FORGED, now=time.monotonic)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request below `/webhooks/`."""
        door = self._doors.get(scope["path"].removeprefix(PREFIX))
        if door is None:
            await _reply(send, 404, _ERROR % b"no such forge here", _CLOSE)
            return
        forge = door.forge
        if scope["method"] != "POST":
            await _reply(send, 405, _ERROR % b"deliveries are posted", (b"allow", b"POST"), _CLOSE)
        else:
            try:
                outcome, payload = await self._take(door, scope, receive)
            except _Refused as refused:
                if self._note(forge, refused) and refused.status == HTTPStatus.TOO_MANY_REQUESTS:
                    await self._keeper.limited(forge, sender_of(scope.get("client")))
                body = msgspec.json.encode({"error": refused.reason})
                await _reply(
                    send, refused.status, body, *_extra(refused), rest=receive if refused.close else None
                )
            except _Gone:
                self._tally.count(forge, "abandoned")
            else:
                self._tally.count(forge, outcome)
                await _reply(send, 202, payload)

    async def _take(self, door: Door, scope: Scope, receive: Receive) -> tuple[str, bytes]:
        sender, intake = sender_of(scope.get("client")), door.intake
        wait = self._proofs.wait(sender)
        if wait:
            raise _Refused(429, "too many deliveries without a right signature", close=True, wait=wait)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            async with asyncio.timeout(self._read_seconds):
                body = await self._read(headers, receive)
        except TimeoutError:
            raise _Refused(408, "the body did not arrive in time", close=True) from None
        try:
            if len(body) > _LONG:
                head = await asyncio.to_thread(_verified, intake, headers, body)
            else:
                head = _verified(intake, headers, body)
        except BadDelivery as bad:
            self._proofs.failed(sender)
            raise _Refused(bad.status, bad.reason) from None
        self._proofs.proved(sender)
        if head.event not in intake.events:
            reason = f"nobody needs {head.event} deliveries"
            return "ignored", msgspec.json.encode({"outcome": "ignored", "reason": reason})
        try:
            accepted = await self._keeper.accept(door.forge, head, body)
        except Outage as outage:
            raise _Refused(503, outage.message) from None
        outcome = "duplicate" if accepted.duplicate else "stored"
        return outcome, b'{"outcome":"%b","delivery":%d}' % (outcome.encode(), accepted.id)

    async def _read(self, headers: Mapping[str, str], receive: Receive) -> bytes:
        """The whole body; the cap holds for declared lengths and for what really comes."""
        declared = headers.get("content-length", "0")
        if not declared.isdecimal() or int(declared) > MAX_BODY:
            raise _Refused(413, _TOO_LARGE, close=True)
        message = await receive()
        if message["type"] == "http.request" and not message.get("more_body"):
            whole: bytes = message.get("body", b"")
            return whole
        parts = bytearray()
        counted = 0
        try:
            while True:
                if message["type"] != "http.request":
                    raise _Gone
                parts += message.get("body", b"")
                self._in_parts += len(parts) - counted
                counted = len(parts)
                if counted > MAX_BODY:
                    raise _Refused(413, _TOO_LARGE, close=True)
                if self._in_parts > _IN_PARTS:
                    raise _Refused(503, "too many deliveries are being received", close=True)
                if not message.get("more_body"):
                    return bytes(parts)
                message = await receive()
        finally:
            self._in_parts -= counted

    def _note(self, forge: str, refused: _Refused) -> bool:
        """Count a refusal; log one of each status a minute, a flood of forged ones says nothing new. Whether
        it was told.
        """
        self._tally.count(forge, _OUTCOMES.get(refused.status, "refused"))
        now, key = time.monotonic(), (forge, refused.status)
        if now < self._told.get(key, now):
            return False
        self._told[key] = now + _TELL_EVERY
        LOG.warning("delivery refused", forge=forge, status=refused.status, reason=refused.reason)
        return True


def _verified(intake: Intake, headers: Mapping[str, str], body: bytes) -> DeliveryHead:
    head = intake.verify(headers, body)
    if len(head.delivery_id) > _MAX_ID or len(head.event) > _MAX_EVENT or len(head.hook_id) > _MAX_HOOK:
        raise BadDelivery("the delivery's id or event is too long")
    if not body.startswith(_FORM):
        try:
            _OBJECT.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise BadDelivery("the body is neither a JSON object nor a form with a payload") from None
    return head


def _extra(refused: _Refused) -> Iterator[tuple[bytes, bytes]]:
    if refused.close:
        yield _CLOSE
    wait = refused.wait or (60 if refused.status == HTTPStatus.SERVICE_UNAVAILABLE else 0)
    if wait:
        yield (b"retry-after", b"%d" % wait)


async def _reply(
    send: Send, status: int, body: bytes, *headers: tuple[bytes, bytes], rest: Receive | None = None
) -> None:
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": status, "headers": [_JSON, length, *headers]})
    if rest is not None:
        await send({"type": "http.response.body", "body": body, "more_body": True})
        await _discard(rest)
        body = b""
    await send({"type": "http.response.body", "body": body})


async def _discard(receive: Receive) -> None:
    """Take a little of what still comes: closing at once would reset the connection, answer and all."""
    left = _LINGER_BYTES
    with suppress(TimeoutError):
        async with asyncio.timeout(_LINGER_SECONDS):
            while left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                if not message.get("more_body"):
                    return
