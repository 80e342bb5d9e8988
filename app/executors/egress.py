"""The only exit of a check with network: a proxy (`egress_child`) that listens in the check's namespace.

The launcher makes the network namespace and, in it, a listening socket on loopback, whose descriptor comes
out over a socket pair; the namespace has no other interface. The proxy gets that descriptor and joins the
check's control group: it dies with it, and what a check makes it do counts as the check's.
"""

import asyncio
import contextlib
import importlib.util
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from app.executors.cgroup import Group
from app.executors.egress_child import READY, Rules
from app.model import Misconfigured

PORT = 3128
ADDRESS = f"http://127.0.0.1:{PORT}"
LISTEN = f"""
import array, fcntl, os, socket, struct, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
    request = struct.pack("16sH14x", b"lo", 0x41)  # up and running
    fcntl.ioctl(any_socket, 0x8914, request)  # SIOCSIFFLAGS
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", {PORT}))
listener.listen(64)
with socket.socket(fileno=int(sys.argv[1])) as out:
    out.sendmsg([b"l"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [listener.fileno()]))])
os.execv(sys.argv[2], sys.argv[2:])
"""
"""What the launcher runs inside the new namespace before anything else; no descriptor of it outlives it."""
_NOBODY = 65_534
_CHILD = Path(__file__).with_name("egress_child.py")
_READY_SECONDS = 30.0

Tell = Callable[[bytes], None]


def environment() -> dict[str, str]:
    """What makes a check's programs use the proxy."""
    names = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy")
    return {**dict.fromkeys(names, ADDRESS), "NO_PROXY": "", "no_proxy": ""}


def check_installed() -> None:
    """Raises Misconfigured where proxy.py is not there: then no check gets network."""
    if importlib.util.find_spec("proxy") is None:
        raise Misconfigured(
            "checks with network are refused here: the proxy is not installed", hint="pip install proxy.py"
        )


class Egress:
    """The proxy of one attempt. `inner` is for the launcher, which sends the listening socket over it."""

    def __init__(self, rules: Rules, tell: Tell) -> None:
        check_installed()
        self.rules = msgspec.structs.replace(rules, user=_NOBODY if os.geteuid() == 0 else 0)
        self._tell = tell
        self._outer, inner = socket.socketpair()
        self.inner = inner.detach()
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    async def start(self, group: Group, home: Path) -> str:
        """Take the listening socket that the launcher made and serve it; gives why it does not, '' if it
        does. `home` is a directory of the attempt's that no check sees: proxy.py makes folders there.
        """
        os.close(self.inner)
        self.inner = -1
        self._outer.settimeout(_READY_SECONDS)
        try:
            _, handles, _, _ = await asyncio.to_thread(socket.recv_fds, self._outer, 1, 1)
        except OSError as error:
            return f"no socket came from its namespace: {error}"
        if not handles:
            return "no socket came from its namespace"
        said = home / "proxy.log"
        spawning = asyncio.create_task(self._spawn(handles[0], home, said))
        try:
            self._process = await asyncio.shield(spawning)
        except asyncio.CancelledError:
            self._process = await spawning  # else nobody would know of it to end it
            raise
        finally:
            os.close(handles[0])
        if not await asyncio.to_thread(group.join, self._process.pid):
            return "it cannot join the control groups"
        return "" if await self._ready(self._process) else _last_line(said)

    async def _spawn(self, listener: int, home: Path, said: Path) -> asyncio.subprocess.Process:
        rules = msgspec.json.encode(self.rules).decode()
        with said.open("wb") as errors:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", str(_CHILD), rules, str(listener)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                pass_fds=(listener,),
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": str(home)},
                cwd="/",
                start_new_session=True,
            )

    async def _ready(self, process: asyncio.subprocess.Process) -> bool:
        assert process.stdout is not None  # noqa: S101 - it was asked for
        try:
            async with asyncio.timeout(_READY_SECONDS):
                first = await process.stdout.readline()
        except TimeoutError:
            return False
        self._reading = asyncio.create_task(self._read(process.stdout))
        return first == READY

    async def _read(self, lines: asyncio.StreamReader) -> None:
        with contextlib.suppress(ValueError):  # a line longer than the reader takes: cannot come from us
            while line := await lines.readline():
                self._tell(line)

    async def close(self) -> None:
        """The proxy is gone when this returns, and all that it said was told."""
        self._outer.close()
        if self.inner >= 0:
            os.close(self.inner)
            self.inner = -1
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        if self._reading is not None:
            await self._reading


def _last_line(path: Path) -> str:
    """What a program complained of last."""
    lines = path.read_text("utf-8", "replace").split("\n")
    return next((line.strip()[:300] for line in reversed(lines) if line.strip()), "it did not answer in time")
