"""A wired program as an application, and the process that serves it."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Sequence

import uvicorn
from fastapi import FastAPI

from app.catalogue import schema
from app.dashboard import routes
from app.forges import Rate
from app.model import Misconfigured
from app.store import figures, schema_state, spendings
from app.web.metrics import Scrape
from app.web.server import WebParts, create_app
from app.wiring import Program


def application(program: Program) -> FastAPI:
    """The program's application, for a program that runs."""

    async def database() -> str:
        await program.database.read(lambda connection: connection.exec_driver_sql("SELECT 1").scalar())
        return ""

    async def migrations() -> str:
        url = program.settings.database.get_secret_value()
        state = await asyncio.to_thread(schema_state, url)
        return "" if state.usable else f"the database's schema is {state.level.value}"

    async def untrusted() -> str:
        return program.services.untrusted_refused

    async def disk() -> str:
        return await asyncio.to_thread(program.services.short_of_room)

    probes = {"database": database, "migrations": migrations, "sandbox": untrusted}
    if program.settings.on_sqlite or program.services.role.checks:
        probes["disk"] = disk

    async def scrape() -> Scrape:
        now = program.services.clock.now()
        return await program.database.read(
            lambda connection: Scrape(
                now=now,
                figures=figures.read(connection, now),
                spent=spendings.since(connection, now - spendings.HOUR),
                rates=spendings.rates(connection, Rate),
            )
        )

    token = program.settings.metrics_token
    return create_app(
        WebParts(
            doors=program.connections.doors,
            keeper=program.inbox,
            reads=program.reads,
            reports=program.uploads,
            links=program.links,
            now=program.services.clock.now,
            schema=schema(),
            pages=routes(program.surroundings),
            scrape=scrape,
            metrics_token="" if token is None else token.get_secret_value(),
            probes=probes,
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

    def __init__(self, app: FastAPI, *, signals: bool = True, proxies: Sequence[str] = ()) -> None:
        """`proxies` are the networks whose `X-Forwarded-For` says who a client is; nobody else's is read."""
        super().__init__(
            uvicorn.Config(
                app,
                loop="none",
                http="httptools",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=bool(proxies),
                forwarded_allow_ips=list(proxies),
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
    """Serve until a signal comes, or until `stop` is set. Raises what start-up raised.

    The program starts before the HTTP server and stops after it: what goes wrong is said once, by whoever
    called. `started` is called when all is ready for requests.
    """
    async with contextlib.AsyncExitStack() as stack:
        if not await _start(program, stack, signals=stop is None):
            return
        proxies = program.settings.trusted_proxies
        server = Server(application(program), signals=stop is None, proxies=proxies)
        if stop is not None:
            stack.callback(asyncio.create_task(_stop(server, stop)).cancel)
        started()
        await server.serve(sockets=[listener])


async def _start(program: Program, stack: contextlib.AsyncExitStack, *, signals: bool) -> bool:
    """Start the program; false where SIGTERM came meanwhile and all was taken back in order."""
    terminated = False
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def terminate() -> None:
        nonlocal terminated
        terminated = True
        if task is not None:
            task.cancel()

    if signals:
        loop.add_signal_handler(signal.SIGTERM, terminate)
    try:
        await stack.enter_async_context(program.running())
    except asyncio.CancelledError:
        if not terminated:
            raise
    finally:
        if signals:
            loop.remove_signal_handler(signal.SIGTERM)
    return not terminated


async def _stop(server: Server, stop: asyncio.Event) -> None:
    await stop.wait()
    server.should_exit = True
