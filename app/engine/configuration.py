"""What configures a tool in a tree of the mirror: its configuration files, and all that they name."""

from collections.abc import Mapping
from functools import partial
from pathlib import PurePosixPath

from app.executors import References, TreeEntry, Workspaces
from app.language import globs
from app.model import AuthorFault, Comparison, Plan, Repository, Sha

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


async def touched_configuration(
    spaces: Workspaces, repository: Repository, plan: Plan, comparison: Comparison, check_ids: frozenset[str]
) -> dict[str, tuple[str, ...] | None]:
    """By id of these checks, which files the change touches that their configuration names on either side:
    adding or removing a reference counts with what it leads to. None where that cannot be told.
    """
    patterns: dict[str, tuple[str, ...]] = {}
    for spec in plan.checks:
        if spec.id in check_ids:
            known = patterns.get(spec.id, ())
            patterns[spec.id] = tuple(dict.fromkeys((*known, *spec.config_files)))
    both = (comparison.base_sha, comparison.tested_sha)
    sides = [(sha, await spaces.entries(repository, sha)) for sha in both]
    touched: dict[str, tuple[str, ...] | None] = {}
    for check_id, wanted in patterns.items():
        found = [await configuration_of(spaces, repository, sha, entries, wanted) for sha, entries in sides]
        read = [files for files in found if files is not None]
        named = frozenset[str]().union(*read)
        told = tuple(path for path in comparison.paths if path in named)
        touched[check_id] = told if len(read) == len(found) else None
    return touched


def _there(modes: Mapping[str, str], path: str) -> bool:
    """Whether a path is a file, a link, or lies behind a link."""
    mode = modes.get(path, "")
    behind = any(modes.get(str(parent)) == _LINK for parent in PurePosixPath(path).parents)
    return mode.startswith(_FILE) or mode == _LINK or behind
