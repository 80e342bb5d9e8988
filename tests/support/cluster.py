"""A PostgreSQL server of a test's own, to be stopped, killed and started again."""

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.support.prerequisites import missing


def programs() -> Path:
    """Where PostgreSQL's own programs are."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or [Path(shutil.which("initdb") or "")]
    return found[-1].resolve().parent if found[-1].name else Path(missing("initdb is not installed"))


class Cluster:
    """One server on a free port of loopback; it keeps what it acknowledged, as in earnest."""

    def __init__(self, root: Path) -> None:
        self._programs = programs()
        self._root = root
        self._as: list[str] = []
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            self._as = ["runuser", "-u", "postgres", "--"]
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            self.port = free.getsockname()[1]
        self._password = secrets.token_hex(16)

    @property
    def url(self) -> str:
        """SQLAlchemy's URL of its database."""
        return f"postgresql+psycopg://portcullis:{self._password}@127.0.0.1:{self.port}/postgres"

    def make(self) -> None:
        """Make it and start it."""
        (self._root / "password").write_text(self._password)
        if self._as:
            shutil.chown(self._root, "postgres")
            shutil.chown(self._root / "password", "postgres")
        self._run(
            "initdb", "-U", "portcullis", f"--pwfile={self._root / 'password'}",
            "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync",
        )  # fmt: skip
        self.start()

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [*self._as, str(self._programs / program), "-D", str(self._root / "data"), *arguments],
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            check=False,
        )
        assert done.returncode == 0, (program, arguments, self.log())

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=300"
        self._run("pg_ctl", "-s", "-w", "-l", str(self._root / "log"), "-o", options, "start")

    def stop(self, how: str = "immediate") -> None:
        """Stop it: `immediate` as a crash does, `fast` in order."""
        self._run("pg_ctl", "-s", "-w", "-m", how, "stop")

    def processes(self) -> list[int]:
        """The server's process and those that it started, by their ids."""
        first = int((self._root / "data" / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        return [first, *map(int, children)]

    def log(self) -> str:
        """What it said last."""
        place = self._root / "log"
        return place.read_text(errors="replace")[-4000:] if place.exists() else ""


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A server that runs, in a directory that its own account may reach; gone at the end."""
    with tempfile.TemporaryDirectory(prefix="portcullis-cluster-") as place:
        made = Cluster(Path(place))
        made.make()
        try:
            yield made
        finally:
            made.stop()
