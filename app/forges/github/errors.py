"""What GitHub's refusals mean, and to whom they are told."""

from collections.abc import Mapping
from typing import Final

import msgspec

from app.forges.values import Gone
from app.model import Misconfigured, Outage, PortcullisError

_LONGEST: Final = 300


class Refused(Misconfigured):
    """GitHub understood the request and will never accept it as it is (422)."""


class _Body(msgspec.Struct, kw_only=True):
    message: str = ""
    errors: msgspec.Raw = msgspec.Raw(b"")


def message_of(content: bytes) -> str:
    """GitHub's sentence from an error's body, at most 300 characters, on one line."""
    try:
        body = msgspec.json.decode(content, type=_Body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    text = body.message
    details = bytes(body.errors)
    if details and details != b"null":
        text += " " + details.decode("utf-8", "replace")
    return " ".join(text.split())[:_LONGEST]


def too_fast(status: int, headers: Mapping[str, str], message: str) -> bool:
    """Whether an answer is a rate limit, not a refusal."""
    if status not in {403, 429}:
        return False
    text = message.lower()
    return (
        status == 429  # noqa: PLR2004 - HTTP's own number
        or "retry-after" in headers
        or headers.get("x-ratelimit-remaining") == "0"
        or "rate limit" in text
        or "abuse detection" in text
    )


def explain(kind: str, status: int, message: str, headers: Mapping[str, str]) -> PortcullisError:
    """The error of an answer that is neither success, outage nor rate limit."""
    said = f" ({message})" if message else ""
    match status:
        case 401:
            return Misconfigured(
                f"{kind}: GitHub does not accept our credentials{said}",
                hint="check the app's id, its private key and this machine's clock",
            )
        case 403:
            return _forbidden(kind, message, said, headers)
        case 404 | 410:
            return Gone(f"{kind}: not on GitHub, or hidden from this app{said}")
        case 409 if "empty" not in message.lower():
            return Outage(f"{kind}: GitHub is busy with this{said}")
        case 409 | 422 if "empty" in message.lower() or "no commit found" in message.lower():
            return Gone(f"{kind}: the commit is not on GitHub{said}")
        case 422:
            return Refused(f"{kind}: GitHub does not accept this{said}")
        case _:
            return Misconfigured(f"{kind}: unexpected answer {status}{said}")


def _forbidden(kind: str, message: str, said: str, headers: Mapping[str, str]) -> Misconfigured:
    if "suspended" in message.lower():
        return Misconfigured(
            f"{kind}: the installation is suspended{said}", hint="its owner can unsuspend it on GitHub"
        )
    return Misconfigured(
        f"{kind}: GitHub refuses{_permission(headers)}{said}",
        hint="grant the permission in the app's settings, then accept it in the installation",
    )


def _permission(headers: Mapping[str, str]) -> str:
    """The permission that is missing, as X-Accepted-GitHub-Permissions names it."""
    wanted = headers.get("x-accepted-github-permissions", "")
    return f", the app lacks the permission {wanted.replace('=', ': ')}" if wanted else ""
