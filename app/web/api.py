"""`/api/v1`: runs as JSON, for who may see them; and the gate file's schema."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Protocol, TypeVar

import msgspec
from fastapi import APIRouter, Header, Path, Query
from starlette.responses import Response

from app.dashboard import Admission, Links, Visibility, admit
from app.engine import Recomputed
from app.model import Judgement, Outage
from app.publish import explain_text
from app.web.problems import documented, problem, unavailable


class RunReads(Protocol):
    """What the API reads. Raises Outage when the store cannot be read for now."""

    async def visibility(self, run_id: int) -> Visibility:
        """Who may see a run; takes as long for one that is not there."""
        ...

    async def judgement(self, run_id: int) -> Judgement | None:
        """The run as it is now; None if there is none."""
        ...

    async def explain(self, run_id: int) -> Recomputed | None:
        """The run's latest stored verdict, recomputed; None if there is none."""
        ...


_T = TypeVar("_T")
_AT_ONCE = 2
"""Runs read and written out at a time: one may hold what a hundred megabytes of reports say."""

RunId = Annotated[int, Path(ge=1, lt=1 << 63)]
Token = Annotated[str, Query(alias="t", max_length=200, description="The signature of a run's link")]
Bearer = Annotated[str, Header(alias="authorization", max_length=300)]


def api_routes(reads: RunReads, links: Links, now: Callable[[], float]) -> APIRouter:
    """The routes. A run of a private repository needs its link's token, as `?t=` or as a bearer token;
    one that may not be seen and one that is not there get the same answer.
    """
    router = APIRouter(prefix="/api/v1")
    turns = asyncio.Semaphore(_AT_ONCE)
    refusals = documented(404, 410, 422, 503)

    async def given(
        run_id: int, token: str, read: Callable[[int], Awaitable[_T | None]], write: Callable[[_T], Response]
    ) -> Response:
        link = links.verify(run_id, token.removeprefix("Bearer "), now())
        try:
            match admit(await reads.visibility(run_id), link):
                case Admission.EXPIRED:
                    return problem(410, "this link has expired", hint="press Explain for a new one")
                case Admission.HIDDEN:
                    return _missing()
                case Admission.SHOWN:
                    async with turns:
                        found = await read(run_id)
                        return _missing() if found is None else await asyncio.to_thread(write, found)
        except Outage as outage:
            return unavailable(outage)

    @router.get("/runs/{run_id}", responses=refusals)
    async def run(run_id: RunId, t: Token = "", authorization: Bearer = "") -> Response:
        """A run: its change, plan, checks, evidence and verdict."""
        return await given(run_id, t or authorization, reads.judgement, _answer)

    @router.get("/runs/{run_id}/explain", responses=refusals)
    async def explain(run_id: RunId, t: Token = "", authorization: Bearer = "") -> Response:
        """A run's verdict judged again from its stored inputs, as a tree and in words."""
        return await given(run_id, t or authorization, reads.explain, _explained)

    return router


def schema_routes(schema: Mapping[str, object]) -> APIRouter:
    """`/schema/v1.json`: the JSON schema of the gate file, for editors."""
    router = APIRouter()
    body = msgspec.json.encode(schema)

    @router.get("/schema/v1.json", include_in_schema=False)
    async def gate_file_schema() -> Response:
        headers = {"Cache-Control": "public, max-age=3600", "Access-Control-Allow-Origin": "*"}
        return Response(body, media_type="application/schema+json", headers=headers)

    return router


def _explained(found: Recomputed) -> Response:
    return _answer(
        {
            "run": found.judgement.run_id,
            "verdict": found.judgement.verdict,
            "text": explain_text(found.judgement),
            "same": found.same,
            "rules": {"stored": found.stored_rules, "now": found.rules},
            "now": found.now,
        }
    )


def _answer(value: object) -> Response:
    return Response(
        msgspec.json.encode(value),
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def _missing() -> Response:
    return problem(404, "there is no such run, or it may not be seen without its link")
