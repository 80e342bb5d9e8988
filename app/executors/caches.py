"""What checks keep between runs (gate-file.md section 4, `cache`): directories that never change, by name.

An entry is made whole or not at all: written beside the others, then moved into place by one rename. Who
uses one holds a shared lock on its directory, so that nothing is evicted from under a check. What is read
from a check's view is hostile: no link is followed, only files, folders and links as they are are copied.
"""

import contextlib
import fcntl
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from app.executors.collect import open_beneath

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*){2}\Z")
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
BASE_SCOPE = "base"
"""The second part of the names of what the target's runs keep."""
_NEW, _CONTENT, _SIZE = "new-", "content", "size"
_DEEPEST = 60
_BLOCK = 1 << 20


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


class TooLarge(Exception):
    """What a check left is not kept; the text is for people."""


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
            size = self._copy(views, paths, sources, fresh / _CONTENT)
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

    def _copy(self, views: Sequence[int], paths: Sequence[str], sources: Sequence[int], target: Path) -> int:
        copying = _Copying(self.limits, self.owner)
        copying.folder(target)
        for path in paths:
            handle = _found(views, path)
            if handle is None:
                continue
            try:
                for part in list(Path(path).parents)[-2::-1]:
                    copying.folder(target / part)
                copying.copy(handle, target, path, sources)
            finally:
                os.close(handle)
        return copying.bytes

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


def _found(views: Sequence[int], path: str) -> int | None:
    """A path in the first view that has it, opened without following a link."""
    for view in views:
        with contextlib.suppress(OSError):
            return open_beneath(view, path, _FILE)
    return None


def _shared(sources: Sequence[int], path: str, mode: int) -> tuple[int, ...] | None:
    """The sources that have a folder at the path of something of this mode, a folder too; None where one of
    them has anything else there or on the way, which is therefore not new.
    """
    shared = []
    for source in sources:
        try:
            there = open_beneath(source, path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        except OSError:
            return None
        is_folder = stat.S_ISDIR(os.fstat(there).st_mode)
        os.close(there)
        if not (is_folder and stat.S_ISDIR(mode)):
            return None
        shared.append(source)
    return tuple(shared)


class _Copying:
    """Copies trees within the limits of one entry."""

    def __init__(self, limits: CacheLimits, owner: int | None) -> None:
        self.limits = limits
        self.owner = owner
        self.bytes = 0
        self.files = 0

    def folder(self, target: Path) -> None:
        """A directory on the way."""
        if not target.is_dir():
            target.mkdir(mode=0o755)
            self._own(target)

    def copy(self, handle: int, content: Path, path: str, sources: Sequence[int], depth: int = 0) -> None:
        """One file or directory that is open, to its path beneath `content`, without what `sources` have.
        Raises TooLarge.
        """
        status = os.fstat(handle)
        shared = _shared(sources, path, status.st_mode)
        if shared is None:
            return
        if stat.S_ISREG(status.st_mode):
            self._file(handle, content / path, status)
        elif stat.S_ISDIR(status.st_mode):
            if depth >= _DEEPEST:
                raise TooLarge(f"folders more than {_DEEPEST} deep")
            if not shared:
                self._count(0)
            self._folder(handle, content, path, shared, depth)

    def _folder(self, handle: int, content: Path, path: str, sources: Sequence[int], depth: int) -> None:
        """A directory with what is in it; one of the sources' only for something new in it."""
        target, status = content / path, os.fstat(handle)
        self.folder(target)
        with os.scandir(handle) as entries:
            names = [entry.name for entry in entries]
        for name in names:
            self._entry(handle, name, content, f"{path}/{name}", sources, depth)
        if sources and not any(target.iterdir()):
            target.rmdir()
            return
        target.chmod(stat.S_IMODE(status.st_mode) & 0o777 | 0o700)
        os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))

    def _entry(
        self, folder: int, name: str, content: Path, path: str, sources: Sequence[int], depth: int
    ) -> None:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISLNK(status.st_mode):
            if _shared(sources, path, status.st_mode) is None:
                return
            self._count(0)
            target = content / path
            target.symlink_to(os.readlink(name, dir_fd=folder))
            self._own(target)
        elif stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode):
            flags = _FILE if stat.S_ISREG(status.st_mode) else _FOLDER
            handle = os.open(name, flags, dir_fd=folder)
            try:
                self.copy(handle, content, path, sources, depth + 1)
            finally:
                os.close(handle)

    def _file(self, handle: int, target: Path, status: os.stat_result) -> None:
        self._count(status.st_size)
        with target.open("wb") as file:
            left = status.st_size
            while left > 0 and (sent := os.sendfile(file.fileno(), handle, None, min(left, _BLOCK))):
                left -= sent
        target.chmod(stat.S_IMODE(status.st_mode) & 0o777 | 0o400)
        os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
        self._own(target)

    def _count(self, size: int) -> None:
        self.files += 1
        self.bytes += max(size, 1)
        if self.files > self.limits.entry_files:
            raise TooLarge(f"more than {self.limits.entry_files:,} files")
        if self.bytes > self.limits.entry_bytes:
            raise TooLarge(f"more than {self.limits.entry_bytes >> 20} MiB")

    def _own(self, target: Path) -> None:
        if self.owner is not None:
            os.lchown(target, self.owner, self.owner)
