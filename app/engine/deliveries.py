"""Read stored deliveries: bytes → event → tables, once each, in one transaction."""

import structlog

from app.engine.events import apply_event
from app.engine.services import Services
from app.forges import BadDelivery, named
from app.store import Unit, deliveries

LOG = structlog.get_logger(__name__)
RETRY_SECONDS = 10.0


async def read_delivery(services: Services, row_id: int) -> None:
    """The handler of ('delivery', id)."""
    delivery = await services.database.read(lambda c: deliveries.load(c, row_id))
    if delivery is None or delivery.status != "stored":
        return
    structlog.contextvars.bind_contextvars(delivery=delivery.delivery_id)
    try:
        event = named(services.intakes[delivery.forge].read(delivery.event, delivery.body), delivery.forge)
    except BadDelivery as bad:
        reason = bad.reason
        await services.database.run(lambda unit: deliveries.finish(unit, row_id, "ignored", reason))
        return

    def write(unit: Unit) -> tuple[str, str]:
        if not deliveries.finish(unit, row_id, "done"):
            return "done", "read already"
        status, reason = apply_event(unit, services, delivery.forge, event)
        deliveries.describe(unit, row_id, status, reason)
        return status, reason

    try:
        status, reason = await services.database.run(write)
    except Exception as bug:  # a bug of ours: kept, tried again, then marked failed
        LOG.exception("a delivery could not be read")
        text, at = f"{type(bug).__name__}: {bug}", services.clock.now() + RETRY_SECONDS

        def postpone(unit: Unit) -> None:
            deliveries.postpone(unit, row_id, at, text)
            unit.wake_later("delivery", row_id, at)

        await services.database.run(postpone)
        return
    LOG.info("delivery read", event_name=delivery.event, status=status, reason=reason)
