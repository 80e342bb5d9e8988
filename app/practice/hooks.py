"""Sends deliveries as GitHub does: signed, numbered, remembered, and not always well behaved.

Headers and redelivery: docs.github.com "Webhook events and payloads", "Redelivering webhooks".
"""

import asyncio
import hashlib
import hmac
import json
import uuid
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlencode

import httpx

from app.practice.shapes import Json
from app.practice.state import App, Installation, Repository
from app.practice.traffic import Delivery
from app.practice.world import World

_TIME_OUT = 10.0
_CAP = 25 * 1024 * 1024


class Hooks:
    """The outbox: deliveries leave in order, one at a time, unless told to misbehave.

    `double` sends each twice; `drop` forgets that many (no log has them), `fail` finds nobody there that
    often, `swallow` lets something in front of the receiver say that all is well; `delay` waits seconds
    before each; while `hold()` counts nothing leaves, `release()` sends what was held, in any order.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._waiting: asyncio.Queue[Delivery] = asyncio.Queue()
        self._worker: asyncio.Task[None] | None = None
        self._http: httpx.AsyncClient | None = None
        self._held: list[Delivery] | None = None
        self.double = False
        self.drop = 0
        self.fail = 0
        self.swallow = 0
        self.delay = 0.0

    def emit(
        self,
        app: App,
        event: str,
        payload: Json,
        *,
        installation: Installation | None = None,
        repository: Repository | None = None,
    ) -> Delivery:
        """Remember a delivery and send it in the background."""
        action = payload.get("action")
        delivery = self._make(app, event, action, payload)
        delivery.installation_id = installation.id if installation is not None else None
        delivery.repository_id = repository.id if repository is not None else None
        return self.post(delivery, somewhere=bool(app.webhook_url))

    def post(self, delivery: Delivery, *, somewhere: bool = True) -> Delivery:
        """Remember a delivery that is ready, and send it in the background if it leads `somewhere`."""
        self._world.deliveries[delivery.id] = delivery
        if len(delivery.body) > _CAP or not somewhere:
            delivery.status = "not sent"
        elif self.drop:
            self.drop -= 1
            delivery.dropped, delivery.status = True, "dropped"
        elif self._held is not None:
            self._held.append(delivery)
        else:
            self._enqueue(delivery)
            if self.double:
                self._enqueue(delivery)
        return delivery

    def _make(self, app: App, event: str, action: str | None, payload: Json) -> Delivery:
        text = json.dumps(payload, separators=(",", ":"))
        form = app.content_type == "form"
        body = (urlencode({"payload": text}) if form else text).encode()
        secret, guid = app.webhook_secret.encode(), str(uuid.uuid4())
        headers = {
            "content-type": "application/x-www-form-urlencoded" if form else "application/json",
            "user-agent": "GitHub-Hookshot/0a1b2c3",
            "x-github-event": event,
            "x-github-delivery": guid,
            "x-github-hook-id": str(app.hook_id),
            "x-github-hook-installation-target-id": str(app.id),
            "x-github-hook-installation-target-type": "integration",
        }
        if secret:
            headers["x-hub-signature"] = "sha1=" + hmac.new(secret, body, "sha1").hexdigest()
            headers["x-hub-signature-256"] = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
        return Delivery(
            id=self._world.new_id(),
            guid=guid,
            app_id=app.id,
            event=event,
            action=action,
            body=body,
            payload=payload,
            headers=headers,
            installation_id=None,
            repository_id=None,
        )

    def hold(self) -> None:
        """Keep deliveries back from now on."""
        self._held = []

    def release(self, order: Callable[[list[Delivery]], list[Delivery]] = list) -> list[Delivery]:
        """Send what was held back, in the given order (`lambda held: held[::-1]` reorders)."""
        held, self._held = self._held or [], None
        ordered = order(held)
        for delivery in ordered:
            self._enqueue(delivery)
        return ordered

    def redeliver(self, delivery: Delivery) -> Delivery:
        """Send an old delivery again: new id, same guid, as GitHub does."""
        again = Delivery(
            id=self._world.new_id(),
            guid=delivery.guid,
            app_id=delivery.app_id,
            event=delivery.event,
            action=delivery.action,
            body=delivery.body,
            payload=delivery.payload,
            headers=delivery.headers,
            installation_id=delivery.installation_id,
            repository_id=delivery.repository_id,
            redelivery=True,
            url=delivery.url,
        )
        self._world.deliveries[again.id] = again
        self._enqueue(again)
        return again

    def _enqueue(self, delivery: Delivery) -> None:
        self._waiting.put_nowait(delivery)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.get_running_loop().create_task(self._work())

    async def _work(self) -> None:
        while True:
            delivery = await self._waiting.get()
            try:
                if self.delay:
                    await asyncio.sleep(self.delay)
                await self._send(delivery)
            finally:
                self._waiting.task_done()

    async def _send(self, delivery: Delivery) -> None:
        if self.fail or self.swallow:
            delivery.delivered_at = self._world.stamp()
            if self.fail:
                self.fail -= 1
                delivery.status_code, delivery.status = 502, "failed to connect to host"
            else:
                self.swallow -= 1
                delivery.status_code, delivery.status = 200, "OK"
            return
        if self._http is None:
            self._http = httpx.AsyncClient(timeout=_TIME_OUT, trust_env=False)
        url = delivery.url or self._world.apps[delivery.app_id].webhook_url
        delivery.delivered_at = self._world.stamp()
        started = asyncio.get_running_loop().time()
        try:
            answer = await self._http.post(url, content=delivery.body, headers=delivery.headers)
            delivery.status_code, delivery.status = answer.status_code, answer.reason_phrase or "OK"
        except httpx.TimeoutException:
            delivery.status_code, delivery.status = 504, "timed out"
        except httpx.HTTPError as problem:
            delivery.status_code, delivery.status = 502, f"failed to connect: {type(problem).__name__}"
        delivery.duration = round(asyncio.get_running_loop().time() - started, 3)

    async def settle(self) -> None:
        """Wait until everything that was to leave has left and was answered."""
        await self._waiting.join()

    async def close(self) -> None:
        """Stop sending."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.cancel()
            with suppress(asyncio.CancelledError):
                await worker
        if self._http is not None:
            await self._http.aclose()
            self._http = None
