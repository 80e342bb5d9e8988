"""A loop beside the runs: it tells what went wrong, and goes on."""

import asyncio
from collections.abc import Callable

from structlog.testing import capture_logs

from app.engine.repeated import Repeated
from app.model import Outage


def repeated(work: Callable[[int], object]) -> tuple[Repeated, asyncio.Queue[int]]:
    """One whose n-th time does what `work` says; the queue tells when it began."""
    begun: asyncio.Queue[int] = asyncio.Queue()
    times = 0

    async def wait() -> None:
        await asyncio.sleep(0)

    async def one() -> None:
        nonlocal times
        times += 1
        begun.put_nowait(times)
        work(times)
        if times > 2:
            await asyncio.Event().wait()

    return Repeated(wait, one, postponed="later", crashed="crashed"), begun


def fail(time: int) -> None:
    if time == 1:
        raise Outage("no database")
    if time == 2:
        raise ZeroDivisionError


async def test_it_goes_on_after_an_outage_and_after_a_crash() -> None:
    loop, begun = repeated(fail)
    with capture_logs() as logs:
        loop.start()
        assert [await begun.get() for _ in range(3)] == [1, 2, 3]
        assert await loop.stop()
    assert [(one["event"], one["log_level"]) for one in logs] == [("later", "warning"), ("crashed", "error")]
    assert logs[0]["reason"] == "no database"
    assert logs[1]["exc_info"] is True


async def test_it_stops_in_the_middle_of_its_work_and_not_twice() -> None:
    loop, begun = repeated(lambda _time: None)
    assert not await loop.stop()  # it was never started
    loop.start()
    while await begun.get() < 3:
        pass
    assert await loop.stop()
    assert not await loop.stop()
    assert begun.empty()


async def test_once_tells_what_went_wrong_and_raises_nothing() -> None:
    loop, _ = repeated(fail)
    with capture_logs() as logs:
        await loop.once()
        await loop.once()
    assert [one["event"] for one in logs] == ["later", "crashed"]
