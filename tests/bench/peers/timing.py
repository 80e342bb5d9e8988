"""How soon Buildbot says "pending" and "success": pull requests one by one, and many at once."""

import hashlib
import hmac
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import httpx

from tests.bench.load import body
from tests.bench.peers import HOOK_OF_BUILDBOT, PATIENCE, SECRET, buildbot, installed
from tests.bench.peers.stub import Stub


class Timed(NamedTuple):
    """Medians in seconds since the delivery was sent; `makespan` until the last of the burst was done."""

    pending: float
    verdict: float
    burst_pending: float
    makespan: float
    calls: float


def send(url: str, number: int) -> tuple[str, float]:
    """One pull request's delivery; gives its head and when it was sent."""
    content = body(number)
    headers = {
        "content-type": "application/json",
        "x-github-event": "pull_request",
        "x-hub-signature": "sha1=" + hmac.new(SECRET.encode(), content, hashlib.sha1).hexdigest(),
    }
    at = time.time()
    httpx.post(url, content=content, headers=headers, trust_env=False, timeout=PATIENCE).raise_for_status()
    return f"{number:040x}", at


def shown(api: Stub, head: str, state: str) -> float:
    """Wait until a head was shown in this state; when that was."""
    end = time.monotonic() + PATIENCE
    while (at := api.first(head, state)) is None:
        assert time.monotonic() < end, f"{head} never became {state}"
        time.sleep(0.001)
    return at


def timed(singles: int, burst: int, senders: int) -> Timed | None:
    """None where Buildbot could not be installed."""
    place = installed()
    if place is None:
        return None
    with (
        tempfile.TemporaryDirectory(prefix="peer-") as folder,
        buildbot(place, Path(folder), builds=True) as (_, port, api),
        ThreadPoolExecutor(senders) as pool,
    ):
        url = f"http://127.0.0.1:{port}{HOOK_OF_BUILDBOT}"
        shown(api, send(url, 1)[0], "success")  # warm
        pending, verdicts, before = [], [], api.calls
        for number in range(100, 100 + singles):
            head, at = send(url, number)
            verdicts.append(shown(api, head, "success") - at)
            pending.append(shown(api, head, "pending") - at)
        calls, started = (api.calls - before) / singles, time.time()
        sent = list(pool.map(lambda number: send(url, number), range(1000, 1000 + burst)))
        ends = [shown(api, head, "success") for head, _ in sent]
        waited = [shown(api, head, "pending") - at for head, at in sent]
    return Timed(
        statistics.median(pending),
        statistics.median(verdicts),
        statistics.median(waited),
        max(ends) - started,
        calls,
    )
