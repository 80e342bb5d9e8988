"""`/api/v1`: runs as JSON, for who may see them; and the gate file's schema."""

from collections.abc import Callable, Mapping
from typing import Annotated, Protocol

import msgspec
from fastapi import APIRouter, Header, Path, Query
from starlette.responses import Response

from app.dashboard import Links, LinkState
from app.engine import Recomputed
from app.model import Judgement, Outage
from app.publish import explain_text


class RunReads(Protocol):
    """What the API reads. Raises Outage when the store cannot be read for now."""

    async def is_public(self, run_id: int) -> bool:
        """Whether the run exists and its repository is public."""
        ...

    async def judgement(self, run_id: int) -> Judgement | None:
        """The run as it is now; None if there is none."""
        ...

    async def explain(self, run_id: int) -> Recomputed | None:
        """The run's latest stored verdict, recomputed; None if there is none."""
        ...


RunId = Annotated[int, Path(ge=1, lt=1 << 63)]
Token = Annotated[str, Query(alias="t", max_length=200, description="The signature of a run's link")]
Bearer = Annotated[str, Header(alias="authorization", max_length=300)]


def api_routes(reads: RunReads, links: Links, now: Callable[[], float]) -> APIRouter:
    """The routes. A run of a private repository needs its link's token, as `?t=` or as a bearer token;
    one that may not be seen and one that is not there get the same answer.
    """
    router = APIRouter(prefix="/api/v1")

    async def refusal(run_id: int, token: str, bearer: str) -> Response | None:
        token = token or bearer.removeprefix("Bearer ")
        state = links.verify(run_id, token, now())
        if state is LinkState.VALID or await reads.is_public(run_id):
            return None
        if state is LinkState.EXPIRED:
            return _answer({"error": "this link has expired", "hint": "press Explain for a new one"}, 403)
        return _missing()

    @router.get("/runs/{run_id}")
    async def run(run_id: RunId, t: Token = "", authorization: Bearer = "") -> Response:
        """A run: its change, plan, checks, evidence and verdict."""
        try:
            refused = await refusal(run_id, t, authorization)
            found = None if refused else await reads.judgement(run_id)
        except Outage as outage:
            return _unavailable(outage)
        return refused or (_missing() if found is None else _answer(found))

    @router.get("/runs/{run_id}/explain")
    async def explain(run_id: RunId, t: Token = "", authorization: Bearer = "") -> Response:
        """A run's verdict judged again from its stored inputs, as a tree and in words."""
        try:
            refused = await refusal(run_id, t, authorization)
            found = None if refused else await reads.explain(run_id)
        except Outage as outage:
            return _unavailable(outage)
        return refused or (_missing() if found is None else _answer(_explained(found)))

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


def _explained(found: Recomputed) -> dict[str, object]:
    return {
        "run": found.judgement.run_id,
        "verdict": found.judgement.verdict,
        "text": explain_text(found.judgement),
        "same": found.same,
        "rules": {"stored": found.stored_rules, "now": found.rules},
        "now": found.now,
    }


def _answer(value: object, status: int = 200) -> Response:
    return Response(
        msgspec.json.encode(value),
        status_code=status,
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def _missing() -> Response:
    return _answer({"error": "there is no such run, or it may not be seen without its link"}, 404)


def _unavailable(outage: Outage) -> Response:
    answer = _answer({"error": outage.message}, 503)
    answer.headers["Retry-After"] = "10"
    return answer
