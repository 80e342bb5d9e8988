"""Source trees made from a mirror, shared by all checks on them, kept while used and a little longer.

A tree holds nothing of git. Checks see it as the lower layer of an overlay or as a copy, never
writable, so a tree that was used stays as git made it and may be reused for the same tree object.
"""

import asyncio
import os
import shutil
import tempfile
import time
from pathlib import Path

from app.executors.git import Git, GitFailed, environment
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
        self.users: dict[Path, set[tuple[str, int, Sha]]] = {}
        self.used_at: dict[Path, float] = {}
        self.making: dict[Path, asyncio.Lock] = {}

    def _path(self, repository: Repository, tree: Sha) -> Path:
        # Per repository: equal trees of two repositories are two directories, so a leak of one tells
        # nothing of the other.
        return self.place / f"{repository.forge}-{repository.forge_id}-{tree}"

    def take(self, repository: Repository, sha: Sha, tree: Sha) -> Path | None:
        """The tree if it is there; from now on `sha` uses it."""
        path = self._path(repository, tree)
        if not path.is_dir():
            return None
        self._use(path, repository, sha)
        return path

    def _use(self, path: Path, repository: Repository, sha: Sha) -> None:
        self.users.setdefault(path, set()).add((repository.forge, repository.forge_id, sha))
        self.used_at[path] = time.monotonic()

    async def make(self, repository: Repository, sha: Sha, tree: Sha, git: Git) -> Path:
        """Write the tree. Raises AuthorFault for names that no file system should hold (`.git`)."""
        path = self._path(repository, tree)
        async with self.making.setdefault(path, asyncio.Lock()):
            if not path.is_dir():
                await self._write(path, tree, git)
        self._use(path, repository, sha)
        await self._evict()
        return path

    async def _write(self, path: Path, tree: Sha, git: Git) -> None:
        # Beside the trees: files move into place by one rename, so a half-made tree is never taken.
        fresh = Path(tempfile.mkdtemp(prefix="new-", dir=self.place))
        index = fresh / "index"
        content = fresh / "tree"
        content.mkdir()
        env = environment(git.home, GIT_INDEX_FILE=str(index))
        try:
            await git("read-tree", tree, env=env)
            await git(
                f"--work-tree={content}", "-c", "checkout.workers=2", "checkout-index", "-a", "-q", env=env
            )
            if self.owner is not None:
                await asyncio.to_thread(_give, content, self.owner)
            content.rename(path)
        except GitFailed as failed:
            if b"invalid path" in failed.error:
                raise AuthorFault(f"cannot be checked out: {failed.text}") from failed
            raise
        except FileExistsError:
            pass  # another process made the same tree meanwhile
        finally:
            await asyncio.to_thread(shutil.rmtree, fresh, ignore_errors=True)

    async def release(self, repository: Repository, sha: Sha) -> None:
        """`sha` no longer needs its tree."""
        user = (repository.forge, repository.forge_id, sha)
        for users in self.users.values():
            users.discard(user)
        await self._evict()

    async def _evict(self) -> None:
        unused = [
            path
            for path in await asyncio.to_thread(lambda: list(self.place.iterdir()))
            if not path.name.startswith("new-") and not self.users.get(path)
        ]
        unused.sort(key=lambda path: self.used_at.get(path, 0.0))
        for path in unused[: max(0, len(unused) - self.kept)]:
            grave = Path(tempfile.mkdtemp(prefix="new-", dir=self.place))
            path.rename(grave / "tree")
            self.users.pop(path, None)
            self.used_at.pop(path, None)
            await asyncio.to_thread(shutil.rmtree, grave, ignore_errors=True)

    def sweep(self) -> int:
        """Remove what an earlier process left half made."""
        left = list(self.place.glob("new-*"))
        for path in left:
            shutil.rmtree(path, ignore_errors=True)
        return len(left)


def _give(place: Path, owner: int) -> None:
    """Change the owner of a tree without following its links."""
    os.lchown(place, owner, owner)
    for folder, folders, files in os.walk(place):
        for name in (*folders, *files):
            os.lchown(os.path.join(folder, name), owner, owner)  # noqa: PTH118 - str joins in a hot loop
