"""`portcullis serve` as a process of its own against a practice GitHub in this one: to be killed."""

import asyncio
import os
import signal
import socket
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import httpx

from app.forges import EVENTS, PERMISSIONS
from app.practice import PracticeForge, Repository, World, serving
from tests.support.edge_process import REPOSITORY
from tests.support.faces import WEBHOOK_SECRET, app_key
from tests.support.leaks import plant_environment, watched
from tests.support.service import plant_world


class WallClock:
    """The wall clock of started processes, to be set while they run."""

    def __init__(self, place: Path) -> None:
        self._place = place
        folder = Path(__file__).with_name("set_clock")
        self.environment = {"PYTHONPATH": str(folder), "PRACTICE_CLOCK": str(place)}

    def set_off(self, seconds: float) -> None:
        """Set it to this many seconds ahead of what it is."""
        news = self._place.with_suffix(".new")
        news.write_text(str(seconds))
        news.replace(self._place)


async def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait until something is so. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


class Served:
    """The process, started and ended as often as a story wants; data and address stay."""

    def __init__(self, root: Path, forge: PracticeForge) -> None:
        self.root = root
        self.forge = forge
        self.world = forge.world
        self.data = root / "data"
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: asyncio.subprocess.Process | None = None
        self.environment = {
            "PATH": os.environ["PATH"],
            "PORTCULLIS_DATA_DIR": str(self.data),
            "PORTCULLIS_PORT": str(self.port),
            "PORTCULLIS_PUBLIC_URL": self.url,
            "PORTCULLIS_PARALLEL_CHECKS": "4",
        }

    def use_app(self) -> None:
        """Make our app on the forge, its credentials in the environment, installed on acme."""
        app = self.world.add_app(
            "portcullis",
            owner="acme",
            webhook_url=f"{self.url}/webhooks/github",
            webhook_secret=WEBHOOK_SECRET,
            permissions=dict(PERMISSIONS),
            events=list(EVENTS),
            key=app_key(),
        )
        self.environment |= {
            "PORTCULLIS_GITHUB_API_URL": self.world.api_url,
            "PORTCULLIS_GITHUB_APP_ID": str(app.id),
            "PORTCULLIS_GITHUB_PRIVATE_KEY": app.private_key,
            "PORTCULLIS_GITHUB_WEBHOOK_SECRET": WEBHOOK_SECRET,
        }

    async def start(self) -> None:
        """Start it and wait until it is ready."""
        plant_environment(self.environment)
        watched(self.root / "log")
        with (self.root / "log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "app",
                "serve",
                cwd=REPOSITORY,
                env=self.environment,
                stdout=log,
                stderr=log,
            )
        async with asyncio.timeout(60), httpx.AsyncClient(trust_env=False) as client:
            while True:
                assert self.process.returncode is None, self.log()
                try:
                    if (await client.get(f"{self.url}/healthz")).status_code == 200:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.05)

    def log(self) -> str:
        """What it said so far."""
        return (self.root / "log").read_text()

    async def kill(self) -> None:
        """As a power cut would."""
        assert self.process is not None
        self.process.kill()
        await self.process.wait()

    async def terminate(self) -> int:
        """As the operator does; gives the exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            return await self.process.wait()

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        """Rows of its own database."""
        with closing(sqlite3.connect(self.data / "portcullis.db", timeout=10)) as connection:
            return connection.execute(statement).fetchall()

    async def judged(self, repo: Repository, sha: str, seconds: float = 40.0) -> None:
        """Wait until the newest check run of ours on a head is completed, and the comment is there."""

        def done() -> bool:
            runs = [run for run in repo.runs.values() if (run.name, run.head_sha) == ("portcullis", sha)]
            return bool(runs) and runs[-1].status == "completed" and bool(repo.comments)

        try:
            await until(done, seconds)
        except TimeoutError:
            raise AssertionError(self.log()[-6000:]) from None


@asynccontextmanager
async def process_stage(
    root: Path, forge: type[PracticeForge] = PracticeForge, *, with_app: bool = True
) -> AsyncIterator[Served]:
    """A practice GitHub of acme with alice and bob; the service is not started yet."""
    made = forge(World(root / "forge"))
    made.world.add_organization("acme")
    for login in ("alice", "bob"):
        made.world.add_user(login)
    async with serving(made):
        served = Served(root, made)
        if with_app:
            served.use_app()
            made.install("alice", made.world.app("portcullis"), "acme")
            await made.settle()
        try:
            yield served
        finally:
            plant_world(made.world)
            if served.process is not None and served.process.returncode is None:
                await served.kill()
