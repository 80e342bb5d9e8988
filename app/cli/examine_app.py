"""Examinations of whom we act as: who we are on each forge, what we may do, whether anybody waits for us."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

from app.cli.connected import connections, speaking
from app.cli.examined import UNHEARD, Examined, Health, broken, from_store, good, skipped, warning
from app.engine import drifts
from app.forges import Connection, Forge, entry_of
from app.model import PortcullisError, Repository
from app.settings import Settings
from app.store import hooks
from app.wiring import Connections

NAME = "portcullis"
_MOST_REPOSITORIES = 20
_NOBODY = "there is no GitHub App to act as"
_SET_UP = (
    "open the set-up page that `portcullis serve` prints, or set PORTCULLIS_GITHUB_APP_ID, …_PRIVATE_KEY "
    "and …_WEBHOOK_SECRET; other forges: portcullis forges add"
)
Look = Callable[[Settings, Connection, Forge], Awaitable[tuple[Examined, ...]]]


async def credentials(settings: Settings) -> tuple[Examined, ...]:
    """Whether we have anybody to act as on each forge, and from where."""
    try:
        found = await asyncio.to_thread(connections, settings)
    except PortcullisError as error:
        return broken(error.message, error.hint or _SET_UP)
    known = tuple(_credentials(found, one) for one in found.all if found.account(one.name) is not None)
    return known or broken("there is no GitHub App yet", _SET_UP)


def _credentials(found: Connections, one: Connection) -> Examined:
    account, entry = found.account(one.name), entry_of(one.kind)
    if entry.capabilities.app:
        who = f"app {account.id if account is not None else 0}"
    else:
        who = f"{one.name}: {account.login if account is not None and account.login else 'a token'}"
    return good(f"{who}, from {found.source(one.name)}")[0]


async def _everywhere(settings: Settings, look: Look) -> tuple[Examined, ...]:
    """What looking at each forge finds; nothing where credentials cannot be read, of which their own
    examination tells.
    """
    found = None
    with suppress(PortcullisError):
        found = await asyncio.to_thread(connections, settings)
    there = [one for one in found.all if found.account(one.name) is not None] if found is not None else []
    if found is None or not there:
        return skipped(_NOBODY)
    return tuple([line async for line in _looked(settings, found, there, look)])


async def _looked(
    settings: Settings, found: Connections, there: list[Connection], look: Look
) -> AsyncIterator[Examined]:
    for one in there:
        async with speaking(found.forges[one.name]) as forge:
            for line in await look(settings, one, forge):
                yield line


async def app(settings: Settings) -> tuple[Examined, ...]:
    """Whether each forge accepts our credentials, and we have every permission and event that we need."""
    return await _everywhere(settings, _able)


async def _able(settings: Settings, one: Connection, forge: Forge) -> tuple[Examined, ...]:
    try:
        who = str((await forge.whoami()).get("slug"))
        found = await forge.complaints(f"{settings.base_url}/webhooks/{one.door}")
    except PortcullisError as error:
        return broken(error.message, error.hint or "check the app's id and private key, or the token")
    if not forge.capabilities.delivery_log:
        heard = await asyncio.to_thread(from_store, settings, lambda c: hooks.any_arrived(c, one.name))
        if heard is False and not found:
            return warning(f"{who}: all is there, but no webhook has come yet", UNHEARD)
    lacking = tuple(
        Examined(health=Health.BROKEN, says=complaint.says, mend=complaint.mend) for complaint in found
    )
    return lacking or good(f"{who}: every permission and event is there")


async def _rule(forge: Forge, repository: Repository) -> Examined:
    place = f"{repository.full_name}: {repository.default_branch}"
    try:
        required = await forge.required_checks(repository, repository.default_branch)
    except PortcullisError as error:
        return skipped(f"{place}: its rules cannot be read: {error.message}")[0]
    ours = forge.own_id if forge.capabilities.app else None
    found = drifts(required, None, name=NAME, own_app=ours)
    if found:
        return warning(f"{place}: {'; '.join(drift.says for drift in found)}", found[0].mend)[0]
    return good(f"{place} requires {NAME!r} from this app")[0]


async def rules(settings: Settings) -> tuple[Examined, ...]:
    """Whether the default branches of the repositories that we judge require our check, from us."""
    return await _everywhere(settings, _rules)


async def _rules(_settings: Settings, _one: Connection, forge: Forge) -> tuple[Examined, ...]:
    try:
        await forge.whoami()
        repositories = [
            repository
            for installation, _ in await forge.installations()
            for repository in await forge.installation_repositories(installation)
        ]
        if not repositories:
            return warning("the app is installed nowhere", "install it on the repositories to be judged")
        found = [await _rule(forge, one) for one in repositories[:_MOST_REPOSITORIES]]
    except PortcullisError as error:
        return skipped(error.message)
    left = len(repositories) - len(found)
    return (*found, *(skipped(f"{left} more repositories were not looked at") if left else ()))
