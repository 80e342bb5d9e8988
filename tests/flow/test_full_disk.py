"""The disk of the data directory fills up while the real service works: it says so, and goes on after."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.flow.test_crash import opened, ours
from tests.support.leftovers import left_behind, sleepers
from tests.support.prerequisites import missing, program
from tests.support.service_process import Served, process_stage, until

pytestmark = pytest.mark.sandbox
GATE = """\
version: 1
checks:
  slow: {run: 'sleep 1.618; grep -q 2 a.py'}
gate: [checks.passed]
"""


class Disk:
    """A small disk, filled and emptied."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._ballast = place / "ballast"

    def fill(self) -> None:
        """Until not a byte is left."""
        with self._ballast.open("ab", buffering=0) as ballast:
            for size in (1 << 20, 1 << 12, 1):
                with pytest.raises(OSError, match="No space left"):
                    while ballast.write(b"x" * size):
                        pass

    def empty(self) -> None:
        self._ballast.unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    program("bwrap")
    if os.geteuid() != 0:
        missing("only root mounts a small disk")
    place = tmp_path / "data"
    place.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160m,mode=0700", "tmpfs", place], check=True)
    try:
        yield Disk(place)
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


async def ready(served: Served) -> tuple[int, str]:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"{served.url}/readyz")
    return answer.status_code, answer.json()["checks"]["disk"]


async def test_a_full_disk_loses_nothing(tmp_path: Path, disk: Disk) -> None:
    async with process_stage(tmp_path) as served:
        await served.start()
        assert await ready(served) == (200, "ok")
        repo, pull = await opened(served, GATE)
        await until(lambda: sleepers("sleep\x001.618"), 60)

        disk.fill()  # while a check runs: its ending cannot be kept
        status, says = await ready(served)
        assert (status, says) == (503, "the disk of the data directory has 0 MiB left")
        await until(lambda: "what a check left is kept again" in served.log(), 60)
        assert ours(repo)[-1].status != "completed"
        head = await served.forge.push("alice", repo, "topic", {"b.py": "2\n"})
        await served.forge.settle()
        refused = [one for one in served.world.deliveries.values() if one.status_code == 503]
        assert "pull_request" in {
            one.event for one in refused
        }  # nothing is acknowledged that could not be kept

        disk.empty()
        for delivery in refused:
            served.forge.hooks.redeliver(delivery)
        await served.judged(repo, head, 120)
        assert await ready(served) == (200, "ok")
        assert ours(repo)[-1].conclusion == "success"
        assert pull.head_sha == head
        assert served.rows("SELECT check_id, n FROM attempts GROUP BY check_id, n HAVING count(*) > 1") == []
        assert served.rows("SELECT id FROM attempts WHERE status IN ('queued', 'running')") == []
        assert served.rows("SELECT status FROM deliveries WHERE status NOT IN ('done', 'ignored')") == []
        assert served.rows("PRAGMA integrity_check") == [("ok",)]
        assert len(repo.comments) == 1
        assert left_behind(served.data) == []
        assert sleepers("sleep\x001.618") == []
