"""The fleet's queue on PostgreSQL: procrastinate's tables, in a schema of their own.

It wakes and hands out, nothing more: what is to be done stands in our own tables, and a lost queue is made
again from them. A job is a key. One waiting job per key (its `queueing_lock`) takes all wake-ups of a burst,
and no two jobs of a key run at the same time (its `lock`), but those of `PLACES`, which have none.
"""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final, NamedTuple

import psycopg
from procrastinate import PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.manager import JobManager
from psycopg import sql
from sqlalchemy import text
from sqlalchemy.engine import make_url

from app.store.queue_schema import SCHEMA
from app.store.session import DRIVER_WAITS, PLACES, Key, Unit, no_answer

WORDS: Final = "portcullis"
"""The channel of what every process is told, as `stop 12`."""
TASK: Final = "portcullis"
KEEPALIVE_SECONDS: Final = 15.0
_CHANNEL: Final = "procrastinate_queue_v1#"

_WAKE = text(
    f"""
    WITH kept AS (
        INSERT INTO {SCHEMA}.procrastinate_jobs (queue_name, task_name, priority, lock, queueing_lock, args)
        SELECT kind, '{TASK}', priority,
               CASE WHEN kind = ANY(CAST(:places AS text[])) THEN NULL ELSE kind || ':' || id END,
               kind || ':' || id, jsonb_build_object('id', id)
        FROM unnest(CAST(:kinds AS text[]), CAST(:ids AS bigint[]), CAST(:priorities AS integer[]))
             AS wanted (kind, id, priority)
        ORDER BY kind, id
        ON CONFLICT (queueing_lock) WHERE status = 'todo'
        DO UPDATE SET priority = greatest(procrastinate_jobs.priority, excluded.priority)
        RETURNING queue_name, xmax::text <> '0' AS known
    )
    SELECT pg_notify('{_CHANNEL}' || queue_name, '{{}}') FROM kept WHERE known GROUP BY queue_name
    """  # noqa: S608 - names of ours only
)
_TELL = text("SELECT pg_notify(:channel, :word)")
_FINISH: Final = "DELETE FROM procrastinate_jobs WHERE id = ANY(%(ids)s) AND status = 'doing'"
"""Many at once, which procrastinate's own `finish_job` cannot."""
_STALLED = text(
    f"""
    DELETE FROM {SCHEMA}.procrastinate_jobs AS job
    WHERE job.status = 'doing' AND NOT EXISTS (
        SELECT 1 FROM {SCHEMA}.procrastinate_workers AS worker
        WHERE worker.id = job.worker_id AND worker.last_heartbeat > now() - make_interval(secs => :seconds)
    )
    RETURNING job.queue_name AS kind, CAST(job.args ->> 'id' AS bigint) AS id, job.priority
    """  # noqa: S608 - names of ours only
)
_DEAD = text(
    f"DELETE FROM {SCHEMA}.procrastinate_workers"  # noqa: S608 - names of ours only
    " WHERE last_heartbeat < now() - make_interval(secs => :seconds)"
)


class Job(NamedTuple):
    """A key that was handed out to us."""

    id: int
    key: Key


def wake_all(unit: Unit, keys: Iterable[Key]) -> None:
    """Queue these keys, within the transaction that makes their work.

    One statement of our own, not procrastinate's `defer`: where a job of the key waits already it takes that
    one's lock until the commit, so that nobody fetches it and looks at the rows as they were before.
    """
    wanted = list(keys)
    if wanted:
        values = {
            "kinds": [kind for kind, _ in wanted],
            "ids": [identifier for _, identifier in wanted],
            "priorities": [unit.priorities[key] for key in wanted],
            "places": list(PLACES),
        }
        unit.connection.execute(_WAKE, values)


def tell_all(unit: Unit, word: str) -> None:
    """Say a word to every process, should this transaction commit."""
    unit.connection.execute(_TELL, {"channel": WORDS, "word": word})


def recover(unit: Unit, seconds: float) -> int:
    """Wake anew what was handed out to workers that gave no sign of life for so long; gives how many.

    Such a job goes and another one comes, rather than the same one again: a worker that only slept cannot
    end a job that is not its own any more.
    """
    rows = unit.connection.execute(_STALLED, {"seconds": seconds}).all()
    for row in rows:
        unit.wake(row.kind, row.id, row.priority)
    unit.connection.execute(_DEAD, {"seconds": seconds})
    return len(rows)


@contextmanager
def queue_outage() -> Iterator[None]:
    """Turn "no connection" into an Outage."""
    try:
        yield
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise no_answer(error) from error
    except ConnectorException as error:
        if isinstance(error.__cause__, (psycopg.OperationalError, psycopg.InterfaceError)):
            raise no_answer(error.__cause__) from error
        raise


class Queue:
    """One process's hold on the queue. Everything raises Outage while the database does not answer."""

    def __init__(self, url: str) -> None:
        self._address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        options = {**DRIVER_WAITS, "options": f"-c search_path={SCHEMA}"}
        self._connector = PsycopgConnector(
            conninfo=self._address, kwargs=options, min_size=1, max_size=2, timeout=10.0
        )
        self._manager = JobManager(self._connector)
        self._worker = 0

    async def open(self) -> None:
        """Connect and take a place among the workers."""
        with queue_outage():
            await self._connector.open_async()
            await self._register()

    async def _register(self) -> None:
        self._worker = await self._manager.register_worker()

    async def close(self) -> None:
        """Give the place back: what is still ours is handed out to others."""
        with queue_outage():
            await self._manager.unregister_worker(self._worker)

    async def disconnect(self) -> None:
        """Close the connections."""
        await self._connector.close_async()

    async def fetch(self, kinds: Collection[str]) -> Job | None:
        """The most urgent waiting key of these kinds, from now on ours."""
        with queue_outage():
            try:
                found = await self._manager.fetch_job(list(kinds), self._worker)
            except ConnectorException as error:
                if not isinstance(error.__cause__, psycopg.errors.ForeignKeyViolation):
                    raise
                await self._register()  # we slept, and were taken for dead
                return await self.fetch(kinds)
        if found is None or found.id is None:
            return None
        return Job(found.id, (found.queue, int(str(found.task_kwargs["id"]))))

    async def finish(self, jobs: Collection[Job]) -> None:
        """Keys were worked off; nothing happens to what is not ours any more."""
        with queue_outage():
            await self._connector.execute_query_async(_FINISH, ids=[job.id for job in jobs])

    async def beat(self) -> None:
        """A sign of life."""
        with queue_outage():
            await self._manager.update_heartbeat(self._worker)

    async def listen(
        self, kinds: Collection[str], news: Callable[[], None], told: Callable[[str], None]
    ) -> None:
        """Call `news` when keys of these kinds were queued (and at first), `told` with each word said to all.

        Returns only by raising: Outage when the connection is lost.
        """
        async with self._listening(kinds) as connection:
            news()
            while True:
                async for heard in connection.notifies(timeout=KEEPALIVE_SECONDS):
                    if heard.channel == WORDS:
                        told(heard.payload)
                    else:
                        news()
                await connection.execute("SELECT 1")

    @asynccontextmanager
    async def _listening(self, kinds: Collection[str]) -> "AsyncIterator[psycopg.AsyncConnection]":
        with queue_outage():
            connection = await psycopg.AsyncConnection.connect(self._address, autocommit=True, **DRIVER_WAITS)
            async with connection:
                for channel in (WORDS, *(_CHANNEL + kind for kind in kinds)):
                    await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
                yield connection
