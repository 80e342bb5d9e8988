"""The whole service around a practice GitLab, in this process: what flow tests act on."""

import secrets
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from app.engine import Clock
from app.executors import Executor, ScriptedExecutor
from app.practice import (
    Account,
    Comment,
    Content,
    PostedStatus,
    PracticeGitLab,
    PullRequest,
    Repository,
    World,
    gitlab_app,
    serving,
)
from app.settings import load
from app.store import migrate
from app.web import listen
from app.wiring import build
from tests.support.leaks import plant, plant_environment
from tests.support.service import WEBHOOK_SECRET, Stage, plant_world


class GitLabScene(Stage):
    """A practice GitLab with one group, some people, our access token, and the service that serves it."""

    forge: PracticeGitLab
    bot: Account

    async def project(
        self, files: Mapping[str, Content], name: str = "acme/platform/shop", *, private: bool = False
    ) -> Repository:
        """A project that alice and bob may write to, with webhooks that lead to the service."""
        repo = await self.forge.create_repository(name, files, private=private)
        repo.permissions |= {"alice": "write", "bob": "write", "carol": "read", self.bot.login: "maintain"}
        hooked = await self.program.services.forges["gitlab"].hook(f"{self.url}/webhooks/gitlab")
        assert hooked.complaints == ()
        return repo

    def statuses(self, repo: Repository, sha: str) -> list[PostedStatus]:
        """Our statuses on a SHA, oldest first."""
        kept = self.forge.own(repo).statuses
        return [each for each in kept if (each.sha, each.author.id) == (sha, self.bot.id)]

    def shown(self, repo: Repository, pull: PullRequest) -> str:
        """What our newest status on a merge request's head says: its state, and why."""
        found = self.statuses(repo, pull.head_sha)
        assert found, "nothing was posted"
        return f"{found[-1].status}: {found[-1].description}"

    def comments(self, repo: Repository, pull: PullRequest) -> list[Comment]:
        """Our notes on a merge request."""
        return [
            comment
            for comment in repo.comments.values()
            if (comment.number, comment.author.id) == (pull.number, self.bot.id)
        ]


@asynccontextmanager
async def gitlab_scene(
    root: Path,
    *,
    runner: Executor | None = None,
    clock: Clock | None = None,
    database_url: str = "",
    environment: Mapping[str, str] | None = None,
) -> AsyncGenerator[GitLabScene]:
    """Everything started, the token set by environment."""
    forge = PracticeGitLab(World(root / "forge", clock=time.time if clock is None else clock.now))
    forge.world.add_organization("acme")
    for login in ("alice", "bob", "carol", "mallory"):
        forge.world.add_user(login)
    bot = forge.add_access_token("portcullis")
    async with serving(forge, face=gitlab_app):
        listener = listen("127.0.0.1", 0)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        if database_url:
            migrate(database_url)
        given = {
            "PORTCULLIS_DATA_DIR": str(root / "data"),
            "PORTCULLIS_PUBLIC_URL": url,
            "PORTCULLIS_GITLAB_URL": forge.world.url,
            "PORTCULLIS_GITLAB_TOKEN": bot.token,
            "PORTCULLIS_GITLAB_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "PORTCULLIS_SECRET_KEY": secrets.token_urlsafe(48),
            **({"PORTCULLIS_DATABASE_URL": database_url} if database_url else {}),
            **(environment or {}),
        }
        plant_environment(given)
        settings = load(given)
        ran = runner or ScriptedExecutor({})
        scene = GitLabScene(forge, lambda: build(settings, clock=clock, runner=ran), url)
        scene.bot = bot
        await scene.start(listener)
        try:
            await scene.settled()
            yield scene
        finally:
            await scene.stop()
            plant("access token", bot.token)
            plant_world(forge.world)
