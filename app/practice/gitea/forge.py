"""A small Gitea: the same world, in Gitea's words. What it does was learnt from a Gitea 1.26."""

from dataclasses import dataclass, field

from app.practice.forge import PracticeForge
from app.practice.gitea.events import GiteaEvents
from app.practice.gitea.hooks import GiteaHook
from app.practice.state import PullRequest, Repository
from app.practice.world import World

__all__ = ["GiteaHook", "PracticeGitea"]


@dataclass(kw_only=True)
class _Hooks:
    of_repositories: dict[int, dict[int, GiteaHook]] = field(default_factory=dict)
    of_organizations: dict[str, dict[int, GiteaHook]] = field(default_factory=dict)


class PracticeGitea(PracticeForge):
    """Make one around a World, serve it with `serving(forge, face=gitea_app)`, act by its methods."""

    def __init__(self, world: World, *, forgejo: bool = False) -> None:
        super().__init__(world)
        self._kept = _Hooks()
        self.events = GiteaEvents(world, self.hooks, self.hooks_of, forgejo=forgejo)

    def repository_hooks(self, repo: Repository) -> dict[int, GiteaHook]:
        """The webhooks of a repository."""
        return self._kept.of_repositories.setdefault(repo.id, {})

    def organization_hooks(self, login: str) -> dict[int, GiteaHook]:
        """The webhooks of an organisation: they hear of all its repositories."""
        return self._kept.of_organizations.setdefault(login.lower(), {})

    def hooks_of(self, repo: Repository) -> list[GiteaHook]:
        """All that hear of a repository."""
        return [*self.repository_hooks(repo).values(), *self.organization_hooks(repo.owner).values()]

    def unmet(self, repo: Repository, pull: PullRequest) -> list[str]:
        """The required contexts of whose newest status the head has no success."""
        newest = {each.context: each.state for each in repo.statuses if each.sha == pull.head_sha}
        return [
            wanted.context
            for wanted in repo.required
            if wanted.branch == pull.base_ref and newest.get(wanted.context) != "success"
        ]
