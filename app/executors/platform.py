"""What a check runs on, as one word: results made on one platform say nothing about another."""

import contextlib
import hashlib
import os
import platform
import stat
from functools import lru_cache
from pathlib import Path
from typing import Final

from app.executors.view import Given

_PACKAGES = ("/var/lib/dpkg/status", "/lib/apk/db/installed", "/var/lib/rpm/rpmdb.sqlite")
"""Where systems keep what is installed beneath /usr."""
LOOKED_THROUGH: Final = 60.0


def platform_of(given: Given, at: float) -> str:
    """The architecture, the system, and a digest of what checks see of this machine: the packages beneath
    /usr and what `tools` names. `at` is a clock's time in seconds.
    """
    return named(_system(), [*_installed(), *tools(given, at)])


def named(system: str, seen: list[str]) -> str:
    """The word for an architecture, a system and what is seen of it."""
    digest = hashlib.sha256("\n".join(seen).encode()).hexdigest()[:16]
    return f"{platform.machine()} {system} {digest}"


def tools(given: Given, at: float) -> list[str]:
    """The toolbox as it lies now, the operator's tool-chains by names, sizes and times of their files; these
    are looked through once a minute.
    """
    seen = [paths[0].name for _, paths in sorted(given.tools.items())]
    for path in given.toolchains:
        seen += [str(path.resolve()), _beneath(path, int(at // LOOKED_THROUGH))]
    return seen


@lru_cache(maxsize=32)
def _beneath(path: Path, _minute: int) -> str:
    """A digest of all files of a directory, but for what Python remembers of its own."""
    digest = hashlib.sha256()
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in (*folders, *sorted(files)):
            place = Path(folder, name)
            with contextlib.suppress(OSError):
                found = place.lstat()
                told = (found.st_size, found.st_mtime_ns) if stat.S_ISREG(found.st_mode) else ()
                link = place.readlink() if stat.S_ISLNK(found.st_mode) else ""
                digest.update(f"{place} {found.st_mode} {told} {link}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


@lru_cache(maxsize=1)
def _system() -> str:
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return platform.system()
    return f"{release.get('ID', '')}-{release.get('VERSION_ID', '')}"[:100]


def _installed() -> list[str]:
    found = []
    for path in _PACKAGES:
        try:
            status = Path(path).stat()
        except OSError:
            continue
        found.append(_content(path, status.st_mtime_ns, status.st_size))
    return found


@lru_cache(maxsize=8)
def _content(path: str, _changed: int, _size: int) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
