"""Creating the app by GitHub's manifest flow, and checking that a live app has what it needs.

Source: docs.github.com "Registering a GitHub App from a manifest".
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from app.forges.github.auth import AppCredentials
from app.forges.github.calls import Call
from app.forges.github.client import Client
from app.forges.rest.calls import ANONYMOUS, segment

PERMISSIONS: Final[Mapping[str, str]] = {
    "actions": "write",
    "metadata": "read",
    "contents": "read",
    "checks": "write",
    "statuses": "write",
    "pull_requests": "write",
    "issues": "write",
    "merge_queues": "read",
    "members": "read",
}
"""Only what this version uses: workflows that gates wait for (and running them again), reading the source,
posting the verdict, the sticky comment and reactions, hearing merge groups, resolving teams.
"""

EVENTS: Final = (
    "check_run",
    "check_suite",
    "issue_comment",
    "merge_group",
    "pull_request",
    "pull_request_review",
    "push",
    "repository",
    "status",
    "workflow_run",
)
"""Installation events come by themselves."""

_RANK: Final = {"none": 0, "read": 1, "write": 2, "admin": 3}


class ConvertedApp(msgspec.Struct, kw_only=True):
    """What GitHub returns once for a manifest's code: everything to be the app, secrets included."""

    id: int
    slug: str = ""
    name: str = ""
    html_url: str = ""
    pem: str
    webhook_secret: str | None = None
    client_id: str = ""
    client_secret: str = ""

    def __repr__(self) -> str:
        """Without the secrets."""
        return f"ConvertedApp(id={self.id}, slug={self.slug!r})"

    def credentials(self) -> AppCredentials:
        """The credentials to act as this app."""
        return AppCredentials(app_id=self.id, private_key=self.pem)


class AppProblem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing the live app lacks: `what` is `permission` or `event`."""

    what: str
    name: str
    needed: str
    found: str

    def __str__(self) -> str:
        """One sentence for doctor."""
        return f"the app's {self.what} {self.name!r} is {self.found}, needed is {self.needed}"


def app_manifest(*, name: str, public_url: str, redirect_url: str, setup_url: str) -> dict[str, Any]:
    """The manifest to post to GitHub's `/settings/apps/new` as the form field `manifest`."""
    public_url = public_url.rstrip("/")
    return {
        "name": name,
        "url": public_url,
        "description": "Holds every pull request at the gate until it has earned its way in.",
        "hook_attributes": {"url": f"{public_url}/webhooks/github", "active": True},
        "redirect_url": redirect_url,
        "setup_url": setup_url,
        "setup_on_update": False,
        "public": False,
        "default_permissions": dict(PERMISSIONS),
        "default_events": list(EVENTS),
    }


def web_url(api_url: str) -> str:
    """Where people are, given where the API is."""
    api_url = api_url.rstrip("/")
    return "https://github.com" if api_url == "https://api.github.com" else api_url.removesuffix("/api/v3")


def manifest_url(api_url: str, organization: str = "") -> str:
    """Where the manifest form is posted: a person's own settings, or an organisation's."""
    owner = f"/organizations/{segment(organization)}" if organization else ""
    return f"{web_url(api_url)}{owner}/settings/apps/new"


async def convert_manifest(api_url: str, code: str) -> ConvertedApp:
    """Exchange the code GitHub redirected with (valid once, for an hour) for the app.

    Raises Gone for an unknown, used or expired code, Outage where GitHub does not answer.
    """
    client = Client(lambda: None, api_url=api_url)
    try:
        # once: a repeated conversion would find the code used up and hide what happened.
        call = Call(
            kind="manifest",
            who=ANONYMOUS,
            method="POST",
            path=f"/app-manifests/{segment(code)}/conversions",
            once=True,
        )
        return (await client.send(call)).read(ConvertedApp)
    finally:
        await client.close()


def check_app(live: Mapping[str, object]) -> tuple[AppProblem, ...]:
    """What the live app (`Forge.whoami()`) lacks; more than needed is no problem."""
    permissions, events = live.get("permissions"), live.get("events")
    granted = permissions if isinstance(permissions, Mapping) else {}
    subscribed = events if isinstance(events, list | tuple) else ()
    lacking = [
        AppProblem(what="permission", name=name, needed=needed, found=str(granted.get(name, "none")))
        for name, needed in PERMISSIONS.items()
        if _RANK.get(str(granted.get(name, "none")), 0) < _RANK[needed]
    ]
    unheard = [
        AppProblem(what="event", name=name, needed="subscribed", found="not subscribed")
        for name in EVENTS
        if name not in subscribed
    ]
    return (*lacking, *unheard)
