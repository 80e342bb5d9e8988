"""Deliveries about the app itself: installations and pings."""

from app.practice import shapes
from app.practice.events import Events
from app.practice.shapes import Json
from app.practice.state import Account, App, Installation, Repository


class AppEvents(Events):
    """Events, and those that come to an app whatever it subscribed to."""

    def installation(
        self, action: str, installation: Installation, sender: Account, repos: list[Repository]
    ) -> None:
        """`installation`: comes to the app whatever it subscribed to."""
        payload: Json = {
            "action": action,
            "installation": shapes.installation(self._world, installation),
            "repositories": [shapes.short_repository(repo) for repo in repos],
            "sender": shapes.user(self._world, sender),
        }
        if action == "created":
            payload["requester"] = None
        self._hooks.emit(self._app(installation), "installation", payload, installation=installation)

    def installation_repositories(
        self,
        installation: Installation,
        sender: Account,
        added: list[Repository],
        removed: list[Repository],
    ) -> None:
        """`installation_repositories`."""
        payload = {
            "action": "added" if added else "removed",
            "installation": shapes.installation(self._world, installation),
            "repository_selection": "all" if installation.repositories is None else "selected",
            "repositories_added": [shapes.short_repository(repo) for repo in added],
            "repositories_removed": [shapes.short_repository(repo) for repo in removed],
            "requester": None,
            "sender": shapes.user(self._world, sender),
        }
        self._hooks.emit(
            self._app(installation), "installation_repositories", payload, installation=installation
        )

    def ping(self, app: App, sender: Account) -> None:
        """`ping`, as when the hook was set up."""
        now = self._world.stamp()
        payload = {
            "zen": "Practicality beats purity.",
            "hook_id": app.hook_id,
            "hook": {
                "type": "App",
                "id": app.hook_id,
                "name": "web",
                "active": True,
                "events": list(app.events),
                "config": {
                    "content_type": app.content_type,
                    "insecure_ssl": "0",
                    "secret": "********",
                    "url": app.webhook_url,
                },
                "updated_at": now,
                "created_at": now,
                "app_id": app.id,
                "deliveries_url": f"{self._world.api_url}/app/hook/deliveries",
            },
            "sender": shapes.user(self._world, sender),
        }
        self._hooks.emit(app, "ping", payload)

    def _app(self, installation: Installation) -> App:
        return self._world.apps[installation.app_id]
