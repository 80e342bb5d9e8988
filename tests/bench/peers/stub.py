"""A stub of GitHub's API for Buildbot: a commit, a pull request's files, and statuses, noted as they come."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Posted(NamedTuple):
    """A status that was posted, and when (epoch seconds)."""

    at: float
    sha: str
    state: str


class Stub:
    """What the stub was asked. `url` is where it answers."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.calls = 0
        self.posted: list[Posted] = []

    def first(self, sha: str, state: str) -> float | None:
        """When a head was first shown in this state."""
        return next((each.at for each in self.posted if (each.sha, each.state) == (sha, state)), None)


def _answering(told: list[Stub]) -> type[BaseHTTPRequestHandler]:
    class Answering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            told[0].calls += 1
            files = self.path.endswith("/files")
            self._answer(
                200, [{"filename": "a.py"}] if files else {"commit": {"message": "Change something"}}
            )

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            told[0].calls += 1
            told[0].posted.append(Posted(time.time(), self.path.rpartition("/")[2], body["state"]))
            self._answer(201, {})

        def _answer(self, status: int, said: object) -> None:
            content = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    return Answering


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """Whoever asked was ended, and its connection with it."""


@contextmanager
def stub() -> Iterator[Stub]:
    """Serve it in a thread of its own."""
    told: list[Stub] = []
    server = _Server(("127.0.0.1", 0), _answering(told))
    told.append(Stub(f"http://127.0.0.1:{server.server_address[1]}"))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield told[0]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
