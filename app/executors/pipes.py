"""The pipes between a supervisor and what it started: output, and the words of the setup."""

import asyncio
import os
from collections.abc import Callable

from app.executors import launcher

_READ = 64 * 1024
_SETUP_SECONDS = 60.0
_MOST_SETUP = 16 * 1024


class Pipe:
    """The reading end of a pipe, drained into `take` by the event loop; `ended` is set at its end."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self.read_end, self.write_end = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self.read_end, False)
        self.ended = asyncio.Event()
        self._take = take
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self.read_end, self._ready)

    def _ready(self) -> None:
        try:
            data = os.read(self.read_end, _READ)
        except BlockingIOError:
            return
        if data:
            self._take(data)
        else:
            self._loop.remove_reader(self.read_end)
            self.ended.set()

    def close_write(self) -> None:
        """Close our copy of the writing end, so that the end of the last writer is seen."""
        if self.write_end >= 0:
            os.close(self.write_end)
            self.write_end = -1

    def close(self) -> None:
        """Stop reading."""
        self.close_write()
        self._loop.remove_reader(self.read_end)
        os.close(self.read_end)


class Setup:
    """What comes on the setup pipe: the words `mounted` and `started`, or why neither came."""

    def __init__(self) -> None:
        self.text = b""
        self.mounted = asyncio.Event()
        self.started = asyncio.Event()
        self.pipe = Pipe(self._take)

    def _take(self, data: bytes) -> None:
        if self.started.is_set():
            return  # from here on hostile code may have found this pipe; nothing in it counts
        self.text = (self.text + data)[:_MOST_SETUP]
        if launcher.MOUNTED in self.text:
            self.mounted.set()
        if launcher.STARTED in self.text:
            self.started.set()

    @property
    def complaint(self) -> str:
        """The words of mount, bwrap and friends."""
        text = self.text.replace(launcher.MOUNTED, b"").replace(launcher.STARTED, b"")
        return text.decode("utf-8", "replace").strip()[:1000]


async def heard(setup: Setup, word: asyncio.Event, exited: asyncio.Task[int]) -> bool:
    """Whether this word came before the launcher's end."""
    waiting = asyncio.create_task(word.wait())
    ended = asyncio.create_task(setup.pipe.ended.wait())
    try:
        await asyncio.wait({waiting, exited, ended}, timeout=_SETUP_SECONDS, return_when="FIRST_COMPLETED")
        if not word.is_set():
            # An end and its last words may be seen in either order.
            await asyncio.wait({waiting, ended}, timeout=1, return_when="FIRST_COMPLETED")
    finally:
        waiting.cancel()
        ended.cancel()
    return word.is_set()
