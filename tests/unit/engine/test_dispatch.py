"""What both dispatchers hold to, and what each has of its own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from app.engine import Dispatch, EmbeddedDispatch, FleetDispatch
from app.store import Database, recover
from tests.support.clock import HandTurnedClock
from tests.support.database import waiting

WIDTHS = {"attempt": 1, "delivery": 4}


@pytest.fixture
def database(migrated_url: str) -> Iterator[Database]:
    made = Database(migrated_url)
    yield made
    made.close()


async def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


def made(
    database: Database, clock: HandTurnedClock, widths: Mapping[str, int] = WIDTHS, sign_of_life: float = 6.0
) -> Dispatch:
    if database.is_sqlite:
        return EmbeddedDispatch(clock, widths)
    return FleetDispatch(clock, database, widths, sign_of_life=sign_of_life)


@asynccontextmanager
async def started(
    database: Database,
    handler: Callable[[int], Awaitable[None]],
    *,
    kind: str = "attempt",
    everywhere: str = "stop",
    clock: HandTurnedClock | None = None,
    widths: Mapping[str, int] = WIDTHS,
    sign_of_life: float = 6.0,
) -> AsyncIterator[Dispatch]:
    dispatch = made(database, clock or HandTurnedClock(), widths, sign_of_life)
    database.in_commit, database.on_commit = dispatch.within, dispatch.committed
    await dispatch.start({kind: handler}, {everywhere: handler})
    try:
        yield dispatch
    finally:
        await dispatch.stop(5)


async def wake(database: Database, *keys: tuple[str, int, int]) -> None:
    """One transaction that wakes (kind, id, priority)."""

    def write(unit):
        for key in keys:
            unit.wake(*key)

    await database.run(write)


async def idle(database: Database) -> None:
    """Nothing waits in the queue, where there is one."""
    async with asyncio.timeout(20):
        while not database.is_sqlite and await database.read(waiting):
            await asyncio.sleep(0.01)


class Held:
    """A handler that waits to be let go."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.done: list[int] = []
        self.go = asyncio.Event()

    async def __call__(self, identifier: int) -> None:
        self.begun.append(identifier)
        await self.go.wait()
        self.done.append(identifier)


async def test_the_more_urgent_go_first_and_a_later_wake_up_may_hurry(database) -> None:
    held = Held()
    async with started(database, held):
        await wake(database, ("attempt", 1, 0))
        await until(lambda: held.begun)
        await wake(database, ("attempt", 2, 1), ("attempt", 3, -1), ("attempt", 4, 0))
        await wake(database, ("attempt", 3, 2))
        await wake(database, ("attempt", 2, 0))  # of less urgency: changes nothing
        held.go.set()
        await until(lambda: len(held.done) == 4)
        assert held.done == [1, 3, 2, 4]
        await idle(database)


async def test_of_several_wake_ups_the_most_urgent_counts(database) -> None:
    held = Held()
    async with started(database, held, kind="run", widths={"run": 1}):
        await wake(database, ("run", 1, 0))
        await until(lambda: held.begun)
        await wake(database, ("run", 1, 3))  # again, once it has ended
        await wake(database, ("run", 2, 1), ("run", 3, 2), ("run", 3, 0))
        held.go.set()
        await until(lambda: len(held.done) == 4)
        assert held.done == [1, 1, 3, 2]
        await idle(database)


async def test_a_place_that_is_taken_holds_up_no_other(database) -> None:
    held = Held()
    async with started(database, held, widths={"attempt": 2}):
        await wake(database, ("attempt", 5, 0))
        await until(lambda: held.begun == [5])  # whatever is begun there goes on
        await wake(database, ("attempt", 5, 0))
        await until(lambda: held.begun == [5, 5])
        held.go.set()
        await idle(database)


