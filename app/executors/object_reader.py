"""Questions about objects of one mirror, answered by a git that is kept running.

A process for each question costs more than its answer; `git cat-file --batch-command` (git 2.36) takes
any number. It sees objects that are fetched later, and ends by itself when this process does.
"""

import asyncio
import contextlib
import os
import subprocess
import tempfile
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, TypeVar

import msgspec

from app.model import Outage, Sha

T = TypeVar("T")

_FORMAT = "%(objectname) %(objecttype) %(objectsize)"
_FIELDS = 3
_MOST_ERROR = 64 * 1024
_AT_ONCE = 100
"""Questions before the answers are read: of more, both pipes could fill and both sides stand still."""


class ObjectFacts(msgspec.Struct, frozen=True):
    """One object: its name, its type (`commit`, `tree`, `blob`, `tag`), its size in bytes."""

    sha: Sha
    kind: str
    size: int


class ReaderEnded(Exception):
    """Git ended instead of answering; `error` is the end of what it said, `code` how it ended."""

    def __init__(self, code: int, error: bytes) -> None:
        super().__init__(code)
        self.code = code
        self.error = error


class _Running:
    """One git process and its pipes."""

    def __init__(self, line: Sequence[str], env: Mapping[str, str], cwd: Path) -> None:
        self.errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        self.process = subprocess.Popen(
            line,
            env=env,
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            start_new_session=True,
        )
        assert self.process.stdin is not None  # noqa: S101 - they were asked for
        assert self.process.stdout is not None  # noqa: S101 - the same
        self.questions, self.answers = self.process.stdin, self.process.stdout

    def stop(self) -> None:
        """End it and close everything; whoever reads meanwhile meets the end."""
        self.process.kill()
        self.process.wait()
        with contextlib.suppress(OSError):  # what was still to be asked has no reader any more
            self.questions.close()
        self.answers.close()
        self.errors.close()

    def ended(self) -> ReaderEnded:
        """How it ended and what it said (nothing where `stop` was quicker)."""
        code = self.process.wait()
        with contextlib.suppress(ValueError):
            size = self.errors.seek(0, os.SEEK_END)
            self.errors.seek(max(0, size - _MOST_ERROR))
            return ReaderEnded(code, self.errors.read())
        return ReaderEnded(code, b"")


class ObjectReader:
    """Asks one repository; safe in any thread. `line` is git's command up to its subcommand."""

    def __init__(self, git_dir: Path, line: Sequence[str], env: Mapping[str, str], cwd: Path) -> None:
        self._git_dir = git_dir
        self._line = (*line, "cat-file", f"--batch-command={_FORMAT}")
        self._env = env
        self._cwd = cwd
        self._lock = threading.Lock()
        self._place: tuple[int, int] | None = None
        self._running: _Running | None = None
        self._end: Callable[[], object] = _nothing

    async def facts(self, names: Sequence[str], seconds: float) -> tuple[ObjectFacts | None, ...]:
        """What these names mean (`<sha>^{commit}`, `<sha>:<path>`), None for what is not here.

        Raises ReaderEnded, Outage after `seconds`.
        """
        return await self._within(seconds, lambda running: _facts(running, names))

    async def content(self, name: str, seconds: float) -> bytes | None:
        """The bytes of one object, None for what is not here; ask for its size first. Raises as `facts`."""
        return await self._within(seconds, lambda running: _content(running, name))

    def close(self) -> None:
        """End the process; a further question starts another."""
        self._end()

    async def _within(self, seconds: float, ask: Callable[[_Running], T]) -> T:
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.to_thread(self._ask, ask)
        except TimeoutError:
            self.close()  # the thread that still waits meets the end
            raise Outage(f"git cat-file took longer than {seconds:.0f} s") from None

    def _ask(self, ask: Callable[[_Running], T]) -> T:
        with self._lock:
            running = self._start()
            try:
                return ask(running)
            except (OSError, ValueError, EOFError):
                ended = running.ended()
                self._end()
                raise ended from None

    def _start(self) -> _Running:
        """The process, started anew where it ended or where the repository was replaced."""
        place = os.stat(self._git_dir)  # noqa: PTH116 - device and inode are wanted
        current = (place.st_dev, place.st_ino)
        if self._running is not None and self._place == current and self._running.process.poll() is None:
            return self._running
        self._end()
        self._place = current
        self._running = _Running(self._line, self._env, self._cwd)
        self._end = weakref.finalize(self, self._running.stop)
        return self._running


def _nothing() -> None:
    pass


def _facts(running: _Running, names: Sequence[str]) -> tuple[ObjectFacts | None, ...]:
    found: list[ObjectFacts | None] = []
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        running.questions.write("".join(f"info {_line(name)}\n" for name in some).encode())
        running.questions.flush()
        found += [_head(running) for _ in some]
    return tuple(found)


def _content(running: _Running, name: str) -> bytes | None:
    running.questions.write(f"contents {_line(name)}\n".encode())
    running.questions.flush()
    head = _head(running)
    if head is None:
        return None
    content = running.answers.read(head.size + 1)
    if len(content) != head.size + 1:
        raise EOFError
    return content[:-1]


def _head(running: _Running) -> ObjectFacts | None:
    line = running.answers.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    parts = line.decode("ascii", "replace").split()
    if len(parts) != _FIELDS or not parts[2].isdigit():
        return None  # "<name> missing", "<name> ambiguous"
    return ObjectFacts(Sha(parts[0]), parts[1], int(parts[2]))


def _line(name: str) -> str:
    """A name as one line: one with a line end would be two questions, and means no object."""
    return "" if "\n" in name or "\r" in name else name
