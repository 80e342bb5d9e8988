"""The lines that each commit of a change adds: what a search of the final tree would not see any more."""

from app.executors.comparison import file_changes, parse_patch, parse_raw
from app.executors.git import Git
from app.executors.objects import need
from app.model import AuthorFault, Sha

_EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""Git's name of the tree without entries, which every repository has."""

_DIFF = ("diff-tree", "-r", "-M", "--no-ext-diff", "--no-textconv", "--no-color", "--no-abbrev")
_MOST_COMMITS = 1000


async def added_by_commits(git: Git, base_sha: Sha, head_sha: Sha, *, most: int) -> dict[str, bytes]:
    """`COMMIT/PATH` → the file as that commit leaves it, with all lines blanked that it did not add, for each
    commit in head and not in base, oldest first. A line of a merge counts where no parent has it; renames
    add nothing, nor do binary files.

    Raises AuthorFault "too large to judge" for more than 1,000 commits, or more than `most` bytes.
    """
    await need(git, base_sha, head_sha)
    listed = await git("rev-list", "--reverse", "--parents", head_sha, f"^{base_sha}")
    commits = listed.decode().splitlines()
    if len(commits) > _MOST_COMMITS:
        raise AuthorFault(
            f"too large to judge: {len(commits):,} commits, at most {_MOST_COMMITS:,} are searched",
            hint="squash or split the change",
        )
    found: dict[str, bytes] = {}
    left = most
    for line in commits:
        commit, *parents = line.split(" ")
        for path, (blob, lines) in (await _added(git, commit, parents or [_EMPTY_TREE], left)).items():
            text = _only(await git.content(blob), lines)
            left -= len(text)
            if left < 0:
                raise AuthorFault(f"too large to judge: its commits add more than {most >> 20} MiB")
            if not {"", ".", ".."}.isdisjoint(path.split("/")):
                raise AuthorFault(f"commit {commit} holds a path that no file can have")
            found[f"{commit}/{path}"] = text
    return found


async def _added(git: Git, commit: str, parents: list[str], most: int) -> dict[str, tuple[Sha, set[int]]]:
    """Path → its blob and the lines (from 1) that no parent has."""
    added: dict[str, tuple[Sha, set[int]]] = {}
    for n, parent in enumerate(parents):
        entries = parse_raw(await git(*_DIFF, "--raw", "-z", parent, commit))
        patch = await git(*_DIFF, "-p", "-U0", "--diff-algorithm=histogram", parent, commit, most=most)
        blobs = {entry.path: Sha(entry.new_sha) for entry in entries}
        here = {
            change.path: {
                line
                for hunk in change.hunks
                for line in range(hunk.new_start, hunk.new_start + hunk.new_count)
            }
            for change in file_changes(entries, parse_patch(patch), {})
        }
        added = {
            path: (blobs[path], lines & added[path][1] if n else lines)
            for path, lines in here.items()
            if not n or path in added
        }
    return {path: entry for path, entry in added.items() if entry[1]}


def _only(content: bytes, lines: set[int]) -> bytes:
    """The content with every other line blank. Lines end at LF, as git counts them."""
    return b"\n".join(
        line if number in lines else b"" for number, line in enumerate(content.split(b"\n"), start=1)
    )
