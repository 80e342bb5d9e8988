"""`/healthz`: the process answers. `/readyz`: everything it needs answers too."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import structlog
from fastapi import APIRouter
from starlette.responses import JSONResponse

from app.model import PortcullisError

LOG = structlog.get_logger(__name__)
PROBE_SECONDS: Final = 3.0

Probe = Callable[[], Awaitable[str]]
"""Looks at one thing; gives '' when it is fine, else why not. May raise PortcullisError."""


def health_routes(probes: Mapping[str, Probe]) -> APIRouter:
    """The two routes. `probes` by name ("database", "migrations", "executor"), asked on each `/readyz`."""
    router = APIRouter()

    @router.get("/healthz", include_in_schema=False)
    async def alive() -> JSONResponse:
        return JSONResponse({"status": "alive"})

    @router.get("/readyz", include_in_schema=False)
    async def ready() -> JSONResponse:
        found = await asyncio.gather(*(_ask(name, probe) for name, probe in probes.items()))
        fine = not any(found)
        answers = {name: reason or "ok" for name, reason in zip(probes, found, strict=True)}
        status = "ready" if fine else "not ready"
        return JSONResponse({"status": status, "checks": answers}, status_code=200 if fine else 503)

    return router


async def _ask(name: str, probe: Probe) -> str:
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            return await probe()
    except TimeoutError:
        return f"no answer within {PROBE_SECONDS:g} s"
    except PortcullisError as error:
        return error.message
    except Exception:  # readiness must answer whatever is broken; the log has the details
        LOG.exception("a readiness probe broke", probe=name)
        return "the probe itself failed, see the log"
