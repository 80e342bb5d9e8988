"""A fleet of real processes on one PostgreSQL database, against a practice GitHub in this process."""

import asyncio
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import psycopg

from app.practice import PracticeForge, Repository, World, serving
from app.store import migrate
from tests.support.edge_process import REPOSITORY
from tests.support.leaks import plant_environment, watched
from tests.support.service import plant_world
from tests.support.service_process import Served, WallClock, until

COMMANDS: Mapping[str, tuple[str, ...]] = {
    "web": ("serve", "--role", "web"),
    "all": ("serve",),
    "control": ("worker", "--role", "control"),
    "checks": ("worker", "--role", "checks"),
    "worker": ("worker",),
}


class Member:
    """One process of a fleet, started as often as a story wants; its directory stays."""

    def __init__(self, fleet: "Fleet", role: str, number: int, code: Path = REPOSITORY) -> None:
        self.role = role
        self.name = f"{role}{number}"
        self.data = fleet.root / self.name
        self.logs = fleet.root / f"{self.name}.log"
        self.code = code
        self.clock = WallClock(fleet.root / f"{self.name}.clock")
        mine = {"PORTCULLIS_DATA_DIR": str(self.data), **self.clock.environment}
        self.environment = {**fleet.environment, **mine}
        self.process: asyncio.subprocess.Process | None = None

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.process is not None and self.process.returncode is None

    async def start(self) -> None:
        """Start it; it may not be ready yet."""
        assert not self.alive
        plant_environment(self.environment)
        watched(self.logs)
        with self.logs.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "app",
                *COMMANDS[self.role],
                cwd=self.code,
                env=self.environment,
                stdout=log,
                stderr=log,
            )

    async def started(self) -> None:
        """Start it and wait until it says that it is there."""
        before = self.logs.stat().st_size if self.logs.exists() else 0
        await self.start()

        def said() -> bool:
            assert self.alive, self.log()
            news = self.logs.read_bytes()[before:]
            return b"portcullis works" in news or b"portcullis serves" in news

        await until(said, 60)

    def log(self) -> str:
        """What it said so far."""
        return self.logs.read_text(errors="replace") if self.logs.exists() else ""

    def send(self, number: signal.Signals) -> None:
        """A signal, if it runs."""
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(number)

    async def kill(self) -> None:
        """As a power cut would."""
        assert self.process is not None
        self.send(signal.SIGKILL)
        await self.process.wait()

    async def terminate(self, seconds: float = 60.0) -> int:
        """As the operator does; gives the exit status."""
        assert self.process is not None
        self.send(signal.SIGTERM)
        async with asyncio.timeout(seconds):
            return await self.process.wait()


class Fleet(Served):
    """The processes and what they share."""

    def __init__(self, root: Path, forge: PracticeForge, database_url: str) -> None:
        super().__init__(root, forge)
        self.database_url = database_url
        self.members: list[Member] = []
        self.environment |= {
            "PORTCULLIS_DATABASE_URL": database_url,
            "PORTCULLIS_SECRET_KEY": secrets.token_urlsafe(48),
            "PORTCULLIS_ARTIFACTS": str(root / "artifacts"),
            "PORTCULLIS_PARALLEL_CHECKS": "2",
        }

    def add(self, role: str, code: Path = REPOSITORY) -> Member:
        """One more process, not started yet."""
        number = sum(member.role == role for member in self.members) + 1
        member = Member(self, role, number, code)
        self.members.append(member)
        return member

    async def start_all(self) -> None:
        """Start whatever does not run, and wait until all are there."""
        await asyncio.gather(*(member.started() for member in self.members if not member.alive))
        async with asyncio.timeout(60), httpx.AsyncClient(trust_env=False) as client:
            while True:
                try:
                    if (await client.get(f"{self.url}/readyz")).status_code == 200:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.05)

    async def kill_all(self) -> None:
        """End whatever runs."""
        for member in self.members:
            if member.alive:
                member.send(signal.SIGCONT)
                await member.kill()

    def log(self) -> str:
        """What all said, the last words of each."""
        return "\n".join(f"== {member.name}\n{member.log()[-4000:]}" for member in self.members)

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        """Rows of the fleet's database."""
        address = self.database_url.replace("+psycopg", "", 1)
        with psycopg.connect(address, autocommit=True) as connection:
            return connection.execute(statement.encode()).fetchall()

    def write(self, statement: str) -> None:
        """Change rows behind its back."""
        with psycopg.connect(self.database_url.replace("+psycopg", "", 1), autocommit=True) as connection:
            connection.execute(statement.encode())

    async def eventually(self, condition: Callable[[], object], seconds: float = 60.0) -> None:
        """Wait until something is so; says what the processes said where it does not come."""
        try:
            await until(condition, seconds)
        except TimeoutError:
            raise AssertionError(self.log()) from None


@asynccontextmanager
async def fleet_stage(
    root: Path,
    database_url: str,
    roles: tuple[str, ...],
    forge: type[PracticeForge] = PracticeForge,
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[Fleet]:
    """A practice GitHub of acme with alice and bob, and a fleet of these roles, started."""
    migrate(database_url)
    made = forge(World(root / "forge"))
    made.world.add_organization("acme")
    for login in ("alice", "bob"):
        made.world.add_user(login)
    async with serving(made):
        fleet = Fleet(root, made, database_url)
        fleet.environment |= environment or {}
        fleet.use_app()
        for role in roles:
            fleet.add(role)
        try:
            if roles:
                await fleet.start_all()
            made.install("alice", made.world.app("portcullis"), "acme")
            yield fleet
        finally:
            plant_world(made.world)
            await fleet.kill_all()


async def repository(fleet: Fleet, files: Mapping[str, str], name: str = "acme/shop") -> Repository:
    """A repository that alice may write to."""
    repo = await fleet.forge.create_repository(name, files)
    repo.permissions["alice"] = "write"
    return repo
