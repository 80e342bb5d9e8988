"""Deliveries accepted durably, against routes that store nothing, under the same uvicorn settings.

`bare` is a plain FastAPI route that checks the signature, parses nothing and stores nothing; `ceiling` the
same as a raw ASGI application. `edge` is the real application on SQLite (synchronous=FULL), `edge pg` on
the PostgreSQL server of PORTCULLIS_TEST_POSTGRES where there is one. The peers, where they could be installed:
Probot calls a handler that does nothing and stores nothing; Buildbot reads a commit and the files from a stub of
GitHub while the sender waits, and stores a change.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import text
from starlette.types import Receive, Scope, Send

from app.store import make_engine, migrate
from tests.bench import peers
from tests.bench.bare import good
from tests.bench.github import resident
from tests.bench.report import Bench, Table, median, ratio
from tests.support.database import postgres_database, sqlite_url
from tests.support.edge_process import REPOSITORY, run, serving

CONNECTIONS = 32


async def ceiling(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        return
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    body = b""
    while (message := await receive())["type"] == "http.request":
        body += message["body"]
        if not message.get("more_body"):
            break
    status = 202 if good(headers, body) else 401
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body"})


@dataclass
class Variant:
    """One server and what was measured of it, round by round."""

    name: str
    pid: int
    port: int
    url: str = ""
    path: str = "/webhooks/github"
    acknowledged: int = 0
    per_second: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def measure(self, seconds: float) -> None:
        before = cpu_seconds(self.pid)
        arguments = [str(self.port), str(CONNECTIONS), str(seconds), self.path]
        command = [sys.executable, "-m", "tests.bench.load", *arguments]
        figures = json.loads(
            subprocess.run(command, cwd=REPOSITORY, check=True, stdout=subprocess.PIPE).stdout
        )
        assert figures["refused"] == figures["lost"] == 0, figures
        self.acknowledged += figures["acknowledged"]
        self.per_second.append(figures["per_second"])
        self.p50.append(figures["p50"])
        self.p99.append(figures["p99"])
        used = cpu_seconds(self.pid) - before
        self.cpu.append(used / figures["acknowledged"] * 1e6)

    def kept(self) -> str:
        """Whether every acknowledged delivery is in the database."""
        if not self.url:
            return "-"
        engine = make_engine(self.url)
        with engine.connect() as connection:
            rows = connection.execute(text("SELECT count(*) FROM deliveries")).scalar_one()
        engine.dispose()
        assert rows >= self.acknowledged, f"{self.acknowledged} acknowledged, {rows} kept"
        return "all"

    def memory(self) -> float:
        """Resident memory in MB."""
        return resident(self.pid)


def cpu_seconds(pid: int) -> float:
    """Processor time of a process and its threads; PostgreSQL's own processes are not in it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def variants(stack: ExitStack) -> list[Variant]:
    """All servers, started."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
    addresses = {"edge": sqlite_url(folder / "portcullis.db")}
    if os.environ.get("PORTCULLIS_TEST_POSTGRES"):
        addresses["edge pg"] = stack.enter_context(postgres_database())
    made = [
        Variant(name, process.popen.pid, process.port)
        for name, process in (
            ("bare", stack.enter_context(serving(["tests.bench.bare"]))),
            ("ceiling", stack.enter_context(serving(["tests.bench.intake"]))),
        )
    ]
    for name, url in addresses.items():
        migrate(url)
        process = stack.enter_context(serving(["tests.support.edge_process", url]))
        made.append(Variant(name, process.popen.pid, process.port, url))
    place = peers.installed()
    if place is not None:
        probot, port = stack.enter_context(peers.probot(place, folder / "probot"))
        made.append(Variant("Probot", probot.pid, port, path=peers.HOOK_OF_PROBOT))
        buildbot, port, _ = stack.enter_context(peers.buildbot(place, folder, builds=False))
        made.append(Variant("Buildbot", buildbot.pid, port, path=peers.HOOK_OF_BUILDBOT))
    return made


def measure(rounds: int, seconds: float) -> Iterator[Table]:
    """Interleaved rounds over all servers."""
    with ExitStack() as stack:
        servers = variants(stack)
        for server in servers:
            server.measure(0.5)
            for figures in (server.per_second, server.p50, server.p99, server.cpu):
                figures.clear()
        for number in range(rounds):
            for server in servers[number % len(servers) :] + servers[: number % len(servers)]:
                server.measure(seconds)
        reference = servers[0]
        yield Table(
            title=f"deliveries, {CONNECTIONS} connections, {rounds} rounds of {seconds:g} s",
            columns=[
                "server",
                "durable",
                "per s",
                "x bare",
                "p50 ms",
                "p99 ms",
                "p99 x bare",
                "cpu us",
                "cpu x bare",
                "MB",
            ],
            rows=[
                [
                    server.name,
                    server.kept(),
                    median(server.per_second),
                    ratio(server.per_second, reference.per_second),
                    median(server.p50, 1),
                    median(server.p99, 1),
                    ratio(server.p99, reference.p99),
                    median(server.cpu),
                    ratio(server.cpu, reference.cpu),
                    median([server.memory()]) if server.url else "-",
                ]
                for server in servers
            ],
            notes=[
                "targets: edge per s x bare >= 0.5 (stretch 0.8); cpu x bare <= 2.2 (stretch 1.3)",
                *against_peers({server.name: server for server in servers}),
            ],
        )


def against_peers(servers: Mapping[str, Variant]) -> Iterator[str]:
    """Ours by the peers that could be installed."""
    for peer, must in (("Probot", ">= 1.1 (1.7), p99 <= 0.5 (0.2)"), ("Buildbot", ">= 50 (100)")):
        if (other := servers.get(peer)) is None:
            yield f"{peer} could not be installed here"
            continue
        for name in servers.keys() & {"edge", "edge pg"}:
            ours = servers[name]
            rates, late = ratio(ours.per_second, other.per_second), ratio(ours.p99, other.p99)
            yield f"{name}: per s x {peer} {rates}, p99 x {peer} {late}; must (stretch) {must}"


BENCH = Bench(name="intake", run=measure)

if __name__ == "__main__":
    run(ceiling)
