"""Reading whole repositories and installations as they are now: heals what deliveries did not tell."""

import msgspec

from app.engine.fetching import fetch_change
from app.engine.missed import look_again
from app.engine.opening import PORTCULLIS, accept_change, stop_judging
from app.engine.services import Services
from app.forges import Gone
from app.model import Actor, Change, ChangeKind, ChangeState, Misconfigured, Repository
from app.store import Unit, changes, projects, wakes


async def read_repository(services: Services, repository_id: int) -> None:
    """The handler of ('repository', id): read it and its open pull requests as they are now.

    Every so often (`reread_every`) it heals what deliveries should have told and did not: new and closed
    pull requests, pushes, labels, merge groups that left their queue; and it wakes what is read apart:
    reviews, comments, others' posts.
    """
    active = await services.database.read(lambda c: projects.is_active(c, repository_id))
    if not active:
        return
    repository = await services.database.read(lambda c: projects.load_repository(c, repository_id))
    forge = services.forges[repository.forge]
    again = services.clock.now() + services.options.reread_every
    try:
        now = await forge.get_repository(repository)
        found = await forge.open_changes(now)
    except Gone:
        await services.database.run(lambda unit: _lose(unit, services, repository_id, repository))
        return
    except Misconfigured:  # refused, and said so by whoever handles this key: no reason to ask each minute
        await services.database.run(lambda unit: projects.wake_repository(unit, repository_id, again))
        raise
    left = await _left_the_queue(services, repository_id, now)
    await services.database.run(
        lambda unit: _take_over(unit, services, repository_id, now, found, left, again)
    )


async def _left_the_queue(
    services: Services, repository_id: int, repository: Repository
) -> tuple[Change, ...]:
    """Open merge groups whose branch is gone, or is another group's: their queue asks nothing of them."""
    left: list[Change] = []
    for row in await services.database.read(lambda c: changes.open_changes(c, repository_id)):
        change = row.change
        if change.kind is ChangeKind.MERGE_GROUP:
            fetched = await fetch_change(services, repository, change)
            if fetched.head_sha != change.head_sha:
                left.append(change)
    return tuple(left)


def _lose(unit: Unit, services: Services, repository_id: int, repository: Repository) -> None:
    """Deleted, or out of our reach: nothing of it is judged or shown any more."""
    projects.remove_repository(unit, repository.forge, repository.forge_id)
    stop_judging(unit, services, repository_id)


def _take_over(
    unit: Unit,
    services: Services,
    repository_id: int,
    repository: Repository,
    found: tuple[Change, ...],
    left: tuple[Change, ...],
    again: float,
) -> None:
    """Accept the repository and what is open now; look again at what was known."""
    projects.upsert_repository(unit, repository, services.clock.now())
    projects.lock_repository(unit, repository_id)
    open_keys = {change.key for change in found}
    before = changes.open_changes(unit.connection, repository_id)
    for change in found:
        known = changes.find_change(unit.connection, repository_id, change.key)
        pusher: Actor | None = None
        if known is not None:
            pusher = changes.pusher_of(unit.connection, known.id, change.head_sha)
        told = msgspec.structs.replace(change, pusher=pusher)
        accept_change(unit, services, repository_id, told, actor=change.author)
    for group in left:
        closed = msgspec.structs.replace(group, state=ChangeState.CLOSED)
        accept_change(unit, services, repository_id, closed, actor=PORTCULLIS)
    for row in before:
        if row.change.kind is not ChangeKind.PULL_REQUEST:
            continue
        if row.change.key in open_keys:
            look_again(unit, row.id)
        else:
            wakes.want(unit, "change", row.id, services.clock.now())
    projects.wake_repository(unit, repository_id, again)


async def read_installation(services: Services, row_id: int) -> None:
    """The handler of ('installation', row id): read all its repositories."""
    found = await services.database.read(lambda c: projects.load_installation(c, row_id))
    forge, installation_id, status = found
    if status != "active":
        return
    repositories = await services.forges[forge].installation_repositories(installation_id)

    def write(unit: Unit) -> None:
        now = services.clock.now()
        for repository in sorted(repositories, key=lambda repository: repository.forge_id):
            repository_id = projects.upsert_repository(unit, repository, now)
            projects.wake_repository(unit, repository_id, now)
            unit.wake("repository", repository_id)

    await services.database.run(write)
