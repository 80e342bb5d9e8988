"""What of a tree stands in the way of another that is laid over it, where no overlay does it for us.

In an overlay a directory above a link or a file hides it, and a file hides a directory. A copy has to
remove first what is hidden so. Both trees are hostile: no link on the way is followed.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path


def in_the_way(tree: Path, above: Path, paths: Iterable[str]) -> tuple[str, ...]:
    """The paths of `tree`, relative, that must go before `paths` of `above` are copied over it: links and
    files where `above` has a directory, directories where it has none. What is beneath one is not named.
    """
    found: dict[str, None] = {}
    for path in paths:
        parents = [str(parent) for parent in reversed(Path(path).parents)][1:]
        stop = next((parent for parent in parents if not _is_folder(tree / parent)), None)
        if stop is None:
            found.update(dict.fromkeys(_differing(tree, above, path)))
        elif os.path.lexists(tree / stop):
            found[stop] = None
    return tuple(found)


def beside(tree: Path, above: Path, path: str) -> Iterator[str]:
    """What of a path of `tree` is seen beside `above` laid over it: all that `above` has nothing for."""
    if not os.path.lexists(above / path):
        yield path
    elif _is_folder(tree / path) and _is_folder(above / path):
        for name in sorted(entry.name for entry in (tree / path).iterdir()):
            yield from beside(tree, above, f"{path}/{name}")


def _is_folder(path: Path) -> bool:
    """Whether it is a directory itself, not a link to one."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def _differing(tree: Path, above: Path, path: str) -> Iterator[str]:
    if not os.path.lexists(tree / path) or not os.path.lexists(above / path):
        return
    here, there = _is_folder(tree / path), _is_folder(above / path)
    if here and there:
        for name in sorted(entry.name for entry in (tree / path).iterdir()):
            yield from _differing(tree, above, f"{path}/{name}")
    elif here or there:
        yield path
