"""`GitWorkspaces`: mirrors, test merges, comparisons and source trees, all by the git binary."""

import asyncio
import re
from pathlib import Path

import msgspec

from app.executors.comparison import (
    LINK,
    SUBMODULE,
    RawEntry,
    decode,
    file_changes,
    parse_patch,
    parse_raw,
)
from app.executors.git import Git, GitFailed, Transport, environment
from app.executors.mirror import SHA, Mirror
from app.executors.protocol import Commit, Credential, Fetched, Merged, TreeEntry
from app.executors.reverts import undoes
from app.executors.trees import JOB_UID, Trees
from app.model import AuthorFault, Comparison, FileChange, Outage, Repository, Sha

_DIFF = ("diff-tree", "-r", "-M", "--no-ext-diff", "--no-textconv", "--no-color", "--no-abbrev")
_COMMIT_FIELDS = 8
_COMMIT_FORMAT = "%H%x00%T%x00%P%x00%an%x00%ae%x00%cn%x00%ce%x00%(trailers:only,unfold)%x00"


class WorkspaceLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The operator's limits: counts, bytes, seconds. Over one of the first five a change is blocked."""

    changed_files: int = 10_000
    changed_bytes: int = 256 << 20
    patch_bytes: int = 256 << 20
    tree_files: int = 200_000
    tree_bytes: int = 4 << 30
    file_bytes: int = 4 << 20
    pack_bytes: int = 8 << 30
    fetch_seconds: float = 300.0
    kept_trees: int = 16


