"""Find what is still to be done in the tables and wake it: heals anything lost, a wiped queue included."""

import structlog
from sqlalchemy import Connection

from app.engine.attempts import lose
from app.engine.retention import prune
from app.engine.services import Services
from app.store import Key, checks, deliveries, projects, publications, records, runs, uploads, wakes

LOG = structlog.get_logger(__name__)


async def sweep(services: Services, *, at_start: bool = False) -> None:
    """Wake all that is due, remove what is kept no longer. At start, being the only process, all running
    attempts of others are lost.
    """
    now = services.clock.now()
    alive = services.worker if at_start else None
    if at_start:
        await services.database.run(lambda unit: publications.release_leases(unit, services.worker))
    lapsed = await services.database.read(lambda c: checks.lapsed_attempts(c, now, alive))
    for attempt in lapsed:
        LOG.warning("an attempt was lost", attempt=attempt.id, worker=attempt.worker)
        await services.database.run(
            lambda unit, attempt=attempt: lose(unit, services, attempt, "its worker stopped")  # type: ignore[misc]
        )
    await _prune(services, now)
    for key, priority in await services.database.read(lambda c: _due(c, services, at_start=at_start)):
        services.dispatch.wake(key, priority)
    if not at_start:
        await prune(services)


async def _prune(services: Services, now: float) -> None:
    """Forget uploaded reports that are past their time."""
    before = now - services.options.upload_retention
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
    ):
        found += [((kind, identifier), 0) for identifier in ids]
    found += [
        (("attempt", identifier), priority) for priority, identifier in checks.attempts_to_do(connection, now)
    ]
    found += [(key, 0) for key in wakes.due(connection, now)]
    return found
