"""One bare mirror per repository: made, locked, fetched into, and thrown away when it is damaged.

A mirror holds objects and our own refs (`refs/portcullis/…`), never the forge's branches by name, so no
two branch names can collide. Its HEAD points nowhere: git reads no `.gitattributes` of a tree here.
"""

import asyncio
import contextlib
import fcntl
import os
import re
import shutil
import time
from collections.abc import AsyncIterator, Collection
from pathlib import Path
from typing import NamedTuple

from app.executors.git import Git, GitFailed, Transport, resolve
from app.executors.protocol import Credential, Fetched
from app.executors.remote import Remote
from app.executors.tips import SHA, Tips
from app.model import AuthorFault, Outage, Repository, Sha


class _Asked(NamedTuple):
    """One request that waits for a fetch."""

    tips: Tips
    answer: "asyncio.Future[Fetched]"


def mirror_place(root: Path, repository: Repository) -> Path:
    """The directory of a repository's mirror beneath `root`: another one once it is private."""
    name = f"{re.sub(r'[^A-Za-z0-9.-]', '_', repository.forge)}-{repository.forge_id}"
    return root / "mirrors" / f"{name}-{'private' if repository.private else 'public'}"


class Mirror:
    """The mirror of one repository beneath `root`. Two locks: `use` (shared by readers, exclusive for
    removal and pruning) and `fetch` (one fetch at a time).
    """

    def __init__(
        self,
        root: Path,
        repository: Repository,
        transport: Transport,
        *,
        fetch_seconds: float,
        pack_bytes: int,
    ) -> None:
        self.place = mirror_place(root, repository)
        self.place.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = self.place / "mirror.git"
        self.repository = repository
        home = self.place / "home"
        home.mkdir(exist_ok=True)
        self.git = Git(self.path, home)
        self._remote = Remote(
            self.git,
            repository,
            transport,
            seconds=fetch_seconds,
            pack_bytes=pack_bytes,
            mark_broken=self.mark_broken,
        )
        self._waiting: list[_Asked] = []
        self._fetching = asyncio.Lock()

    def close(self) -> None:
        """End what is kept running for it; a further use starts it again."""
        self.git.close()

    @contextlib.asynccontextmanager
    async def lock(self, name: str, *, exclusive: bool) -> AsyncIterator[None]:
        """Hold `<name>.lock`; while somebody else has it, it is asked for again and again."""
        mode = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
        handle = os.open(self.place / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while True:
                try:
                    fcntl.flock(handle, mode | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    await asyncio.sleep(0.02)
            yield
        finally:
            os.close(handle)

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[Git]:
        """Git on this mirror; damage found meanwhile marks the mirror, and is an Outage."""
        async with self.lock("use", exclusive=False):
            if not self.path.exists():
                raise Outage(f"{self.repository.full_name} has no mirror here yet; fetch first")
            try:
                yield self.git
            except GitFailed as failed:
                if failed.broken:
                    self.mark_broken(failed.text)
                    raise Outage(
                        f"the mirror of {self.repository.full_name} is damaged and will be made anew: "
                        f"{failed.text}"
                    ) from failed
                raise Outage(f"git could not answer: {failed.text}") from failed

    def mark_broken(self, reason: str) -> None:
        """Have the next fetch make the mirror anew."""
        (self.place / "broken").write_text(reason)

    async def has(self, sha: str) -> bool:
        """Whether this commit is here."""
        if not SHA.match(sha) or not self.path.exists():
            return False
        try:
            (found,) = await self.git.facts(f"{sha}^{{commit}}")
        except GitFailed:
            return False
        return found is not None

    async def fetch(self, base_ref: str, head_refspec: str, head_sha: Sha, credential: Credential) -> Fetched:
        """Bring both tips. See `Workspaces.fetch`.

        What is asked for while a fetch is under way is brought by one further fetch: a burst of pushes
        costs the forge, and us, a few connections.
        """
        asked = _Asked(Tips.of(base_ref, head_refspec), asyncio.get_running_loop().create_future())
        self._waiting.append(asked)
        try:
            async with self._fetching:
                if not asked.answer.done():
                    # first itself: whoever took it along before may have failed before it was answered
                    batch = [asked, *(other for other in self._waiting if other is not asked)]
                    self._waiting = []
                    await self._answer(batch, head_sha, credential)
        finally:
            asked.answer.cancel()  # changes nothing once it is answered
            self._waiting = [other for other in self._waiting if other is not asked]
        return asked.answer.result()

    async def _answer(self, batch: list["_Asked"], head_sha: Sha, credential: Credential) -> None:
        """Fetch for everybody who waits; whoever's part fails for itself (a head that is too large) must
        not fail the others, so after a failure each is fetched alone.
        """
        async with self.lock("fetch", exclusive=True):
            await self._prepare(head_sha)
            async with self.lock("use", exclusive=False):
                token = await credential()
                try:
                    found = await self._fetch([asked.tips for asked in batch], token)
                except (AuthorFault, Outage):
                    found = None
                    if len(batch) == 1:
                        raise
                for at, asked in enumerate(batch):
                    await self._tell(asked, None if found is None else found[at], token)

    async def _tell(self, asked: "_Asked", found: Fetched | None, token: str) -> None:
        try:
            answer = found or (await self._fetch([asked.tips], token))[0]
        except (AuthorFault, Outage) as failed:
            if not asked.answer.done():
                asked.answer.set_exception(failed)
        else:
            if not asked.answer.done():
                asked.answer.set_result(answer)

    async def _prepare(self, head_sha: Sha) -> None:
        if (self.place / "broken").exists() and self.path.exists():
            async with self.lock("use", exclusive=True):
                self.close()  # or it would answer from what is gone: the next directory may get its number
                await asyncio.to_thread(shutil.rmtree, self.path, ignore_errors=True)
            (self.place / "broken").unlink(missing_ok=True)
        if self.path.exists():
            await asyncio.to_thread(self._clear_stale_locks)
            return
        fresh = self.place / f"new-{os.getpid()}.git"
        await asyncio.to_thread(shutil.rmtree, fresh, ignore_errors=True)
        algorithm = "sha256" if len(head_sha) == 64 else "sha1"  # noqa: PLR2004 - digits of SHA-256
        git = Git(fresh, self.git.home)
        await git("init", "--quiet", "--bare", "--template=", f"--object-format={algorithm}")
        await git("symbolic-ref", "HEAD", "refs/heads/none/unborn")
        fresh.rename(self.path)

    def _clear_stale_locks(self) -> None:
        """Remove `*.lock` files of a git that was killed; we hold the fetch lock, so none is alive."""
        for stale in (*self.path.glob("*.lock"), *self.path.glob("refs/portcullis/**/*.lock")):
            with contextlib.suppress(FileNotFoundError):
                stale.unlink()
        yesterday = time.time() - 86_400
        for half in self.path.glob("objects/pack/tmp_*"):
            with contextlib.suppress(FileNotFoundError):
                if half.stat().st_mtime < yesterday:
                    half.unlink()

    async def _fetch(self, asked: list["Tips"], token: str) -> list[Fetched]:
        """Bring all these tips by one fetch."""
        wanted = {name: ref for tips in asked for name, ref in tips.refs().items()}
        for tips in asked:
            if tips.by_sha and tips.head in wanted and await self.has(tips.head):
                await self.git("update-ref", wanted.pop(tips.head), tips.head)
        missing = await self._remote.fetch(wanted, token)
        names = [f"{ref}^{{commit}}" for tips in asked for ref in (tips.base_ref, tips.head_ref)]
        found = iter(await resolve(self.git, *names))
        fetched = [
            Fetched(
                base_sha=base_sha if tips.base not in missing else None,
                head_sha=head_sha if tips.head not in missing else None,
            )
            for tips, base_sha, head_sha in zip(asked, found, found, strict=False)
        ]
        await self._pin({sha for one in fetched for sha in (one.base_sha, one.head_sha) if sha is not None})
        return fetched

    async def _pin(self, shas: set[Sha]) -> None:
        """Keep these commits for runs that may still be under way, whatever their branches do."""
        orders = "".join(f"update refs/portcullis/pin/{sha} {sha}\n" for sha in sorted(shas))
        if orders:
            await self.git("update-ref", "--stdin", data=orders.encode())

    async def maintain(self, needed: Collection[Sha]) -> None:
        """Pack what is loose, forget pins older than 30 days but those of `needed`, drop what nothing reaches
        (2 weeks). Others may read meanwhile: git opens the new packs, and what they write is younger.
        """
        async with self.lock("fetch", exclusive=True), self.lock("use", exclusive=False):
            if not self.path.exists():
                return
            try:
                await self._forget_pins(needed)
                await self.git("repack", "-q", "-d", "--geometric=2", "--write-midx", seconds=1800)
                await self.git("prune", "--expire=2.weeks.ago", seconds=1800)
                await self.git("fsck", "--connectivity-only", "--no-dangling", seconds=1800)
            except GitFailed as failed:
                self.mark_broken(failed.text)
            finally:
                self.close()  # or its git would hold packs that are gone

    async def _forget_pins(self, needed: Collection[Sha]) -> None:
        oldest = time.time() - 30 * 86_400
        stale = [
            pin.name
            for pin in self.path.glob("refs/portcullis/pin/*")
            if pin.name not in needed and pin.stat().st_mtime < oldest
        ]
        orders = "".join(f"delete refs/portcullis/pin/{name}\n" for name in stale)
        if orders:
            await self.git("update-ref", "--stdin", data=orders.encode())
