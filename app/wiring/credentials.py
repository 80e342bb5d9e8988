"""Whom we act as on a forge."""

from app.engine import StoredApp
from app.forges import AppCredentials
from app.settings import Settings
from app.telemetry import register_secret


class Credentials:
    """The GitHub App's credentials that count now: the environment's, else the stored ones."""

    def __init__(self, settings: Settings) -> None:
        self._app: AppCredentials | None = None
        self._secret = ""
        self.from_environment = settings.github is not None
        if settings.github is not None:
            self._take(
                settings.github.app_id,
                settings.github.private_key.get_secret_value(),
                settings.github.webhook_secret.get_secret_value(),
            )

    def use(self, app: StoredApp | None) -> None:
        """Take over a stored app, unless the environment names one."""
        known = self._app is not None and app is not None and self._app.private_key == app.private_key
        if app is not None and not known and not self.from_environment:
            self._take(app.app_id, app.private_key, app.webhook_secret)

    def app(self) -> AppCredentials | None:
        """What to act as; None before set-up."""
        return self._app

    def app_id(self) -> int:
        """The app's id; 0 before set-up."""
        return 0 if self._app is None else self._app.app_id

    def secrets(self) -> tuple[str, ...]:
        """Webhook secrets that deliveries may be signed with."""
        return (self._secret,) if self._secret else ()

    def _take(self, app_id: int, private_key: str, webhook_secret: str) -> None:
        register_secret(private_key)
        register_secret(webhook_secret)
        self._app = AppCredentials(app_id=app_id, private_key=private_key)
        self._secret = webhook_secret
