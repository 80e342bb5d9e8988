"""Who may see a run: everybody if its repository is public, else whoever holds a link that names it."""

import re

from starlette.requests import Request
from starlette.responses import Response

from app.dashboard import frame
from app.dashboard.links import LinkState
from app.dashboard.protocol import RunPage, Surroundings
from app.model import Outage

_ID = re.compile(r"[1-9][0-9]{0,17}")


def number(text: str) -> int | None:
    """A positive id from an address, None for anything else."""
    return int(text) if _ID.fullmatch(text) else None


async def open_run(request: Request, surroundings: Surroundings) -> RunPage | Response:
    """The run of an address, or the page to show instead.

    A run that is not there and one that may not be seen get the same answer, byte for byte.
    """
    run_id = number(request.path_params["run_id"])
    if run_id is None:
        return frame.missing()
    state = surroundings.links.verify(run_id, request.query_params.get("t", ""), surroundings.now())
    try:
        if state is not LinkState.VALID and not await surroundings.reads.is_public(run_id):
            return frame.expired() if state is LinkState.EXPIRED else frame.missing()
        return await surroundings.reads.run_page(run_id) or frame.missing()
    except Outage:
        return frame.unavailable()
