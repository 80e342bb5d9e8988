"""The whole practice forge: its world, its hooks, and everything people can do."""

from collections.abc import Sequence

from app.practice.state import App, Installation, Repository
from app.practice.workflows import Workflows


class PracticeForge(Workflows):
    """A small GitHub.

    Make one around a World, serve it with `serving`, act by its methods.

    push, fork, open_pull_request, comment, review, label, set_draft, retarget, merge, queue,
    press_rerun, press_button, start_workflow, install … Each sends what GitHub would send.
    """

    def install(
        self, by: str, app: App, account: str, repositories: Sequence[Repository] | None = None
    ) -> Installation:
        """Install an app in an account, on some repositories or (None) on all."""
        world = self.world
        installation = Installation(
            id=world.new_id(),
            app_id=app.id,
            account=world.account(account).login,
            repositories=None if repositories is None else {repo.id for repo in repositories},
            permissions=dict(app.permissions),
            events=list(app.events),
            created_at=world.stamp(),
        )
        world.installations[installation.id] = installation
        reached = world.installed_repositories(installation)
        self.events.installation("created", installation, world.account(by), reached)
        return installation

    def uninstall(self, by: str, installation: Installation) -> None:
        """Remove an installation and with it all its tokens."""
        reached = self.world.installed_repositories(installation)
        del self.world.installations[installation.id]
        self.events.installation("deleted", installation, self.world.account(by), reached)

    def suspend(self, by: str, installation: Installation) -> None:
        """Suspend an installation."""
        installation.suspended_at = self.world.stamp()
        reached = self.world.installed_repositories(installation)
        self.events.installation("suspend", installation, self.world.account(by), reached)

    def unsuspend(self, by: str, installation: Installation) -> None:
        """End a suspension."""
        installation.suspended_at = None
        reached = self.world.installed_repositories(installation)
        self.events.installation("unsuspend", installation, self.world.account(by), reached)

    def accept_permissions(self, by: str, installation: Installation) -> None:
        """Accept what the app asks for by now."""
        app = self.world.apps[installation.app_id]
        installation.permissions, installation.events = dict(app.permissions), list(app.events)
        reached = self.world.installed_repositories(installation)
        self.events.installation("new_permissions_accepted", installation, self.world.account(by), reached)

    def select_repositories(
        self, by: str, installation: Installation, repositories: Sequence[Repository]
    ) -> None:
        """Change which repositories an installation reaches."""
        before = {repo.id: repo for repo in self.world.installed_repositories(installation)}
        installation.repositories = {repo.id for repo in repositories}
        after = {repo.id: repo for repo in self.world.installed_repositories(installation)}
        sender = self.world.account(by)
        added = [repo for number, repo in after.items() if number not in before]
        removed = [repo for number, repo in before.items() if number not in after]
        if added:
            self.events.installation_repositories(installation, sender, added, [])
        if removed:
            self.events.installation_repositories(installation, sender, [], removed)

    async def settle(self) -> None:
        """Wait until all deliveries have left and were answered."""
        await self.hooks.settle()

    async def stop(self) -> None:
        """Stop sending deliveries."""
        await self.hooks.close()
