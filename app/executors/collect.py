"""Reading what a check left in `out/`, after its processes are dead: never through a link, never past a
limit. Names come from hostile code; files are opened by openat2(2) beneath the directory's descriptor.
"""

import ctypes
import errno
import os
import stat
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

import msgspec
import pathspec

from app.executors.protocol import MISSING, Artifact, Collected
from app.model import CheckSpec, Misconfigured
from app.reports import Limits

_SYS_OPENAT2 = 437  # the same number on every architecture (Linux 5.6)
_RESOLVE = 0x01 | 0x02 | 0x04 | 0x08  # NO_XDEV, NO_MAGICLINKS, NO_SYMLINKS, BENEATH
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_GLOB = frozenset("*?[")
_PREFIX = "out/"
_DEEPEST = 40
_UNNAMEABLE = {errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EEXIST}
"""Written as text names grow, and two may become one."""
_COPY = 1 << 20


class CollectLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes of one report, of all reports, of all artifacts; counts of files; bytes of all their names."""

    report: int = Limits().content
    reports: int = 256 << 20
    artifacts: int = 512 << 20
    artifact_files: int = 2_000
    entries: int = 50_000
    names: int = 8 << 20


class _How(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


_libc = ctypes.CDLL(None, use_errno=True)


def open_beneath(folder: int, path: str, flags: int = _READ) -> int:
    """Open `path` beneath the directory `folder`, following no link. Raises OSError (ELOOP for a link,
    EXDEV for a way out), Misconfigured where the kernel has no openat2.
    """
    how = _How(flags, 0, _RESOLVE)
    name = os.fsencode(path)
    handle = int(_libc.syscall(_SYS_OPENAT2, folder, name, ctypes.byref(how), ctypes.sizeof(how)))
    if handle >= 0:
        return handle
    code = ctypes.get_errno()
    if code == errno.ENOSYS:
        raise Misconfigured("the kernel has no openat2", hint="Linux 5.6 or newer is needed")
    raise OSError(code, os.strerror(code), path)


def shown(name: str) -> str:
    """A file name as text that can be stored (bytes that are not UTF-8 as escapes)."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


class Listing(msgspec.Struct, frozen=True):
    """Every file (and link, FIFO, …) beneath a directory, sorted, as far as 40 levels; `cut` where there are
    too many.
    """

    names: list[str]
    cut: bool


def listing(folder: int, limits: CollectLimits) -> Listing:
    """The files beneath `folder`."""
    found: list[str] = []
    size = 0
    waiting = [(".", 0)]
    while waiting:
        at, depth = waiting.pop()
        try:
            handle = open_beneath(folder, at, _READ | os.O_DIRECTORY)
        except OSError:
            continue
        try:
            with os.scandir(handle) as entries:
                for entry in entries:
                    path = entry.name if at == "." else f"{at}/{entry.name}"
                    size += len(path)
                    if len(found) >= limits.entries or size > limits.names:
                        return Listing(sorted(found), cut=True)
                    if not entry.is_dir(follow_symlinks=False):
                        found.append(path)
                    elif depth < _DEEPEST:
                        waiting.append((path, depth + 1))
        finally:
            os.close(handle)
    return Listing(sorted(found), cut=False)


class _Refused(Exception):
    """Why one file is not read; the text is for people."""


def _open_regular(folder: int, path: str) -> tuple[int, int]:
    """(descriptor, size) of a regular file. Raises _Refused."""
    try:
        handle = open_beneath(folder, path)
    except OSError as error:
        reasons = {
            errno.ENOENT: MISSING,
            errno.ENOTDIR: MISSING,
            errno.ELOOP: "a link, which is never followed",
            errno.EXDEV: "outside out/",
            errno.ENXIO: "not a regular file",
            errno.EACCES: "unreadable",
            errno.ENAMETOOLONG: MISSING,
        }
        raise _Refused(reasons.get(error.errno or 0, f"unreadable: {error.strerror}")) from None
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        os.close(handle)
        raise _Refused("not a regular file")
    return handle, status.st_size


