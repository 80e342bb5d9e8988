"""Making the GitHub App: a form with the one-time token, the manifest posted to GitHub, the way back."""

import re
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.dashboard import frame
from app.dashboard.protocol import Surroundings
from app.model import AuthorFault, Misconfigured, Outage

_FORM_LIMIT = 8 << 10
_ORGANISATION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})")
_NAME_LIMIT = 34
"""GitHub's limit for the name of an app."""
DEFAULT_NAME = "Portcullis"


async def setup(request: Request, surroundings: Surroundings) -> Response:
    """`/setup/github`: asks for the one-time token and for whom the app is."""
    state = await surroundings.setup.state()
    if state.configured:
        return _finished(state.install_url)
    view = {
        "state": state,
        "token": request.query_params.get("token", ""),
        "name": DEFAULT_NAME,
        "organisation": "",
        "problem": "",
    }
    return frame.page("setup.html", view, form_action="'self'")


async def setup_form(request: Request, surroundings: Surroundings) -> Response:
    """The answered form: shows what GitHub will be asked for, and the button that goes there."""
    state = await surroundings.setup.state()
    if state.configured:
        return _finished(state.install_url)
    fields = await _fields(request)
    name, organisation = fields.get("name", ""), fields.get("organisation", "")
    token = fields.get("token", "").strip()
    problem = _problem(name, organisation)
    if not surroundings.setup.allows(token):
        problem = "This is not the set-up token. It is printed in the service's log at each start."
    if not problem:
        try:
            form = surroundings.setup.form(name, organisation)
        except AuthorFault as fault:
            problem = fault.message
        else:
            forge = urlsplit(form.action)
            view = {"form": form, "state": state, "name": name, "organisation": organisation}
            return frame.page("setup_confirm.html", view, form_action=f"{forge.scheme}://{forge.netloc}")
    again = {"state": state, "token": token, "name": name, "organisation": organisation, "problem": problem}
    return frame.page("setup.html", again, status=422, form_action="'self'")


async def callback(request: Request, surroundings: Surroundings) -> Response:
    """`/setup/github/callback`: GitHub sends the browser back with a code; ends on the installation page."""
    code, state = request.query_params.get("code", ""), request.query_params.get("state", "")
    if not code or not state:
        return _failed("GitHub sent no code.", 400)
    try:
        target = await surroundings.setup.finish(code, state)
    except Outage as outage:
        return _failed(outage.message, 503, outage.hint)
    except (AuthorFault, Misconfigured) as fault:
        return _failed(fault.message, 400, fault.hint)
    if not frame.web_address(target):
        return _finished("")
    return RedirectResponse(target, status_code=303, headers=frame.headers())


async def _fields(request: Request) -> dict[str, str]:
    """The fields of a small urlencoded form, {} for anything else."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _FORM_LIMIT:
            return {}
    try:
        fields = parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=20, errors="strict")
    except ValueError:
        return {}
    return {name: values[0].strip() for name, values in fields.items()}


def _problem(name: str, organisation: str) -> str:
    if not name or len(name) > _NAME_LIMIT or not name.isprintable():
        return f"The app needs a name of at most {_NAME_LIMIT} characters."
    if organisation and not _ORGANISATION.fullmatch(organisation):
        return "That is not the name of an organisation: letters, digits and hyphens, as in its address."
    return ""


def _finished(install_url: str) -> Response:
    address = frame.web_address(install_url)
    return frame.page("setup_done.html", {"install_url": address})


def _failed(text: str, status: int, hint: str = "") -> Response:
    advice = (hint, "Go back to /setup/github and begin again; nothing was stored.")
    return frame.message("The app was not made", text, *(part for part in advice if part), status=status)
