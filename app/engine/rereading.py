"""Reading whole repositories and installations as they are now: heals what deliveries did not tell."""

from typing import Final

import msgspec

from app.engine.days import seconds
from app.engine.fetching import fetch_change
from app.engine.missed import look_again
from app.engine.opening import PORTCULLIS, accept_change, stop_judging
from app.engine.services import Services
from app.forges import Gone, OpenChanges, OpenPage, on
from app.model import Actor, Change, ChangeKind, ChangeState, Misconfigured, Repository
from app.store import Unit, changes, hooks, projects, wakes

ALL_AGAIN: Final = 86_400.0
"""After so many seconds all open changes are looked at again, touched or not: whether people may still do
what they did tells no date.
"""
UNHEARD: Final = 20.0
SOON: Final = 60.0
"""Forges' times are whole seconds and their lists lag: what was touched so shortly before it was listed may
have been touched again. A delivery may be on its way for as long.
"""


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """The open changes of a repository as last listed: when (epoch seconds), since when it is listed at all,
    when all of them were last looked at.
    """

    pages: tuple[OpenPage, ...]
    at: float
    since: float
    all_at: float

    @property
    def touched(self) -> dict[int, str]:
        """When each was last touched, by number."""
        return {number: at for page in self.pages for number, at in page.touched.items()}


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What reading a repository, `asked` for as it was known, found, and what was known before; `left` are
    merge groups that left.
    """

    asked: Repository
    repository: Repository
    found: OpenChanges
    left: tuple[Change, ...]
    before: Listing | None
    at: float

    def listing(self) -> Listing:
        """What is to be known the next time."""
        before = self.before
        return Listing(
            pages=self.found.pages,
            at=self.at,
            since=self.at if before is None else before.since,
            all_at=self.at if before is None or self.everything else before.all_at,
        )

    @property
    def everything(self) -> bool:
        """Whether all open changes are to be looked at, touched or not."""
        return self.before is None or self.at - self.before.all_at >= ALL_AGAIN

    def touched_since(self) -> set[int]:
        """Numbers of the changes that somebody touched since they were listed before."""
        if self.before is None or self.everything:
            return set(self.found.touched)
        known, soon = self.before.touched, self.before.at - SOON
        return {
            number
            for number, at in self.found.touched.items()
            if known.get(number) != at or seconds(at) >= soon
        }

    def active_at(self) -> float | None:
        """When anything was last touched, since the repository is listed at all."""
        if self.before is None:
            return None
        latest = max(map(seconds, self.found.touched.values()), default=0.0)
        return latest if latest > self.before.since else None


async def read_repository(services: Services, repository_id: int) -> None:
    """The handler of ('repository', id): read it and its open pull requests as they are now.

    Every so often (`reread_every`) it heals what deliveries should have told and did not: new and closed
    pull requests, pushes, labels, merge groups that left their queue; and it wakes what is read apart of
    those that somebody touched: reviews, comments, others' posts.
    """
    active = await services.database.read(lambda c: projects.is_active(c, repository_id))
    if not active:
        return
    repository = await services.database.read(lambda c: projects.load_repository(c, repository_id))
    before = await services.database.read(lambda c: projects.listing(c, repository_id, Listing))
    forge = services.forges[repository.forge]
    at = services.clock.now()
    again = at + await _rest(services, repository.forge)
    try:
        now = on(await forge.get_repository(repository), repository.forge)
        found = await forge.open_changes(now, before.pages if before is not None else ())
    except Gone:
        await services.database.run(lambda unit: _lose(unit, services, repository_id, repository))
        return
    except Misconfigured:  # refused, and said so by whoever handles this key: no reason to ask each minute
        await services.database.run(lambda unit: projects.wake_repository(unit, repository_id, again))
        raise
    left = await _left_the_queue(services, repository_id, now)
    reading = Reading(asked=repository, repository=now, found=found, left=left, before=before, at=at)
    await services.database.run(lambda unit: _take_over(unit, services, repository_id, reading, again))


async def _rest(services: Services, forge: str) -> float:
    """After how many seconds a repository is read again. Where no webhook ever came (a stock Gitea sends none
    to private addresses), reading is all that tells.
    """
    able = services.forges[forge].capabilities
    if not able.delivery_log and not await services.database.read(lambda c: hooks.any_arrived(c, forge)):
        return UNHEARD
    return able.reread_every or services.options.reread_every


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


def _take_over(unit: Unit, services: Services, repository_id: int, reading: Reading, again: float) -> None:
    """Accept the repository and what is open now; look again at what somebody touched."""
    projects.lock_repository(unit, repository_id)
    known = projects.load_repository(unit.connection, repository_id)
    hidden = known.private and not reading.asked.private  # told while the forge was asked, and told last
    repository = msgspec.structs.replace(reading.repository, private=reading.repository.private or hidden)
    projects.upsert_repository(unit, repository, services.clock.now())
    before = {
        row.change.key: row
        for row in changes.open_changes(unit.connection, repository_id)
        if row.change.kind is ChangeKind.PULL_REQUEST
    }
    missed = sum(
        _accept(unit, services, repository_id, reading, change, before) for change in reading.found.read
    )
    for group in reading.left:
        closed = msgspec.structs.replace(group, state=ChangeState.CLOSED)
        accept_change(unit, services, repository_id, closed, actor=PORTCULLIS)
    touched, still_open = reading.touched_since(), reading.found.touched
    for row in before.values():
        if row.change.number not in still_open:
            wakes.want(unit, "change", row.id, services.clock.now())
        else:
            look_again(unit, row.id, touched=row.change.number in touched)
    hooks.found_missed(unit, repository_id, missed, reading.active_at(), reading.at)
    projects.keep_listing(unit, repository_id, reading.listing())
    projects.wake_repository(unit, repository_id, again)
    if again < reading.at + services.options.sweep_every:  # the sweep comes later
        unit.wake_later("repository", repository_id, again)


def _accept(
    unit: Unit,
    services: Services,
    repository_id: int,
    reading: Reading,
    change: Change,
    before: dict[str, changes.ChangeRow],
) -> bool:
    """Take one change over, unless it is known as it is; whether a delivery should have told of it."""
    row = before.get(change.key)
    if row is not None and row.change == msgspec.structs.replace(change, pusher=row.change.pusher):
        return False
    known = row or changes.find_change(unit.connection, repository_id, change.key)
    pusher: Actor | None = None
    if known is not None:
        pusher = changes.pusher_of(unit.connection, known.id, change.head_sha)
    told = msgspec.structs.replace(change, pusher=pusher)
    accept_change(unit, services, repository_id, told, actor=change.author)
    newly = row is None or row.change.head_sha != change.head_sha
    at = reading.found.touched.get(change.number or 0, "")
    return newly and reading.before is not None and seconds(at) < reading.at - SOON


async def read_installation(services: Services, row_id: int) -> None:
    """The handler of ('installation', row id): read all its repositories."""
    found = await services.database.read(lambda c: projects.load_installation(c, row_id))
    forge, installation_id, status = found
    if status != "active":
        return
    found_now = await services.forges[forge].installation_repositories(installation_id)
    repositories = [on(repository, forge) for repository in found_now]

    def write(unit: Unit) -> None:
        now = services.clock.now()
        for repository in sorted(repositories, key=lambda repository: repository.forge_id):
            repository_id = projects.upsert_repository(unit, repository, now)
            projects.wake_repository(unit, repository_id, now)
            unit.wake("repository", repository_id)

    await services.database.run(write)


async def read_installations(services: Services) -> None:
    """The chore: who installed us. Installations that no delivery told of are read, those that are gone or
    suspended are judged no more.
    """
    for kind, forge in tuple(services.forges.items()):
        asked_at = services.clock.now()
        try:
            found = dict(await forge.installations())
        except Misconfigured:
            if forge.own_id:
                raise
            continue  # nobody set us up yet
        await services.database.run(
            lambda unit, kind=kind, found=found, at=asked_at: _know(unit, services, kind, found, at)  # type: ignore[misc]
        )


def _know(unit: Unit, services: Services, forge: str, found: dict[int, str], asked_at: float) -> None:
    """Correct what is known; what a delivery told after we asked stays."""
    known = {row.installation_id: row for row in projects.installations_on(unit.connection, forge)}
    now = services.clock.now()
    for installation_id, account in found.items():
        row = known.get(installation_id)
        if row is not None and row.status == "active" and not services.forges[forge].capabilities.app:
            wakes.want(unit, "installation", row.id, now)  # no delivery tells an account what it got
        if row is None or (row.status != "active" and row.seen_at < asked_at):
            row_id = projects.upsert_installation(unit, forge, installation_id, account, "active", now)
            wakes.want(unit, "installation", row_id, now)
    for row in known.values():
        if row.installation_id in found or row.status != "active" or row.seen_at >= asked_at:
            continue
        projects.upsert_installation(unit, forge, row.installation_id, row.account, "removed", now)
        for repository_id in projects.repositories_of(unit.connection, forge, row.installation_id):
            stop_judging(unit, services, repository_id)
