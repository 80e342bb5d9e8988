"""The HTTP edge for tests: signed deliveries, a raw HTTP client over asyncio, an app on a loopback port."""

import asyncio
import hashlib
import hmac
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp

from app.dashboard import Links, Visibility
from app.engine import Inbox, InboxLimits, Recomputed, SystemClock
from app.forges import GitHubIntake
from app.model import Judgement
from app.store import Database
from app.web import Tally, WebParts, create_app
from app.wiring import Door
from tests.support.leaks import plant

SECRET = "a secret of the webhook"


def signed(
    body: bytes, delivery_id: str, *, event: str = "push", secret: str = SECRET, **more: str
) -> dict[str, str]:
    """The headers GitHub sends with a delivery."""
    plant("webhook secret", secret)
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {
        "content-type": "application/json",
        "user-agent": "GitHub-Hookshot/044aadd",
        "x-github-event": event,
        "x-github-delivery": delivery_id,
        "x-github-hook-id": "485432",
        "x-hub-signature-256": f"sha256={digest}",
        **{name.replace("_", "-"): value for name, value in more.items()},
    }


def post(path: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
    """A whole HTTP/1.1 request; without a body no length is declared."""
    fields = dict(headers)
    if body is not None:
        fields["content-length"] = str(len(body))
    lines = [
        f"POST {path} HTTP/1.1",
        "host: portcullis",
        *(f"{name}: {value}" for name, value in fields.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, object]:
        return json.loads(self.body)


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    """One HTTP response with a declared length."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *rest = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Answer(int(first.split()[1]), headers, body)


async def ask(port: int, request: bytes) -> Answer:
    """Send one request on a connection of its own and read the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        return await asyncio.wait_for(read_answer(reader), 20)
    finally:
        writer.close()


@dataclass
class MemoryReads:
    """Runs as the API reads them, from memory."""

    runs: dict[int, Judgement] = field(default_factory=dict)
    public: set[int] = field(default_factory=set)
    recomputed: dict[int, Recomputed] = field(default_factory=dict)
    fault: Exception | None = None

    async def visibility(self, run_id: int) -> Visibility:
        if self.fault:
            raise self.fault
        if run_id in self.public:
            return Visibility.PUBLIC
        return Visibility.BY_LINK if run_id in self.runs else Visibility.HIDDEN

    async def judgement(self, run_id: int) -> Judgement | None:
        if self.fault:
            raise self.fault
        return self.runs.get(run_id)

    async def explain(self, run_id: int) -> Recomputed | None:
        return self.recomputed.get(run_id)


@dataclass
class Edge:
    """A served application and what it is made of."""

    port: int
    database: Database
    tally: Tally

    async def deliver(self, body: bytes, delivery_id: str, **headers: str) -> Answer:
        return await ask(self.port, post("/webhooks/github", signed(body, delivery_id, **headers), body))


def edge_app(database: Database, tally: Tally, limits: InboxLimits | None = None, **parts: object) -> FastAPI:
    """The real application over a database, with what else is given."""
    inbox = Inbox(database, SystemClock(), limits)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with inbox:
            yield

    made = {
        "doors": {"github": Door(forge="github", intake=GitHubIntake(lambda: [SECRET]))},
        "keeper": inbox,
        "reads": MemoryReads(),
        "reports": None,
        "links": Links("a secret key that signs links"),
        "now": SystemClock().now,
        "schema": {},
        "probes": {},
        "scrape": None,
        "tally": tally,
        **parts,
    }
    app = create_app(WebParts(**made))
    app.router.lifespan_context = lifespan
    return app


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[int]:
    """The app under a real uvicorn in this loop, on a free loopback port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on", access_log=False))
        server.capture_signals = nullcontext
        task = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:
            await asyncio.sleep(0.005)
            assert not task.done(), "the server did not start"
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            await task
