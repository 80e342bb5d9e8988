"""Serving the practice forge over HTTP, in this process, on a free port of 127.0.0.1."""

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from email.utils import formatdate

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.practice import endpoints_actions, endpoints_apps, endpoints_checks, endpoints_code, endpoints_hooks
from app.practice.forge import PracticeForge
from app.practice.pages import Pages
from app.practice.server import Api
from app.practice.smart import SmartHttp

_REPO = "/{owner}/{repo}"
_BY_ID = re.compile(r"/api/v3/repositories/(\d+)/(.+)")


async def _not_found(_: Request, __: Exception) -> Response:
    return JSONResponse({"message": "Not Found", "documentation_url": "https://docs.github.com/rest"}, 404)


def practice_app(forge: PracticeForge) -> Starlette:
    """The whole forge: the API beneath /api/v3, git, and pages."""
    api, git, pages = Api(forge), SmartHttp(forge), Pages(forge)
    endpoints = [
        *endpoints_actions.ENDPOINTS,
        *endpoints_apps.ENDPOINTS,
        *endpoints_checks.ENDPOINTS,
        *endpoints_code.ENDPOINTS,
        *endpoints_hooks.ENDPOINTS,
    ]
    routes = [
        *api.routes(endpoints),
        Route(f"{_REPO}/info/refs", git.refs),
        Route(f"{_REPO}/git-upload-pack", git.service, methods=["POST"]),
        Route(f"{_REPO}/git-receive-pack", git.service, methods=["POST"]),
        Route("/", pages.home),
        Route("/settings/apps/new", pages.new_app, methods=["POST"]),
        Route("/organizations/{organization}/settings/apps/new", pages.new_app, methods=["POST"]),
        Route("/apps/{slug}/installations/new", pages.install, methods=["GET", "POST"]),
        Route(f"{_REPO}/pull/{{number:int}}", pages.pull),
        Route(f"{_REPO}/runs/{{run_id:int}}", pages.run),
        Route(f"{_REPO}/runs/{{run_id:int}}", pages.press, methods=["POST"]),
    ]
    return Starlette(routes=routes, exception_handlers={404: _not_found, 405: _not_found})


class _Quiet(uvicorn.Server):
    """A server that leaves signals to whoever runs the process, and goes at once when told to."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._leaving = asyncio.Event()

    def leave(self) -> None:
        """Stop serving."""
        self.should_exit = True
        self._leaving.set()

    async def main_loop(self) -> None:
        """Tick once a second (the Date header) until told to leave; uvicorn's own looks ten times."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._leaving.wait(), 1)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take none."""
        yield


class _Front:
    """Closes the connection without an answer where a fault says so, finds repositories by id, and dates
    answers by the forge's own clock.
    """

    def __init__(self, app: ASGIApp, forge: PracticeForge) -> None:
        self._app = app
        self._forge = forge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        by_id = _BY_ID.fullmatch(scope["path"])
        repo = self._forge.world.repositories.get(int(by_id[1])) if by_id else None
        if by_id and repo is not None:
            scope = {**scope, "path": f"/api/v3/repos/{repo.full_name}/{by_id[2]}"}

        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["date"] = formatdate(self._forge.world.clock(), usegmt=True)
            await send(message)

        with contextlib.suppress(ClientDisconnect):
            await self._app(scope, receive, dated)


@contextlib.asynccontextmanager
async def listening(app: ASGIApp, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve any ASGI application in the caller's event loop until the block ends; gives its base URL."""
    listener = socket.create_server((host, port))
    # asyncio spares sockets that say proto 0 its own TCP_NODELAY, and every answer would wait 40 ms
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_level="error",
        access_log=False,
        ws="none",
        timeout_graceful_shutdown=1,
        date_header=False,  # the forge has a clock of its own
    )
    server = _Quiet(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:
            if task.done():
                await task
            await asyncio.sleep(0.005)
        yield f"http://{host}:{listener.getsockname()[1]}"
    finally:
        server.leave()
        await task
        listener.close()


Face = Callable[[PracticeForge], ASGIApp]
"""How a forge looks over HTTP."""


@contextlib.asynccontextmanager
async def serving(
    forge: PracticeForge, *, host: str = "127.0.0.1", port: int = 0, face: Face = practice_app
) -> AsyncIterator[str]:
    """Serve the forge until the block ends; gives the base URL (also in `forge.world.url`).

    Runs in the caller's event loop. Deliveries stop with it.
    """
    async with listening(_Front(face(forge), forge), host=host, port=port) as url:
        forge.world.url = url
        try:
            yield url
        finally:
            await forge.stop()
