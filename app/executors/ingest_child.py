"""The process that reads hostile reports: started as a file of its own, it imports `app.reports` and
nothing else of ours, then forks once per request, so that each request has limits of its own and dies
alone.

Wire: one datagram per request on standard input (a Unix socket) carries three descriptors: the
request (a memory file), where the reply goes (another), and a pipe that gets the wait status of the
child and the processor time it took in milliseconds, both as decimal text. No status before the pipe closes
means that this process itself ended.
"""

import contextlib
import gc
import os
import resource
import selectors
import signal
import socket
import stat
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

if __name__ == "__main__":
    # Started with -I, which leaves our own root out.
    sys.path.append(str(Path(__file__).resolve().parents[2]))

from app.model import AuthorFault, ReportContent, ReportSpec, Severity
from app.reports import Limits, ReadContext, ingest

OUT_OF_MEMORY = 3
_WALL = 3
_LENGTH = struct.Struct("<Q")
_DESCRIPTORS = 3
_MAX_REPLY = 1 << 29
_MAX_SOURCE = 2_000_000
_MAX_TREE = 1_000_000
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class FileRequest(msgspec.Struct, frozen=True):
    """One file to read: what was declared, its path, its size in bytes."""

    spec: ReportSpec
    path: str
    size: int


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """Files to read (their bytes follow the request, in order) and what readers may know.

    `tree` is the directory of the tested tree ('' = none), `paths` are its files where not all that lie in
    it are meant (empty = all). `memory` is in bytes, `seconds` is processor time; the clock on the
    wall may show _WALL times as much, since a busy machine is no fault of the report.
    """

    files: tuple[FileRequest, ...]
    roots: tuple[str, ...] = ("/workspace",)
    workdir: str = ""
    severities: dict[str, Severity] = {}
    tree: str = ""
    paths: tuple[str, ...] = ()
    limits: Limits = Limits()
    memory: int
    seconds: int


class FileReply(msgspec.Struct, frozen=True, kw_only=True):
    """What one file says, or why not and what to do; `ours` = the reason is a mistake of our own."""

    content: ReportContent | None = None
    problem: str = ""
    hint: str = ""
    ours: bool = False


_REQUESTS = msgspec.msgpack.Decoder(Request)


def pack(request: Request, contents: list[bytes]) -> Iterator[bytes]:
    """A request as it is written: length of the head, head, contents."""
    head = msgspec.msgpack.encode(request)
    yield _LENGTH.pack(len(head))
    yield head
    yield from contents


class SourceTree:
    """The tested tree, read without following a link: its names and files are hostile too."""

    def __init__(self, place: str, paths: tuple[str, ...] = ()) -> None:
        self._place = place
        self._paths = frozenset(paths)

    def paths(self) -> frozenset[str]:
        """All files by path, links left out; at most a million."""
        if self._paths:
            return self._paths
        found: set[str] = set()
        pending = [""]
        while pending and len(found) < _MAX_TREE:
            below = pending.pop()
            with contextlib.suppress(OSError), os.scandir(os.path.join(self._place, below)) as entries:  # noqa: PTH118 - scandir's own kind of path, a hundred thousand times
                for entry in entries:
                    path = f"{below}/{entry.name}" if below else entry.name
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(path)
                    elif entry.is_file(follow_symlinks=False):
                        found.add(path)
        return frozenset(found)

    def read(self, path: str) -> bytes | None:
        """The bytes of a file of at most 2 MB; None if it is not there, a link or no plain file."""
        try:
            with contextlib.ExitStack() as opened:
                at = os.open(self._place, _DIRECTORY)
                opened.callback(os.close, at)
                *directories, name = path.split("/")
                for directory in directories:
                    at = os.open(directory, _DIRECTORY, dir_fd=at)
                    opened.callback(os.close, at)
                at = os.open(name, _FILE, dir_fd=at)
                opened.callback(os.close, at)
                found = os.fstat(at)
                if not stat.S_ISREG(found.st_mode) or found.st_size > _MAX_SOURCE:
                    return None
                return os.read(at, found.st_size)
        except (OSError, ValueError):
            return None


