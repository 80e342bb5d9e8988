"""Examinations of this machine: what the service needs here to work at all."""

import asyncio
import os
import re
import shutil
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from app.cli.examined import Examined, broken, good, skipped, warning
from app.model import PortcullisError
from app.settings import Settings, secret_key
from app.store import SchemaLevel, SchemaState, schema_state

OLDEST_GIT = (2, 38)
_LITTLE_SPACE = 2 << 30


def _existing_parent(path: Path) -> Path:
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


async def data_dir(settings: Settings) -> tuple[Examined, ...]:
    """Whether the data directory is (or can be) ours, and has room."""
    path = settings.data_dir
    there = _existing_parent(path)
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        return broken(
            f"{path}: this account may not write {there}",
            "set PORTCULLIS_DATA_DIR to a directory of ours, or give this account write access",
        )
    free = shutil.disk_usage(there).free
    if free < _LITTLE_SPACE:
        return warning(
            f"{path}: only {free >> 20} MiB free", "free some space: mirrors and workspaces need it"
        )
    return good(f"{path}, {free >> 30} GiB free")


async def git(settings: Settings) -> tuple[Examined, ...]:
    """Whether git is there and new enough for `merge-tree --write-tree`."""
    del settings
    wanted = ".".join(map(str, OLDEST_GIT))
    mend = f"install git {wanted} or newer"
    try:
        process = await asyncio.create_subprocess_exec("git", "--version", stdout=asyncio.subprocess.PIPE)
    except OSError as error:
        return broken(f"git cannot be started: {error.strerror}", mend)
    printed, _ = await process.communicate()
    found = re.search(rb"(\d+)\.(\d+)\S*", printed)
    if found is None or process.returncode:
        return broken("`git --version` says nothing we understand", mend)
    if (int(found[1]), int(found[2])) < OLDEST_GIT:
        return broken(f"git {found[0].decode()} is older than {wanted}: it cannot make test merges", mend)
    return good(f"git {found[0].decode()}")


def _schema(settings: Settings) -> SchemaState | None:
    """The schema's state; None where there is no SQLite file yet (looking would create it)."""
    url = settings.database.get_secret_value()
    if settings.on_sqlite and not Path(url.removeprefix("sqlite:///")).exists():
        return None
    return schema_state(url)


async def database(settings: Settings) -> tuple[Examined, ...]:
    """Whether the database answers."""
    kind = "SQLite" if settings.on_sqlite else "PostgreSQL"
    try:
        state = await asyncio.to_thread(_schema, settings)
    except PortcullisError as error:
        return broken(
            f"{kind}: {error.message}", error.hint or "check PORTCULLIS_DATABASE_URL and the server"
        )
    except SQLAlchemyError as error:
        return broken(f"{kind}: {type(error).__name__}", "check PORTCULLIS_DATABASE_URL")
    return good(f"{kind} answers" if state else f"{kind}: no file yet, `portcullis serve` makes it")


async def migrations(settings: Settings) -> tuple[Examined, ...]:
    """Whether the database has the schema this version expects."""
    try:
        state = await asyncio.to_thread(_schema, settings)
    except (PortcullisError, SQLAlchemyError):
        return skipped("the database does not answer")
    match state:
        case None:
            return skipped("no database yet")
        case SchemaState(level=SchemaLevel.CURRENT | SchemaLevel.EXPANDED):
            return good(f"schema {state.found}")
        case SchemaState(level=SchemaLevel.EMPTY | SchemaLevel.OLDER):
            says = f"schema {state.found or 'none'}, this version needs {state.expected}"
            if settings.on_sqlite:
                return warning(
                    says, "`portcullis serve` migrates it at start, or run `portcullis migrate` now"
                )
            return broken(says, "run `portcullis migrate`")
        case SchemaState(level=SchemaLevel.NEWER):
            return broken(
                f"schema {state.found} is newer than this version's {state.expected}",
                "start the newer version again, or restore a backup",
            )
        case _:
            return broken(
                "the database holds tables of our names but no schema version",
                "point PORTCULLIS_DATABASE_URL at a database of our own",
            )


async def key(settings: Settings) -> tuple[Examined, ...]:
    """Whether stored credentials can be encrypted and links signed."""
    if settings.secret_key is None and settings.on_sqlite and not (settings.data_dir / "secret_key").exists():
        return skipped("not made yet, `portcullis serve` makes it")
    try:
        secret_key(settings)
    except PortcullisError as error:
        return broken(error.message, error.hint)
    return good("set" if settings.secret_key else f"kept in {settings.data_dir / 'secret_key'}")
