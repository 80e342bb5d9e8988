"""The pages: server-rendered, without anything from elsewhere, whole without JavaScript."""

from collections.abc import Awaitable, Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.dashboard import frame, logs, run, setup, start
from app.dashboard.access import Admission, admit
from app.dashboard.ansi import ansi_html
from app.dashboard.github_app import AppSetup
from app.dashboard.links import Links, LinkState, States
from app.dashboard.protocol import (
    AppForm,
    ArtifactView,
    AttemptView,
    LogPart,
    Reads,
    RunPage,
    Setup,
    SetupState,
    Surroundings,
    Visibility,
)
from app.dashboard.store_reads import StoreReads

Handler = Callable[[Request, Surroundings], Awaitable[Response]]


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One page: its name, address and the function that answers."""

    name: str
    path: str
    handler: Handler
    method: str = "GET"


PAGES: tuple[Page, ...] = (
    Page(name="start", path="/", handler=start.start),
    Page(name="run", path="/runs/{run_id}", handler=run.run),
    Page(name="log", path="/runs/{run_id}/log/{attempt_id}", handler=logs.log),
    Page(name="setup", path="/setup/github", handler=setup.setup),
    Page(name="setup_form", path="/setup/github", handler=setup.setup_form, method="POST"),
    Page(name="setup_callback", path="/setup/github/callback", handler=setup.callback),
)


def routes(surroundings: Surroundings) -> list[Route]:
    """All pages and static files, to be mounted in an ASGI application."""

    async def static(request: Request) -> Response:
        return frame.static_file(request.path_params["name"]) or frame.nowhere()

    return [
        *(
            Route(page.path, _endpoint(page, surroundings), methods=[page.method], name=page.name)
            for page in PAGES
        ),
        Route("/static/{name}", static, methods=["GET"], name="static"),
    ]


def _endpoint(page: Page, surroundings: Surroundings) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        return await page.handler(request, surroundings)

    return endpoint


nowhere = frame.nowhere
"""The answer for addresses that name nothing."""

__all__ = [
    "PAGES",
    "Admission",
    "AppForm",
    "AppSetup",
    "ArtifactView",
    "AttemptView",
    "LinkState",
    "Links",
    "LogPart",
    "Page",
    "Reads",
    "RunPage",
    "Setup",
    "SetupState",
    "States",
    "StoreReads",
    "Surroundings",
    "Visibility",
    "admit",
    "ansi_html",
    "nowhere",
    "routes",
]