class GitWorkspaces:
    """`Workspaces` over bare mirrors beneath `root` (see the protocol for the contract).

    `allow_local` lets `clone_url` be a path or `file://` (the command line, tests); `allow_http` lets it
    be http:// on loopback (the practice forge). `owner` is the uid and gid that source trees are given
    to where the service is root, so that a check of that uid may change its own view of them.
    """

    def __init__(
        self,
        root: Path,
        *,
        limits: WorkspaceLimits | None = None,
        allow_local: bool = False,
        allow_http: bool = False,
        owner: int | None = JOB_UID,
    ) -> None:
        self.root = root.resolve()
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.limits = limits or WorkspaceLimits()
        self.transport = Transport(allow_local=allow_local, allow_http=allow_http)
        self.trees = Trees(self.root / "trees", kept=self.limits.kept_trees, owner=owner)

    def mirror(self, repository: Repository) -> Mirror:
        """The mirror of this repository (made at the first fetch)."""
        return Mirror(
            self.root,
            repository,
            self.transport,
            fetch_seconds=self.limits.fetch_seconds,
            pack_bytes=self.limits.pack_bytes,
        )

    async def fetch(
        self,
        repository: Repository,
        *,
        base_ref: str,
        head_refspec: str,
        head_sha: Sha,
        credential: Credential,
    ) -> Fetched:
        """See `Workspaces.fetch`."""
        return await self.mirror(repository).fetch(base_ref, head_refspec, head_sha, credential)

    async def merge(self, repository: Repository, base_sha: Sha, head_sha: Sha) -> Merged:
        """See `Workspaces.merge`. Raises AuthorFault where the two share no history."""
        async with self.mirror(repository).reading() as git:
            await _need(git, base_sha, head_sha)
            if await _is_ancestor(git, base_sha, head_sha):
                return Merged(tested_sha=head_sha, tested_tree=await _tree(git, head_sha))
            try:
                output = await git(
                    "merge-tree", "--write-tree", "--name-only", "-z", base_sha, head_sha, codes=(0, 1)
                )
            except GitFailed as failed:
                if b"unrelated histories" in failed.error:
                    raise AuthorFault("cannot be merged: it shares no commit with its target") from failed
                raise
            tree, *rest = output.split(b"\0")
            if conflicts := _conflicts(rest):
                return Merged(tested_sha=Sha(""), tested_tree=Sha(""), conflicts=conflicts)
            tested = await _commit_merge(git, tree.decode(), base_sha, head_sha)
            return Merged(tested_sha=tested, tested_tree=Sha(tree.decode()))

    async def compare(
        self, repository: Repository, base_sha: Sha, head_sha: Sha, tested_sha: Sha
    ) -> Comparison:
        """See `Workspaces.compare`."""
        async with self.mirror(repository).reading() as git:
            await _need(git, base_sha, head_sha, tested_sha)
            files = await self._changes(git, base_sha, tested_sha)
            to_head = () if tested_sha == head_sha else await self._changes(git, tested_sha, head_sha)
            return Comparison(
                base_sha=base_sha,
                head_sha=head_sha,
                tested_sha=tested_sha,
                base_tree=await _tree(git, base_sha),
                tested_tree=await _tree(git, tested_sha),
                files=files,
                to_head=to_head,
            )

    async def _changes(self, git: Git, old: Sha, new: Sha) -> tuple[FileChange, ...]:
        entries = parse_raw(await git(*_DIFF, "--raw", "-z", old, new))
        if len(entries) > self.limits.changed_files:
            raise AuthorFault(
                f"too large to judge: {len(entries)} files changed, at most {self.limits.changed_files}"
            )
        sizes = await _sizes(git, entries)
        total = sum(sizes.values())
        if total > self.limits.changed_bytes:
            raise AuthorFault(
                f"too large to judge: {total >> 20} MiB of changed files, "
                f"at most {self.limits.changed_bytes >> 20} MiB"
            )
        patch = await git(
            *_DIFF, "-p", "-U0", "--diff-algorithm=histogram", old, new, most=self.limits.patch_bytes
        )
        return file_changes(entries, await asyncio.to_thread(parse_patch, patch), sizes)

    async def read_file(self, repository: Repository, sha: Sha, path: str) -> bytes | None:
        """See `Workspaces.read_file`."""
        if not path or path.startswith("/") or "\0" in path or ".." in path.split("/"):
            return None
        async with self.mirror(repository).reading() as git:
            await _need_tree(git, sha)
            listed = await git("ls-tree", "-l", "-z", sha, "--", path.rstrip("/"))
            if not listed:
                return None
            entry = _entries(listed)[0]
            if entry.mode == LINK:
                raise AuthorFault(f"{path} is a link; it must be a file")
            if not entry.mode.startswith("100"):
                raise AuthorFault(f"{path} is not a file")
            if entry.size > self.limits.file_bytes:
                raise AuthorFault(
                    f"{path} is too large: {entry.size} bytes, at most {self.limits.file_bytes}"
                )
            return await git("cat-file", "blob", entry.sha)

    async def versions(self, repository: Repository, tip: Sha, path: str, limit: int) -> tuple[Sha, ...]:
        """See `Workspaces.versions`."""
        async with self.mirror(repository).reading() as git:
            await _need(git, tip)
            walked = (await git("rev-list", "--first-parent", f"-n{limit + 1}", tip)).decode().split()
            stop = [f"^{walked[limit]}"] if len(walked) > limit else []
            found = await git("rev-list", "--first-parent", tip, *stop, "--", path)
            return tuple(Sha(line) for line in found.decode().split())

    async def entries(self, repository: Repository, sha: Sha) -> tuple[TreeEntry, ...]:
        """See `Workspaces.entries`."""
        async with self.mirror(repository).reading() as git:
            await _need_tree(git, sha)
            return _entries(await git("ls-tree", "-r", "-l", "-z", "--full-tree", sha))

    async def commits(
        self, repository: Repository, base_sha: Sha, head_sha: Sha, limit: int = 1000
    ) -> tuple[Commit, ...]:
        """See `Workspaces.commits`."""
        async with self.mirror(repository).reading() as git:
            await _need(git, base_sha, head_sha)
            output = await git(
                "log", f"-n{limit}", f"--format=tformat:{_COMMIT_FORMAT}", head_sha, f"^{base_sha}"
            )
        fields = output.decode("utf-8", "replace").split("\0")
        groups = range(0, len(fields) - _COMMIT_FIELDS + 1, _COMMIT_FIELDS)
        return tuple(_commit(fields[at : at + _COMMIT_FIELDS]) for at in groups)

    async def has_commit(self, repository: Repository, sha: Sha) -> bool:
        """See `Workspaces.has_commit`."""
        return await self.mirror(repository).has(sha)

    async def undoes(self, repository: Repository, base_sha: Sha, tested_sha: Sha) -> bool:
        """See `Workspaces.undoes`."""
        async with self.mirror(repository).reading() as git:
            await _need(git, base_sha, tested_sha)
            return await undoes(git, base_sha, tested_sha)

    async def is_ancestor(self, repository: Repository, older: Sha, newer: Sha) -> bool:
        """See `Workspaces.is_ancestor`."""
        async with self.mirror(repository).reading() as git:
            await _need(git, older, newer)
            return await _is_ancestor(git, older, newer)

    async def checkout(self, repository: Repository, sha: Sha) -> Path:
        """See `Workspaces.checkout`. Raises AuthorFault "too large to judge" over the limits."""
        async with self.mirror(repository).reading() as git:
            await _need_tree(git, sha)
            tree = await _tree(git, sha)
            kept = self.trees.take(repository, sha, tree)
            if kept is not None:
                return kept
            await self._check_size(git, tree)
            return await self.trees.make(repository, sha, tree, git)

    async def _check_size(self, git: Git, tree: Sha) -> None:
        entries = _entries(await git("ls-tree", "-r", "-l", "-z", "--full-tree", tree))
        size = sum(entry.size for entry in entries)
        if len(entries) > self.limits.tree_files:
            raise AuthorFault(f"too large to judge: {len(entries)} files, at most {self.limits.tree_files}")
        if size > self.limits.tree_bytes:
            raise AuthorFault(
                f"too large to judge: {size >> 20} MiB, at most {self.limits.tree_bytes >> 20} MiB"
            )

    async def release(self, repository: Repository, sha: Sha) -> None:
        """See `Workspaces.release`. Repeating it changes nothing."""
        await self.trees.release(repository, sha)

    async def maintain(self, repository: Repository) -> None:
        """Nightly care of one mirror: repack, forget old pins, prune, check."""
        await self.mirror(repository).maintain()


