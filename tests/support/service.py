"""The whole service around a practice GitHub, in this process: what flow tests act on."""

import asyncio
import secrets
import socket
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path

from app.engine import Clock, EmbeddedDispatch
from app.executors import Executor, ScriptedExecutor
from app.practice import CheckRun, Comment, Content, PracticeForge, PullRequest, Repository, World, serving
from app.settings import load
from app.store import migrate
from app.web import listen, serve
from app.wiring import Program, build
from tests.support.database import waiting
from tests.support.faces import FACES, Face
from tests.support.leaks import plant, plant_environment


class Stage:
    """A practice forge with one organisation, some people, our app, and the service that serves it.

    `program` is the service as it runs now; `made` makes another one on the same data.
    """

    def __init__(self, forge: PracticeForge, made: Callable[[], Program], url: str, face: Face) -> None:
        self.forge = forge
        self.face = face
        self.world = forge.world
        self.made = made
        self.program = made()
        self.url = url
        self._running = AsyncExitStack()

    async def start(self, listener: socket.socket) -> None:
        """Serve on this socket."""
        await self._running.enter_async_context(serving_program(self.program, listener))

    async def stop(self) -> None:
        """Stop as the operator does: what runs is given back."""
        await self._running.aclose()

    async def start_again(self) -> None:
        """Another process of the same service after `stop`: same data, same address."""
        self._running = AsyncExitStack()
        self.program = self.made()
        await self.start(listen("127.0.0.1", int(self.url.rpartition(":")[2])))

    async def settled(self, seconds: float = 60.0) -> None:
        """Wait until all deliveries arrived and nothing runs or waits (timers aside)."""
        async with asyncio.timeout(seconds):
            while True:
                await self.forge.hooks.settle()
                while await self._busy():
                    await asyncio.sleep(0.005)
                await self.forge.hooks.settle()  # what we posted may have been told to us
                await asyncio.sleep(0.02)
                if not await self._busy():
                    return

    async def _busy(self) -> bool:
        """Whether anything runs or waits, here or in the queue."""
        dispatch = self.program.services.dispatch
        if isinstance(dispatch, EmbeddedDispatch):
            return not dispatch.quiet
        return bool(dispatch._helpers or await self.program.database.read(waiting))

    async def repository(
        self, files: Mapping[str, Content], name: str = "acme/shop", *, private: bool = False
    ) -> Repository:
        """A repository of the organisation that alice and bob may write to."""
        repo = await self.forge.create_repository(name, files, private=private)
        repo.permissions |= {"alice": "write", "bob": "write", "carol": "read"}
        self.face.join(self.forge, repo, self.url)
        return repo

    def runs(self, repo: Repository, sha: str, name: str = "portcullis") -> list[CheckRun]:
        """Our check runs of a name on a SHA, oldest first."""
        return [run for run in repo.runs.values() if run.head_sha == sha and run.name == name]

    def verdict(self, repo: Repository, pull: PullRequest) -> CheckRun:
        """The newest check run of ours on a pull request's head."""
        found = self.runs(repo, pull.head_sha)
        assert found, "nothing was posted"
        return found[-1]

    def comments(self, repo: Repository, pull: PullRequest) -> list[Comment]:
        """Our comments on a pull request."""
        return [
            comment
            for comment in repo.comments.values()
            if comment.number == pull.number and self.face.ours(comment)
        ]


def plant_world(world: World) -> None:
    """All that this forge handed out and nobody may tell."""
    plant("installation token", *world.tokens)
    plant("personal token", *(account.token for account in world.accounts.values()))
    for app in world.apps.values():
        plant("webhook secret", app.webhook_secret)
        plant("private key", app.private_key)


@asynccontextmanager
async def practice(
    root: Path, clock: Clock | None = None, face: Face = FACES["github"]
) -> AsyncIterator[PracticeForge]:
    """A practice forge with people."""
    forge = face.make(World(root / "forge", clock=time.time if clock is None else clock.now))
    forge.world.add_organization("acme")
    for login in ("alice", "bob", "carol"):
        forge.world.add_user(login)
    async with serving(forge, face=face.served):
        try:
            yield forge
        finally:
            plant_world(forge.world)


@asynccontextmanager
async def stage(
    root: Path,
    *,
    runner: Executor | None = None,
    clock: Clock | None = None,
    database_url: str = "",
    environment: Mapping[str, str] | None = None,
    face: str = "github",
) -> AsyncGenerator[Stage]:
    """Everything started; we judge on the forge of that kind."""
    kind = FACES[face]
    async with practice(root, clock, kind) as forge:
        listener = listen("127.0.0.1", 0)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        arrived = kind.arrive(forge, url)
        if database_url:
            migrate(database_url)
        given = {
            "PORTCULLIS_DATA_DIR": str(root / "data"),
            "PORTCULLIS_PUBLIC_URL": url,
            **arrived,
            "PORTCULLIS_SECRET_KEY": secrets.token_urlsafe(48),
            **({"PORTCULLIS_DATABASE_URL": database_url} if database_url else {}),
            **(environment or {}),
        }
        plant_environment(given)
        settings = load(given)
        runner = runner or ScriptedExecutor({})
        scene = Stage(forge, lambda: build(settings, clock=clock, runner=runner), url, kind)
        await scene.start(listener)
        try:
            kind.begin(forge)
            await scene.settled()
            yield scene
        finally:
            await scene.stop()


@asynccontextmanager
async def serving_program(program: Program, listener: socket.socket) -> AsyncGenerator[None]:
    """The program's own HTTP server in this event loop."""
    with closing(listener):
        async with _serving(program, listener):
            yield


@asynccontextmanager
async def _serving(program: Program, listener: socket.socket) -> AsyncGenerator[None]:
    started, stop = asyncio.Event(), asyncio.Event()
    server = asyncio.create_task(serve(program, listener, started.set, stop=stop))
    waiting = asyncio.create_task(started.wait())
    await asyncio.wait({server, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if server.done():
        await server
        raise RuntimeError("the service did not start; its log says why")
    try:
        yield
    finally:
        stop.set()
        await server
