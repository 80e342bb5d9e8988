"""What is kept in the data directory for the settings' sake."""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from app.model import Misconfigured
from app.settings.kinds import SECRET_KEY_LENGTH
from app.settings.settings import Settings

_KEY_FILE: Final = "secret_key"
_FORMER_FILE: Final = "secret_key.former"


def secret_key(settings: Settings) -> SecretStr:
    """The key that encrypts stored credentials and signs links.

    From the environment; on SQLite else from `DATA_DIR/secret_key`, made on first use, readable by its owner
    only. Raises Misconfigured on PostgreSQL without one, and for a file that others can read.
    """
    if settings.secret_key is not None:
        return settings.secret_key
    if not settings.on_sqlite:
        raise Misconfigured(
            "PORTCULLIS_SECRET_KEY is not set; on PostgreSQL every process needs the same one",
            hint="generate it once: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'",
        )
    path = make_data_dir(settings) / _KEY_FILE
    try:
        with suppress(FileExistsError):  # another process was first: read its key
            _write_secret(path, secrets.token_urlsafe(48))
        return _read_secret(path)
    except OSError as error:
        raise Misconfigured(
            f"cannot keep the secret key in {path}: {error.strerror}",
            hint="let this account write there, or set PORTCULLIS_SECRET_KEY",
        ) from error


def former_secret_key(settings: Settings) -> SecretStr | None:
    """The key before, from the environment or, where `change_secret_key` left it, from the data directory."""
    if settings.former_secret_key is not None:
        return settings.former_secret_key
    path = settings.data_dir / _FORMER_FILE
    if settings.secret_key is not None or not path.exists():
        return None
    return _read_secret(path)


def secret_keys(settings: Settings) -> tuple[str, ...]:
    """Plain: the key, then the one before if it is known. The first encrypts and signs, both are read."""
    former = former_secret_key(settings)
    keys = (secret_key(settings), *(() if former is None else (former,)))
    return tuple(key.get_secret_value() for key in keys)


def change_secret_key(settings: Settings) -> None:
    """Make a new key in the data directory; the one of today becomes the former. Whole at any moment."""
    key = secret_key(settings).get_secret_value()
    folder = settings.data_dir
    for name, text in ((_FORMER_FILE, key), (_KEY_FILE, secrets.token_urlsafe(48))):
        draft = folder / f".{name}.new"
        draft.unlink(missing_ok=True)
        _write_secret(draft, text)
        draft.replace(folder / name)


def _read_secret(path: Path) -> SecretStr:
    if path.stat().st_mode & 0o077:
        raise Misconfigured(f"{path} can be read by others", hint=f"chmod 600 {path}")
    key = path.read_text("ascii").strip()
    if len(key) < SECRET_KEY_LENGTH:
        raise Misconfigured(
            f"{path} does not hold a key of at least {SECRET_KEY_LENGTH} characters",
            hint="restore it from a backup; a new one makes stored credentials unreadable",
        )
    return SecretStr(key)


def make_data_dir(settings: Settings) -> Path:
    """The data directory, made (readable by its owner only) if it is not there. Raises Misconfigured."""
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Misconfigured(
            f"cannot make the data directory {settings.data_dir}: {error.strerror}",
            hint="let PORTCULLIS_DATA_DIR name a directory this account may write",
        ) from error
    return settings.data_dir


def _write_secret(path: Path, text: str) -> None:
    """Write a new file that is whole as soon as it has its name; FileExistsError if it is there."""
    if path.exists():
        raise FileExistsError
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
