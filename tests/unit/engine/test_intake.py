"""The inbox: one commit for all that waits, an answer only after it, refusals at once."""

import asyncio
import io
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog
from sqlalchemy import func, select

from app import telemetry
from app.engine import Accepted, Inbox, InboxLimits, SystemClock
from app.forges import DeliveryHead
from app.model import Outage
from app.store import Database, Key, Unit, deliveries
from app.store.tables import deliveries as table


@pytest.fixture
async def database(migrated_url: str) -> AsyncIterator[Database]:
    database = Database(migrated_url)
    yield database
    database.close()


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """All that the process logs, as `serve` would write it."""
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    telemetry.setup(stream=stream)
    yield stream
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def head(number: int) -> DeliveryHead:
    return DeliveryHead(delivery_id=f"d-{number}", event="push", hook_id="1")


def inbox_of(database: Database, **limits: float) -> Inbox:
    return Inbox(database, SystemClock(), InboxLimits(**limits))


def stored(database: Database) -> int:
    with database.engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


async def test_many_at_once_share_few_commits_and_each_wakes_once(database: Database) -> None:
    commits: list[list[Key]] = []
    database.on_commit = lambda unit: commits.append(list(unit.wakes))
    async with inbox_of(database) as inbox:
        answers = await asyncio.gather(*(inbox.accept("github", head(n), b"{}") for n in range(200)))
    assert stored(database) == 200
    assert not any(answer.duplicate for answer in answers)
    assert sorted(key for keys in commits for key in keys) == [("delivery", answer.id) for answer in answers]
    assert len(commits) <= 3


async def test_a_batch_is_bounded_by_count_and_by_bytes(database: Database) -> None:
    sizes: list[int] = []
    database.on_commit = lambda unit: sizes.append(len(unit.wakes))
    async with inbox_of(database, batch=10, batch_bytes=2500) as inbox:
        await asyncio.gather(*(inbox.accept("github", head(n), b"x" * 1000) for n in range(7)))
        await inbox.accept("github", head(100), b"x" * 9000)
        await asyncio.gather(*(inbox.accept("github", head(n), b"") for n in range(200, 225)))
    assert sizes[:4] == [2, 2, 2, 1]
    assert sizes[4] == 1
    assert sorted(sizes[5:]) == [5, 10, 10]


async def test_redelivered_while_the_first_waits_is_a_duplicate(database: Database) -> None:
    async with inbox_of(database) as inbox:
        answers = await asyncio.gather(*(inbox.accept("github", head(1), b"{}") for _ in range(5)))
        later = await inbox.accept("github", head(1), b"{}")
    assert [answer.duplicate for answer in answers] == [False, True, True, True, True]
    assert later == Accepted(id=answers[0].id, duplicate=True)


async def test_a_full_queue_refuses_at_once_and_keeps_the_rest(database: Database) -> None:
    async with inbox_of(database, waiting=5) as inbox:
        answers = await asyncio.gather(
            *(inbox.accept("github", head(n), b"{}") for n in range(20)), return_exceptions=True
        )
    refused = [answer for answer in answers if isinstance(answer, Outage)]
    assert len(refused) == 15
    assert {outage.message for outage in refused} == {"too many deliveries wait"}
    assert stored(database) == 5


async def test_waiting_bytes_are_bounded_but_one_always_fits(database: Database) -> None:
    async with inbox_of(database, waiting_bytes=1000) as inbox:
        answers = await asyncio.gather(
            *(inbox.accept("github", head(n), b"x" * 900) for n in range(3)), return_exceptions=True
        )
        assert [isinstance(answer, Accepted) for answer in answers] == [True, False, False]
        assert not (await inbox.accept("github", head(9), b"x" * 5000)).duplicate
        assert not (await inbox.accept("github", head(10), b"x" * 900)).duplicate


async def test_a_closed_inbox_takes_nothing_and_closing_keeps_what_waits(database: Database) -> None:
    inbox = inbox_of(database, batch=1)
    with pytest.raises(Outage):
        await inbox.accept("github", head(0), b"{}")
    async with inbox:
        waiting = [asyncio.create_task(inbox.accept("github", head(n), b"{}")) for n in range(5)]
        await asyncio.sleep(0)
    assert [(await task).duplicate for task in waiting] == [False] * 5
    with pytest.raises(Outage):
        await inbox.accept("github", head(9), b"{}")
    assert stored(database) == 5


async def test_a_delivery_that_the_database_will_not_have_fails_alone(
    database: Database, log: io.StringIO
) -> None:
    refused = not database.is_sqlite  # which takes any text of any length
    async with inbox_of(database) as inbox:
        bad = DeliveryHead(delivery_id="d-\x00", event="push")
        answers = await asyncio.gather(
            inbox.accept("github", head(1), b"{}"),
            inbox.accept("github", bad, b'{"a private": "text"}'),
            inbox.accept("github", head(2), b"{}"),
            return_exceptions=True,
        )
    assert [isinstance(answer, Accepted) for answer in answers] == [True, not refused, True]
    assert stored(database) == (2 if refused else 3)
    shown = log.getvalue()
    assert ("could not be kept" in shown) is refused
    assert "private" not in shown
    assert "28b52ffd" not in shown  # nor compressed


async def test_a_bug_of_whoever_is_woken_does_not_stop_the_inbox(database: Database) -> None:
    def breaks(_unit: Unit) -> None:
        raise RuntimeError("a bug")

    async with inbox_of(database) as inbox:
        database.on_commit = breaks
        with pytest.raises(RuntimeError):
            await inbox.accept("github", head(1), b"{}")
        database.on_commit = lambda _unit: None
        assert (await inbox.accept("github", head(1), b"{}")).duplicate


async def test_a_locked_database_refuses_quickly_and_recovers(tmp_path: Path, sqlite_template: Path) -> None:
    path = tmp_path / "locked.db"
    path.write_bytes(sqlite_template.read_bytes())
    database = Database(f"sqlite:///{path}")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    async with inbox_of(database, patience=0.1) as inbox:
        started = time.monotonic()
        first = asyncio.create_task(inbox.accept("github", head(1), b"{}"))
        await asyncio.sleep(0.02)
        second = asyncio.create_task(inbox.accept("github", head(2), b"{}"))
        for task in (first, second):
            with pytest.raises(Outage, match="does not answer in time"):
                await task
        with pytest.raises(Outage, match="does not answer in time"):
            await inbox.accept("github", head(3), b"{}")
        assert time.monotonic() - started < 15
        other.execute("COMMIT")
        other.close()
        while isinstance(
            (await asyncio.gather(inbox.accept("github", head(4), b"{}"), return_exceptions=True))[0], Outage
        ):
            await asyncio.sleep(0.01)
    with database.engine.connect() as connection:
        assert [load.delivery_id for load in loaded(connection)] == ["d-1", "d-4"]
    database.close()


def loaded(connection: object) -> list[deliveries.StoredDelivery]:
    return [
        delivery
        for row_id in deliveries.to_do(connection, 1e12)
        if (delivery := deliveries.load(connection, row_id))
    ]


async def test_a_database_that_went_away_is_an_outage(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/gone/away.db")
    async with inbox_of(database) as inbox:
        with pytest.raises(Outage):
            await inbox.accept("github", head(1), b"{}")
    database.close()
