"""Finding and reading a gate file on this machine."""

import datetime as dt
from pathlib import Path

from app.model import Misconfigured

GATE_FILE = ".portcullis.yml"


def find_gate_file(folder: Path) -> Path:
    """The gate file of the working tree around `folder`: there or in a parent. Raises Misconfigured."""
    for parent in (folder, *folder.parents):
        if (parent / GATE_FILE).is_file():
            return parent / GATE_FILE
        if (parent / ".git").exists():
            break
    raise Misconfigured(
        f"there is no {GATE_FILE} in {folder} or above it",
        hint="name the file, or let `portcullis init` draft one",
    )


def read_gate_file(path: Path) -> bytes:
    """Its bytes. Raises Misconfigured."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise Misconfigured(f"cannot read {path}: {error.strerror}", hint="name another gate file") from error


def today() -> str:
    """The date in UTC, by which waivers expire."""
    return dt.datetime.now(dt.UTC).date().isoformat()


def shown_path(path: Path) -> str:
    """A path as short as it can be written from here."""
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return str(path)
