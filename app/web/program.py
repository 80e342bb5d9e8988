"""A wired program as an application, and the process that serves it."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncGenerator, Callable

import uvicorn
from fastapi import FastAPI

from app.catalogue import schema
from app.dashboard import routes
from app.model import Misconfigured
from app.store import SchemaLevel, schema_state
from app.web.server import WebParts, create_app
from app.wiring import Program


def application(program: Program, started: Callable[[], None] = lambda: None) -> FastAPI:
    """The program's application; `started` is called once it is ready for requests."""

    @contextlib.asynccontextmanager
    async def lifespan() -> AsyncGenerator[None]:
        async with program.running():
            started()
            yield

    async def database() -> str:
        await program.database.read(lambda connection: connection.exec_driver_sql("SELECT 1").scalar())
        return ""

    async def migrations() -> str:
        url = program.settings.database.get_secret_value()
        state = await asyncio.to_thread(schema_state, url)
        return "" if state.level is SchemaLevel.CURRENT else f"the database's schema is {state.level.value}"

    async def untrusted() -> str:
        return program.services.untrusted_refused

    return create_app(
        WebParts(
            intakes=program.intakes,
            keeper=program.inbox,
            reads=program.reads,
            links=program.links,
            now=program.services.clock.now,
            schema=schema(),
            pages=routes(program.surroundings),
            probes={"database": database, "migrations": migrations, "sandbox": untrusted},
            lifespan=lifespan,
        )
    )


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises Misconfigured where the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        raise Misconfigured(
            f"cannot listen on {host} port {port}: {error.strerror}",
            hint="stop what listens there, or set PORTCULLIS_HOST and PORTCULLIS_PORT",
        ) from error
    # asyncio only sets it on sockets that name their protocol, which these do not: 40 ms per answer
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


class Server(uvicorn.Server):
    """uvicorn, stopped by its owner or by signals."""

    def __init__(self, app: FastAPI, *, signals: bool = True) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                loop="none",
                http="httptools",
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=10,
            )
        )
        self._signals = signals

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]  # noqa: ANN201 - uvicorn's own
        """Take signals only where this process is ours alone."""
        if self._signals:
            with super().capture_signals():
                yield
                # an orderly stop that was asked for is no death by a signal; Ctrl-C stays one
                self._captured_signals = [each for each in self._captured_signals if each != signal.SIGTERM]
        else:
            yield


async def serve(
    program: Program,
    listener: socket.socket,
    started: Callable[[], None],
    *,
    stop: asyncio.Event | None = None,
) -> None:
    """Serve until a signal comes, or until `stop` is set. Raises what start-up raised."""
    failure: list[BaseException] = []
    app = application(program, started)
    inner = app.router.lifespan_context

    @contextlib.asynccontextmanager
    async def watched(of: FastAPI) -> AsyncGenerator[None]:
        try:
            async with inner(of):
                yield
        except BaseException as error:
            failure.append(error)
            raise

    app.router.lifespan_context = watched
    server = Server(app, signals=stop is None)
    stopping = None if stop is None else asyncio.create_task(_stop(server, stop))
    try:
        await server.serve(sockets=[listener])
    except SystemExit:
        # uvicorn ends the process where start-up failed; why it did is raised below, for people
        if not failure:
            raise
    finally:
        if stopping is not None:
            stopping.cancel()
    if failure:
        raise failure[0]


async def _stop(server: Server, stop: asyncio.Event) -> None:
    await stop.wait()
    server.should_exit = True
