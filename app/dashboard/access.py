"""Who may see a run: everybody if its repository is public, else whoever holds a link that names it."""

import re
from enum import StrEnum

from starlette.requests import Request
from starlette.responses import Response

from app.dashboard import frame
from app.dashboard.links import LinkState
from app.dashboard.protocol import RunPage, Surroundings, Visibility
from app.model import Outage

_ID = re.compile(r"[1-9][0-9]{0,17}")


class Admission(StrEnum):
    """What is answered to who asks for a run. EXPIRED: a link that worked once, to a run that is there."""

    SHOWN = "shown"
    EXPIRED = "expired"
    HIDDEN = "hidden"


def admit(visibility: Visibility, link: LinkState) -> Admission:
    """The one rule of who sees a run, for pages and API alike."""
    if visibility is Visibility.PUBLIC or (visibility is Visibility.BY_LINK and link is LinkState.VALID):
        return Admission.SHOWN
    if visibility is Visibility.BY_LINK and link is LinkState.EXPIRED:
        return Admission.EXPIRED
    return Admission.HIDDEN


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
        match admit(await surroundings.reads.visibility(run_id), state):
            case Admission.SHOWN:
                return await surroundings.reads.run_page(run_id) or frame.missing()
            case Admission.EXPIRED:
                return frame.expired()
            case Admission.HIDDEN:
                return frame.missing()
    except Outage:
        return frame.unavailable()
