"""What GitLab's refusals mean, and to whom they are told."""

from collections.abc import Mapping
from typing import Final

import msgspec

from app.forges.values import Gone
from app.model import Misconfigured, Outage, PortcullisError

_LONGEST: Final = 300
_TRANSITION: Final = "cannot transition status"


class Refused(Misconfigured):
    """GitLab understood the request and will not accept it as it is (400, 422)."""


class NoTransition(Refused):
    """A commit status cannot become what it is already, or what lies before it."""


class StaleHead(Refused):
    """What was answered for is not the merge request's head any more (409)."""


class _Body(msgspec.Struct, kw_only=True):
    message: msgspec.Raw = msgspec.Raw(b"")
    error: msgspec.Raw = msgspec.Raw(b"")
    error_description: str = ""


def message_of(content: bytes) -> str:
    """GitLab's sentence from an error's body (a text, a list or an object), at most 300 characters."""
    try:
        body = msgspec.json.decode(content, type=_Body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return " ".join(content[:_LONGEST].decode("utf-8", "replace").split()) if content[:1] != b"<" else ""
    parts = [_text(bytes(body.message)), _text(bytes(body.error)), body.error_description]
    return " ".join(" ".join(part for part in parts if part).split())[:_LONGEST]


def _text(raw: bytes) -> str:
    try:
        found = msgspec.json.decode(raw) if raw else ""
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    return found if isinstance(found, str) else raw.decode("utf-8", "replace")


def explain(  # noqa: PLR0911 - one case per refusal
    kind: str, status: int, message: str, _headers: Mapping[str, str]
) -> PortcullisError:
    """The error of an answer that is neither success, outage nor rate limit."""
    said = f" ({message})" if message else ""
    match status:
        case 400 if _TRANSITION in message.lower():
            return NoTransition(f"{kind}: it is so already{said}")
        case 400 | 422:
            return Refused(f"{kind}: GitLab does not accept this{said}")
        case 401:
            return Misconfigured(
                f"{kind}: GitLab does not accept our token{said}",
                hint="it may have expired or been revoked: make a new one with the scope api, then "
                "`portcullis forges add gitlab URL TOKEN` again",
            )
        case 403:
            return Misconfigured(
                f"{kind}: GitLab refuses{said}",
                hint="the token needs the scope api and the role Maintainer (a Developer can neither create "
                "webhooks nor post on protected branches)",
            )
        case 404 | 410:
            return Gone(f"{kind}: not on GitLab, or hidden from our token{said}")
        case 409 if kind == "status_check_response":
            return StaleHead(f"{kind}: the head moved on{said}")
        case 409:
            return Outage(f"{kind}: GitLab is busy with this{said}")
        case 413:
            return Refused(f"{kind}: GitLab does not take so much at once{said}")
        case _:
            return Misconfigured(f"{kind}: unexpected answer {status}{said}")
