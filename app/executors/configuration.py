"""Tool configuration from the base for untrusted heads: what to lay over the head's tree, what to remove.

A change must not judge itself by rules it brings. Every file of the head that a preset names as its
configuration (globs as in gitignore, so at any depth) is taken from the base, or removed where the base
has none; so is what the base's own configuration extends or imports. Links on the way are never followed.
"""

import functools
import os
import shutil
import stat
from pathlib import Path

import msgspec
import pathspec

from app.executors.references import with_references
from app.executors.trees import JOB_UID


class Replacement(msgspec.Struct, frozen=True, kw_only=True):
    """Relative paths: `files` come from the base, `removed` go, directories with all in them where the base
    has none of that name.
    """

    files: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


def _matching(tree: Path, patterns: tuple[str, ...], beside: Path | None = None) -> set[str]:
    """The files and links of a tree that the globs mean; of a directory that they mean and that `beside` has
    not, the directory alone.
    """
    spec = pathspec.PathSpec.from_lines("gitignore", patterns)
    found: set[str] = set()
    for folder, folders, files in os.walk(tree):
        inside = os.path.relpath(folder, tree)
        begin = "" if inside == "." else f"{inside}/"
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        found.update(begin + name for name in (*files, *links) if spec.match_file(begin + name))
        if beside is not None:
            whole = [
                name
                for name in folders
                if spec.match_file(f"{begin}{name}/") and not os.path.lexists(beside / begin / name)
            ]
            found.update(begin + name for name in whole)
            folders[:] = [name for name in folders if name not in whole]
    return found


@functools.lru_cache(maxsize=256)
def replacement(tree: Path, config_tree: Path, patterns: tuple[str, ...]) -> Replacement:
    """What to do. The trees are immutable and named by their tree object, so the answer is kept."""
    if not patterns:
        return Replacement()
    ours = with_references(config_tree, _matching(config_tree, patterns))
    theirs = _matching(tree, patterns, beside=config_tree)
    files = {path for path in ours if _resolved(config_tree, path) is not None}
    return Replacement(files=tuple(sorted(files)), removed=tuple(sorted(theirs - files)))


def _resolved(tree: Path, path: str) -> Path | None:
    """The regular file a path of the tree means; None if it leads out of the tree or nowhere."""
    real = Path(os.path.realpath(tree / path))
    if not real.is_relative_to(os.path.realpath(tree)) or not real.is_file():
        return None
    return real


def write_layer(config_tree: Path, files: tuple[str, ...], layer: Path, *, root: bool) -> None:
    """Make the directory that lies over the head's tree."""
    layer.mkdir(mode=0o755)
    for path in files:
        source = _resolved(config_tree, path)
        if source is None:
            continue
        target = layer / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        target.chmod(0o644 | (source.stat().st_mode & stat.S_IXUSR and 0o111))
    if root:
        os.chown(layer, JOB_UID, JOB_UID)
        for folder, folders, names in os.walk(layer):
            for name in (*folders, *names):
                os.chown(Path(folder) / name, JOB_UID, JOB_UID)
