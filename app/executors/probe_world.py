"""A small world of things worth attacking, outside the sandbox: a key, another workspace, listeners, a
process with a secret.
"""

import asyncio
import contextlib
import os
import secrets
import socket
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final, cast

import msgspec

from app.executors.trees import JOB_UID
from app.model import Resources

LIMITS: Final = Resources(memory=48 << 20, disk=16 << 20, pids=24, cpus=2.0)
"""What an attempt of the probe may use; the set tries to take several times as much."""


class World(msgspec.Struct, frozen=True, kw_only=True):
    """What lies outside, as the hostile set is told: paths, ports, a process, amounts (all as text)."""

    key: str
    other: str
    tree: str
    secret: str
    pid: str
    tcp: str
    udp: str
    unix: str
    abstract: str
    daemon: str
    bytes: str
    disk: str
    forks: str


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.close()


class _Answering(asyncio.DatagramProtocol):
    """Answers every datagram, as a service would."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str | bytes | int, ...]) -> None:
        self.transport.sendto(data, addr)


@contextlib.asynccontextmanager
async def world(root: Path) -> AsyncIterator[World]:
    """Make the world beneath `root`; it is gone afterwards."""
    secret = secrets.token_hex(16)
    async with contextlib.AsyncExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="probe-", dir=root)))
        for name in ("tree", "other"):
            (place / name).mkdir()
        if os.geteuid() == 0:  # as workspaces give theirs
            os.chown(place / "tree", JOB_UID, JOB_UID)
        (place / "key").write_text(secret)
        (place / "key").chmod(0o600)
        (place / "other" / "source").write_text(secret)
        tcp = await asyncio.start_server(_echo, "127.0.0.1", 0)
        stack.callback(tcp.close)
        loop = asyncio.get_running_loop()
        udp, _ = await loop.create_datagram_endpoint(_Answering, local_addr=("127.0.0.1", 0))
        stack.callback(udp.close)
        path = tempfile.mktemp(prefix="portcullis-", suffix=".sock")  # noqa: S306 - a socket, bound at once
        unix = await asyncio.start_unix_server(_echo, path)
        stack.callback(lambda: Path(path).unlink(missing_ok=True))
        stack.callback(unix.close)
        await asyncio.to_thread(Path(path).chmod, 0o777)
        abstract = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        stack.callback(abstract.close)
        abstract.bind(f"\0portcullis-{secret[:12]}")
        abstract.listen()
        bystander = await asyncio.create_subprocess_exec("sleep", "60", env={"SECRET": secret})
        stack.push_async_callback(bystander.wait)
        stack.callback(bystander.kill)
        yield World(
            key=str(place / "key"),
            other=str(place / "other" / "source"),
            tree=str(place / "tree"),
            secret=secret,
            pid=str(bystander.pid),
            tcp=str(tcp.sockets[0].getsockname()[1]),
            udp=str(udp.get_extra_info("sockname")[1]),
            unix=path,
            abstract=f"portcullis-{secret[:12]}",
            daemon=f"portcullis-daemon-{secret[:12]}",
            bytes=str(4 * LIMITS.memory),
            disk=str(LIMITS.disk),
            forks=str(3 * LIMITS.pids),
        )
