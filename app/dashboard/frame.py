"""What all pages share: templates, headers, static files, and pages that say what went wrong."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from app.dashboard.ansi import ansi_html
from app.publish import clean, figures, phrases, words

_HERE = Path(__file__).parent
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
STATIC = {
    path.name: path.read_bytes() for path in sorted((_HERE / "static").iterdir()) if path.suffix in _TYPES
}
VERSION = hashlib.sha256(b"".join(STATIC.values())).hexdigest()[:12]
"""Part of the addresses of static files, so that they may be cached for ever."""

_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
}


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"static_version": VERSION, "words": words, "phrases": phrases, "figures": figures}
    made.filters |= {"line": clean.line, "block": clean.block, "ansi": ansi_html, "web": web_address}
    return made


def web_address(address: str) -> str:
    """An address that may stand in a link: http(s) only, else ''."""
    parts = urlsplit(address)
    return address if parts.scheme in {"http", "https"} and parts.netloc else ""


TEMPLATES = _environment()


def headers(form_action: str = "'none'") -> dict[str, str]:
    """Headers of every page: nothing from elsewhere, no inline code, no framing, no referrer."""
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        f"base-uri 'none'; form-action {form_action}; frame-ancestors 'none'"
    )
    return {**_HEADERS, "Content-Security-Policy": policy}


def render(template: str, view: Mapping[str, object]) -> str:
    """A template as HTML; every value is escaped."""
    return TEMPLATES.get_template(template).render(view)


def page(
    template: str, view: Mapping[str, object], *, status: int = 200, form_action: str = "'none'"
) -> Response:
    """A page with the headers of all pages."""
    return HTMLResponse(render(template, view), status_code=status, headers=headers(form_action))


def message(title: str, text: str, *advice: str, status: int) -> Response:
    """A page that says what happened and what to do."""
    return page("message.html", {"title": title, "text": text, "advice": advice}, status=status)


def missing() -> Response:
    """The one answer for a run that is not there and for one that may not be seen."""
    return message(
        "There is nothing to see here",
        "This address names no run, or a run of a private repository, or its link is not complete.",
        "Open the link from the check named portcullis on the pull request, or from its comment.",
        "Comment /portcullis explain on the pull request for a new link.",
        status=404,
    )


def nowhere() -> Response:
    """An address that is none of ours."""
    return message(
        "There is no such page",
        "This address names nothing here.",
        "A run's page is linked from the check named portcullis on its pull request, and from its comment.",
        status=404,
    )


def expired() -> Response:
    """A link that once worked."""
    return message(
        "This link has expired",
        "Links to the runs of private repositories work for about a week.",
        "Comment /portcullis explain on the pull request, or press “Explain” on its check: "
        "both give a new link.",
        status=410,
    )


def unavailable() -> Response:
    """Our store cannot be read for now."""
    return message(
        "Not available for a moment",
        "The page's data cannot be read right now. Nothing is lost; runs go on.",
        "Try again in a minute.",
        status=503,
    )


def static_file(name: str) -> Response | None:
    """A static file by name; None if there is none."""
    body = STATIC.get(name)
    if body is None:
        return None
    kept = {**headers(), "Cache-Control": "public, max-age=31536000, immutable"}
    return Response(body, media_type=_TYPES[Path(name).suffix], headers=kept)
