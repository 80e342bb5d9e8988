"""Endpoints of apps, installations, teams and people."""

from app.practice import shapes
from app.practice.access import Caller
from app.practice.server import Ask, Endpoint, Refusal, Reply
from app.practice.world import NotThere

_PERMISSION_NAMES = {"maintain": "write", "triage": "read"}


async def get_app(ask: Ask) -> Reply:
    """`GET /app`."""
    app = ask.app()
    count = sum(1 for each in ask.world.installations.values() if each.app_id == app.id)
    return Reply(body={**shapes.app(ask.world, app), "installations_count": count})


async def installations(ask: Ask) -> Reply:
    """`GET /app/installations`."""
    app = ask.app()
    own = [each for each in ask.world.installations.values() if each.app_id == app.id]
    return Reply(items=[shapes.installation(ask.world, each) for each in own])


async def access_token(ask: Ask) -> Reply:
    """`POST /app/installations/{id}/access_tokens`."""
    app = ask.app()
    installation = ask.world.installations[ask.at["installation_id"]]
    if installation.app_id != app.id:
        raise NotThere("another app's")
    if installation.suspended_at is not None:
        raise Refusal(403, "This installation has been suspended")
    asked = ask.body if isinstance(ask.body, dict) else {}
    permissions, repositories = asked.get("permissions"), asked.get("repository_ids")
    granted = Caller(installation=installation, token=ask.world.new_token(installation))
    if not all(granted.holds(name, level) for name, level in (permissions or {}).items()):
        raise Refusal(422, "The permissions requested are not granted to this installation.")
    reached = {repo.id for repo in ask.world.installed_repositories(installation)}
    if not set(repositories or ()) <= reached:
        raise Refusal(422, "There is at least one repository that does not exist or is not accessible.")
    wanted = set(repositories) if repositories else None
    token = ask.world.new_token(installation, permissions, wanted)
    everything = wanted is None and installation.repositories is None
    return Reply(
        status=201,
        body={
            "token": token.token,
            "expires_at": ask.world.stamp(token.expires),
            "permissions": dict(token.permissions),
            "repository_selection": "all" if everything else "selected",
        },
    )


async def installation_repositories(ask: Ask) -> Reply:
    """`GET /installation/repositories`."""
    if ask.caller.installation is None:
        raise Refusal(403, "You must authenticate with an installation access token.")
    reached = ask.world.installed_repositories(ask.caller.installation)
    return Reply(items=[shapes.repository(ask.world, repo) for repo in reached], envelope="repositories")


async def convert_manifest(ask: Ask) -> Reply:
    """`POST /app-manifests/{code}/conversions`: once."""
    app = ask.world.apps[ask.world.manifest_codes.pop(ask.at["code"])]
    return Reply(
        status=201,
        body={
            **shapes.app(ask.world, app),
            "client_id": app.client_id,
            "client_secret": f"secret-of-{app.client_id}",
            "webhook_secret": app.webhook_secret,
            "pem": app.private_key,
        },
    )


async def rate_limit(ask: Ask) -> Reply:
    """`GET /rate_limit`."""
    world = ask.world
    used = sum(world.rate_used.values())
    core = {
        "limit": world.rate_limit,
        "used": used,
        "remaining": max(0, world.rate_limit - used),
        "reset": int(world.rate_reset),
    }
    return Reply(body={"resources": {"core": core, "search": core}, "rate": core})


async def team_members(ask: Ask) -> Reply:
    """`GET /orgs/{org}/teams/{slug}/members`, nested teams included."""
    found = ask.world.team_members(ask.at["org"], ask.at["team_slug"])
    return Reply(items=[shapes.user(ask.world, member) for member in found])


async def permission(ask: Ask) -> Reply:
    """`GET /repos/{owner}/{repo}/collaborators/{username}/permission`."""
    repo = ask.repository()
    account = ask.world.account(ask.at["username"])
    if account.type == "Bot":
        raise NotThere("not a user")
    level = ask.world.permission(repo, account.login)
    body = {
        "permission": _PERMISSION_NAMES.get(level, level),
        "role_name": level,
        "user": {**shapes.user(ask.world, account), "role_name": level},
    }
    return Reply(body=body)


async def get_user(ask: Ask) -> Reply:
    """`GET /users/{username}`."""
    account = ask.world.account(ask.at["username"])
    nothing = dict.fromkeys(("company", "blog", "location", "hireable", "bio"))
    shown = {"name": account.name, "email": account.email}
    counts = {"public_repos": 0, "public_gists": 0, "followers": 0, "following": 0}
    now = ask.world.stamp()
    return Reply(
        body={
            **shapes.user(ask.world, account),
            **nothing,
            **shown,
            **counts,
            "created_at": now,
            "updated_at": now,
        }
    )


ENDPOINTS = (
    Endpoint(method="GET", path="/app", handler=get_app),
    Endpoint(method="GET", path="/app/installations", handler=installations),
    Endpoint(
        method="POST", path="/app/installations/{installation_id:int}/access_tokens", handler=access_token
    ),
    Endpoint(method="POST", path="/app-manifests/{code}/conversions", handler=convert_manifest),
    Endpoint(method="GET", path="/installation/repositories", handler=installation_repositories),
    Endpoint(method="GET", path="/rate_limit", handler=rate_limit),
    Endpoint(method="GET", path="/users/{username}", handler=get_user),
    Endpoint(
        method="GET",
        path="/orgs/{org}/teams/{team_slug}/members",
        handler=team_members,
        needs=("members", "read"),
    ),
    Endpoint(
        method="GET",
        path="/repos/{owner}/{repo}/collaborators/{username}/permission",
        handler=permission,
        needs=("metadata", "read"),
    ),
)
