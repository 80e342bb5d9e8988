"""From an environment to settings, or to one complaint that names everything wrong."""

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from app.model import Misconfigured
from app.settings.credentials import PREFIX
from app.settings.settings import Settings, variable

_NEAR_MISS = 0.85
_PLAINER = {
    "should be a valid integer": "is not a whole number",
    "could not interpret byte unit": "is not a size such as 64MiB",
    "could not parse value and unit from byte string": "is not a size such as 64MiB",
}
"""What the validating library says, in the words of the README."""


def default_data_dir(environment: Mapping[str, str]) -> Path:
    """`$XDG_STATE_HOME/portcullis`, else `~/.local/state/portcullis`: never inside somebody's checkout."""
    if state := environment.get("XDG_STATE_HOME"):
        return Path(state) / "portcullis"
    try:
        return Path.home() / ".local" / "state" / "portcullis"
    except RuntimeError as error:
        raise Misconfigured(
            "PORTCULLIS_DATA_DIR is not set and this account has no home directory",
            hint="set PORTCULLIS_DATA_DIR to a directory that survives a restart",
        ) from error


def _complaint(field: str, message: str, value: str) -> str:
    if field == "port" and value.startswith("tcp://"):
        return (
            "PORTCULLIS_PORT was set by Kubernetes for a Service named portcullis; "
            "set enableServiceLinks: false in the pod, or PORTCULLIS_PORT itself"
        )
    message = message.removeprefix("Value error, ").removeprefix("Input ")
    message = next((plain for said, plain in _PLAINER.items() if message.startswith(said)), message)
    return f"{variable(field)} {message[0].lower()}{message[1:]}" if field else message


def _near_misses(environment: Mapping[str, str]) -> list[str]:
    """Variables that look like a slip of the pen; other names with our prefix have other readers."""
    known = [field.upper() for field in Settings.model_fields]
    unknown = sorted(name.removeprefix(PREFIX) for name in environment if name.startswith(PREFIX))
    return [
        f"{PREFIX}{name} is not a setting; did you mean {PREFIX}{meant}?"
        for name in unknown
        if name not in known
        for meant in difflib.get_close_matches(name, known, 1, _NEAR_MISS)
    ]


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of an environment (the process's own if None); an empty variable counts as unset.

    Raises Misconfigured with one line per wrong setting, each naming its variable; never a value of a secret.
    """
    environment = os.environ if environment is None else environment
    values: dict[str, Any] = {
        field: environment[variable(field)]
        for field in Settings.model_fields
        if environment.get(variable(field))
    }
    complaints = _near_misses(environment)
    settings = None
    try:
        values.setdefault("data_dir", default_data_dir(environment))
        settings = Settings(**values)
    except ValidationError as error:
        complaints += [
            _complaint(
                ".".join(map(str, item["loc"][:1])), item["msg"], str(values.get(str(*item["loc"][:1]), ""))
            )
            for item in error.errors(include_url=False, include_input=False)
        ]
    if settings is None or complaints:
        raise Misconfigured(
            "\n".join(complaints), hint="the README lists every setting with its form and default"
        )
    return settings
