"""What the API answers where it cannot do what was asked: problem details (RFC 9457)."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.responses import Response

from app.model import Outage

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 10

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What happened and why."},
        "hint": {"type": "string", "description": "What to do next."},
    },
}


def problem(
    status: int,
    detail: str,
    *,
    hint: str = "",
    retry_after: int = 0,
    more: Mapping[str, object] | None = None,
) -> Response:
    """One problem. `retry_after` is in seconds (0 = not said), `more` are members of its own."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        **({"hint": hint} if hint else {}),
        **(more or {}),
    }
    headers = {"Cache-Control": "no-store"}
    if retry_after:
        headers["Retry-After"] = str(retry_after)
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(msgspec.json.encode(body), status_code=status, media_type=MEDIA_TYPE, headers=headers)


def unavailable(outage: Outage) -> Response:
    """Something of ours, or something we need, does not answer for now."""
    return problem(503, outage.message, hint="try again in a moment", retry_after=RETRY_SECONDS)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI entries of these statuses."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": PROBLEM_SCHEMA}},
        }
        for status in statuses
    }
