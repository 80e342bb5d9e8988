"""What a check left, copied into a cache entry. It is hostile: no link is followed, only files and folders
are copied, as they are.
"""

import errno
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from app.executors.collect import open_beneath

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OTHERWISE = frozenset({errno.ENOTDIR, errno.ELOOP, errno.EXDEV})
"""How opening fails where something else is there, or on the way; other failures are this machine's."""
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_DEEPEST = 60
_BLOCK = 1 << 20


class TooLarge(Exception):
    """What a check left is not kept; the text is for people."""


class Copying:
    """Copies trees within the limits of one entry."""

    def __init__(self, most_bytes: int, most_files: int, owner: int | None) -> None:
        self.most_bytes = most_bytes
        self.most_files = most_files
        self.owner = owner
        self.bytes = 0
        self.files = 0

    def views(self, views: Sequence[int], paths: Sequence[str], sources: Sequence[int], target: Path) -> int:
        """What lies at these paths, each in the first of the views that has it; gives the bytes. Raises
        TooLarge, OSError.
        """
        self.folder(target)
        for path in paths:
            handle = _found(views, path)
            if handle is None:
                continue
            try:
                for part in list(Path(path).parents)[-2::-1]:
                    self.folder(target / part)
                self.copy(handle, target, path, sources)
            finally:
                os.close(handle)
        return self.bytes

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
        if self.files > self.most_files:
            raise TooLarge(f"more than {self.most_files:,} files")
        if self.bytes > self.most_bytes:
            raise TooLarge(f"more than {self.most_bytes >> 20} MiB")

    def _own(self, target: Path) -> None:
        if self.owner is not None:
            os.lchown(target, self.owner, self.owner)


def _found(views: Sequence[int], path: str) -> int | None:
    """A path in the first view that has it, opened without following a link."""
    for view in views:
        try:
            return open_beneath(view, path, _FILE)
        except OSError as error:
            if error.errno not in {errno.ENOENT, errno.ENXIO, *_OTHERWISE}:
                raise
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
        except OSError as error:
            if error.errno in _OTHERWISE:
                return None
            raise
        is_folder = stat.S_ISDIR(os.fstat(there).st_mode)
        os.close(there)
        if not (is_folder and stat.S_ISDIR(mode)):
            return None
        shared.append(source)
    return tuple(shared)
