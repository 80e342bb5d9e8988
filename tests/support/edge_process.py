"""An ASGI application in a process of its own, to be measured or killed.

`python -m tests.support.edge_process DATABASE_URL` serves the real edge on a free loopback port and prints
the port once it takes requests.
"""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import structlog
import uvicorn
from starlette.types import ASGIApp

REPOSITORY = Path(__file__).resolve().parents[2]


class Process(NamedTuple):
    """A serving process and its port."""

    popen: "subprocess.Popen[str]"
    port: int

    def kill(self) -> None:
        """End it as a power cut would."""
        self.popen.send_signal(signal.SIGKILL)
        self.popen.wait()


@contextmanager
def serving(arguments: Sequence[str]) -> Iterator[Process]:
    """Start `python -m <arguments>`, which prints its port; killed at the end."""
    with subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=sys.stderr,
        text=True,
    ) as popen:
        try:
            assert popen.stdout is not None
            line = popen.stdout.readline()
            assert line.strip().isdecimal(), "the server did not start"
            yield Process(popen, int(line))
        finally:
            popen.kill()


def run(app: ASGIApp) -> None:
    """Serve `app` with the settings of `portcullis serve` until killed; prints the port."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    # asyncio spares sockets that say proto 0 its own TCP_NODELAY; `portcullis serve` sets it alike
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
    )
    print(listener.getsockname()[1], flush=True)  # connections wait in the backlog until it serves
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    from app.store import Database
    from app.web import Tally
    from tests.support.edge import edge_app

    run(edge_app(Database(sys.argv[1]), Tally()))
