"""What waits in this process goes by its newest urgency."""

import asyncio

from app.engine import EmbeddedDispatch
from tests.support.clock import HandTurnedClock


async def test_what_becomes_more_urgent_while_it_waits_goes_first() -> None:
    done: list[int] = []
    first = asyncio.Event()

    async def handle(identifier: int) -> None:
        done.append(identifier)
        if identifier == 1:
            await first.wait()

    dispatch = EmbeddedDispatch(HandTurnedClock(), {"attempt": 1})
    await dispatch.start({"attempt": handle})
    for identifier, priority in ((1, 0), (2, 1), (3, -1), (4, 0)):
        dispatch.wake(("attempt", identifier), priority)
    dispatch.wake(("attempt", 3), 2)
    dispatch.wake(("attempt", 2), 0)  # a later wake-up of less urgency changes nothing
    first.set()
    await dispatch.idle()
    assert done == [1, 3, 2, 4]
    assert dispatch.quiet
    await dispatch.stop(1)
