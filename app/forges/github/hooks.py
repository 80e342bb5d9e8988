"""GitHub's own log of what it delivered to the app, and asking for one of those again.

Source: docs.github.com "REST API endpoints for GitHub App webhooks" and "Handling failed webhook
deliveries": the log goes back three days; an attempt is good with a status code of 200 to 399.
"""

from datetime import datetime

import msgspec

from app.forges.github.calls import Call
from app.forges.github.client import Client
from app.forges.rest.calls import APP
from app.forges.values import DeliveryLog, LoggedDelivery
from app.model import Outage

_GOOD = range(200, 400)


class _Attempt(msgspec.Struct, kw_only=True):
    id: int
    guid: str
    delivered_at: str
    event: str
    status: str = ""
    status_code: int = 0
    repository_id: int | None = None

    def logged(self) -> LoggedDelivery:
        try:
            at = datetime.fromisoformat(self.delivered_at).timestamp()
        except ValueError:
            raise Outage("deliveries: GitHub gave a time that could not be read") from None
        return LoggedDelivery(
            id=self.id,
            guid=self.guid,
            at=at,
            event=self.event,
            good=self.status_code in _GOOD,
            status=f"{self.status_code} {self.status}".strip(),
            repository_id=self.repository_id or 0,
        )


class Hooks:
    """The half of the GitHub forge that asks about its deliveries."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def delivery_log(self, since: float, most: int) -> DeliveryLog:
        """The attempts to deliver to the app since a time, newest first."""
        found: list[LoggedDelivery] = []
        call = Call(kind="deliveries", who=APP, path="/app/hook/deliveries", fleeting=True)
        async for page in self._client.pages(call, list[_Attempt]):
            logged = [attempt.logged() for attempt in page]
            found += [entry for entry in logged if entry.at >= since]
            if any(entry.at < since for entry in logged):
                break
            if len(found) >= most:
                return DeliveryLog(entries=tuple(found), whole=False)
        return DeliveryLog(entries=tuple(found))

    async def redeliver(self, attempt_id: int) -> None:
        """Ask for a delivery again; once more than needed does no harm, it is known by its guid."""
        path = f"/app/hook/deliveries/{attempt_id}/attempts"
        await self._client.send(Call(kind="redeliver", who=APP, method="POST", path=path))
