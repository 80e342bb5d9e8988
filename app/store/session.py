"""The database: one engine, units of work, documents in and out of columns.

All SQL runs in worker threads (`Database.run`); on SQLite one writer thread, so that writers never
fight for the lock (measured: two writers halve the throughput).
"""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final, TypeVar

import msgspec
import zstandard
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import OperationalError

from app.model import Outage

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)

Key = tuple[str, int]
"""What can be woken: (kind, row id), as in ('run', 12)."""

PLACES: Final = frozenset({"attempt"})
"""Kinds whose keys stand for a place that is free, not for their row: any queued attempt may be begun there.
So several of one key may be handled at a time, or the one would wait for another's end.
"""

DRIVER_WAITS: Final[dict[str, Any]] = {"connect_timeout": 10, "tcp_user_timeout": 30_000}
"""A PostgreSQL server that vanished from the network is noticed within half a minute, not after the kernel's
fifteen.
"""

_ENCODER = msgspec.json.Encoder(order="deterministic")
BUSY_SECONDS = 30.0
_CHECKPOINT_PAGES: Final = 4000
"""16 MB: a commit that also moves the log into the database makes all deliveries wait that it carries. By
SQLite's default of 1,000 pages that is one commit in sixty under load, and so their slowest hundredth.
"""


class Unit:
    """One transaction and the wake-ups that commit with it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.wakes: list[Key] = []
        self.later: dict[Key, float] = {}
        self.priorities: dict[Key, int] = {}

    def wake(self, kind: str, identifier: int, priority: int = 0) -> None:
        """Something is to be done about a row once this transaction has committed; higher is sooner, and of
        several wake-ups the highest counts.
        """
        key = (kind, identifier)
        if key not in self.priorities:
            self.wakes.append(key)
        self.priorities[key] = max(priority, self.priorities.get(key, priority))

    def wake_later(self, kind: str, identifier: int, at: float) -> None:
        """Something is to be done about a row at a time (epoch seconds) after the commit."""
        key = (kind, identifier)
        self.later[key] = min(at, self.later.get(key, at))


class Database:
    """The store's door. `in_commit` gets each unit that woke something as the last act of its transaction,
    in its thread; `on_commit` gets it after the commit.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = make_engine(url)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self.password = self.engine.url.password or ""
        self.in_commit: Callable[[Unit], None] = _nobody
        self.on_commit: Callable[[Unit], None] = _nobody
        self._writers = ThreadPoolExecutor(1 if self.is_sqlite else 8, "store-write")
        self._readers = ThreadPoolExecutor(2 if self.is_sqlite else 8, "store-read")

    async def run(self, work: Callable[[Unit], T]) -> T:
        """Run `work` in one transaction; its wake-ups are handed out after the commit."""
        loop = asyncio.get_running_loop()
        result, unit = await loop.run_in_executor(self._writers, self._write, work)
        if unit.wakes or unit.later:
            self.on_commit(unit)
        return result

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on one connection; nothing it does is kept."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self._read, work)

    def _write(self, work: Callable[[Unit], T]) -> tuple[T, Unit]:
        with self.unit() as unit:
            result = work(unit)
        return result, unit

    def _read(self, work: Callable[[Connection], T]) -> T:
        with as_outage(), self.engine.connect() as connection:
            if self.is_sqlite:
                connection.exec_driver_sql("BEGIN")
            return work(connection)

    @contextmanager
    def unit(self) -> Iterator[Unit]:
        """One transaction from a thread; the caller hands out what it woke itself."""
        with as_outage(), self.engine.begin() as connection:
            if self.is_sqlite:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            connection.execution_options(decoded={})
            unit = Unit(connection)
            yield unit
            if unit.wakes:
                self.in_commit(unit)

    def close(self) -> None:
        """Close all connections and threads."""
        self._writers.shutdown()
        self._readers.shutdown()
        self.engine.dispose()


def time_of(connection: Connection) -> float:
    """The time on PostgreSQL's clock, epoch seconds."""
    return float(connection.exec_driver_sql("SELECT extract(epoch FROM clock_timestamp())").scalar_one())


def make_engine(url: str) -> Engine:
    """An engine for a SQLite or PostgreSQL address with our settings. Its errors never quote values: they
    go to the log, and values are bodies and secrets.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        driver = {"timeout": BUSY_SECONDS, "check_same_thread": False}
        engine = create_engine(parsed, hide_parameters=True, connect_args=driver)
        event.listen(engine, "connect", _sqlite_settings)
        return engine
    return create_engine(
        parsed,
        pool_size=10,
        max_overflow=10,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args=DRIVER_WAITS,
    )


def _sqlite_settings(connection: Any, _record: Any) -> None:  # noqa: ANN401 - the driver's own types
    connection.isolation_level = None  # transactions are begun by us (IMMEDIATE), not by the driver
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute(f"PRAGMA busy_timeout={int(BUSY_SECONDS * 1000)}")
    cursor.close()


@contextmanager
def as_outage() -> Iterator[None]:
    """Turn the driver's "no connection, busy, out of disk" into an Outage."""
    try:
        yield
    except OperationalError as error:
        raise no_answer(error.orig) from error


def no_answer(error: BaseException | None) -> Outage:
    """The Outage of a driver's error."""
    reason = next(iter(str(error or "").splitlines()), "") or "no reason given"
    return Outage(
        f"the database does not answer: {reason}",
        hint="check PORTCULLIS_DATABASE_URL and that the server is up; work goes on by itself then",
    )


def _nobody(_unit: Unit) -> None:
    pass


def pack(value: object) -> bytes:
    """A model value as deterministic JSON bytes."""
    return _ENCODER.encode(value)


def squeeze(value: object) -> bytes:
    """A model value as compressed JSON bytes."""
    return zstandard.compress(msgspec.json.encode(value), 3)


@lru_cache(maxsize=64)
def unpack_shared(kind: type[S], data: bytes) -> S:
    """A large frozen value that is read again and again (a plan for each of its checks), decoded once."""
    return unpack(kind, data)


def decoded_in(connection: Connection) -> dict[int, object]:
    """What was decoded of immutable rows in this transaction, by id; nothing is kept outside of one."""
    found: dict[int, object] = connection.get_execution_options().get("decoded", {})
    return found


def unpack(kind: type[T], data: bytes) -> T:
    """A model value from JSON bytes, compressed or not."""
    if data[:4] == b"\x28\xb5\x2f\xfd":
        data = zstandard.decompress(data)
    return msgspec.json.decode(data, type=kind)
