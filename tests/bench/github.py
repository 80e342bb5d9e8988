"""A practice GitHub in this process and the real `portcullis serve` in another: what the benches time.

Every request that reaches GitHub is stamped on arrival; deliveries are sent by the bench itself, so that
the moment of sending is known. All times are seconds of the machine's one clock (`time.time`).
"""

import asyncio
import os
import socket
import sys
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from app.forges import EVENTS, PERMISSIONS
from app.practice import App, Content, Delivery, PracticeForge, PullRequest, Repository, Seen, World, serving
from app.store import migrate
from tests.support.edge_process import REPOSITORY

PATIENCE = 60.0
SECRET = "a webhook secret"


class Arrival(NamedTuple):
    """One request of the service and when it arrived."""

    at: float
    seen: Seen

    def shows(self, pull: PullRequest, status: str) -> bool:
        """Whether it posts our check run on the pull request's head with this status."""
        body: dict[str, Any] = self.seen.body or {}
        if self.seen.method == "GET" or body.get("status") != status or "/check-runs" not in self.seen.path:
            return False
        return body.get("head_sha", pull.head_sha) == pull.head_sha


class Stamped(deque[Seen]):
    """GitHub's log of requests, which notes when each came and wakes whoever waits for one."""

    def __init__(self) -> None:
        super().__init__(maxlen=20_000)
        self.arrivals: list[Arrival] = []
        self.more = asyncio.Event()

    def append(self, seen: Seen) -> None:
        self.arrivals.append(Arrival(time.time(), seen))
        super().append(seen)
        self.more.set()

    async def until(self, good: Callable[[], bool]) -> None:
        """Wait until `good()`; looked at after every request."""
        async with asyncio.timeout(PATIENCE):
            while not good():
                self.more.clear()
                await self.more.wait()


@dataclass
class Scene:
    """The forge, the process that serves it, and what came in."""

    forge: PracticeForge
    app: App
    process: asyncio.subprocess.Process
    requests: Stamped
    http: httpx.AsyncClient
    data: Path
    database_url: str
    branches: int = 0
    made: list[Repository] = field(default_factory=list)

    async def repository(self, files: Mapping[str, Content]) -> Repository:
        """A further repository of the organisation, of which the service has heard nothing yet."""
        repo = await self.forge.create_repository(f"acme/shop-{len(self.made)}", files)
        repo.permissions["alice"] = "write"
        self.made.append(repo)
        return repo

    async def branch(self, repo: Repository) -> str:
        """A branch with one changed file; its deliveries are answered before this returns."""
        self.branches += 1
        name = f"topic-{self.branches}"
        await self.forge.push("alice", repo, name, {f"{name}.txt": f"{name}\n"}, base="main")
        await self.forge.settle()
        return name

    async def opened(self, repo: Repository, branch: str) -> tuple[PullRequest, Delivery]:
        """A pull request whose delivery has not left yet."""
        held: list[Delivery] = []
        self.forge.hooks.hold()
        pull = await self.forge.open_pull_request("alice", repo, branch)
        self.forge.hooks.release(lambda waiting: held.extend(waiting) or [])
        (delivery,) = held
        return pull, delivery

    async def send(self, delivery: Delivery) -> float:
        """Send a delivery and wait for its 202; gives when it was sent."""
        at = time.time()
        answer = await self.http.post(self.app.webhook_url, content=delivery.body, headers=delivery.headers)
        assert answer.status_code == 202, answer.text
        return at

    def first(self, pull: PullRequest, status: str, since: int = 0) -> float | None:
        """When our check run on the pull request's head was first posted with this status."""
        ids = {run.id for run in self.runs(pull)}
        for arrival in self.requests.arrivals[since:]:
            number = arrival.seen.path.rpartition("/")[2]
            ours = arrival.seen.method != "PATCH" or (number.isdecimal() and int(number) in ids)
            if ours and arrival.shows(pull, status):
                return arrival.at
        return None

    def runs(self, pull: PullRequest) -> list[Any]:
        """The check runs on a pull request's head."""
        return [
            run
            for repo in self.made
            for run in repo.runs.values()
            if run.head_sha == pull.head_sha and pull in repo.pulls.values()
        ]

    async def judged(self, pull: PullRequest, since: int = 0) -> float:
        """Wait for the verdict on a pull request; gives when it arrived."""
        await self.requests.until(lambda: self.first(pull, "completed", since) is not None)
        at = self.first(pull, "completed", since)
        assert at is not None
        return at

    async def quiet(self, seconds: float = 0.2) -> None:
        """Wait until the service has asked nothing for a while and has heard everything."""
        async with asyncio.timeout(PATIENCE):
            while True:
                await self.forge.settle()
                count = len(self.requests.arrivals)
                await asyncio.sleep(seconds)
                if len(self.requests.arrivals) == count:
                    return


def resident(pid: int) -> float:
    """Resident memory of a process in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@asynccontextmanager
async def scene(root: Path, database_url: str = "") -> AsyncGenerator[Scene]:
    """GitHub with our app installed on an organisation, and the service ready and quiet, on its own SQLite file
    or on another database.
    """
    forge = PracticeForge(World(root / "forge"))
    forge.world.add_organization("acme")
    forge.world.add_user("alice")
    async with serving(forge), httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as http:
        forge.world.requests = requests = Stamped()
        forge.world.rate_limit = 1_000_000
        url = f"http://127.0.0.1:{free_port()}"
        app = forge.world.add_app(
            "portcullis",
            owner="acme",
            webhook_url=f"{url}/webhooks/github",
            webhook_secret=SECRET,
            permissions=dict(PERMISSIONS),
            events=list(EVENTS),
        )
        if database_url:
            migrate(database_url)
        async with _serve(root, url, forge, app, database_url) as process:
            database_url = database_url or f"sqlite:///{root / 'data' / 'portcullis.db'}"
            made = Scene(forge, app, process, requests, http, root / "data", database_url)
            await _ready(made, url)
            forge.install("alice", app, "acme")
            await made.quiet()
            yield made


@asynccontextmanager
async def _serve(
    root: Path, url: str, forge: PracticeForge, app: App, database_url: str
) -> AsyncGenerator[asyncio.subprocess.Process]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PORTCULLIS_")}
    environment |= {
        "PORTCULLIS_DATA_DIR": str(root / "data"),
        "PORTCULLIS_PORT": url.rpartition(":")[2],
        "PORTCULLIS_PUBLIC_URL": url,
        "PORTCULLIS_GITHUB_API_URL": forge.world.api_url,
        "PORTCULLIS_GITHUB_APP_ID": str(app.id),
        "PORTCULLIS_GITHUB_PRIVATE_KEY": app.private_key,
        "PORTCULLIS_GITHUB_WEBHOOK_SECRET": SECRET,
        **({"PORTCULLIS_DATABASE_URL": database_url} if database_url else {}),
    }
    with (root / "serve.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "app", "serve"), cwd=REPOSITORY, env=environment, stdout=log, stderr=log
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def _ready(made: Scene, url: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            assert made.process.returncode is None, (made.data.parent / "serve.log").read_text()[-2000:]
            try:
                if (await made.http.get(f"{url}/readyz")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)
