"""Who wrote a change, as far as the forge's accounts can tell: their approvals of it do not count.

Authors come from git, all of them (forges list the first 250 commits), as names and e-mail addresses. An
address is an account's by the forge's no-reply form, by a listed commit, or by asking for one commit of that
author. What is left are authors without an account here: co-authors with a private address above all. Git
takes any name, so nothing can prove who they are; an approval counts unless its giver goes by the name or
address of one of them.
"""

import contextlib
import re
from typing import Final

from app.engine.fetching import bring
from app.engine.services import Services
from app.forges import Forge, Gone, Profile
from app.model import Repository, Run
from app.store import changes

NOREPLY: Final = re.compile(r"(?:\d+\+)?([A-Za-z0-9_.-]+(?:\[bot\])?)@users\.noreply\.", re.IGNORECASE)
MOST_ASKED: Final = 50
"""Addresses the forge is asked for, one read each; those after are without an account."""

Unknown = tuple[tuple[str, str], ...]
"""(name, e-mail) of authors without an account."""


async def authors_of(
    services: Services, forge: Forge, repository: Repository, row: changes.ChangeRow, run: Run
) -> tuple[set[str], Unknown]:
    """Lower-case logins of opener, pushers, commit authors and co-authors; and the authors without one."""
    change = row.change
    logins = {change.author.login.lower()}
    logins |= set(await services.database.read(lambda c: changes.pushers_of(c, row.id)))
    if change.pusher is not None:
        logins.add(change.pusher.login.lower())
    if change.number is None:
        return logins, run.facts.authors
    listed = await forge.commit_authors(repository, change.number)
    logins |= set(listed.logins)
    unknown: list[tuple[str, str]] = []
    for name, email in run.facts.authors:
        theirs = (noreply_logins(email) | {listed.by_email.get(email.lower(), "")}) - {""}
        logins |= theirs
        if not theirs:
            unknown.append((name, email))
    if not unknown:
        return logins, ()
    found = await _asked(services, forge, repository, run, unknown, set(listed.by_email))
    logins |= set(found.values())
    return logins, tuple(author for author in unknown if author[1].lower() not in found)


async def _asked(
    services: Services,
    forge: Forge,
    repository: Repository,
    run: Run,
    unknown: list[tuple[str, str]],
    known: set[str],
) -> dict[str, str]:
    """Accounts of addresses that no listed commit shows: one commit of each is read."""
    wanted = {email.lower() for _, email in unknown} - known
    found: dict[str, str] = {}
    asked: set[str] = set()
    if not wanted:
        return found
    await bring(services, repository, run.facts.base_ref, run.base_sha, run.head_sha)
    for commit in await services.workspaces.commits(repository, run.base_sha, run.head_sha):
        email = commit.author_email.lower()
        if email in asked or email not in wanted or len(asked) >= MOST_ASKED:
            continue
        asked.add(email)
        with contextlib.suppress(Gone):
            found[email] = await forge.commit_author(repository, commit.sha)
    return {email: login for email, login in found.items() if login}


def noreply_logins(email: str) -> set[str]:
    """The login in one of the forges' no-reply addresses; none in any other. GitLab's `12-alice@` may be a
    login `12-alice` elsewhere: both count, as an author's approval must not.
    """
    found = NOREPLY.match(email)
    if found is None:
        return set()
    login = found.group(1).lower()
    return {login, re.sub(r"^\d+-", "", login)}


async def might_be(forge: Forge, repository: Repository, login: str, unknown: Unknown) -> str:
    """The author without an account whom this person could be, as `Name <e-mail>`; '' for none."""
    if not unknown:
        return ""
    try:
        profile = await forge.profile(repository, login)
    except Gone:
        profile = Profile()
    return next((f"{name} <{email}>" for name, email in unknown if _alike(login, profile, name, email)), "")


def _alike(login: str, profile: Profile, name: str, email: str) -> bool:
    names = {_plain(login), _plain(profile.name)} - {""}
    addresses = {profile.email.lower()} - {""}
    return _plain(name) in names or _plain(email.partition("@")[0]) in names or email.lower() in addresses


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())