def _read(folder: int, path: str, most: int, why: str) -> bytes:
    handle, size = _open_regular(folder, path)
    with os.fdopen(handle, "rb") as file:
        if size > most:
            raise _Refused(f"{size} bytes, {why} {most}")
        return file.read(most)


def _matcher(patterns: Iterable[str]) -> "pathspec.PathSpec[pathspec.Pattern]":
    """Globs as in gitignore, from the repository root."""
    return pathspec.PathSpec.from_lines("gitignore", [f"/{pattern.lstrip('/')}" for pattern in patterns])


def _declared(check: CheckSpec) -> tuple[str, ...]:
    """The declared reports and outputs, in the order of the declaration."""
    declared = [report.path for report in check.reports]
    if check.outputs:
        declared.append(check.outputs)
    return tuple(dict.fromkeys(declared))


def unread(check: CheckSpec, why: str) -> tuple[Collected, ...]:
    """What `Collector.files` is where `out/` is not all there: a part would be taken for the whole."""
    return tuple(Collected(declared=path, path="", problem=why) for path in _declared(check))


class Collector:
    """Collects from one `out/`, given as an open directory."""

    def __init__(self, folder: int, limits: CollectLimits) -> None:
        self.folder = folder
        self.limits = limits
        self._left = limits.reports

    @cached_property
    def _all(self) -> Listing:
        return listing(self.folder, self.limits)

    def files(self, check: CheckSpec) -> tuple[Collected, ...]:
        """The declared reports and outputs, in the order of the declaration."""
        return tuple(file for path in _declared(check) for file in self._declared(path))

    def _declared(self, declared: str) -> list[Collected]:
        path = declared.removeprefix("./")
        if not path.startswith(_PREFIX):
            return [Collected(declared=declared, path="", problem="not beneath out/")]
        if not _GLOB & set(path):
            return [self._one(declared, path.removeprefix(_PREFIX))]
        if self._all.cut:
            why = f"out/ holds more than {self.limits.entries:,} files or too long names"
            return [Collected(declared=declared, path="", problem=why)]
        matcher = _matcher([path])
        names = [name for name in self._all.names if matcher.match_file(_PREFIX + shown(name))]
        return [self._one(declared, name) for name in names] or [
            Collected(declared=declared, path="", problem=MISSING)
        ]

    def _one(self, declared: str, name: str) -> Collected:
        path = _PREFIX + shown(name)
        most = min(self.limits.report, self._left)
        why = "at most" if most == self.limits.report else "together over the limit; left:"
        try:
            content = _read(self.folder, name, most, why)
        except _Refused as refused:
            return Collected(declared=declared, path=path, problem=str(refused))
        self._left -= len(content)
        return Collected(declared=declared, path=path, content=content)

    def artifacts(self, check: CheckSpec, store: Path) -> tuple[Artifact, ...]:
        """Copy the declared artifacts beneath `store`. What is no regular file, over the limits, or of a name
        that no file of ours can have, stays.
        """
        patterns = [p.removeprefix("./") for p in check.artifacts if p.removeprefix("./").startswith(_PREFIX)]
        if not patterns:
            return ()
        matcher = _matcher(patterns)
        kept: list[Artifact] = []
        left, taken = self.limits.artifacts, set[str]()
        for name in self._all.names:
            path = _PREFIX + shown(name)
            if len(kept) >= self.limits.artifact_files or not matcher.match_file(path):
                continue
            try:
                handle, size = _open_regular(self.folder, name)
            except _Refused:
                continue
            with os.fdopen(handle, "rb") as source:
                if size > left:
                    continue
                stored = store / shown(name)
                if str(stored) in taken:
                    continue
                try:
                    stored.parent.mkdir(parents=True, exist_ok=True)
                    target = stored.open("wb")
                except OSError as error:
                    if error.errno in _UNNAMEABLE:
                        continue
                    raise
                with target:
                    while block := source.read(_COPY):
                        target.write(block)
            left -= size
            taken.add(str(stored))
            kept.append(Artifact(path=path, size=size, stored=str(stored)))
        return tuple(kept)
