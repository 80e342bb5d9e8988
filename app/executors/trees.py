"""Source trees made from a mirror, shared by all checks on them, kept while used and a little longer.

A tree holds nothing of git. Checks see it as the lower layer of an overlay or as a copy, never
writable, so a tree that was used stays as git made it and may be reused for the same tree object.
"""

import asyncio
import contextlib
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

from app.executors.derive import Differences, differences, give, link, take_away
from app.executors.git import Git, GitFailed, environment
from app.executors.spares import Spares
from app.model import AuthorFault, Repository, Sha

JOB_UID = 65_532
"""Uid and gid of checks where the service is root: an own one, so that nothing of the service is theirs."""


class Trees:
    """Directories by tree object beneath `place`. At most `kept` unused ones stay (oldest use goes)."""

    def __init__(self, place: Path, *, kept: int, owner: int | None) -> None:
        self.place = place
        self.kept = kept
        self.owner = owner if owner is not None and os.geteuid() == 0 else None
        # Passing through must be possible for the checks' own uid; listing needs not.
        place.mkdir(parents=True, exist_ok=True, mode=0o711)
        self.users: Counter[Path] = Counter()
        self.used_at: dict[Path, float] = {}
        self.making: dict[Path, asyncio.Lock] = {}
        self.spares = Spares(place, self.owner, self._lent)

    def path(self, repository: Repository, tree: Sha) -> Path:
        """Where a tree is, once it is made."""
        # Per repository: equal trees of two repositories are two directories, so a leak of one tells
        # nothing of the other.
        return self.place / f"{repository.forge}-{repository.forge_id}-{tree}"

    @contextlib.contextmanager
    def use(self, path: Path) -> Iterator[None]:
        """Within, nobody removes the tree; each user counts for itself."""
        self.used_at[path] = time.monotonic()
        with self._held(path):
            yield

    @contextlib.contextmanager
    def _held(self, path: Path) -> Iterator[None]:
        self.users[path] += 1
        try:
            yield
        finally:
            self.users[path] -= 1

    @contextlib.asynccontextmanager
    async def _lent(self, path: Path) -> AsyncIterator[None]:
        """Within, a spare is linked from the tree; if it was to go meanwhile, it goes after that."""
        with self._held(path):
            yield
        await self.evict()

    async def make(self, repository: Repository, tree: Sha, git: Git) -> None:
        """Write the tree where it is not there; its user says so before. Raises AuthorFault for names that no
        file system should hold (`.git`).
        """
        path = self.path(repository, tree)
        async with self.making.setdefault(path, asyncio.Lock()):
            if not path.is_dir():
                await self._write(repository, path, tree, git)

    async def _write(self, repository: Repository, path: Path, tree: Sha, git: Git) -> None:
        # Beside the trees: files move into place by one rename, so a half-made tree is never taken.
        fresh = Path(tempfile.mkdtemp(prefix="new-", dir=self.place))
        content = fresh / "tree"
        env = environment(git.home, GIT_INDEX_FILE=str(fresh / "index"))
        try:
            written = await self._derive(repository, tree, content, git, env)
            if written is None:
                await git("read-tree", tree, env=env)
                content.mkdir()
            if written is None or written:
                checkout = ("-c", "checkout.workers=2", "checkout-index", "-q", "-a")
                await git(f"--work-tree={content}", *checkout, env=env)
            if self.owner is not None:
                await asyncio.to_thread(give, content, self.owner, written)
            content.rename(path)
        except GitFailed as failed:
            if b"invalid path" in failed.error.lower():
                raise AuthorFault(f"cannot be checked out: {failed.text}") from failed
            raise
        except FileExistsError:
            pass  # another process made the same tree meanwhile
        finally:
            await asyncio.to_thread(shutil.rmtree, fresh, ignore_errors=True)

    async def _derive(
        self, repository: Repository, tree: Sha, content: Path, git: Git, env: Mapping[str, str]
    ) -> tuple[bytes, ...] | None:
        """Begin `content` with the files that a kept tree of this repository has in common, as hard links
        (no tree is ever written to), and the index with all others: the paths still to be written are given.
        None where nothing was begun.

        Attributes are the same in both trees: git finds them in `content`, as the index has none.
        """
        prefix = self.path(repository, Sha("")).name
        changed = await self._from_spare(prefix, tree, content, git)
        if changed is None:
            changed = await self._from_kept(prefix, tree, content, git)
        if changed is None:
            return None
        if changed.index:
            await git("update-index", "-z", "--index-info", env=env, data=changed.index)
        return changed.written

    async def _from_spare(self, prefix: str, tree: Sha, content: Path, git: Git) -> Differences | None:
        """Begin with what was linked ahead: only what differs is taken away."""
        spare = self.spares.take(prefix)
        if spare is None:
            return None
        try:
            changed = await differences(git, spare.tree, tree)
            if changed is not None:
                await asyncio.to_thread(take_away, spare.content, changed.gone)
                spare.content.rename(content)
        except OSError:  # somebody tidied up there: another way is slower, not wrong
            return None
        finally:
            self.spares.remove(spare.place)
        return changed

    async def _from_kept(self, prefix: str, tree: Sha, content: Path, git: Git) -> Differences | None:
        """Begin with links to the tree that was used last."""
        seed = self._latest(prefix)
        if seed is None:
            return None
        with self._held(seed):
            changed = await differences(git, Sha(seed.name.removeprefix(prefix)), tree)
            if changed is None:
                return None
            linked = await asyncio.to_thread(link, seed, content, changed.gone, self.owner)
        return changed if linked else None

    def _latest(self, prefix: str) -> Path | None:
        kept = [path for path in self.used_at if path.name.startswith(prefix) and path.is_dir()]
        return max(kept, key=lambda path: self.used_at[path], default=None)

    def make_ready(self, repository: Repository) -> None:
        """Begin the next tree of a repository that has had several, so that it need not be waited for."""
        prefix = self.path(repository, Sha("")).name
        if sum(path.name.startswith(prefix) for path in self.used_at) > 1:
            seed = self._latest(prefix)
            if seed is not None:
                self.spares.lay(prefix, Sha(seed.name.removeprefix(prefix)), seed)

    async def evict(self) -> None:
        """Remove the unused trees that are too many, those first whose use is longest ago."""
        there = await asyncio.to_thread(lambda: list(self.place.iterdir()))
        unused = [path for path in there if not path.name.startswith("new-") and not self.users[path]]
        unused.sort(key=lambda path: self.used_at.get(path, 0.0))
        for path in unused[: max(0, len(unused) - self.kept)]:
            if self.users[path] or not path.is_dir():
                continue  # used, or removed, while others were
            grave = Path(tempfile.mkdtemp(prefix="new-", dir=self.place))
            path.rename(grave / "tree")
            del self.users[path]
            self.used_at.pop(path, None)
            self.making.pop(path, None)
            self.spares.remove(grave)

    def sweep(self) -> int:
        """Remove what an earlier process left half made."""
        left = list(self.place.glob("new-*"))
        for path in left:
            shutil.rmtree(path, ignore_errors=True)
        return len(left)
