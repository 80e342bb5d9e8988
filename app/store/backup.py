"""Copies of an embedded database: taken while it works, put back while it does not."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from secrets import token_hex

from app.model import Misconfigured
from app.store.schema import SchemaLevel, schema_state

_PARTS = ("", "-wal", "-shm")
"""What a database is made of beside its file: its journals."""


def back_up(source: Path, target: Path) -> int:
    """Copy the database as it is at one moment to a new file, whole as soon as it has its name; gives its
    size in bytes. Raises Misconfigured when there is no database, when the target is there already or cannot
    be written.
    """
    if not source.is_file():
        raise Misconfigured(
            f"there is no database at {source}",
            hint="PORTCULLIS_DATA_DIR or PORTCULLIS_DATABASE_URL say where it is",
        )
    if target.exists():
        raise Misconfigured(
            f"{target} is there already", hint="name a new file; old backups are yours to remove"
        )
    with _draft(target) as draft:
        _copy(source, draft)
        try:
            os.link(draft, target)  # fails rather than replaces
        except FileExistsError as error:
            raise Misconfigured(f"{target} is there already") from error
    return target.stat().st_size


def put_back(source: Path, target: Path, *, replace: bool) -> str:
    """Make a copy the database, whole at any moment; gives its schema. Nobody may use the database meanwhile.

    Raises Misconfigured for a file that is no sound copy, a schema newer than ours, or a database that is
    there when it is not to be replaced.
    """
    if not source.is_file():
        raise Misconfigured(f"there is no file {source}")
    if target.exists() and not replace:
        raise Misconfigured(
            f"there is a database {target}", hint="--replace puts the copy in its place; back it up first"
        )
    with _draft(target) as draft:
        found = _examined(source, draft)
        _swap(draft, target)
    return found


def _swap(draft: Path, target: Path) -> None:
    """Put the draft in the database's place. The old one keeps its journals, without which it lacks what was
    committed last and which would be read into the new one: it is put aside with them, and put back should
    the draft not come into its place.
    """
    old = target.with_name(f"{target.name}.{token_hex(8)}.before-restore")
    pairs = [(target.with_name(target.name + part), old.with_name(old.name + part)) for part in _PARTS]
    moved: list[tuple[Path, Path]] = []
    try:
        for here, aside in pairs:
            if here.exists():
                here.rename(aside)
                moved.append((here, aside))
        draft.replace(target)
        _fsync(target.parent)
    except OSError:
        for here, aside in reversed(moved):
            aside.replace(here)
        raise
    for _, aside in moved:
        aside.unlink()


def _examined(source: Path, draft: Path) -> str:
    """The schema of a copy, brought to the draft, that is sound."""
    try:
        _copy(source, draft)
        with closing(sqlite3.connect(draft)) as copy:
            found = copy.execute("PRAGMA integrity_check").fetchone()[0]
    except sqlite3.DatabaseError as error:
        raise Misconfigured(f"{source} is no backup: {error}") from error
    if found != "ok":
        raise Misconfigured(f"{source} is damaged: {str(found)[:200]}", hint="take another backup")
    state = schema_state(f"sqlite:///{draft}")
    if state.level not in {SchemaLevel.CURRENT, SchemaLevel.OLDER}:
        raise Misconfigured(
            f"{source} has {state.found or 'no schema of ours'}, this program {state.expected}",
            hint="use the version of portcullis that made it, or a newer one",
        )
    return state.found


@contextmanager
def _draft(target: Path) -> Iterator[Path]:
    """A new file beside the target, readable by its owner only, gone at the end if it is still there."""
    draft = target.with_name(f".{target.name}.{token_hex(8)}")
    try:
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        yield draft
    except OSError as error:
        raise Misconfigured(f"cannot write {target}: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)


def _copy(source: Path, draft: Path) -> None:
    """By SQLite's online backup: what is committed at one moment, whoever writes meanwhile."""
    with (
        closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as old,
        closing(sqlite3.connect(draft)) as new,
    ):
        old.backup(new)
        new.execute("PRAGMA journal_mode=DELETE")  # one file: no journal of its own beside it
    _fsync(draft)


def _fsync(place: Path) -> None:
    """Have a file, or a folder's names, written to the disk."""
    descriptor = os.open(place, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
