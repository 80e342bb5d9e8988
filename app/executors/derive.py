"""A source tree begun from another: what both have in common as hard links, only the rest written anew."""

import os
import shutil
import subprocess
from pathlib import Path

import msgspec

from app.executors.git import Git, GitFailed
from app.model import Sha

_MOST_CHANGED = 5_000
_ATTRIBUTES = b".gitattributes"


class Differences(msgspec.Struct, frozen=True, kw_only=True):
    """Paths of one tree that are to go, and those of the other that are to be written."""

    gone: tuple[bytes, ...]
    written: tuple[bytes, ...]


async def differences(git: Git, old: Sha, new: Sha) -> Differences | None:
    """What leads from one tree to the other; None where it is as well written whole: too much changed, the
    old one is not here any more, or attributes changed, which decide how other files are written.
    """
    try:
        listed = await git("diff-tree", "-r", "-z", "--name-status", "--no-renames", old, new)
    except GitFailed:
        return None
    fields = listed.split(b"\0")
    pairs = tuple(zip(fields[0:-1:2], fields[1::2], strict=True))
    if len(pairs) > _MOST_CHANGED or any(os.path.basename(name) == _ATTRIBUTES for _, name in pairs):  # noqa: PTH119 - bytes
        return None
    return Differences(
        gone=tuple(name for status, name in pairs if status != b"A"),
        written=tuple(name for status, name in pairs if status != b"D"),
    )


def link(seed: Path, content: Path, gone: tuple[bytes, ...]) -> bool:
    """Make `content` a tree of hard links to the files of `seed`, without those that are `gone`; false, and
    nothing is left, where this cannot be had.
    """
    copied = subprocess.run(["cp", "-al", "-T", str(seed), str(content)], capture_output=True, check=False)
    try:
        if copied.returncode == 0:
            for name in gone:
                _remove(os.fsencode(content), name)
            return True
    except OSError:
        pass
    shutil.rmtree(content, ignore_errors=True)
    return False


def _remove(content: bytes, name: bytes) -> None:
    """Remove one entry and the directories that it leaves empty. Raises OSError for a way through a link."""
    path = os.path.join(content, name)  # noqa: PTH118 - bytes: names need not be text
    parent = os.path.dirname(path)  # noqa: PTH120 - the same
    if os.path.realpath(parent) != parent:
        raise NotADirectoryError(parent)
    if os.path.isdir(path) and not os.path.islink(path):  # noqa: PTH112, PTH114 - the same
        os.rmdir(path)  # noqa: PTH106 - a submodule's place, empty
    else:
        os.unlink(path)  # noqa: PTH108 - the same
    while parent != content and not os.listdir(parent):  # noqa: PTH208 - the same
        os.rmdir(parent)  # noqa: PTH106 - the same
        parent = os.path.dirname(parent)  # noqa: PTH120 - the same


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
