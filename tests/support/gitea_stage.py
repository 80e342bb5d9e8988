"""A practice Gitea (or Forgejo) with an organisation, people and our account, and the real client on it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.forges import Account, Connection, GiteaForge, GiteaIntake, Means
from app.model import Repository
from app.practice import Account as PracticeAccount
from app.practice import PracticeGitea, World, gitea_app, listening, serving
from app.practice import Repository as PracticeRepository
from tests.support.gitea_schema import answer_problems, request_problems
from tests.support.github_stage import Clock
from tests.support.leaks import plant

SECRET = "practice webhook secret"
GATE_FILE = "version: 1\nchecks:\n  lint: {use: ruff}\n"


@dataclass(kw_only=True)
class GiteaStage:
    """`practice` is the forge, `forge` our client; `repo` is its repository, `repository` as we name it.

    `inbox` holds the deliveries that arrived at `hook_url`: (headers in lower case, raw body).
    """

    kind: str
    practice: PracticeGitea
    bot: PracticeAccount
    repo: PracticeRepository
    repository: Repository
    forge: GiteaForge
    clock: Clock
    hook_url: str
    inbox: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    clients: list[GiteaForge] = field(default_factory=list)

    @property
    def world(self) -> World:
        return self.practice.world

    @property
    def connection(self) -> Connection:
        return Connection(name=self.kind, kind=self.kind, url=self.world.url)

    @property
    def account(self) -> Account:
        return Account(secret=self.bot.token, webhook_secret=SECRET)

    def client(self) -> GiteaForge:
        """Another client of the same account, as another process would be."""
        means = Means(now=self.clock, pause=self.clock.pause)
        made = GiteaForge(self.connection, lambda: self.account, means)
        self.clients.append(made)
        return made

    def intake(self) -> GiteaIntake:
        return GiteaIntake(self.connection, lambda: self.account, Means())

    def unlike(self) -> list[str]:
        """Every way in which our requests and the practice forge's answers differ from the description."""
        found = []
        for seen in self.world.requests:
            what = f"{seen.method} {seen.path}"
            asked = self.kind, seen.method, seen.path
            found += [f"{what}: {p}" for p in request_problems(*asked, seen.query, seen.body)]
            if seen.status:
                body = json.loads(json.dumps(seen.answer))
                found += [f"{what}: {p}" for p in answer_problems(*asked, seen.status, body)]
        return sorted(set(found))


@asynccontextmanager
async def staged(tmp_path: Path, kind: str = "gitea", *, private: bool = True) -> AsyncIterator[GiteaStage]:
    """Set the stage: acme/shop with alice and bob (write), mallory (a stranger), team acme/platform = bob;
    our account administers the repository.
    """
    clock = Clock()
    practice = PracticeGitea(World(tmp_path / "repositories", clock=clock), forgejo=kind == "forgejo")
    world = practice.world
    for person in ("alice", "bob", "mallory", "portcullis"):
        world.add_user(person)
    plant("personal token", *(account.token for account in world.accounts.values()))
    world.add_organization("acme")
    world.add_team("acme", "platform", "bob")
    inbox: list[tuple[dict[str, str], bytes]] = []

    async def receive(request: Request) -> Response:
        inbox.append((dict(request.headers), await request.body()))
        return Response(status_code=202)

    where = f"/webhooks/{kind}"
    async with (
        listening(Starlette(routes=[Route(where, receive, methods=["POST"])])) as here,
        serving(practice, face=gitea_app),
    ):
        files = {"README.md": "A shop.\n", ".portcullis.yml": GATE_FILE, "src/shop.py": "PRICE = 1\n"}
        repo = await practice.create_repository("acme/shop", files, private=private)
        repo.permissions.update(alice="write", bob="write", portcullis="admin")
        stage = GiteaStage(
            kind=kind,
            practice=practice,
            bot=world.account("portcullis"),
            repo=repo,
            repository=Repository(
                forge=kind,
                forge_id=repo.id,
                full_name=repo.full_name,
                installation_id=1,
                default_branch="main",
                private=private,
                clone_url=f"{world.url}/acme/shop.git",
            ),
            forge=None,  # type: ignore[arg-type] - made from the stage itself, next line
            clock=clock,
            hook_url=here + where,
            inbox=inbox,
        )
        stage.forge = stage.client()
        await stage.forge.start()
        try:
            yield stage
            await practice.settle()
        finally:
            for client in stage.clients:
                await client.close()
