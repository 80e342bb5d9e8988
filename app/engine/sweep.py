"""Find what is still to be done in the tables and wake it: heals anything lost, a wiped queue included."""

import structlog
from sqlalchemy import Connection

from app.engine.attempts import lose
from app.engine.auditing import seal
from app.engine.retention import prune
from app.engine.services import Services
from app.model import Attempt, Outage
from app.store import (
    Key,
    Unit,
    attempts,
    chores,
    deliveries,
    projects,
    publications,
    records,
    runs,
    uploads,
    wakes,
)

LOG = structlog.get_logger(__name__)


async def sweep(services: Services, *, at_start: bool = False) -> None:
    """Wake all that is due, chain what was put on record, remove what is kept no longer. At start, being the
    only process, nothing is held by another.
    """
    if at_start:
        await services.database.run(lambda unit: publications.release_leases(unit, services.worker))
    due = await services.database.read(lambda c: _due(c, services, at_start=at_start))
    if due:
        await services.database.run(lambda unit: _wake(unit, due))
    for step in (_prune,) if at_start else (seal, _prune, prune):
        try:
            await step(services)
        except Outage:
            raise  # the database: the others would fail alike
        except Exception:
            LOG.exception("a part of the sweep crashed; it is tried again", part=step.__name__)


async def lose_lapsed(services: Services, *, at_start: bool = False) -> None:
    """Attempts whose worker did not keep its lease are lost; at start, being the only process, those of all
    other workers.
    """
    now, alive = services.clock.now(), services.worker if at_start else None
    for attempt in await services.database.read(lambda c: attempts.lapsed_attempts(c, now, alive)):
        if attempt.worker == services.worker and attempt.id in services.running:
            continue  # it runs here: only a clock that was set can say otherwise

        def write(unit: Unit, attempt: Attempt = attempt) -> bool:
            lapsed_by = None if at_start else now
            return lose(unit, services, attempt, "its worker stopped", lapsed_by=lapsed_by)

        if await services.database.run(write):
            LOG.warning("an attempt was lost", attempt=attempt.id, worker=attempt.worker)


def _wake(unit: Unit, due: list[tuple[Key, int]]) -> None:
    for (kind, identifier), priority in due:
        unit.wake(kind, identifier, priority)


async def _prune(services: Services) -> None:
    """Forget uploaded reports that are past their time."""
    before = services.clock.now() - services.options.upload_retention
    oldest = await services.database.read(uploads.oldest)
    if oldest is not None and oldest < before:
        removed = await services.database.run(lambda unit: uploads.prune_uploads(unit, before))
        if removed:
            LOG.info("old uploads were removed", count=removed)


def _due(connection: Connection, services: Services, *, at_start: bool) -> list[tuple[Key, int]]:
    now = services.clock.now()
    forgotten = now if at_start else now - services.options.sweep_every
    found: list[tuple[Key, int]] = []
    for kind, ids in (
        ("delivery", deliveries.to_do(connection, now)),
        ("run", runs.runs_to_wake(connection, now, forgotten)),
        ("publication", publications.publications_to_do(connection, now)),
        ("comment", publications.comments_to_do(connection, now)),
        ("command", records.commands_to_do(connection, now)),
        ("repository", projects.repositories_to_read(connection, now)),
        ("chore", chores.due(connection, now)),
    ):
        found += [((kind, identifier), 0) for identifier in ids]
    found += [
        (("attempt", identifier), priority)
        for priority, identifier in attempts.attempts_to_do(connection, now)
    ]
    found += [(key, 0) for key in wakes.due(connection, now)]
    return found
