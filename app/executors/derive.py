"""A source tree begun from another: what both have in common as hard links, only the rest written anew."""

import contextlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

import msgspec

from app.executors.git import Git, GitFailed
from app.model import Sha

_MOST_CHANGED = 5_000
_ATTRIBUTES = b".gitattributes"


class Differences(msgspec.Struct, frozen=True, kw_only=True):
    """Paths of one tree that are to go, and those of the other that are to be written, with the lines that
    put these into an index (`git update-index -z --index-info`).
    """

    gone: frozenset[bytes]
    written: tuple[bytes, ...]
    index: bytes


async def differences(git: Git, old: Sha, new: Sha) -> Differences | None:
    """What leads from one tree to the other; None where it is as well written whole: too much changed, the
    old one is not here any more, or attributes changed, which decide how other files are written.
    """
    try:
        listed = await git("diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", old, new)
    except GitFailed:
        return None
    fields = listed.split(b"\0")
    # :<old mode> <new mode> <old object> <new object> <status>
    changes = [(facts.split(), name) for facts, name in zip(fields[0:-1:2], fields[1::2], strict=True)]
    if len(changes) > _MOST_CHANGED or any(os.path.basename(name) == _ATTRIBUTES for _, name in changes):  # noqa: PTH119 - bytes
        return None
    written = [(facts, name) for facts, name in changes if facts[4] != b"D"]
    return Differences(
        gone=frozenset(name for facts, name in changes if facts[4] != b"A"),
        written=tuple(name for _, name in written),
        index=b"".join(b"%s %s\t%s\0" % (facts[1], facts[3], name) for facts, name in written),
    )


def link(seed: Path, content: Path, gone: frozenset[bytes], owner: int | None) -> bool:
    """Make `content` a tree of hard links to the files of `seed`, without those that are `gone` and the
    directories that this leaves empty; the directories are `owner`'s. False, and nothing is left, where this
    cannot be had. Links are linked, never followed.
    """
    root, source = os.fsencode(content), os.fsencode(seed)  # bytes: names need not be text
    folders = [b""]
    try:
        while folders:
            folder = folders.pop()
            os.mkdir(root + b"/" + folder)  # noqa: PTH102 - bytes
            if owner is not None:
                os.chown(root + b"/" + folder, owner, owner)
            with os.scandir(source + b"/" + folder) as entries:
                for entry in entries:
                    name = folder + entry.name
                    if name in gone:
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(name + b"/")
                    else:
                        os.link(entry.path, root + b"/" + name, follow_symlinks=False)
    except OSError:
        shutil.rmtree(content, ignore_errors=True)
        return False
    _remove_empty(root, gone)
    return True


def take_away(content: Path, gone: frozenset[bytes]) -> None:
    """Remove these files from a tree of hard links, and the directories that this leaves empty. What other
    trees have of them stays as it is.
    """
    root = os.fsencode(content)
    for name in gone:
        os.unlink(root + b"/" + name)  # noqa: PTH108 - bytes
    _remove_empty(root, gone)


def _remove_empty(root: bytes, gone: frozenset[bytes]) -> None:
    for folder in sorted(_above(gone), key=len, reverse=True):
        with contextlib.suppress(OSError):  # something is left in it
            os.rmdir(root + b"/" + folder)  # noqa: PTH106 - bytes


def _above(names: Iterable[bytes]) -> set[bytes]:
    """The directories that these paths lie in."""
    found: set[bytes] = set()
    for name in names:
        while (name := os.path.dirname(name)) and name not in found:  # noqa: PTH120 - bytes; walks up
            found.add(name)
    return found


def give(place: Path, owner: int, names: tuple[bytes, ...] | None) -> None:
    """Change the owner of these entries and the directories above them (None: of everything), without
    following links.
    """
    root = os.fsencode(place)
    os.lchown(root, owner, owner)
    if names is None:
        for folder, folders, files in os.walk(root):
            for name in (*folders, *files):
                os.lchown(os.path.join(folder, name), owner, owner)  # noqa: PTH118 - bytes joins in a hot loop
        return
    given: set[bytes] = set()
    for name in names:
        while name and name not in given:
            given.add(name)
            path = os.path.join(root, name)  # noqa: PTH118 - the same
            if os.path.lexists(path):
                os.lchown(path, owner, owner)
            name = os.path.dirname(name)  # noqa: PTH120, PLW2901 - walks up
