"""What checks keep between runs (gate-file.md section 4, `cache`): directories that never change, by name.

An entry is made whole or not at all: written beside the others, then moved into place by one rename. Who
uses one holds a shared lock on its directory, so that nothing is evicted from under a check. How
what a check left is copied: see `cache_copy`.
"""

import contextlib
import fcntl
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from app.executors.cache_copy import Copying

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*){2}\Z")
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
BASE_SCOPE = "base"
"""The second part of the names of what the target's runs keep."""
_NEW, _CONTENT, _SIZE = "new-", "content", "size"


class CacheLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes and files of one entry; bytes of all; seconds for which an unused one stays."""

    entry_bytes: int = 2 << 30
    entry_files: int = 100_000
    total_bytes: int = 20 << 30
    unused: float = 14 * 86_400.0


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """An entry in use: `content` holds its paths as they lie in the repository."""

    name: str
    content: Path
    lock: int

    def close(self) -> None:
        """It may be evicted again."""
        os.close(self.lock)


class Caches:
    """The entries beneath `place`; `owner` is the uid that checks run as where the service is root."""

    def __init__(self, place: Path, *, limits: CacheLimits | None = None, owner: int | None = None) -> None:
        self.place = place
        self.limits = limits or CacheLimits()
        self.owner = owner
        place.mkdir(parents=True, exist_ok=True, mode=0o711)

    def take(self, names: Sequence[str]) -> Taken | None:
        """The first entry that is there, kept from eviction until it is closed."""
        for name in names:
            path = self._path(name)
            try:
                lock = os.open(path, _FOLDER)
            except OSError:
                continue
            fcntl.flock(lock, fcntl.LOCK_SH)
            if not _is(path, lock):  # evicted while we waited
                os.close(lock)
                continue
            os.utime(path)
            return Taken(name=name, content=path / _CONTENT, lock=lock)
        return None

    def keep(
        self, name: str, views: Sequence[int], paths: Sequence[str], sources: Sequence[int] = ()
    ) -> bool:
        """Make an entry of what lies at `paths` of a dead check's view, in the first of these folders that
        has it; false where nothing does or the entry is there already. Raises TooLarge, OSError.

        What one of `sources` has too, the folders that the view was made of, is not kept, changed or not:
        an entry lies above the trees of later heads, whose own files it would hide.
        """
        fresh = Path(tempfile.mkdtemp(prefix=_NEW, dir=self.place))
        try:
            copying = Copying(self.limits.entry_bytes, self.limits.entry_files, self.owner)
            size = copying.views(views, paths, sources, fresh / _CONTENT)
            if not size:
                return False
            (fresh / _SIZE).write_text(str(size))
            fresh.chmod(0o755)
            path = self._path(name)
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
            try:
                fresh.rename(path)
            except OSError:
                return False  # another attempt was first; entries of one name are equally good
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        self.evict(spare=path)
        return True

    def evict(self, spare: Path | None = None) -> int:
        """Remove what was not used for long and what is too much; gives how many. What changes keep for
        themselves goes before what the target's runs keep, which every change reads; of each the oldest use.
        `spare` was made just now, for somebody who is about to use it: it stays, and where it is a change's
        own it pushes out nothing of the target's.
        """
        now, removed = time.time(), 0
        entries = sorted(self._entries(), key=lambda entry: (_is_base(entry[0]), entry[1]))
        total = sum(size for _, _, size in entries)
        for path, used, size in entries:
            enough = total <= self.limits.total_bytes or (
                spare is not None and _is_base(path) and not _is_base(spare)
            )
            if path == spare or (enough and used >= now - self.limits.unused):
                continue
            if self._remove(path):
                total -= size
                removed += 1
        return removed

    def _entries(self) -> Iterator[tuple[Path, float, int]]:
        """(path, last use, bytes) of each."""
        for path in self.place.glob("*/*/*"):
            if path.parts[-3].startswith(_NEW):
                continue
            with contextlib.suppress(OSError, ValueError):
                yield path, path.stat().st_mtime, int((path / _SIZE).read_text())

    def _remove(self, path: Path) -> bool:
        try:
            lock = os.open(path, _FOLDER)
        except OSError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            grave = Path(tempfile.mkdtemp(prefix=_NEW, dir=self.place))
            path.rename(grave / "entry")
        except OSError:
            return False  # in use, or gone
        finally:
            os.close(lock)
        shutil.rmtree(grave, ignore_errors=True)
        return True

    def sweep(self) -> int:
        """Remove what an earlier process left half made or half removed; gives how many."""
        left = list(self.place.glob(f"{_NEW}*"))
        for path in left:
            shutil.rmtree(path, ignore_errors=True)
        return len(left)

    def _path(self, name: str) -> Path:
        if not _NAME.match(name):
            raise ValueError(name)
        return self.place / name


def _is_base(path: Path) -> bool:
    return path.parent.name == BASE_SCOPE


def _is(path: Path, handle: int) -> bool:
    try:
        there = path.stat()
    except OSError:
        return False
    return (there.st_dev, there.st_ino) == (os.fstat(handle).st_dev, os.fstat(handle).st_ino)
