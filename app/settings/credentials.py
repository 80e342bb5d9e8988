"""Credentials among the settings: what they hold, and how they may be given in files."""

from pathlib import Path
from typing import Any, NamedTuple

from pydantic import SecretStr

PREFIX = "PORTCULLIS_"


class GitHubCredentials(NamedTuple):
    """What acting as our GitHub App needs."""

    app_id: int
    private_key: SecretStr
    webhook_secret: SecretStr


class TokenCredentials(NamedTuple):
    """What acting by an account's token on one forge needs, and the forge's address."""

    url: str
    token: SecretStr
    webhook_secret: SecretStr


BY_TOKEN = ("gitlab", "gitea")
"""Kinds of forges that the environment connects by a token: what is set of one is set whole."""
_IN_FILES = (
    "github_private_key",
    "github_webhook_secret",
    *(f"{kind}_{name}" for kind in BY_TOKEN for name in ("token", "webhook_secret")),
)


def read_files(values: dict[str, Any]) -> dict[str, Any]:
    """The values, with each secret of a `…_file` read from it. Raises ValueError."""
    values = dict(values)
    for name in _IN_FILES:
        file = values.get(f"{name}_file")
        if not file:
            continue
        if values.get(name):
            raise ValueError(f"{PREFIX}{name.upper()} and {PREFIX}{name.upper()}_FILE are both set; keep one")
        try:
            values[name] = Path(file).expanduser().read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not a text file"
            raise ValueError(f"{PREFIX}{name.upper()}_FILE: cannot read {file}: {reason}") from error
    return values
