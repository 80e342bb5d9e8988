"""The database is stopped in order and comes back: nothing is acknowledged meanwhile, all is judged after.

The long way, under load: `python -m tests.bench outage`.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.cluster import Cluster, cluster
from tests.support.edge import signed
from tests.support.faces import WEBHOOK_SECRET
from tests.support.fleet import Fleet, fleet_stage, repository
from tests.support.prerequisites import program

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(300)]
GATE = "version: 1\nchecks:\n  lint: {run: 'grep -q good a.py'}\ngate: [checks.passed]\n"
BODY = b'{"ref": "refs/heads/main", "repository": {"id": 1, "full_name": "o/r"}}'


@pytest.fixture
def server() -> Iterator[Cluster]:
    program("bwrap")
    with cluster() as made:
        yield made


async def refused_in_order(fleet: Fleet) -> None:
    """Everything that needs the database says that it is not there, and nothing breaks."""
    headers = signed(BODY, "while-stopped", secret=WEBHOOK_SECRET)
    async with httpx.AsyncClient(base_url=fleet.url, trust_env=False, timeout=60) as http:
        delivery = await http.post("/webhooks/github", content=BODY, headers=headers)
        looks = [await http.get(path) for path in ("/readyz", "/runs/1", "/api/v1/runs/1")]
        alive = await http.get("/healthz")
    assert (delivery.status_code, delivery.headers["retry-after"]) == (503, "60")
    assert [look.status_code for look in looks] == [503] * 3
    assert alive.status_code == 200


async def test_what_comes_while_the_database_is_stopped_is_refused_and_found_after(
    tmp_path: Path, server: Cluster
) -> None:
    async with fleet_stage(tmp_path, server.url, ("web", "control", "checks")) as fleet:
        repo = await repository(fleet, {".portcullis.yml": GATE, "a.py": "bad\n"})
        await fleet.forge.push("alice", repo, "topic", {"a.py": "good 1\n"}, base="main")
        pull = await fleet.forge.open_pull_request("alice", repo, "topic")
        await fleet.judged(repo, pull.head_sha, 90)
        await fleet.forge.settle()
        await asyncio.to_thread(server.stop, "fast")
        await fleet.forge.push("alice", repo, "topic", {"a.py": "good 2\n"})
        await fleet.forge.settle()
        await refused_in_order(fleet)
        sent = list(fleet.world.deliveries.values())
        assert {each.status_code for each in sent} == {202, 503}
        await asyncio.to_thread(server.start)
        kept = {guid for (guid,) in fleet.rows("SELECT delivery_id FROM deliveries")}
        assert {each.guid for each in sent if each.status_code == 202} <= kept
        fleet.write("UPDATE repositories SET wake_at = 0")
        await fleet.judged(repo, pull.head_sha, 150)
        assert [run.conclusion for run in repo.runs.values()] == ["success"] * 2