async def test_a_burst_of_wake_ups_is_one_and_one_while_handled_makes_another(database) -> None:
    held = Held()
    async with started(database, held):
        for _ in range(5):
            await wake(database, ("attempt", 9, 0))
        await until(lambda: held.begun)
        for _ in range(5):
            await wake(database, ("attempt", 9, 0))
        held.go.set()
        await until(lambda: held.done == [9, 9])
        await idle(database)
    assert held.begun == [9, 9]


async def test_a_key_is_never_handled_twice_at_the_same_time(database) -> None:
    running, most, times = 0, 0, 0

    async def handle(_identifier: int) -> None:
        nonlocal running, most, times
        running += 1
        times += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1

    async with started(database, handle, kind="run"):
        for _ in range(20):
            await wake(database, ("run", 5, 0))
            await asyncio.sleep(0.004)
        await idle(database)
        await until(lambda: not running)
    assert most == 1
    assert times > 1


async def test_what_a_rolled_back_transaction_woke_sleeps_on(database) -> None:
    held = Held()
    held.go.set()

    def breaks(unit):
        unit.wake("attempt", 1)
        raise KeyError

    async with started(database, held):
        with pytest.raises(KeyError):
            await database.run(breaks)
        await wake(database, ("attempt", 2, 0))
        await until(lambda: held.done == [2])
        await idle(database)


async def test_a_timer_wakes_when_its_time_comes(database) -> None:
    held, clock = Held(), HandTurnedClock()
    held.go.set()

    async def rest() -> None:
        await asyncio.sleep(0)

    async with started(database, held, clock=clock):
        await database.run(lambda unit: unit.wake_later("attempt", 3, clock.now() + 60))
        await database.run(lambda unit: unit.wake_later("attempt", 3, clock.now() + 90))
        await asyncio.sleep(0.05)
        assert held.begun == []
        await clock.advance(60, rest)
        await until(lambda: held.done == [3])
        await idle(database)


async def test_cancelled_work_is_over_and_told_everywhere(database) -> None:
    begun, done, told, tasks = [], [], [], {}
    go = asyncio.Event()

    async def handle(identifier: int) -> None:
        tasks[identifier] = asyncio.current_task()
        begun.append(identifier)
        await go.wait()
        done.append(identifier)

    async def heed(identifier: int) -> None:
        told.append(identifier)
        tasks[identifier].cancel()

    dispatch = made(database, HandTurnedClock())
    database.in_commit, database.on_commit = dispatch.within, dispatch.committed
    await dispatch.start({"attempt": handle}, {"stop": heed})
    try:
        await wake(database, ("attempt", 1, 0))
        await until(lambda: begun)
        await wake(database, ("stop", 1, 0), ("attempt", 2, 0))
        await until(lambda: begun == [1, 2])  # there is room for one
        go.set()
        await until(lambda: done == [2])
        assert told == [1]
        await idle(database)
    finally:
        await dispatch.stop(5)


async def test_a_crashing_handler_is_tried_again(database) -> None:
    times, clock = [], HandTurnedClock()

    async def handle(identifier: int) -> None:
        times.append(identifier)
        if len(times) == 1:
            raise ZeroDivisionError

    async def rest() -> None:
        await asyncio.sleep(0)

    async with started(database, handle, clock=clock):
        await wake(database, ("attempt", 1, 0))
        await until(lambda: times)
        await idle(database)
        await asyncio.sleep(0.01)
        await clock.advance(10, rest)
        await until(lambda: times == [1, 1])
        await idle(database)


@pytest.fixture
def fleet(postgres_template) -> Iterator[Database]:
    from tests.support.database import postgres_database

    with postgres_database(postgres_template) as url:
        made = Database(url)
        yield made
        made.close()


@pytest.mark.postgres
async def test_what_a_process_leaves_is_handed_to_another(fleet) -> None:
    first, second = Held(), Held()
    second.go.set()
    one = FleetDispatch(HandTurnedClock(), fleet, WIDTHS)
    other = FleetDispatch(HandTurnedClock(), fleet, WIDTHS)
    fleet.in_commit = one.within
    await one.start({"attempt": first}, {})
    await wake(fleet, ("attempt", 1, 0))
    await until(lambda: first.begun)
    await other.start({"attempt": second}, {})
    await one.stop(0.01)  # it has no time to end
    await fleet.run(lambda unit: recover(unit, 60))
    await until(lambda: second.done == [1])
    await idle(fleet)
    await other.stop(5)
    assert first.done == []


