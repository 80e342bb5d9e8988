"""What configures a tool in a tree of the mirror: its configuration files, and all that they name."""

from collections.abc import Mapping
from functools import partial
from pathlib import PurePosixPath

from app.executors import References, TreeEntry, Workspaces
from app.language import globs
from app.model import AuthorFault, Repository, Sha

_FILE, _LINK = "100", "120000"


async def configuration_of(
    spaces: Workspaces,
    repository: Repository,
    sha: Sha,
    entries: tuple[TreeEntry, ...],
    patterns: tuple[str, ...],
) -> frozenset[str] | None:
    """The paths of the files of a commit's tree (`entries`) that these globs mean, and of what those extend,
    import or plug in. None where that cannot be told: one is a link, lies behind one, or is too large.
    """
    modes = {entry.path: entry.mode for entry in entries}
    wanted = globs(patterns)
    search = References(filter(wanted.matches, modes), partial(_there, modes))
    for path in search.unread():
        if not modes.get(path, "").startswith(_FILE):
            return None
        try:
            content = await spaces.read_file(repository, sha, path)
        except AuthorFault:
            return None
        search.read(path, (content or b"").decode("utf-8", "replace"))
    return frozenset(search.known)


def _there(modes: Mapping[str, str], path: str) -> bool:
    """Whether a path is a file, a link, or lies behind a link."""
    mode = modes.get(path, "")
    behind = any(modes.get(str(parent)) == _LINK for parent in PurePosixPath(path).parents)
    return mode.startswith(_FILE) or mode == _LINK or behind
