"""Senders that are refused unread are told while it lasts, and forgotten once it is over."""

from app.engine.floods import OVER, flooded, forget_floods
from app.store import troubles


async def test_a_flood_is_told_once_and_forgotten_when_it_is_over(desk):
    services = desk.services
    with desk.unit() as unit:
        flooded(unit, "github", "192.0.2.7", desk.now)
        flooded(unit, "github", "192.0.2.8", desk.now)
    (told,) = await services.database.read(troubles.all_of)
    assert (told.subject, "192.0.2.8" in told.says) == ("github", True)
    services.clock.turn_to(desk.now + OVER)
    await forget_floods(services)
    assert await services.database.read(troubles.all_of) == (told,)
    services.clock.turn_to(desk.now + 1)
    await forget_floods(services)
    assert await services.database.read(troubles.all_of) == ()
