"""The warm process that reads reports, seen from the service."""

import asyncio
import contextlib
import mmap
import os
import signal
import socket
import subprocess
import sys
from types import TracebackType
from typing import Self

import msgspec

from app.executors import ingest_child
from app.executors.ingest_child import OUT_OF_MEMORY, FileReply, Request, pack
from app.model import Outage

SECONDS = 20
MEMORY = 1 << 30

_REPLIES = msgspec.msgpack.Decoder(list[FileReply])


class Spent(msgspec.Struct):
    """Processor time that reading took so far, in seconds."""

    seconds: float = 0.0


class ReportReader:
    """A warm process that forks one child per request. Belongs to one event loop; close it at the end.

    It is started by the first request and again after it ended. At most one child per core runs.
    """

    def __init__(self, *, seconds: int = SECONDS, memory: int = MEMORY) -> None:
        self.seconds = seconds
        self.memory = memory
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._closed = False
        self._slots = asyncio.Semaphore(os.cpu_count() or 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process and all that it still reads; nothing can be asked any more."""
        self._closed = True
        self._stop()

    def _stop(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        if self._process is not None:
            self._process.wait()
            self._process = None

    async def ask(
        self, request: Request, contents: list[bytes], spent: Spent | None = None
    ) -> list[FileReply]:
        """One reply per file; what it took is added to `spent`. Raises Outage when no process for reading can
        be had.
        """
        spent = spent if spent is not None else Spent()
        async with self._slots:
            for _ in range(2):
                channel = self._start()
                replies = await self._try(channel, request, contents, spent)
                if replies is not None:
                    return replies
                if channel is self._channel:
                    # Not yet replaced by another request that lost it too.
                    self._stop()
        raise Outage(
            "reports could not be read: the reading process ended twice before it answered",
            hint="look for the kernel's out-of-memory killer and for limits on processes",
        )

    def _start(self) -> socket.socket:
        if self._closed:
            raise Outage("reports could not be read: the service is stopping")
        if self._channel is not None:
            return self._channel
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                # An empty environment: no secret of ours is ever near these bytes.
                self._process = subprocess.Popen(
                    [sys.executable, "-I", str(ingest_child.__file__)],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env={"LANG": "C.UTF-8"},
                    cwd="/",
                    start_new_session=True,
                )
            except OSError as error:
                ours.close()
                raise Outage(f"reports could not be read: no process can be started ({error})") from error
        ours.setblocking(False)  # noqa: FBT003 - a flag by position is all it takes
        self._channel = ours
        return ours

    async def _try(
        self, channel: socket.socket, request: Request, contents: list[bytes], spent: Spent
    ) -> list[FileReply] | None:
        """The replies; None if the process for reading was lost."""
        with contextlib.ExitStack() as opened:
            asked, answered = (os.memfd_create(name, os.MFD_CLOEXEC) for name in ("request", "reply"))
            opened.callback(os.close, asked)
            opened.callback(os.close, answered)
            with os.fdopen(os.dup(asked), "wb") as stream:
                stream.writelines(pack(request, contents))
            os.lseek(asked, 0, os.SEEK_SET)
            told, theirs = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
            opened.callback(os.close, told)
            try:
                socket.send_fds(channel, [b"read"], [asked, answered, theirs])
            except OSError:
                return None
            finally:
                os.close(theirs)
            ended = await _status(told)
            if ended is None:
                return None
            status, seconds = ended
            spent.seconds += seconds
            if status == 0:
                return _replies(answered)
            return [FileReply(problem=self._cause(status, request.seconds))] * len(request.files)

    def _cause(self, ended: int, seconds: int) -> str:
        if ended in {-signal.SIGALRM, -signal.SIGXCPU}:
            return f"reading it took longer than {seconds} s"
        if ended == OUT_OF_MEMORY:
            return f"reading it takes more than {self.memory >> 20} MB of memory"
        if ended < 0:
            return f"reading it was ended by {signal.Signals(-ended).name}"
        return "reading it ended without a result"


async def _status(pipe: int) -> tuple[int, float] | None:
    """How the child ended (negative: by that signal) and the processor time it took, in seconds, once it has;
    None if nobody can tell any more.
    """
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(pipe, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(pipe)
    text = os.read(pipe, 64)
    if not text:
        return None
    ended, milliseconds = map(int, text.split())
    return os.waitstatus_to_exitcode(ended), milliseconds / 1_000


def _replies(answered: int) -> list[FileReply]:
    with mmap.mmap(answered, 0, prot=mmap.PROT_READ) as mapped, memoryview(mapped) as view:
        return _REPLIES.decode(view)
