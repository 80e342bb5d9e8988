"""A practice GitHub with an organisation, people, a repository and our app, and the real client on it.

Whatever happened on the stage is held against GitHub's descriptions by `assert_like_github`.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.forges import EVENTS, PERMISSIONS, AppCredentials, GitHubForge, Ledger, Limits
from app.model import Repository
from app.practice import App, Installation, PracticeForge, World, listening, serving
from app.practice import Repository as PracticeRepository
from tests.support.github_schema import answer_problems, delivery_problems, request_problems

SECRET = "It's a Secret to Everybody"
GATE_FILE = "version: 1\nchecks:\n  lint: {use: ruff}\n"


class Clock:
    """Time turned by hand: epoch seconds. `pause` is what a client sleeps with: it turns the clock."""

    def __init__(self, at: float = 1_790_000_000.0) -> None:
        self.at = at
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.at

    async def pause(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds


@cache
def app_key() -> rsa.RSAPrivateKey:
    """One key for all tests: making them is slow."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass(kw_only=True)
class Stage:
    """`practice` is the forge, `github` our client; `repo` is its repository, `repository` as we name it.

    `inbox` holds the deliveries that arrived: (headers in lower case, raw body).
    """

    practice: PracticeForge
    app: App
    installation: Installation
    repo: PracticeRepository
    repository: Repository
    github: GitHubForge
    clock: Clock
    inbox: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    inbox_status: list[int] = field(default_factory=list)
    """Answers of the inbox to come; 202 when used up."""

    clients: list[GitHubForge] = field(default_factory=list)

    @property
    def world(self) -> World:
        return self.practice.world

    def client(
        self, *, limits: Limits | None = None, ledger: Ledger | None = None, clock: Clock | None = None
    ) -> GitHubForge:
        """Another client of the same app, as another process would be."""
        turned = clock or self.clock
        made = GitHubForge(
            lambda: AppCredentials(app_id=self.app.id, private_key=self.app.private_key),
            api_url=self.world.api_url,
            limits=limits,
            ledger=ledger,
            now=turned,
            pause=turned.pause,
        )
        self.clients.append(made)
        return made


@asynccontextmanager
async def staged(tmp_path: Path, *, private: bool = True, selected: bool = False) -> AsyncIterator[Stage]:
    """Set the stage: acme/shop with alice and bob (write), mallory (a stranger), team acme/platform = bob."""
    clock = Clock()
    practice = PracticeForge(World(tmp_path / "repositories", clock=clock))
    world = practice.world
    for person in ("alice", "bob", "mallory"):
        world.add_user(person)
    world.add_organization("acme")
    world.add_team("acme", "platform", "bob")
    inbox: list[tuple[dict[str, str], bytes]] = []
    answers: list[int] = []

    async def receive(request: Request) -> Response:
        inbox.append((dict(request.headers), await request.body()))
        return Response(status_code=answers.pop(0) if answers else 202)

    async with (
        listening(Starlette(routes=[Route("/webhooks/github", receive, methods=["POST"])])) as here,
        serving(practice),
    ):
        app = world.add_app(
            "portcullis",
            owner="acme",
            webhook_url=f"{here}/webhooks/github",
            webhook_secret=SECRET,
            permissions=dict(PERMISSIONS),
            events=list(EVENTS),
            key=app_key(),
        )
        files = {"README.md": "A shop.\n", ".portcullis.yml": GATE_FILE, "src/shop.py": "PRICE = 1\n"}
        repo = await practice.create_repository("acme/shop", files, private=private)
        repo.permissions.update(alice="write", bob="write")
        installation = practice.install("alice", app, "acme", [repo] if selected else None)
        stage = Stage(
            practice=practice,
            app=app,
            installation=installation,
            repo=repo,
            repository=Repository(
                forge="github",
                forge_id=repo.id,
                full_name=repo.full_name,
                installation_id=installation.id,
                default_branch="main",
                private=private,
                clone_url=f"{world.url}/acme/shop.git",
            ),
            github=None,  # type: ignore[arg-type] - made from the stage itself, next line
            clock=clock,
            inbox=inbox,
            inbox_status=answers,
        )
        stage.github = stage.client()
        await stage.github.start()
        try:
            yield stage
            await practice.settle()
        finally:
            for client in stage.clients:
                await client.close()


def unlike_github(stage: Stage) -> list[str]:
    """Every way in which our requests, the practice forge's answers or its deliveries differ from
    GitHub's descriptions.
    """
    found = []
    for seen in stage.world.requests:
        what = f"{seen.method} {seen.path}"
        found += [f"{what}: {p}" for p in request_problems(seen.method, seen.path, seen.query, seen.body)]
        if seen.status and "raw" not in seen.accept and seen.status < 500:
            body = json.loads(json.dumps(seen.answer))
            found += [f"{what}: {p}" for p in answer_problems(seen.method, seen.path, seen.status, body)]
    for delivery in stage.world.deliveries.values():
        payload = json.loads(json.dumps(delivery.payload))
        found += [
            f"{delivery.event}: {p}" for p in delivery_problems(delivery.event, payload, delivery.headers)
        ]
    return sorted(set(found))
