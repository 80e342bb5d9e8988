"""Asking git about objects, and reading its answers: what `GitWorkspaces` is made of."""

import re
from collections.abc import Sequence

from app.executors.comparison import SUBMODULE, RawEntry, decode
from app.executors.git import Git, GitFailed, environment, resolve
from app.executors.protocol import Commit, TreeEntry
from app.executors.tips import SHA
from app.model import Outage, Sha

_MOST_TREE = 64 << 20
COMMIT_FIELDS = 8
COMMIT_FORMAT = "%H%x00%T%x00%P%x00%an%x00%ae%x00%cn%x00%ce%x00%(trailers:only,unfold)%x00"


async def need(git: Git, *shas: Sha, trees: Sequence[Sha] = ()) -> tuple[Sha, ...]:
    """Every commit must be here, else Outage (what was fetched may have been rebuilt meanwhile). Gives the
    trees of `trees`, which must be here too.
    """
    wrong = [sha for sha in (*shas, *trees) if not SHA.match(sha)]
    if wrong:
        raise Outage(f"not an object name: {wrong[0]!r}")
    names = [f"{sha}^{{commit}}" for sha in shas] + [f"{sha}^{{tree}}" for sha in trees]
    found = await resolve(git, *names)
    for sha, there in zip((*shas, *trees), found, strict=True):
        if there is None:
            raise Outage(f"commit {sha} is not in the mirror; fetch it first")
    return tuple(there for there in found[len(shas) :] if there is not None)


async def need_tree(git: Git, sha: Sha) -> Sha:
    """The tree of this commit (or the tree itself), which must be here, else Outage."""
    (tree,) = await need(git, trees=[sha])
    return tree


async def is_ancestor(git: Git, older: Sha, newer: Sha) -> bool:
    """Whether older is reachable from newer."""
    try:
        await git("merge-base", "--is-ancestor", older, newer)
    except GitFailed as failed:
        if failed.code != 1:
            raise
        return False
    return True


def conflict_names(rest: list[bytes]) -> tuple[str, ...]:
    """The names after the tree, up to the empty field (git-merge-tree(1), "Conflicted file info")."""
    end = rest.index(b"") if b"" in rest else len(rest)
    return tuple(sorted({decode(name) for name in rest[:end]}))


async def commit_merge(git: Git, tree: str, base: Sha, head: Sha) -> Sha:
    """The commit of a test merge: fixed author and date, so equal input gives an equal id."""
    fixed = {"NAME": "portcullis", "EMAIL": "portcullis@localhost", "DATE": "@0 +0000"}
    stamp = {f"GIT_{role}_{key}": fixed[key] for role in ("AUTHOR", "COMMITTER") for key in fixed}
    made = await git(
        "commit-tree",
        tree,
        "-p",
        base,
        "-p",
        head,
        "-m",
        f"Test merge of {head} into {base}",
        env=environment(git.home, **stamp),
    )
    sha = Sha(made.decode().strip())
    await git("update-ref", f"refs/portcullis/pin/{sha}", sha)
    return sha


async def blob_sizes(git: Git, entries: tuple[RawEntry, ...]) -> dict[str, int]:
    """Bytes of every new blob, by object name."""
    blobs = sorted({e.new_sha for e in entries if e.new_mode != SUBMODULE and e.new_sha.strip("0")})
    if not blobs:
        return {}
    sizes: dict[str, int] = {}
    for name, found in zip(blobs, await git.facts(*blobs), strict=True):
        if found is None:
            raise GitFailed("cat-file", 0, f"error: missing blob {name}".encode())
        sizes[name] = found.size
    return sizes


_NAMED = re.compile(rb"(\d+) ([^\0]+)\0")


async def find_entry(git: Git, sha: Sha, path: str) -> TreeEntry | None:
    """The entry of one path in a commit's tree, None where it has none (a link on the way leads nowhere)."""
    folder, _, name = path.rpartition("/")
    (tree,) = await git.facts(f"{sha}:{folder}")
    if tree is None or tree.kind != "tree" or tree.size > _MOST_TREE:
        return None
    content, digits = await git.content(tree.sha), len(tree.sha) // 2
    at = 0
    while match := _NAMED.match(content, at):
        at = match.end() + digits
        if match[2] == name.encode():
            entry = Sha(content[match.end() : at].hex())
            (found,) = await git.facts(entry)
            size = found.size if found is not None and found.kind == "blob" else 0
            return TreeEntry(path=path, mode=match[1].decode().zfill(6), size=size, sha=entry)
    return None


_ENTRY = re.compile(rb"(\d{6}) (\w+) ([0-9a-f]+) +(\d+|-)\t(.*)\Z", re.DOTALL)


def parse_entries(listed: bytes) -> tuple[TreeEntry, ...]:
    """The lines of `git ls-tree -l -z`."""
    entries: list[TreeEntry] = []
    for line in listed.split(b"\0"):
        if match := _ENTRY.match(line):
            mode, _kind, sha, size, path = match.groups()
            entries.append(
                TreeEntry(
                    path=decode(path),
                    mode=mode.decode(),
                    size=int(size) if size != b"-" else 0,
                    sha=Sha(sha.decode()),
                )
            )
    return tuple(entries)


def parse_commit(fields: list[str]) -> Commit:
    """One record of `COMMIT_FORMAT`, split at its NULs."""
    sha, tree, parents, author, author_email, committer, committer_email, trailers = fields
    return Commit(
        sha=Sha(sha.strip()),
        tree=Sha(tree),
        parents=tuple(Sha(parent) for parent in parents.split()),
        author_name=author,
        author_email=author_email,
        committer_name=committer,
        committer_email=committer_email,
        trailers=tuple(line for line in trailers.splitlines() if line.strip()),
    )
