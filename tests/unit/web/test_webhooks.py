"""Deliveries over a real socket: kept once and acknowledged, or refused with a reason and not kept."""

import asyncio
import json
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlencode

import pytest
from fastapi import FastAPI
from sqlalchemy import func, select
from starlette.applications import Starlette
from starlette.routing import Route
from structlog.testing import capture_logs

from app.engine import Accepted
from app.forges import DeliveryHead, GitHubIntake
from app.store import Database, deliveries, troubles
from app.store.tables import deliveries as table
from app.web import Tally, webhooks
from app.web.program import Server
from app.wiring import Door
from tests.support.database import sqlite_url
from tests.support.edge import SECRET, Edge, ask, edge_app, post, read_answer, served, signed

BODY = b'{"ref": "refs/heads/main", "repository": {"id": 1, "full_name": "o/r"}}'


@pytest.fixture
async def edge(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[Edge]:
    copy = shutil.copyfile(sqlite_template, tmp_path / "edge.db")
    database, tally = Database(sqlite_url(copy)), Tally()
    async with served(edge_app(database, tally)) as port:
        yield Edge(port, database, tally)
    database.close()


@asynccontextmanager
async def behind_a_proxy(app: FastAPI, proxies: list[str]) -> AsyncIterator[int]:
    """The app as `portcullis serve` serves it, with these trusted proxies."""
    server = Server(app, signals=False, proxies=proxies)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with app.router.lifespan_context(app):
            task = asyncio.create_task(server.serve(sockets=[listener]))
            yield listener.getsockname()[1]
            server.should_exit = True
            await task


def kept(edge: Edge) -> list[deliveries.StoredDelivery]:
    with edge.database.engine.connect() as connection:
        found = [deliveries.load(connection, row_id) for row_id in deliveries.to_do(connection, 1e12)]
    return [delivery for delivery in found if delivery]


def rows(edge: Edge) -> int:
    with edge.database.engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


async def test_a_signed_delivery_is_kept_and_acknowledged(edge: Edge) -> None:
    answer = await edge.deliver(BODY, "d-1")
    assert answer.status == 202
    [delivery] = kept(edge)
    assert answer.json == {"outcome": "stored", "delivery": delivery.id}
    assert (delivery.forge, delivery.delivery_id, delivery.event, delivery.body) == (
        "github",
        "d-1",
        "push",
        BODY,
    )
    assert edge.tally.snapshot() == {("github", "stored"): 1}


async def test_a_doubled_delivery_is_acknowledged_and_kept_once(edge: Edge) -> None:
    answers = await asyncio.gather(*(edge.deliver(BODY, "d-1") for _ in range(8)))
    assert {answer.status for answer in answers} == {202}
    assert sorted(str(answer.json["outcome"]) for answer in answers) == ["duplicate"] * 7 + ["stored"]
    assert len({answer.json["delivery"] for answer in answers}) == 1
    assert rows(edge) == 1


async def test_a_form_is_kept_as_it_came(edge: Edge) -> None:
    body = urlencode({"payload": BODY.decode()}).encode()
    answer = await edge.deliver(body, "d-1", content_type="application/x-www-form-urlencoded")
    assert answer.json["outcome"] == "stored"
    assert kept(edge)[0].body == body


async def test_an_event_nobody_reads_is_ignored_with_a_reason(edge: Edge) -> None:
    answer = await edge.deliver(BODY, "d-1", event="star")
    assert (answer.status, answer.json) == (
        202,
        {"outcome": "ignored", "reason": "nobody needs star deliveries"},
    )
    assert rows(edge) == 0
    assert edge.tally.snapshot() == {("github", "ignored"): 1}


async def test_what_is_not_rightly_signed_is_refused(edge: Edge) -> None:
    cases: list[tuple[dict[str, str | None], int, str]] = [
        ({"x-hub-signature-256": None}, 401, "no valid X-Hub-Signature-256 header"),
        ({"x-hub-signature-256": "sha256=" + "0" * 64}, 401, "the signature does not match"),
        ({"x-hub-signature-256": "sha1=" + "0" * 40}, 401, "no valid X-Hub-Signature-256 header"),
        ({"x-hub-signature-256": "sha256=é"}, 401, "no valid X-Hub-Signature-256 header"),
        ({"x-github-event": None}, 400, "no valid X-GitHub-Event header"),
        ({"x-github-delivery": None}, 400, "no valid X-GitHub-Delivery header"),
        ({"x-github-delivery": "d" * 129}, 400, "no valid X-GitHub-Delivery header"),
    ]
    for change, status, reason in cases:
        headers = {**signed(BODY, "d-1"), **change}
        given = {name: value for name, value in headers.items() if value is not None}
        answer = await ask(edge.port, post("/webhooks/github", given, BODY))
        assert (answer.status, answer.json) == (status, {"error": reason}), change
    assert rows(edge) == 0
    assert edge.tally.snapshot() == {("github", "unsigned"): 4, ("github", "malformed"): 3}


async def test_a_body_changed_on_the_way_is_refused(edge: Edge) -> None:
    headers = signed(BODY, "d-1")
    answer = await ask(edge.port, post("/webhooks/github", headers, BODY.replace(b"main", b"evil")))
    assert answer.status == 401
    assert rows(edge) == 0


async def test_signed_but_malformed_is_refused(edge: Edge) -> None:
    deep = [b"[" * 100_000, b'{"a":' * 100_000]
    shallow = [b"", b"not json", b"[1, 2]", b'"text"', b'{"a": 1', b'{"a": 1} x', b"\xff\xfe{}"]
    for body in deep + shallow:
        answer = await edge.deliver(body, "d-1")
        assert answer.status == 400, body[:20]
        assert "neither a JSON object nor a form" in str(answer.json["error"])
    assert rows(edge) == 0


async def test_a_declared_length_over_the_cap_is_refused_unread(edge: Edge) -> None:
    headers = {**signed(b"", "d-1"), "content-length": str(webhooks.MAX_BODY + 1)}
    answer = await ask(edge.port, post("/webhooks/github", headers, None))
    assert (answer.status, answer.headers["connection"]) == (413, "close")
    assert edge.tally.snapshot() == {("github", "too_large"): 1}


async def test_a_chunked_body_is_cut_off_at_the_cap(edge: Edge) -> None:
    headers = {**signed(b"", "d-1"), "transfer-encoding": "chunked"}
    reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
    writer.write(post("/webhooks/github", headers, None))
    chunk = b"%x\r\n" % (1 << 20) + b"x" * (1 << 20) + b"\r\n"
    for _ in range(24):
        writer.write(chunk)
        await writer.drain()
    assert edge.tally.snapshot() == {}
    for _ in range(4):
        writer.write(chunk)
    writer.write(b"0\r\n\r\n")
    answer = await read_answer(reader)
    assert (answer.status, answer.headers["connection"]) == (413, "close")
    assert await reader.read() == b""
    writer.close()
    assert rows(edge) == 0


async def test_a_chunked_delivery_under_the_cap_is_kept(edge: Edge) -> None:
    body = json.dumps({"text": "x" * 300_000}).encode()
    headers = {**signed(body, "d-1"), "transfer-encoding": "chunked"}
    reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
    writer.write(post("/webhooks/github", headers, None))
    for start in range(0, len(body), 70_000):
        part = body[start : start + 70_000]
        writer.write(b"%x\r\n" % len(part) + part + b"\r\n")
        await writer.drain()
    writer.write(b"0\r\n\r\n")
    assert (await read_answer(reader)).json["outcome"] == "stored"
    writer.close()
    assert kept(edge)[0].body == body


async def test_twenty_megabytes_are_kept(edge: Edge) -> None:
    body = json.dumps({"text": "x" * 20_000_000}).encode()
    answer = await edge.deliver(body, "d-1")
    assert answer.status == 202
    assert kept(edge)[0].body == body


async def test_a_client_that_leaves_half_way_leaves_nothing(edge: Edge) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", edge.port)
    writer.write(post("/webhooks/github", {**signed(BODY, "d-1"), "content-length": "99999"}, None) + b"{")
    await writer.drain()
    await asyncio.sleep(0.05)
    writer.close()
    async with asyncio.timeout(60):
        while not edge.tally.snapshot():
            await asyncio.sleep(0.01)
    assert edge.tally.snapshot() == {("github", "abandoned"): 1}
    assert rows(edge) == 0


async def test_a_body_that_trickles_is_given_up() -> None:
    class NobodyKeeps:
        async def accept(self, forge: str, head: DeliveryHead, body: bytes) -> Accepted:
            raise AssertionError("nothing arrived that could be kept")

        async def limited(self, forge: str, sender: str) -> None:
            raise AssertionError("nobody was refused unread")

    tally = Tally()
    doors = {"github": Door(forge="github", intake=GitHubIntake(lambda: [SECRET]))}
    slow = webhooks.Webhooks(doors, NobodyKeeps(), tally, read_seconds=0.1)
    async with served(Starlette(routes=[Route("/webhooks/{forge}", slow)])) as port:
        headers = {**signed(BODY, "d-1"), "content-length": "99999"}
        answer = await ask(port, post("/webhooks/github", headers, None) + b"{")
    assert answer.status == 408
    assert tally.snapshot() == {("github", "too_slow"): 1}


def forged(delivery_id: str, source: str) -> bytes:
    headers = {**signed(BODY, delivery_id, secret="not the secret"), "x-forwarded-for": source}
    return post("/webhooks/github", headers, BODY)


async def test_a_flood_of_forged_deliveries_is_refused_unread_and_hurts_nobody_else(
    tmp_path: Path, sqlite_template: Path
) -> None:
    copy = shutil.copyfile(sqlite_template, tmp_path / "edge.db")
    database, tally = Database(sqlite_url(copy)), Tally()
    async with behind_a_proxy(edge_app(database, tally), ["127.0.0.0/8"]) as port:
        edge = Edge(port, database, tally)
        flood = [await ask(port, forged(f"f-{n}", "192.0.2.7")) for n in range(62)]
        assert [answer.status for answer in flood] == [401] * 60 + [429] * 2
        last = flood[-1]
        assert (last.headers["retry-after"], last.headers["connection"]) == ("1", "close")
        assert last.json == {"error": "too many deliveries without a right signature"}
        unread = {**signed(b"", "big"), "x-forwarded-for": "192.0.2.7", "content-length": "24000000"}
        assert (await ask(port, post("/webhooks/github", unread, None))).status == 429
        assert tally.snapshot() == {("github", "unsigned"): 60, ("github", "limited"): 3}
        assert (await edge.deliver(BODY, "d-1", x_forwarded_for="192.0.2.8")).status == 202
        assert (await edge.deliver(BODY, "d-2", x_forwarded_for="192.0.2.7")).status == 429
        with database.engine.connect() as connection:
            (told,) = troubles.all_of(connection)
        assert (told.kind, told.subject) == ("flood", "github")
        assert "come from 192.0.2.7" in told.says
        assert "PORTCULLIS_TRUSTED_PROXIES" in told.mend
    database.close()
    assert rows(edge) == 1


async def test_an_address_that_many_share_is_not_shut_by_one_of_them(edge: Edge) -> None:
    """Who is no trusted proxy says nothing about others: all of it is one sender, which has proved itself."""
    assert (await edge.deliver(BODY, "d-0")).status == 202
    answers = [await ask(edge.port, forged(f"f-{n}", f"192.0.2.{n}")) for n in range(65)]
    assert {answer.status for answer in answers} == {401}
    assert (await edge.deliver(BODY, "d-1")).status == 202


async def test_nobody_but_a_trusted_proxy_says_who_sends(tmp_path: Path, sqlite_template: Path) -> None:
    copy = shutil.copyfile(sqlite_template, tmp_path / "edge.db")
    database, tally = Database(sqlite_url(copy)), Tally()
    async with behind_a_proxy(edge_app(database, tally), ["10.0.0.0/8"]) as port:
        answers = [await ask(port, forged(f"f-{n}", f"192.0.2.{n}")) for n in range(61)]
    database.close()
    assert [answer.status for answer in answers] == [401] * 60 + [429]


async def test_other_forges_and_methods_are_refused(edge: Edge) -> None:
    assert (await ask(edge.port, post("/webhooks/gitlab", signed(BODY, "d-1"), BODY))).status == 404
    answer = await ask(edge.port, b"GET /webhooks/github HTTP/1.1\r\nhost: x\r\n\r\n")
    assert (answer.status, answer.headers["allow"]) == (405, "POST")
    assert rows(edge) == 0


async def test_no_log_holds_bodies_or_secrets(edge: Edge, capfd: pytest.CaptureFixture[str]) -> None:
    body = b'{"ref": "a very private branch"}'
    with capture_logs() as entries:  # whatever other tests of this process set up
        await edge.deliver(body, "d-1")
        await edge.deliver(body, "d-2", secret="a wrong secret")
        await edge.deliver(b'["a very private branch"]', "d-3")
    shown = "".join((*map(str, entries), *capfd.readouterr()))
    assert "delivery refused" in shown
    assert "private" not in shown
    assert SECRET not in shown
    assert "sha256=" not in shown


async def test_a_database_without_tables_acknowledges_nothing(tmp_path: Path) -> None:
    database, tally = Database(sqlite_url(tmp_path / "empty.db")), Tally()
    async with served(edge_app(database, tally)) as port:
        edge = Edge(port, database, tally)
        answers = [await edge.deliver(BODY, f"d-{n}") for n in range(2)]
    database.close()
    assert [(answer.status, answer.headers["retry-after"]) for answer in answers] == [(503, "60")] * 2
    assert tally.snapshot() == {("github", "unavailable"): 2}
