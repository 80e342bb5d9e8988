"""A closed-loop load of deliveries over raw sockets, in a process of its own.

`python -m tests.bench.load PORT CONNECTIONS SECONDS PATH` prints one JSON line: acknowledged, other answers,
seconds, p50 and p99 in ms.
"""

import asyncio
import hashlib
import hmac
import json
import statistics
import sys
import time
from itertools import count
from typing import Any

import uvloop

from tests.support.edge import SECRET, signed

LEAST = 2  # answers, of which quantiles can be told: a slow server is waited for
BODIES = 16
_MARK = "@delivery-id@"
_GOOD = (b"200", b"202")


def body(number: int) -> bytes:
    """A payload of the size and texture of GitHub's `pull_request` (about 24 kB of nested URLs)."""

    def node(part: object) -> str:
        return hashlib.sha256(f"{number} {part}".encode()).hexdigest()

    def repository(name: str) -> dict[str, object]:
        api = f"https://api.github.com/repos/octo-org/{name}"
        kinds = (
            "assignees blobs branches collaborators comments commits compare contents deployments downloads"
        )
        kinds += (
            " events forks git_commits git_refs git_tags hooks issues keys labels languages merges milestones"
        )
        kinds += " notifications pulls releases stargazers statuses subscribers subscription tags teams trees"
        urls = {f"{kind}_url": f"{api}/{kind}{{/sha}}{{?since,all,participating}}" for kind in kinds.split()}
        return {
            "id": number * 7919,
            "node_id": node(name),
            "name": name,
            "full_name": f"octo-org/{name}",
            "private": False,
            "html_url": f"https://github.com/octo-org/{name}",
            **urls,
        }

    def user(login: str) -> dict[str, object]:
        api = f"https://api.github.com/users/{login}"
        kinds = "followers following gists starred subscriptions organizations repos events received_events"
        return {
            "login": login,
            "id": number * 104_729,
            **{f"{kind}_url": f"{api}/{kind}" for kind in kinds.split()},
        }

    pull_request = {
        "number": number,
        "title": f"Change number {number}",
        "commits": 1,
        "created_at": "2026-11-21T10:00:00Z",
        "_links": {"html": {"href": f"https://github.com/octo-org/base-repository/pull/{number}"}},
        "body": f"What {number} changes, and why. " * 40,
        "user": user("codertocat"),
        "head": {"sha": f"{number:040x}", "ref": f"topic-{number}", "repo": repository("head-repository")},
        "base": {"sha": f"{number + 1:040x}", "ref": "main", "repo": repository("base-repository")},
        "requested_reviewers": [user(f"reviewer-{n}") for n in range(14)],
        "labels": [{"id": n, "node_id": node(n), "name": f"label {n}", "color": "ededed"} for n in range(8)],
    }
    payload = {
        "action": "synchronize",
        "number": number,
        "pull_request": pull_request,
        "repository": repository("base-repository"),
        "sender": user("codertocat"),
        "installation": {"id": 4711},
    }
    return json.dumps(payload, separators=(",", ":")).encode()


class Client(asyncio.Protocol):
    """One connection: the next delivery leaves when the last was answered."""

    def __init__(
        self, requests: list[tuple[bytes, bytes]], numbers: "count[int]", results: "Results"
    ) -> None:
        self._requests = requests
        self._numbers = numbers
        self._results = results
        self._buffer = b""
        self._at = 0.0
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # uvloop's own type
        self._send()

    def _send(self) -> None:
        number = next(self._numbers)
        before, after = self._requests[number % len(self._requests)]
        self._at = time.perf_counter()
        self.transport.write(before + b"%d-%d" % (self._results.start, number) + after)

    def data_received(self, data: bytes) -> None:
        data = self._buffer + data
        if not _whole(data):
            self._buffer = data
            return
        self._buffer = b""
        self._results.add(data[9:12] in _GOOD, time.perf_counter() - self._at)
        self._send()

    def connection_lost(self, _error: Exception | None) -> None:
        self._results.lost += 1


def _whole(data: bytes) -> bool:
    """Whether an answer is complete, whatever way it tells its length."""
    head, end, rest = data.partition(b"\r\n\r\n")
    if not end:
        return False
    _, declared, length = head.lower().partition(b"\r\ncontent-length:")
    return len(rest) >= int(length.split(b"\r\n")[0]) if declared else rest.endswith(b"0\r\n\r\n")


class Results:
    """What came back. Latencies count only while `measuring`."""

    def __init__(self) -> None:
        self.start = time.time_ns()
        self.measuring = False
        self.acknowledged = 0  # ever, warming up included
        self.refused = 0
        self.lost = 0
        self.seconds: list[float] = []

    def add(self, good: bool, seconds: float) -> None:
        self.acknowledged += good
        self.refused += not good
        if self.measuring and good:
            self.seconds.append(seconds)


async def load(port: int, connections: int, seconds: float, path: str) -> dict[str, float]:
    requests = []
    for number in range(BODIES):
        content = body(number)
        older = hmac.new(SECRET.encode(), content, "sha1").hexdigest()  # all that some peers look at
        headers = signed(content, _MARK, event="pull_request", x_hub_signature=f"sha1={older}")
        headers["content-length"] = str(len(content))
        lines = [
            f"POST {path} HTTP/1.1",
            "host: portcullis",
            *(f"{n}: {v}" for n, v in headers.items()),
        ]
        before, after = "\r\n".join([*lines, "", ""]).split(_MARK)
        requests.append((before.encode(), after.encode() + content))
    results, numbers = Results(), count()
    loop = asyncio.get_running_loop()
    for _ in range(connections):
        await loop.create_connection(lambda: Client(requests, numbers, results), "127.0.0.1", port)
    await asyncio.sleep(min(0.5, seconds))
    results.measuring, started = True, time.perf_counter()
    await asyncio.sleep(seconds)
    while len(results.seconds) < LEAST:
        await asyncio.sleep(0.1)
    results.measuring, took = False, time.perf_counter() - started
    cuts = statistics.quantiles(results.seconds, n=100)
    return {
        "acknowledged": results.acknowledged,
        "refused": results.refused,
        "lost": results.lost,
        "per_second": len(results.seconds) / took,
        "p50": cuts[49] * 1000,
        "p99": cuts[98] * 1000,
    }


if __name__ == "__main__":
    figures = uvloop.run(load(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]))
    print(json.dumps(figures))
