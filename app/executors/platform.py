"""What a check runs on, as one word: results made on one platform say nothing about another."""

import hashlib
import platform
from functools import lru_cache
from pathlib import Path

from app.executors.view import Given

_PACKAGES = ("/var/lib/dpkg/status", "/lib/apk/db/installed", "/var/lib/rpm/rpmdb.sqlite")
"""Where systems keep what is installed beneath /usr."""


def platform_of(given: Given) -> str:
    """The architecture, the system, and a digest of what checks see of this machine: the packages beneath
    /usr, the toolbox as it lies now, the operator's tool-chains.
    """
    seen = [*_installed(), *(paths[0].name for _, paths in sorted(given.tools.items()))]
    seen += [str(path.resolve()) for path in given.toolchains]
    digest = hashlib.sha256("\n".join(seen).encode()).hexdigest()[:16]
    return f"{platform.machine()} {_system()} {digest}"


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
