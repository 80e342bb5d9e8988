"""Trust (gate-file.md section 8): read from the forge when used, and failing closed."""

from app.engine.services import Services
from app.forges import Forge
from app.model import (
    Actor,
    ActorKind,
    ChangeKind,
    Misconfigured,
    Outage,
    Repository,
    Sha,
)
from app.store import changes


async def is_trusted(
    services: Services, forge: Forge, repository: Repository, row: changes.ChangeRow, head_sha: Sha
) -> bool:
    """Head branch in this repository, opener and pusher people with write; or ok-to-test; or base code."""
    change = row.change
    if change.kind is ChangeKind.PUSH:
        return True
    if await services.database.read(lambda c: changes.approved_to_test(c, row.id, head_sha)):
        return True
    if change.kind is ChangeKind.MERGE_GROUP:
        return await _subject_trusted(services, forge, repository, row)
    if change.from_fork:
        return False
    pusher = await services.database.read(lambda c: changes.pusher_of(c, row.id, head_sha))
    brought = pusher or change.pusher
    if brought is None:
        return False
    who = {actor.login.casefold(): actor for actor in (change.author, brought)}  # most often one person
    for actor in who.values():
        if not await may_write(services, forge, repository, actor):
            return False
    return True


async def may_write(services: Services, forge: Forge, repository: Repository, actor: Actor) -> bool:
    """Whether a person has write now; apps only where the operator lists them."""
    if actor.kind is not ActorKind.PERSON:
        trusted = {app.casefold().removesuffix("[bot]") for app in services.options.trusted_apps}
        return actor.login.casefold().removesuffix("[bot]") in trusted
    try:
        permission = await forge.permission(repository, actor.login)
    except (Misconfigured, Outage):
        return False
    return permission.can_write


async def _subject_trusted(
    services: Services, forge: Forge, repository: Repository, row: changes.ChangeRow
) -> bool:
    """A merge group is trusted if the head of its change is."""
    key = row.change.subject_key
    if key is None:
        return False
    subject = await services.database.read(lambda c: changes.find_change(c, row.repository_id, key))
    if subject is None:
        return False
    return await is_trusted(services, forge, repository, subject, subject.change.head_sha)
