"""The whole service around a practice GitLab, and what is seen of it there."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from app.engine import Clock
from app.executors import Executor
from app.practice import Account, Comment, Content, PostedStatus, PracticeGitLab, PullRequest, Repository
from tests.support.faces import ACCOUNT
from tests.support.service import Stage, stage


class GitLabScene:
    """A stage whose forge is a GitLab, with a group, some people and our access token."""

    def __init__(self, scene: Stage) -> None:
        assert isinstance(scene.forge, PracticeGitLab)
        self.scene = scene
        self.forge = scene.forge
        self.world = scene.world
        self.settled = scene.settled

    @property
    def bot(self) -> Account:
        """Whom we act as."""
        return self.world.account(ACCOUNT)

    async def project(
        self, files: Mapping[str, Content], name: str = "acme/platform/shop", *, private: bool = False
    ) -> Repository:
        """A project that alice and bob may write to, with a webhook that leads to the service."""
        return await self.scene.repository(files, name, private=private)

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
        return self.scene.comments(repo, pull)


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
    async with stage(
        root,
        runner=runner,
        clock=clock,
        database_url=database_url,
        environment=environment,
        face="gitlab",
    ) as scene:
        scene.world.add_user("mallory")
        yield GitLabScene(scene)
