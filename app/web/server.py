"""The HTTP application: everything that is served, mounted once. No global state."""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Final

import msgspec
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.dashboard import Links, nowhere
from app.web.api import RunReads, api_routes, schema_routes
from app.web.health import Probe, health_routes
from app.web.metrics import Scraper, metrics_routes
from app.web.problems import problem
from app.web.reports import ReportIntake, report_routes
from app.web.webhooks import PREFIX, Door, Keeper, Tally, Webhooks

_SAFE: Final = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_MACHINES: Final = ("/api/", "/schema/")


class WebParts(msgspec.Struct, frozen=True, kw_only=True):
    """What the application is made of.

    `pages` are the dashboard's routes; `probes` are asked by `/readyz`; `now` gives epoch seconds; `scrape`
    gives what `/metrics` shows to who has `metrics_token` ('' = nobody).
    """

    doors: Mapping[str, Door]
    keeper: Keeper
    reads: RunReads
    reports: ReportIntake
    links: Links
    now: Callable[[], float]
    schema: Mapping[str, object]
    pages: Sequence[BaseRoute] = ()
    probes: Mapping[str, Probe]
    scrape: Scraper
    metrics_token: str = ""
    tally: Tally = msgspec.field(default_factory=Tally)


def create_app(parts: WebParts) -> FastAPI:
    """The application, ready for an ASGI server."""
    app = _Application(
        title="Portcullis",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        exception_handlers={HTTPException: _refused, RequestValidationError: _invalid},
    )
    app.take_delivery = Webhooks(parts.doors, parts.keeper, parts.tally)
    app.include_router(health_routes(parts.probes))
    app.include_router(metrics_routes(parts.scrape, parts.metrics_token))
    app.include_router(api_routes(parts.reads, parts.links, parts.now))
    app.include_router(report_routes(parts.reports, parts.now))
    app.include_router(schema_routes(parts.schema))
    app.router.routes.extend(parts.pages)
    app.add_middleware(_SafeHeaders)
    return app


class _Application(FastAPI):
    """Deliveries go straight to their own application: middleware and routing would cost them a third."""

    take_delivery: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            await self.take_delivery(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


async def _refused(request: Request, error: Exception) -> Response:
    """What routing refuses: an address that is none, a method that it does not take."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = (error.headers if isinstance(error, HTTPException) else None) or {}
    if not request.url.path.startswith(_MACHINES):
        return nowhere() if status == HTTPStatus.NOT_FOUND else Response(status_code=status, headers=headers)
    says = {404: "there is nothing here", 405: f"this address does not take {request.method}"}
    answer = problem(status, says.get(status, HTTPStatus(status).phrase.lower()))
    answer.headers.update(headers)
    return answer


async def _invalid(_request: Request, error: Exception) -> Response:
    """Parameters that are not what the API's description says; what was sent is not repeated."""
    wrong = error.errors() if isinstance(error, RequestValidationError) else []
    says = (f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in wrong[:5])
    return problem(422, "; ".join(says) or "the request is not as described")


class _SafeHeaders:
    """Headers without which nothing leaves; a page that sets its own keeps them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _SAFE.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, guarded)
