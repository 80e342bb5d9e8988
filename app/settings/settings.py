"""The settings together: what must be set whole, and what follows from them."""

from pathlib import Path
from typing import Any, Self

from pydantic import SecretStr, model_validator

from app.settings.credentials import BY_TOKEN, PREFIX, GitHubCredentials, TokenCredentials, read_files
from app.settings.fields import Fields


class Settings(Fields):
    """All settings, validated."""

    @model_validator(mode="before")
    @classmethod
    def _read_files(cls, values: dict[str, Any]) -> dict[str, Any]:
        return read_files(values)

    @model_validator(mode="after")
    def _whole_credentials(self) -> Self:
        given = {
            "GITHUB_APP_ID": self.github_app_id,
            "GITHUB_PRIVATE_KEY (or …_FILE)": self.github_private_key,
            "GITHUB_WEBHOOK_SECRET (or …_FILE)": self.github_webhook_secret,
        }
        absent = [f"{PREFIX}{name}" for name, value in given.items() if value is None]
        if absent and len(absent) < len(given):
            there = next(f"{PREFIX}{name}" for name, value in given.items() if value is not None)
            are = "is" if len(absent) == 1 else "are"
            raise ValueError(f"{there} is set but {' and '.join(absent)} {are} not; set all three or none")
        return self

    @model_validator(mode="after")
    def _whole_connections(self) -> Self:
        for kind in BY_TOKEN:
            url, token, secret = self._of(kind)
            name = f"{PREFIX}{kind.upper()}"
            if token is None and secret is not None:
                raise ValueError(f"{name}_WEBHOOK_SECRET is set but {name}_TOKEN is not; set both or none")
            if token is not None and (url is None or secret is None):
                absent = f"{name}_URL" if url is None else f"{name}_WEBHOOK_SECRET"
                raise ValueError(f"{name}_TOKEN is set but {absent} is not; set all or none")
        return self

    def _of(self, kind: str) -> tuple[str | None, SecretStr | None, SecretStr | None]:
        return (
            getattr(self, f"{kind}_url"),
            getattr(self, f"{kind}_token"),
            getattr(self, f"{kind}_webhook_secret"),
        )

    @property
    def by_token(self) -> dict[str, TokenCredentials]:
        """What the environment connects by a token, by kind."""
        return {
            kind: TokenCredentials(url, token, secret)
            for kind in BY_TOKEN
            for url, token, secret in [self._of(kind)]
            if url is not None and token is not None and secret is not None
        }

    @property
    def github(self) -> GitHubCredentials | None:
        """The app's credentials, if the environment holds them."""
        if (
            self.github_app_id is None
            or self.github_private_key is None
            or self.github_webhook_secret is None
        ):
            return None
        return GitHubCredentials(self.github_app_id, self.github_private_key, self.github_webhook_secret)

    @property
    def database(self) -> SecretStr:
        """The SQLAlchemy URL of the database; it may hold a password."""
        return self.database_url or SecretStr(f"sqlite:///{self.data_dir / 'portcullis.db'}")

    @property
    def on_sqlite(self) -> bool:
        """Whether one process with a database file is all there is."""
        return self.database.get_secret_value().startswith("sqlite:")

    @property
    def github_issuer(self) -> str:
        """Who issues the identity tokens of our GitHub's jobs; another GitHub's ids mean other things."""
        if self.github_oidc_issuer is not None:
            return self.github_oidc_issuer
        if self.github_api_url == "https://api.github.com":
            return "https://token.actions.githubusercontent.com"
        return f"{self.github_api_url.removesuffix('/api/v3')}/_services/token"

    @property
    def toolbox_dir(self) -> Path:
        """Where the presets' tools are."""
        return self.toolbox or self.data_dir / "toolbox"

    @property
    def artifacts_dir(self) -> Path:
        """Where the artifacts of checks are kept."""
        return self.artifacts or self.data_dir / "artifacts"

    @property
    def base_url(self) -> str:
        """The address people use, without a trailing slash."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url or f"http://{host}:{self.port}"


def variable(field: str) -> str:
    """The environment variable of a field."""
    return PREFIX + field.upper()
