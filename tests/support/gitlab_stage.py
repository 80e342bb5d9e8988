"""A practice GitLab with a group, people, a project and our access token, and the real client on it.

Whatever happened on the stage is held against our description of GitLab's API (`gitlab_schema`).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.forges import Account, Ledger, Means
from app.forges.gitlab import GitLabForge
from app.model import Repository
from app.practice import Account as PracticeAccount
from app.practice import PracticeGitLab, PullRequest, World, gitlab_app, listening, serving
from app.practice import Repository as PracticeRepository
from tests.support.github_stage import Clock
from tests.support.gitlab_schema import answer_problems, request_problems

SECRET = "practice webhook secret"
GATE_FILE = "version: 1\nchecks:\n  lint: {use: ruff}\n"


@dataclass(kw_only=True)
class GitLabStage:
    """`practice` is the forge, `gitlab` our client; `repo` is its project, `repository` as we name it.

    `inbox` holds the deliveries that arrived at `hook_url`: (headers in lower case, raw body).
    """

    practice: PracticeGitLab
    bot: PracticeAccount
    repo: PracticeRepository
    repository: Repository
    gitlab: GitLabForge
    clock: Clock
    hook_url: str
    inbox: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    clients: list[GitLabForge] = field(default_factory=list)

    @property
    def world(self) -> World:
        return self.practice.world

    def client(self, *, token: str = "", ledger: Ledger | None = None) -> GitLabForge:
        """A client by our token, or another."""
        account = Account(secret=token or self.bot.token, webhook_secret=SECRET)
        means = Means(now=self.clock, pause=self.clock.pause, ledger=ledger)
        made = GitLabForge(lambda: account, url=self.world.url, means=means)
        self.clients.append(made)
        return made

    async def open(self, branch: str = "feature", *, by: str = "alice") -> PullRequest:
        """A merge request that raises the price."""
        await self.practice.push(by, self.repo, branch, {"src/shop.py": "PRICE = 2\n"})
        return await self.practice.open_pull_request(by, self.repo, branch, title="Raise the price")


@asynccontextmanager
async def staged(tmp_path: Path, *, private: bool = True) -> AsyncIterator[GitLabStage]:
    """Set the stage: acme/platform/shop with alice and bob (Developers), mallory (a stranger), the group
    acme/platform = bob.
    """
    clock = Clock()
    practice = PracticeGitLab(World(tmp_path / "repositories", clock=clock))
    world = practice.world
    for person in ("alice", "bob", "mallory"):
        world.add_user(person)
    world.add_organization("acme")
    world.add_team("acme", "platform", "bob")
    inbox: list[tuple[dict[str, str], bytes]] = []

    async def receive(request: Request) -> Response:
        inbox.append((dict(request.headers), await request.body()))
        return Response(status_code=202)

    async with (
        listening(Starlette(routes=[Route("/webhooks/gitlab", receive, methods=["POST"])])) as here,
        serving(practice, face=gitlab_app),
    ):
        files = {"README.md": "A shop.\n", ".portcullis.yml": GATE_FILE, "src/shop.py": "PRICE = 1\n"}
        repo = await practice.create_repository("acme/platform/shop", files, private=private)
        repo.permissions.update(alice="write", bob="write")
        stage = GitLabStage(
            practice=practice,
            bot=practice.add_access_token("portcullis", repo),
            repo=repo,
            repository=Repository(
                forge="gitlab",
                forge_id=repo.id,
                full_name=repo.full_name,
                installation_id=1,
                default_branch="main",
                private=private,
                clone_url=f"{world.url}/acme/platform/shop.git",
            ),
            gitlab=None,  # type: ignore[arg-type] - made from the stage itself, next line
            clock=clock,
            hook_url=f"{here}/webhooks/gitlab",
            inbox=inbox,
        )
        stage.gitlab = stage.client()
        await stage.gitlab.start()
        try:
            yield stage
            await practice.settle()
        finally:
            for client in stage.clients:
                await client.close()


def unlike_gitlab(stage: GitLabStage) -> list[str]:
    """Every way in which our requests or the practice forge's answers differ from the description."""
    found = []
    for seen in stage.world.requests:
        what = f"{seen.method} {seen.path}"
        found += [f"{what}: {p}" for p in request_problems(seen.method, seen.path, seen.query, seen.body)]
        if seen.status and seen.status < 500:
            found += [
                f"{what}: {p}" for p in answer_problems(seen.method, seen.path, seen.status, seen.answer)
            ]
    return sorted(set(found))