async def _need(git: Git, *shas: Sha) -> None:
    """Every commit must be here, else Outage (what was fetched may have been rebuilt meanwhile)."""
    wrong = [sha for sha in shas if not SHA.match(sha)]
    if wrong:
        raise Outage(f"not an object name: {wrong[0]!r}")
    asked = "".join(f"{sha}^{{commit}}\n" for sha in shas).encode()
    answer = await git("cat-file", "--batch-check=%(objecttype)", data=asked)
    for sha, line in zip(shas, answer.splitlines(), strict=True):
        if line != b"commit":
            raise Outage(f"commit {sha} is not in the mirror; fetch it first")


async def _need_tree(git: Git, sha: Sha) -> None:
    if not SHA.match(sha):
        raise Outage(f"not an object name: {sha!r}")
    if await git("cat-file", "--batch-check=%(objecttype)", data=f"{sha}^{{tree}}\n".encode()) != b"tree\n":
        raise Outage(f"{sha} is not in the mirror; fetch it first")


async def _tree(git: Git, sha: Sha) -> Sha:
    return Sha((await git("rev-parse", "--verify", f"{sha}^{{tree}}")).decode().strip())


async def _is_ancestor(git: Git, older: Sha, newer: Sha) -> bool:
    try:
        await git("merge-base", "--is-ancestor", older, newer)
    except GitFailed as failed:
        if failed.code != 1:
            raise
        return False
    return True


def _conflicts(rest: list[bytes]) -> tuple[str, ...]:
    """The names after the tree, up to the empty field (git-merge-tree(1), "Conflicted file info")."""
    end = rest.index(b"") if b"" in rest else len(rest)
    return tuple(sorted({decode(name) for name in rest[:end]}))


async def _commit_merge(git: Git, tree: str, base: Sha, head: Sha) -> Sha:
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


async def _sizes(git: Git, entries: tuple[RawEntry, ...]) -> dict[str, int]:
    """Bytes of every new blob, by object name."""
    blobs = sorted({e.new_sha for e in entries if e.new_mode != SUBMODULE and e.new_sha.strip("0")})
    if not blobs:
        return {}
    output = await git(
        "cat-file", "--batch-check=%(objectname) %(objectsize)", data=("\n".join(blobs) + "\n").encode()
    )
    sizes: dict[str, int] = {}
    for line in output.decode().splitlines():
        name, _, size = line.partition(" ")
        if not size.isdigit():
            raise GitFailed("cat-file", 0, f"error: missing blob {name}".encode())
        sizes[name] = int(size)
    return sizes


_ENTRY = re.compile(rb"(\d{6}) (\w+) ([0-9a-f]+) +(\d+|-)\t(.*)\Z", re.DOTALL)


def _entries(listed: bytes) -> tuple[TreeEntry, ...]:
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


def _commit(fields: list[str]) -> Commit:
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
