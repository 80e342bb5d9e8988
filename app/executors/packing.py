"""Trees as tar archives: what a check far away is to see, and what it left.

What is packed is ours and consistent; what is unpacked was named by hostile code. Nothing of an archive is
written through a link or outside of its directory.
"""

import os
import stat
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

from app.executors.launcher import FACTS, HEAD_TREE, WORKSPACE, Layout

VIEW, OUT, INPUTS, FACTS_FOLDER, HEAD = "m", "out", "in", "facts", "head"
"""Where on the disk lie the view of the tree, its `out/` and `in/`, the facts, the head's tree."""
WRITABLE: Final = (VIEW, OUT, "home", "tmp")
_PAGE = 4096
_DEEPEST = 60
_END: Final = bytes(2 * tarfile.BLOCKSIZE)
"""What an archive ends with."""


class TooMuchError(Exception):
    """An archive holds more than may be unpacked; the text is for people."""


class IncompleteError(Exception):
    """An archive does not hold all that it should; the text is for people."""


def plan(layout: Layout) -> dict[str, Path]:
    """Path on the disk → what lies there, folders before what is in them: the view as `launcher` lays it,
    facts, inputs.
    """
    view = dict(_walk(layout.tree))
    for over in layout.above:
        for path in over.hidden:
            _drop(view, path)
        view |= dict(_walk(over.source))
    for path in layout.clear:
        _drop(view, path)
    found = {VIEW: layout.tree} | {f"{VIEW}/{path}": source for path, source in view.items()}
    for bind in (*layout.binds, *layout.inputs):
        if (at := _folder(bind.at)) is not None:
            found[at] = bind.source
            found |= {f"{at}/{path}": source for path, source in _walk(bind.source)}
    return found


def _folder(at: str) -> str | None:
    """Where on the disk lies what a check sees at this path; None for what its image brings."""
    if at.startswith(f"{WORKSPACE}/{INPUTS}/"):
        return at.removeprefix(f"{WORKSPACE}/")
    return {FACTS: FACTS_FOLDER, HEAD_TREE: HEAD}.get(at)


def _walk(folder: Path, beneath: str = "") -> Iterator[tuple[str, Path]]:
    """(path, place) of all in a folder, links as they are."""
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        path = f"{beneath}{entry.name}"
        yield path, Path(entry.path)
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), f"{path}/")


def _drop(view: dict[str, Path], path: str) -> None:
    for name in [name for name in view if name == path or name.startswith(f"{path}/")]:
        del view[name]


def pack(planned: Mapping[str, Path], into: BinaryIO) -> int:
    """Write the archive, and empty folders for all that a check may write; gives the bytes that its content
    takes on a disk of pages. Raises OSError.
    """
    taken = 0
    with tarfile.open(fileobj=into, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name in (*WRITABLE[1:], INPUTS):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(folder)
        for name, source in planned.items():
            taken += _add(archive, name, source)
    return taken


def _add(archive: tarfile.TarFile, name: str, source: Path) -> int:
    status = source.lstat()
    entry = tarfile.TarInfo(name)
    entry.mtime = status.st_mtime
    entry.mode = stat.S_IMODE(status.st_mode) & 0o777
    if stat.S_ISLNK(status.st_mode):
        entry.type, entry.linkname = tarfile.SYMTYPE, str(source.readlink())
        archive.addfile(entry)
        return _PAGE
    if stat.S_ISDIR(status.st_mode):
        entry.type, entry.mode = tarfile.DIRTYPE, entry.mode | 0o700
        archive.addfile(entry)
        return _PAGE
    handle = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        entry.size = os.fstat(handle).st_size
        archive.addfile(entry, file)
    return (entry.size // _PAGE + 2) * _PAGE


def unpack(archive: BinaryIO, into: Path, *, most_bytes: int, most_files: int) -> None:
    """Write what a seekable archive holds into a folder, beneath its empty `m` and `out`: files, folders,
    links and pipes as they are, nothing else. An archive that breaks off gives what came whole, and raises
    IncompleteError. Raises TooMuchError, OSError; ValueError, OverflowError for what cannot be written here.
    """
    begins = archive.tell()
    for name in (VIEW, OUT):
        (into / name).mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(fileobj=archive, mode="r|") as entries:
            _write_all(entries, into, most_bytes, most_files)
            ends = begins + entries.offset
    except tarfile.TarError as error:
        raise IncompleteError(f"the archive breaks off: {error}") from error
    archive.seek(ends)  # tarfile takes any end between two files for the archive's own
    if archive.read(len(_END)) != _END:
        raise IncompleteError("the archive breaks off between two files")


def _write_all(entries: tarfile.TarFile, into: Path, most_bytes: int, most_files: int) -> None:
    folders = {VIEW, OUT}
    left, files = most_bytes, 0
    for entry in entries:
        path = PurePosixPath(entry.name)
        if ".." in path.parts or str(path.parent) not in folders:
            continue  # behind a link, or the folders themselves
        files, left = files + 1, left - entry.size
        if left < 0 or files > most_files or len(path.parts) > _DEEPEST:
            raise TooMuchError(f"more than {most_bytes >> 20} MiB or {most_files:,} files")
        if entry.isdir():
            (into / path).mkdir(exist_ok=True)
            folders.add(str(path))
        else:
            _write(entries, entry, into / path)


def _write(entries: tarfile.TarFile, entry: tarfile.TarInfo, target: Path) -> None:
    if entry.issym():
        target.symlink_to(entry.linkname)
    elif entry.isfifo():
        os.mkfifo(target)
    elif entry.isreg() and (source := entries.extractfile(entry)) is not None:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            while block := source.read(1 << 20):
                file.write(block)
        target.chmod(entry.mode & 0o755 | 0o600)
        os.utime(target, (entry.mtime, entry.mtime))
