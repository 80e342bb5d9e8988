"""Health, the API's access rules, the schema, headers: over a real socket."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import msgspec
import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from app.dashboard import Links
from app.engine import Recomputed
from app.model import (
    Change,
    ChangeKind,
    Judgement,
    Misconfigured,
    Outage,
    Repository,
    Verdict,
    VerdictState,
)
from app.store import Database
from app.web import Tally
from tests.support.edge import Answer, MemoryReads, ask, edge_app, served

NOW = 1_790_000_000.0
LINKS = Links("a secret key that signs links")


def judgement(run_id: int) -> Judgement:
    repository = Repository(
        forge="github",
        forge_id=1,
        full_name="o/r",
        installation_id=7,
        default_branch="main",
        private=True,
        clone_url="https://forge.example/o/r.git",
    )
    change = Change(
        kind=ChangeKind.PULL_REQUEST,
        key="pr-5",
        number=5,
        base_ref="main",
        head_ref="tidy",
        head_sha="a" * 40,
    )
    verdict = Verdict(state=VerdictState.BLOCKED, reason="conflicts with main in a.py")
    return Judgement(run_id=run_id, repository=repository, change=change, verdict=verdict)


async def fine() -> str:
    return ""


@asynccontextmanager
async def web(**parts: object) -> AsyncIterator[int]:
    database = Database("sqlite://")
    async with served(edge_app(database, Tally(), links=LINKS, now=lambda: NOW, **parts)) as port:
        yield port
    database.close()


async def get(port: int, path: str, headers: Mapping[str, str] | None = None) -> Answer:
    lines = [f"GET {path} HTTP/1.1", "host: portcullis", *(f"{n}: {v}" for n, v in (headers or {}).items())]
    return await ask(port, "\r\n".join([*lines, "", ""]).encode())


async def test_alive_says_nothing_about_the_rest() -> None:
    async def broken() -> str:
        raise Outage("the database does not answer")

    async with web(probes={"database": broken}) as port:
        answer = await get(port, "/healthz")
    assert (answer.status, answer.json) == (200, {"status": "alive"})


async def test_ready_when_every_probe_is_fine() -> None:
    async with web(probes={"database": fine, "executor": fine}) as port:
        answer = await get(port, "/readyz")
    assert (answer.status, answer.json) == (
        200,
        {"status": "ready", "checks": {"database": "ok", "executor": "ok"}},
    )


async def test_not_ready_says_what_is_missing_whatever_breaks() -> None:
    async def misconfigured() -> str:
        raise Misconfigured("no migrations were run", hint="run `portcullis migrate`")

    async def bug() -> str:
        raise ZeroDivisionError

    async def unready() -> str:
        return "bubblewrap is missing"

    async def hangs() -> str:
        await asyncio.sleep(60)
        return ""

    probes = {"database": fine, "migrations": misconfigured, "executor": unready, "x": bug, "y": hangs}
    async with web(probes=probes) as port:
        answer = await get(port, "/readyz")
    assert answer.status == 503
    assert answer.json == {
        "status": "not ready",
        "checks": {
            "database": "ok",
            "migrations": "no migrations were run",
            "executor": "bubblewrap is missing",
            "x": "the probe itself failed, see the log",
            "y": "no answer within 3 s",
        },
    }


async def test_a_private_run_needs_its_own_valid_link() -> None:
    reads = MemoryReads(runs={1: judgement(1), 2: judgement(2)})
    mine, others, old = LINKS.sign(1, NOW), LINKS.sign(2, NOW), LINKS.sign(1, NOW - 9 * 86_400)
    async with web(reads=reads) as port:
        seen = await get(port, f"/api/v1/runs/1?t={mine}")
        by_header = await get(port, "/api/v1/runs/1", {"authorization": f"Bearer {mine}"})
        expired = await get(port, f"/api/v1/runs/1?t={old}")
        hidden = [
            await get(port, f"/api/v1/runs/1{query}")
            for query in ("", f"?t={others}", "?t=x", "?t=%00%ff", f"?t={mine[:-1]}")
        ]
        absent = await get(port, f"/api/v1/runs/3?t={LINKS.sign(3, NOW)}")
        unknown = await get(port, "/api/v1/runs/99")
    assert seen.status == by_header.status == 200
    assert msgspec.json.decode(seen.body, type=Judgement) == judgement(1)
    assert by_header.body == seen.body
    assert seen.headers["cache-control"] == "no-store"
    assert (expired.status, expired.json["hint"]) == (410, "press Explain for a new one")
    assert {answer.status for answer in (*hidden, absent, unknown)} == {404}
    assert len({answer.body for answer in (*hidden, absent, unknown)}) == 1


async def test_a_public_run_is_everybodys() -> None:
    async with web(reads=MemoryReads(runs={1: judgement(1)}, public={1})) as port:
        assert (await get(port, "/api/v1/runs/1")).json["run_id"] == 1


async def test_explain_gives_the_tree_the_words_and_whether_it_is_the_same() -> None:
    found = Recomputed(
        judgement=judgement(1), same=False, stored_rules=1, rules=2, now=Verdict(state=VerdictState.PASSED)
    )
    reads = MemoryReads(runs={1: judgement(1)}, recomputed={1: found})
    async with web(reads=reads) as port:
        answer = await get(port, f"/api/v1/runs/1/explain?t={LINKS.sign(1, NOW)}")
        hidden = await get(port, "/api/v1/runs/1/explain")
        absent = await get(port, f"/api/v1/runs/2/explain?t={LINKS.sign(2, NOW)}")
    assert answer.json["run"] == 1
    assert "conflicts with main in a.py" in str(answer.json["text"])
    assert (answer.json["same"], answer.json["rules"]) == (False, {"stored": 1, "now": 2})
    assert answer.json["now"]["state"] == "passed"
    assert hidden.status == absent.status == 404


@pytest.mark.parametrize("run", ["0", "-1", "x", "9" * 30, "1.5"])
async def test_addresses_that_are_no_run_are_refused(run: str) -> None:
    async with web() as port:
        assert (await get(port, f"/api/v1/runs/{run}")).status in {404, 422}


async def test_an_outage_is_said_and_asks_to_come_back() -> None:
    async with web(reads=MemoryReads(fault=Outage("the database does not answer: gone"))) as port:
        answer = await get(port, "/api/v1/runs/1")
    assert (answer.status, answer.headers["retry-after"]) == (503, "10")
    assert answer.json["detail"] == "the database does not answer: gone"
    assert answer.headers["content-type"] == "application/problem+json"


async def test_the_schema_is_for_editors_everywhere() -> None:
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"}
    async with web(schema=schema) as port:
        answer = await get(port, "/schema/v1.json")
    assert answer.json == schema
    assert answer.headers["access-control-allow-origin"] == "*"


async def test_every_answer_has_safe_headers_and_pages_keep_their_own() -> None:
    async def page(_request: Request) -> Response:
        return PlainTextResponse("hello", headers={"Content-Security-Policy": "default-src 'self'"})

    async with web(pages=[Route("/hello", page)]) as port:
        answers = {
            path: await get(port, path)
            for path in ("/healthz", "/nothing", "/api/v1/nothing", "/api/v1/runs/1")
        }
        own = await get(port, "/hello")
    for path, answer in answers.items():
        assert answer.headers["x-content-type-options"] == "nosniff", path
        assert answer.headers["referrer-policy"] == "no-referrer", path
        assert "content-security-policy" in answer.headers, path
    assert own.headers["content-security-policy"] == "default-src 'self'"
    assert own.headers["x-frame-options"] == "DENY"
    assert answers["/nothing"].status == answers["/api/v1/nothing"].status == 404
    assert answers["/nothing"].headers["content-type"].startswith("text/html")
    assert b"There is no such page" in answers["/nothing"].body
    assert b"private" not in answers["/nothing"].body  # it was never a run's address
    assert answers["/api/v1/nothing"].json["detail"] == "there is nothing here"


def test_two_applications_share_nothing() -> None:
    database = Database("sqlite://")
    first, second = (edge_app(database, Tally()) for _ in range(2))
    assert isinstance(first, FastAPI)
    assert first.router is not second.router
    database.close()
