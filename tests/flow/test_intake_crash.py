"""A serving process is killed under load: every delivery it acknowledged is there, byte for byte."""

import asyncio
import contextlib
import json
import random
import sqlite3
from pathlib import Path

import zstandard

from app.store import migrate
from tests.support.database import sqlite_url
from tests.support.edge import post, read_answer, signed
from tests.support.edge_process import Process, serving

CLIENTS = 16


class Load:
    """Clients that deliver without pause and remember what was acknowledged."""

    def __init__(self) -> None:
        self.sent: dict[str, bytes] = {}
        self.acknowledged: dict[str, int] = {}

    async def client(self, port: int, name: str) -> None:
        chance = random.Random(name)  # noqa: S311 - sample bodies
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            for number in range(1_000_000):
                delivery_id = f"{name}-{number}"
                filler = chance.randbytes(chance.choice((10, 5_000, 60_000))).hex()
                body = json.dumps({"ref": "refs/heads/main", "n": number, "filler": filler}).encode()
                self.sent[delivery_id] = body
                writer.write(post("/webhooks/github", signed(body, delivery_id), body))
                answer = await read_answer(reader)
                assert (answer.status, answer.json["outcome"]) == (202, "stored")
                self.acknowledged[delivery_id] = int(str(answer.json["delivery"]))
        writer.close()


async def crash(process: Process, load: Load, name: str, wanted: int) -> None:
    """Kill the process once `wanted` more deliveries were acknowledged."""
    enough = len(load.acknowledged) + wanted
    clients = [asyncio.create_task(load.client(process.port, f"{name}-{n}")) for n in range(CLIENTS)]
    while len(load.acknowledged) < enough:
        await asyncio.sleep(0.005)
        assert not any(client.done() for client in clients)
    process.kill()
    await asyncio.gather(*clients)


async def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "portcullis.db"
    url = sqlite_url(path)
    migrate(url)
    load = Load()
    for round_number in range(2):
        with serving(["tests.support.edge_process", url]) as process:
            await crash(process, load, f"round-{round_number}", 150)

    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    rows = connection.execute("SELECT delivery_id, id, body, status FROM deliveries").fetchall()
    connection.close()
    kept = {
        delivery_id: (row_id, zstandard.decompress(body), status)
        for delivery_id, row_id, body, status in rows
    }
    assert len(load.acknowledged) >= 300
    assert [delivery_id for delivery_id in load.acknowledged if delivery_id not in kept] == []
    for delivery_id, row_id in load.acknowledged.items():
        assert kept[delivery_id] == (row_id, load.sent[delivery_id], "stored")
    unanswered = set(kept) - set(load.acknowledged)
    assert len(unanswered) <= 2 * CLIENTS  # kept, but killed before the answer: a redelivery is a duplicate
    assert all(kept[delivery_id][1] == load.sent[delivery_id] for delivery_id in unanswered)
