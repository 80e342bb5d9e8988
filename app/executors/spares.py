"""Source trees begun before they are asked for.

The trees of two changes of a repository differ in a few files. Linking the thousands that they share takes
longer than writing those few, and need not wait until it is known which these are.
"""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec

from app.executors.derive import link
from app.model import Sha

_MOST = 8
"""Repositories with a spare tree; that of the one used least lately goes."""


class Spare(msgspec.Struct, frozen=True):
    """A whole copy of a tree in hard links, in a directory that is its taker's to use up or to remove."""

    tree: Sha
    place: Path

    @property
    def content(self) -> Path:
        """The copy."""
        return self.place / "tree"


class Spares:
    """At most one spare per repository, in scratch directories beneath `place` that a sweep would remove.

    Belongs to one event loop. Whoever takes a spare has it alone. Within `held` nobody removes a kept tree:
    of one that goes meanwhile a part could be linked and taken for the whole.
    """

    def __init__(
        self,
        place: Path,
        owner: int | None,
        held: Callable[[Path], contextlib.AbstractAsyncContextManager[None]],
    ) -> None:
        self._place = place
        self._owner = owner
        self._held = held
        self._ready: dict[str, Spare] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def take(self, repository: str) -> Spare | None:
        """The repository's spare, if one is ready."""
        return self._ready.pop(repository, None)

    def lay(self, repository: str, tree: Sha, seed: Path) -> None:
        """Begin a spare from a kept tree, unless there is one or it is being made. Where the tree is gone
        there will be none.
        """
        if repository not in self._ready and repository not in self._tasks:
            self._later(repository, self._make(repository, tree, seed))

    def remove(self, place: Path) -> None:
        """Remove a scratch directory; nobody waits for it."""
        self._later(str(place), asyncio.to_thread(shutil.rmtree, place, ignore_errors=True))

    async def settle(self) -> None:
        """Wait until nothing is being linked or removed any more."""
        while self._tasks:
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _later(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks[name] = task
        task.add_done_callback(lambda _: self._tasks.pop(name, None))

    async def _make(self, repository: str, tree: Sha, seed: Path) -> None:
        # No room: the next tree is made without.
        with contextlib.suppress(OSError):
            async with self._held(seed):
                spare = Spare(tree, Path(tempfile.mkdtemp(prefix="new-", dir=self._place)))
                if await asyncio.to_thread(link, seed, spare.content, frozenset(), self._owner):
                    self._ready[repository] = spare
                else:
                    self.remove(spare.place)
        if len(self._ready) > _MOST:
            self.remove(self._ready.pop(next(iter(self._ready))).place)
