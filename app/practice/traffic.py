"""What goes over the practice forge's wires: requests seen, deliveries sent, faults to play."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(kw_only=True)
class Fault:
    """What goes wrong, for the next `times` requests that match.

    `status` 0 answers normally after `delay` seconds; `done` does the work first and loses the
    answer (GitHub's worst habit); `drop` closes the connection; `stale` repeats the previous answer
    to the same read. A request waits for `until`, if that is given, before anything is done with it.
    """

    times: int = 1
    method: str = ""
    path: str = ""
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str = "Server Error"
    delay: float = 0.0
    done: bool = False
    drop: bool = False
    stale: bool = False
    until: asyncio.Event | None = None

    def matches(self, method: str, path: str) -> bool:
        """Whether it is this request's turn (`path` is a regular expression)."""
        return self.times > 0 and self.method in {"", method} and re.search(self.path, path) is not None


@dataclass(kw_only=True)
class Seen:
    """One API request and its answer, for assertions and for validation against the description."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    caller: str
    status: int = 0
    answer: Any = None
    accept: str = ""


@dataclass(kw_only=True)
class Delivery:
    """A webhook delivery and how it went; `status_code` 0 = not sent (yet)."""

    id: int
    guid: str
    app_id: int
    event: str
    action: str | None
    body: bytes
    payload: dict[str, Any]
    headers: dict[str, str]
    installation_id: int | None
    repository_id: int | None
    redelivery: bool = False
    delivered_at: str = ""
    duration: float = 0.0
    status_code: int = 0
    status: str = "pending"
    dropped: bool = False
    url: str = ""
    """Where it goes; '' = to the app's address as it is when it leaves."""
