"""Make wanted publications true on the forge: under a lease, idempotent, only what differs."""

from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from app.engine.services import Services
from app.forges import Gone, Importance, asking_for, writing_until
from app.model import (
    CheckRunStatus,
    CommitStatus,
    Misconfigured,
    Outage,
    Publication,
    Repository,
    StickyComment,
)
from app.store import Unit, projects, publications, troubles

LOG = structlog.get_logger(__name__)
FIRST_RETRY: Final = 5.0
LONGEST_RETRY: Final = 600.0
REFUSED_RETRY: Final = 600.0
REFUSED: Final = "refused"

Postpone = Callable[[Unit, int, str, float | None, str], None]


async def post_publication(services: Services, row_id: int) -> None:
    """The handler of ('publication', id)."""
    now = services.clock.now()
    lease = now + services.options.lease
    claimed = await services.database.run(
        lambda unit: _placed(unit, publications.claim_publication(unit, row_id, services.worker, lease, now))
    )
    if claimed is None:  # another has it; should it die meanwhile, it is ours then
        services.dispatch.wake_at(("publication", row_id), lease)
        return
    row, repository = claimed
    if not row.due or row.wake_at is None:
        return
    if row.wake_at > now:
        await _later(services, publications.postpone_publication, row, row.wake_at, "", "publication")
        return

    async def post() -> None:
        writing_until.set(lease)
        known = await _post(services, repository, row)

        def keep(unit: Unit) -> None:
            at = services.clock.now()
            if not publications.posted_publication(unit, row, services.worker, known, at):
                unit.wake("publication", row_id)

        await services.database.run(keep)

    await _try(services, row, "publication", publications.postpone_publication, post)


def _placed(unit: Unit, row: publications.Wanted | None) -> tuple[publications.Wanted, Repository] | None:
    """A claimed row and where it is to be posted, read by the same trip to the database."""
    return None if row is None else (row, projects.load_repository(unit.connection, row.repository_id))


async def _post(services: Services, repository: Repository, row: publications.Wanted) -> int | None:
    forge = services.forges[repository.forge]
    wanted = row.wanted
    if isinstance(wanted, CommitStatus):
        await forge.set_status(repository, wanted)
        return None
    if not isinstance(wanted, Publication):
        return None
    if wanted.name != services.options.name:
        asking_for.set(Importance.DETAIL)
    plain = services.plain.pop(row.id, None) == row.known_id and row.kept
    posted = await forge.publish(repository, wanted, row.known_id, fresh=row.fresh, plain=plain)
    if wanted.status is CheckRunStatus.IN_PROGRESS and not wanted.annotations:
        services.plain[row.id] = posted.id
    return posted.id


async def post_comment(services: Services, row_id: int) -> None:
    """The handler of ('comment', id)."""
    now = services.clock.now()
    lease = now + services.options.lease
    claimed = await services.database.run(
        lambda unit: _placed(unit, publications.claim_comment(unit, row_id, services.worker, lease, now))
    )
    if claimed is None:  # another has it; should it die meanwhile, it is ours then
        services.dispatch.wake_at(("comment", row_id), lease)
        return
    row, repository = claimed
    if not row.due or row.wake_at is None or not isinstance(row.wanted, StickyComment):
        return
    if row.wake_at > now:
        await _later(services, publications.postpone_comment, row, row.wake_at, "", "comment")
        return
    wanted = row.wanted

    async def post() -> None:
        writing_until.set(lease)
        forge = services.forges[repository.forge]
        posted = await forge.publish_comment(repository, wanted, row.known_id, fresh=row.fresh)

        def keep(unit: Unit) -> None:
            at = services.clock.now()
            if not publications.posted_comment(unit, row, services.worker, posted.id, at):
                unit.wake("comment", row_id)

        await services.database.run(keep)

    await _try(services, row, "comment", publications.postpone_comment, post)


async def _try(
    services: Services,
    row: publications.Wanted,
    kind: str,
    postpone: Postpone,
    post: Callable[[], Awaitable[None]],
) -> None:
    now = services.clock.now()
    try:
        await post()
    except Outage as outage:
        at = outage.again_at(now, min(FIRST_RETRY * 2**row.attempts, LONGEST_RETRY))
        LOG.warning("posting is tried again", kind=kind, reason=outage.message, at=at)
        await _later(services, postpone, row, at, outage.message, kind)
    except Gone as gone:
        LOG.warning("posting was given up", kind=kind, reason=gone.message)
        reason = gone.message
        await services.database.run(lambda unit: postpone(unit, row.id, services.worker, None, reason))
    except Misconfigured as problem:
        LOG.error(  # noqa: TRY400 - a refusal, not a bug: no traceback
            "posting was refused", kind=kind, reason=problem.message, hint=problem.hint
        )
        await _later(services, postpone, row, now + REFUSED_RETRY, problem.message, kind)
        await _told(services, row, problem)
    else:
        if row.attempts:
            await _told(services, row, None)


async def _later(
    services: Services, postpone: Postpone, row: publications.Wanted, at: float, error: str, kind: str
) -> None:
    def write(unit: Unit) -> None:
        postpone(unit, row.id, services.worker, at, error)
        unit.wake_later(kind, row.id, at)

    await services.database.run(write)


async def _told(services: Services, row: publications.Wanted, problem: Misconfigured | None) -> None:
    """A refusal stands among the operator's troubles until something is posted there again."""

    def write(unit: Unit) -> None:
        name = projects.load_repository(unit.connection, row.repository_id).full_name
        if problem is None:
            troubles.mended(unit, REFUSED, name)
        else:
            mend = problem.hint or "see the log of the service"
            troubles.tell(unit, REFUSED, name, says=problem.message, mend=mend, now=services.clock.now())

    await services.database.run(write)