def _one(entry: FileRequest, content: bytes, context: ReadContext) -> FileReply:
    try:
        return FileReply(content=ingest(content, entry.spec, context=context))
    except AuthorFault as fault:
        return FileReply(problem=fault.message, hint=fault.hint)
    except MemoryError:
        # Met outside the reader proper: the exit code tells it without needing any more memory.
        raise
    except Exception as error:  # noqa: BLE001 - told to the parent, who tells people
        frame = error.__traceback__
        while frame is not None and frame.tb_next is not None:
            frame = frame.tb_next
        line = f"{frame.tb_frame.f_code.co_name}:{frame.tb_lineno}" if frame is not None else "?"
        return FileReply(problem=f"a mistake in Portcullis: {type(error).__name__} in {line}", ours=True)


def _answer(request_fd: int, reply_fd: int) -> None:
    """Read the request under its own limits and write the reply."""
    with os.fdopen(request_fd, "rb") as stream:
        (length,) = _LENGTH.unpack(stream.read(_LENGTH.size))
        request = _REQUESTS.decode(stream.read(length))
        resource.setrlimit(resource.RLIMIT_AS, (request.memory, request.memory))
        resource.setrlimit(resource.RLIMIT_CPU, (request.seconds, request.seconds + 1))
        resource.setrlimit(resource.RLIMIT_FSIZE, (_MAX_REPLY, _MAX_REPLY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        # The default action of SIGALRM ends the process, whatever it is busy with.
        signal.alarm(request.seconds * _WALL)
        contents = [stream.read(entry.size) for entry in request.files]
    tree = SourceTree(request.tree, request.paths) if request.tree else None
    replies = []
    for entry, content in zip(request.files, contents, strict=True):
        context = ReadContext(
            path=entry.path,
            roots=request.roots,
            workdir=request.workdir,
            severities=request.severities,
            tree_paths=tree.paths if tree is not None else None,
            sources=tree.read if tree is not None else None,
            limits=request.limits,
        )
        replies.append(_one(entry, content, context))
    with os.fdopen(reply_fd, "wb") as stream:
        stream.write(msgspec.msgpack.encode(replies))


def _child(request_fd: int, reply_fd: int) -> None:
    """The forked half: never returns."""
    code = 1
    try:
        gc.disable()
        _answer(request_fd, reply_fd)
        code = 0
    except MemoryError:
        code = OUT_OF_MEMORY
    finally:
        os._exit(code)


class Server:
    """Forks a child per request and passes on how it ended."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._waiting = selectors.DefaultSelector()
        self._waiting.register(channel, selectors.EVENT_READ)

    def run(self) -> None:
        """Serve until the other end closes; then end what still reads."""
        while True:
            for key, _ in self._waiting.select():
                if key.fileobj is not self._channel:
                    self._reap(int(key.fd), *key.data)
                elif not self._accept():
                    self._end()
                    return

    def _accept(self) -> bool:
        message, descriptors, _, _ = socket.recv_fds(self._channel, 16, _DESCRIPTORS)
        if not message:
            return False
        request, reply, status = descriptors
        try:
            pid = os.fork()
        except OSError:
            # The pipe closes without a status: the other end starts anew or gives up.
            os.close(status)
        else:
            if pid == 0:
                os.close(status)
                self._channel.close()
                _child(request, reply)
            self._waiting.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, status))
        os.close(request)
        os.close(reply)
        return True

    def _reap(self, pidfd: int, pid: int, status: int) -> None:
        self._waiting.unregister(pidfd)
        os.close(pidfd)
        _, ended, usage = os.wait4(pid, 0)
        spent = round((usage.ru_utime + usage.ru_stime) * 1_000)
        with contextlib.suppress(OSError):
            os.write(status, f"{ended} {spent}".encode())
        os.close(status)

    def _end(self) -> None:
        for key in list(self._waiting.get_map().values()):
            if key.fileobj is not self._channel:
                signal.pidfd_send_signal(int(key.fd), signal.SIGKILL)


def main() -> None:
    """Serve the socket on standard input."""
    # Ctrl-C at a terminal is for the service, which then closes the socket.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A closed status pipe is an error to pass over, not an end.
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    gc.collect()
    # What is loaded stays: no collection in a child then writes to pages shared with this process.
    gc.freeze()
    Server(socket.socket(fileno=0)).run()


if __name__ == "__main__":
    main()
