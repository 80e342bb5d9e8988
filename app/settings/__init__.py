"""Every setting: an environment variable with the prefix PORTCULLIS_, typed and documented in `fields`.

`load()` reads them all at once and reports every wrong one in a single `Misconfigured`. What is read from
the environment wins over credentials that the set-up page stored.
"""

from app.settings.credentials import GitHubCredentials, TokenCredentials
from app.settings.data import change_secret_key, make_data_dir, secret_key, secret_keys
from app.settings.reading import load
from app.settings.settings import Settings, variable

__all__ = [
    "GitHubCredentials",
    "Settings",
    "TokenCredentials",
    "change_secret_key",
    "load",
    "make_data_dir",
    "secret_key",
    "secret_keys",
    "variable",
]
