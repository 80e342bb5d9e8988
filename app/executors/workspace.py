"""`GitWorkspaces`: mirrors, test merges, comparisons and source trees, all by the git binary."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection
from pathlib import Path

from app.executors import names
from app.executors.comparison import (
    DIFF,
    LINK,
    file_changes,
    parse_patch,
    parse_raw,
)
from app.executors.git import Git, GitFailed, Transport
from app.executors.history import added_by_commits
from app.executors.limits import WorkspaceLimits
from app.executors.mirror import Mirror, mirror_place
from app.executors.objects import (
    COMMIT_FIELDS,
    COMMIT_FORMAT,
    blob_sizes,
    commit_merge,
    conflict_names,
    find_entry,
    is_ancestor,
    need,
    need_tree,
    parse_commit,
    parse_entries,
)
from app.executors.protocol import Commit, Credential, Fetched, Merged, TreeEntry
from app.executors.reverts import undoes
from app.executors.trees import JOB_UID, Trees
from app.model import AuthorFault, Comparison, FileChange, Repository, Sha

_REMEMBERED = 256
"""Of how many commits the tree is remembered, of how many trees the files, bytes and what is in the way."""

_OPEN = 32
"""Mirrors with a git that is kept running; the one used least lately is closed for another."""


class GitWorkspaces:
    """`Workspaces` over bare mirrors beneath `root` (see the protocol for the contract).

    `allow_local` lets `clone_url` be a path or `file://` (the command line, tests); `allow_http` lets it
    be http:// on loopback (the practice forge); `hosts` are the only ones that are fetched from (None: all).
    `owner` is the uid and gid that source trees are given
    to where the service is root, so that a check of that uid may change its own view of them.
    """

    def __init__(
        self,
        root: Path,
        *,
        limits: WorkspaceLimits | None = None,
        allow_local: bool = False,
        allow_http: bool = False,
        hosts: Collection[str] | None = None,
        owner: int | None = JOB_UID,
    ) -> None:
        self.root = root.resolve()
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.limits = limits or WorkspaceLimits()
        self.transport = Transport(allow_local=allow_local, allow_http=allow_http, hosts=hosts)
        self._mirrors: dict[tuple[str, int, bool], Mirror] = {}
        self._sizes: dict[Sha, tuple[int, int, str]] = {}
        self._tree_of: dict[Sha, Sha] = {}
        self.trees = Trees(self.root / "trees", kept=self.limits.kept_trees, owner=owner)

    def mirror(self, repository: Repository) -> Mirror:
        """The mirror of this repository (made at the first fetch)."""
        key = (repository.forge, repository.forge_id, repository.private)
        mirror = self._mirrors.pop(key, None)
        if mirror is None or mirror.repository != repository:
            if mirror is not None:
                mirror.close()
            mirror = Mirror(
                self.root,
                repository,
                self.transport,
                fetch_seconds=self.limits.fetch_seconds,
                pack_bytes=self.limits.pack_bytes,
            )
        self._mirrors[key] = mirror
        if len(self._mirrors) > _OPEN:
            self._mirrors.pop(next(iter(self._mirrors))).close()
        return mirror

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
            (head_tree,) = await need(git, base_sha, head_sha, trees=[head_sha])
            try:
                output = await git(
                    "merge-tree", "--write-tree", "--name-only", "-z", base_sha, head_sha, codes=(0, 1)
                )
            except GitFailed as failed:
                if b"unrelated histories" in failed.error:
                    raise AuthorFault("cannot be merged: it shares no commit with its target") from failed
                raise
            tree, *rest = output.split(b"\0")
            if conflicts := conflict_names(rest):
                return Merged(tested_sha=Sha(""), tested_tree=Sha(""), conflicts=conflicts)
            # Only then can base be an ancestor: most have moved on, and are not asked.
            if tree.decode() == head_tree and await is_ancestor(git, base_sha, head_sha):
                return Merged(tested_sha=head_sha, tested_tree=head_tree)
            tested = await commit_merge(git, tree.decode(), base_sha, head_sha)
            return Merged(tested_sha=tested, tested_tree=Sha(tree.decode()))

    async def compare(
        self, repository: Repository, base_sha: Sha, head_sha: Sha, tested_sha: Sha
    ) -> Comparison:
        """See `Workspaces.compare`."""
        async with self.mirror(repository).reading() as git:
            trees = [base_sha, tested_sha]
            base_tree, tested_tree = await need(git, base_sha, head_sha, tested_sha, trees=trees)
            to_tested = asyncio.ensure_future(self._changes(git, base_sha, tested_sha))
            try:
                to_head = await self._changes(git, tested_sha, head_sha)
            finally:
                files = await to_tested  # never longer than the lock
            return Comparison(
                base_sha=base_sha,
                head_sha=head_sha,
                tested_sha=tested_sha,
                base_tree=base_tree,
                tested_tree=tested_tree,
                files=files,
                to_head=to_head,
            )

    async def _changes(self, git: Git, old: Sha, new: Sha) -> tuple[FileChange, ...]:
        if old == new:
            return ()
        entries = parse_raw(await git(*DIFF, "--raw", "-z", old, new))
        if len(entries) > self.limits.changed_files:
            raise AuthorFault(
                f"too large to judge: {len(entries)} files changed, at most {self.limits.changed_files}"
            )
        sizes = await blob_sizes(git, entries)
        total = sum(sizes.values())
        if total > self.limits.changed_bytes:
            raise AuthorFault(
                f"too large to judge: {total >> 20} MiB of changed files, "
                f"at most {self.limits.changed_bytes >> 20} MiB"
            )
        patch = await git(
            *DIFF, "-p", "-U0", "--diff-algorithm=histogram", old, new, most=self.limits.patch_bytes
        )
        return file_changes(entries, await asyncio.to_thread(parse_patch, patch), sizes)

    async def read_file(self, repository: Repository, sha: Sha, path: str) -> bytes | None:
        """See `Workspaces.read_file`."""
        if not path or path.startswith("/") or "\0" in path or ".." in path.split("/"):
            return None
        async with self.mirror(repository).reading() as git:
            await need_tree(git, sha)
            entry = await find_entry(git, sha, path.rstrip("/"))
            if entry is None:
                return None
            if entry.mode == LINK:
                raise AuthorFault(f"{path} is a link; it must be a file")
            if not entry.mode.startswith("100"):
                raise AuthorFault(f"{path} is not a file")
            if entry.size > self.limits.file_bytes:
                raise AuthorFault(
                    f"{path} is too large: {entry.size} bytes, at most {self.limits.file_bytes}"
                )
            return await git.content(entry.sha)

    async def versions(self, repository: Repository, tip: Sha, path: str, limit: int) -> tuple[Sha, ...]:
        """See `Workspaces.versions`."""
        async with self.mirror(repository).reading() as git:
            await need(git, tip)
            walked = (await git("rev-list", "--first-parent", f"-n{limit + 1}", tip)).decode().split()
            stop = [f"^{walked[limit]}"] if len(walked) > limit else []
            found = await git("rev-list", "--first-parent", tip, *stop, "--", path)
            return tuple(Sha(line) for line in found.decode().split())

    async def entries(self, repository: Repository, sha: Sha) -> tuple[TreeEntry, ...]:
        """See `Workspaces.entries`."""
        async with self.mirror(repository).reading() as git:
            tree = await need_tree(git, sha)
            return await self._entries(git, tree)

    async def _entries(self, git: Git, tree: Sha) -> tuple[TreeEntry, ...]:
        entries = parse_entries(await git("ls-tree", "-r", "-l", "-z", "--full-tree", tree))
        if len(self._sizes) >= _REMEMBERED:
            self._sizes.clear()
        faults = (why for entry in entries if (why := names.fault(entry.path, self.limits.tree_depth)))
        self._sizes[tree] = len(entries), sum(entry.size for entry in entries), next(faults, "")
        return entries

    async def commits(
        self, repository: Repository, base_sha: Sha, head_sha: Sha, limit: int = 1000
    ) -> tuple[Commit, ...]:
        """See `Workspaces.commits`."""
        async with self.mirror(repository).reading() as git:
            await need(git, base_sha, head_sha)
            output = await git(
                "log", f"-n{limit}", f"--format=tformat:{COMMIT_FORMAT}", head_sha, f"^{base_sha}"
            )
        fields = output.decode("utf-8", "replace").split("\0")
        groups = range(0, len(fields) - COMMIT_FIELDS + 1, COMMIT_FIELDS)
        return tuple(parse_commit(fields[at : at + COMMIT_FIELDS]) for at in groups)

    async def added_by_commits(
        self, repository: Repository, base_sha: Sha, head_sha: Sha
    ) -> dict[str, bytes]:
        """See `Workspaces.added_by_commits`."""
        async with self.mirror(repository).reading() as git:
            return await added_by_commits(git, base_sha, head_sha, self.limits.history)

    async def has_commit(self, repository: Repository, sha: Sha) -> bool:
        """See `Workspaces.has_commit`."""
        return await self.mirror(repository).has(sha)

    async def undoes(self, repository: Repository, base_sha: Sha, tested_sha: Sha) -> bool:
        """See `Workspaces.undoes`."""
        async with self.mirror(repository).reading() as git:
            await need(git, base_sha, tested_sha)
            return await undoes(git, base_sha, tested_sha)

    async def is_ancestor(self, repository: Repository, older: Sha, newer: Sha) -> bool:
        """See `Workspaces.is_ancestor`."""
        async with self.mirror(repository).reading() as git:
            await need(git, older, newer)
            return await is_ancestor(git, older, newer)

    @contextlib.asynccontextmanager
    async def checkout(self, repository: Repository, sha: Sha) -> AsyncIterator[Path]:
        """See `Workspaces.checkout`. Raises AuthorFault "too large to judge" over the limits."""
        tree = self._tree_of.get(sha) or await self._remember_tree(repository, sha)
        path = self.trees.path(repository, tree)
        try:
            with self.trees.use(path):
                if not path.is_dir():
                    async with self.mirror(repository).reading() as git:
                        await self._check_size(git, await need_tree(git, sha))
                        await self.trees.make(repository, tree, git)
                yield path
        finally:
            await self.trees.evict()
            self.trees.make_ready(repository)

    async def settle(self) -> None:
        """Wait for what goes on beside those who asked: before the directory is removed."""
        await self.trees.spares.settle()

    async def _remember_tree(self, repository: Repository, sha: Sha) -> Sha:
        async with self.mirror(repository).reading() as git:
            tree = await need_tree(git, sha)
        if len(self._tree_of) >= _REMEMBERED:
            self._tree_of.clear()
        self._tree_of[sha] = tree
        return tree

    async def _check_size(self, git: Git, tree: Sha) -> None:
        if tree not in self._sizes:
            await self._entries(git, tree)
        files, size, unwritable = self._sizes[tree]
        if files > self.limits.tree_files:
            raise AuthorFault(f"too large to judge: {files} files, at most {self.limits.tree_files}")
        if size > self.limits.tree_bytes:
            raise AuthorFault(
                f"too large to judge: {size >> 20} MiB, at most {self.limits.tree_bytes >> 20} MiB"
            )
        if unwritable:
            raise AuthorFault(f"too large to judge: {unwritable}")

    async def sweep(self) -> int:
        """Remove source trees that an earlier process left half made; gives how many. Called at start,
        where no other process uses this directory.
        """
        return await asyncio.to_thread(self.trees.sweep)

    def close(self) -> None:
        """See `Workspaces.close`."""
        for mirror in self._mirrors.values():
            mirror.close()

    async def maintain(self, repository: Repository, needed: Collection[Sha]) -> None:
        """See `Workspaces.maintain`: repack, forget old pins, prune, check."""
        if mirror_place(self.root, repository).exists():
            await self.mirror(repository).maintain(needed)
