"""The app's log of deliveries, and delivering again.

docs.github.com "REST API endpoints for GitHub App webhooks": newest first, three days back, pages by a
cursor that only the Link header tells.
"""

from typing import Any, Final

from app.practice.server import Ask, Endpoint, Refusal, Reply
from app.practice.traffic import Delivery
from app.practice.world import NotThere

_KEPT: Final = 3 * 86_400.0
_PAGE: Final = 30
_LARGEST: Final = 100
_OUTCOMES: Final = {"success": range(200, 400), "failure": range(400, 600)}


def _described(each: Delivery) -> dict[str, Any]:
    return {
        "id": each.id,
        "guid": each.guid,
        "delivered_at": each.delivered_at,
        "redelivery": each.redelivery,
        "duration": each.duration,
        "status": each.status,
        "status_code": each.status_code,
        "event": each.event,
        "action": each.action,
        "installation_id": each.installation_id,
        "repository_id": each.repository_id,
        "throttled_at": None,
    }


def _logged(ask: Ask) -> list[Delivery]:
    """The app's attempts of the last days, newest first; what never left is in no log."""
    app, oldest = ask.app(), ask.world.stamp(ask.world.clock() - _KEPT)
    own = [
        each
        for each in ask.world.deliveries.values()
        if each.app_id == app.id and each.status_code and each.delivered_at >= oldest
    ]
    return sorted(own, key=lambda each: (each.delivered_at, each.id), reverse=True)


async def deliveries(ask: Ask) -> Reply:
    """`GET /app/hook/deliveries`."""
    found, query = _logged(ask), ask.query
    if wanted := query.get("status"):
        if wanted not in _OUTCOMES:
            raise Refusal(422, "Invalid status")
        found = [each for each in found if each.status_code in _OUTCOMES[wanted]]
    start = 0
    if cursor := query.get("cursor"):
        places = [place for place, each in enumerate(found) if f"v1_{each.id}" == cursor]
        if not places:
            raise Refusal(422, "Invalid cursor")
        start = places[0]
    asked = query.get("per_page", "")
    end = start + min(int(asked) if asked.isdigit() and int(asked) else _PAGE, _LARGEST)
    headers = {}
    if end < len(found):
        following = ask.request.url.include_query_params(cursor=f"v1_{found[end].id}")
        headers["link"] = f'<{following}>; rel="next"'
    return Reply(body=[_described(each) for each in found[start:end]], headers=headers)


async def redeliver(ask: Ask) -> Reply:
    """`POST /app/hook/deliveries/{id}/attempts`."""
    delivery = ask.world.deliveries[ask.at["delivery_id"]]
    if delivery not in _logged(ask):
        raise NotThere("another app's, or too old")
    ask.forge.hooks.redeliver(delivery)
    return Reply(status=202, body={})


ENDPOINTS = (
    Endpoint(method="GET", path="/app/hook/deliveries", handler=deliveries),
    Endpoint(method="POST", path="/app/hook/deliveries/{delivery_id:int}/attempts", handler=redeliver),
)