@pytest.mark.postgres
async def test_a_process_that_slept_gives_back_nothing_that_is_not_its_own(fleet) -> None:
    first, second = Held(), Held()
    one = FleetDispatch(HandTurnedClock(), fleet, WIDTHS)
    other = FleetDispatch(HandTurnedClock(), fleet, WIDTHS)
    fleet.in_commit = one.within
    await one.start({"attempt": first}, {})
    await wake(fleet, ("attempt", 1, 0))
    await until(lambda: first.begun)
    await other.start({"attempt": second}, {})
    # as if it had slept: no sign of life for longer than others wait
    await fleet.run(
        lambda unit: unit.connection.execute(
            text(
                "UPDATE portcullis_queue.procrastinate_workers SET last_heartbeat = now() - interval '1 hour'"
                " WHERE id = (SELECT min(id) FROM portcullis_queue.procrastinate_workers)"
            )
        )
    )
    assert await fleet.run(lambda unit: recover(unit, 60)) == 1
    await until(lambda: second.begun)
    first.go.set()
    await until(lambda: first.done)
    await wake(fleet, ("attempt", 2, 0))  # it takes a new place and goes on
    await until(lambda: first.begun == [1, 2])
    assert await fleet.read(waiting) >= 1  # the other's hold on 1 stands
    second.go.set()
    await until(lambda: second.done == [1])
    await idle(fleet)
    await one.stop(5)
    await other.stop(5)


@pytest.mark.postgres
async def test_the_sign_of_life_goes_on_after_a_crash(fleet) -> None:
    async def sql(statement: str) -> object:
        return await fleet.run(lambda unit: unit.connection.execute(text(statement)))

    async def last() -> object:
        statement = text("SELECT max(last_heartbeat) FROM portcullis_queue.procrastinate_workers")
        return await fleet.read(lambda c: c.execute(statement).scalar_one())

    with capture_logs() as logs:
        async with started(fleet, Held(), sign_of_life=0.05):
            await sql("ALTER TABLE portcullis_queue.procrastinate_workers RENAME TO elsewhere")
            await until(lambda: [one for one in logs if "sign of life crashed" in one["event"]])
            await sql("ALTER TABLE portcullis_queue.elsewhere RENAME TO procrastinate_workers")
            before = await last()
            async with asyncio.timeout(20):
                while await last() == before:
                    await asyncio.sleep(0.02)


@pytest.mark.postgres
async def test_nothing_is_lost_when_the_connections_are_cut(fleet) -> None:
    held = Held()
    held.go.set()
    async with started(fleet, held, kind="run"):
        for number in range(60):
            await wake(fleet, ("run", number, 0))
            if number % 20 == 10:
                await fleet.run(
                    lambda unit: unit.connection.execute(
                        text(
                            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                        )
                    )
                )
        await until(lambda: set(held.done) == set(range(60)))
        await idle(fleet)


@pytest.mark.postgres
async def test_what_ended_is_given_back_while_more_waits(fleet) -> None:
    """Or all of a backlog would be done again by others should this process die."""
    done: list[int] = []
    held: list[int] = []
    taken = text("SELECT count(*) FROM portcullis_queue.procrastinate_jobs WHERE status = 'doing'")

    async def handle(identifier: int) -> None:
        if identifier % 10 == 0:
            held.append(await fleet.read(lambda connection: connection.execute(taken).scalar_one()))
        done.append(identifier)

    async with started(fleet, handle, kind="delivery"):
        await wake(fleet, *(("delivery", number, 0) for number in range(200)))
        await until(lambda: len(done) == 200)
        await idle(fleet)
    assert max(held) <= WIDTHS["delivery"]
