"""Facts about people: which approvals and vetoes count now (gate-file.md section 5)."""

import re
from typing import Final

import msgspec

from app.engine.authors import Unknown, authors_of, might_be
from app.engine.fetching import bring
from app.engine.services import Services
from app.forges import Forge
from app.language import used
from app.model import (
    ActorKind,
    ChangeKind,
    Misconfigured,
    Outage,
    People,
    Plan,
    Readable,
    Repository,
    Review,
    Run,
    Sha,
)
from app.policy import expressions_of
from app.store import changes

TEAM: Final = re.compile(r"@[A-Za-z0-9][\w.-]*/[\w.-]+")
TEAM_SECONDS: Final = 120.0
MOST_TEAMS: Final = 1000
"""Teams whose members are remembered."""
PEOPLE_WORDS: Final = {"approvals", "reviews.changes_requested", "approved_by", "author_in"}


def needs_people(plan: Plan) -> bool:
    """Whether any condition of a plan reads facts about people."""
    for expression in expressions_of(plan):
        words = used(expression.text)
        if PEOPLE_WORDS & (words.names | words.functions):
            return True
    return False


def teams_named(plan: Plan) -> tuple[str, ...]:
    """`@org/team` of all conditions, lower case."""
    found = {team.lower() for expression in expressions_of(plan) for team in TEAM.findall(expression.text)}
    return tuple(sorted(found))


async def read_people(
    services: Services, forge: Forge, repository: Repository, row: changes.ChangeRow, run: Run
) -> People:
    """Facts about people as they are now; unreadable ones are said to be so, never guessed."""
    change = row.change
    if change.kind is not ChangeKind.PULL_REQUEST or change.number is None or run.plan is None:
        return People(state=Readable.NOT_APPLICABLE)
    try:
        reviews = await forge.reviews(repository, change.number)
        counted = await _counting(services, forge, repository, row, run, reviews)
        teams: dict[str, tuple[str, ...] | None] = {}
        for team in teams_named(run.plan):
            teams[team] = await _lately(services, forge, repository, team)
    except Outage as outage:
        return People(state=Readable.LATER, unreadable=outage.message)
    except Misconfigured as refusal:
        return People(state=Readable.REFUSED, unreadable=refusal.message)
    return msgspec.structs.replace(counted, teams=teams)


async def _lately(
    services: Services, forge: Forge, repository: Repository, team: str
) -> tuple[str, ...] | None:
    """The members of a team as they were two minutes ago at most: a wave of approvals asks once. No delivery
    tells of members, so that what is judged may be older anyway.
    """
    key, now = (repository.forge, repository.installation_id, team), services.clock.now()
    known = services.teams.get(key)
    if known is not None and 0 <= now - known[0] < TEAM_SECONDS:
        return known[1]
    members = await members_of(forge, repository, team)
    if members is None:
        services.teams.pop(key, None)
        return None
    while len(services.teams) >= MOST_TEAMS:
        services.teams.pop(next(iter(services.teams)))
    services.teams[key] = now, members
    return members


async def members_of(forge: Forge, repository: Repository, team: str) -> tuple[str, ...] | None:
    """Lower-case logins of a team, as the forge tells now; None where we may not read it. Raises Outage."""
    try:
        return await forge.team_members(repository, team)
    except Misconfigured:
        return None


async def _counting(
    services: Services,
    forge: Forge,
    repository: Repository,
    row: changes.ChangeRow,
    run: Run,
    reviews: tuple[Review, ...],
) -> People:
    """Whose approval, and whose veto, counts: people with write now, in no way authors."""
    people = [review for review in reviews if review.author.kind is ActorKind.PERSON]
    authors: set[str] = set()
    unknown: Unknown = ()
    if any(review.decision == "approved" for review in people):
        authors, unknown = await authors_of(services, forge, repository, row, run)
    approvals, vetoes, doubted = set(), set(), {}
    for review in people:
        login = review.author.login.lower()
        if review.decision == "approved" and login in authors:
            continue
        if not (await forge.permission(repository, review.author.login)).can_write:
            continue
        if review.decision == "changes_requested":
            vetoes.add(login)
        elif await _still_approves(services, repository, run, review.commit):
            author = await might_be(forge, repository, review.author.login, unknown)
            if author:
                doubted[login] = author
            else:
                approvals.add(login)
    return People(approvals=tuple(sorted(approvals)), vetoes=tuple(sorted(vetoes)), doubted=doubted)


async def _still_approves(services: Services, repository: Repository, run: Run, commit: Sha) -> bool:
    """Given on this head, or on an earlier one if only automatic merges of the base followed."""
    if commit == run.head_sha:
        return True
    spaces = services.workspaces
    await bring(services, repository, run.facts.base_ref, run.base_sha, run.head_sha)
    if not await spaces.has_commit(repository, commit):
        return False
    if not await spaces.is_ancestor(repository, commit, run.head_sha):
        return False
    current = run.head_sha
    for found in await spaces.commits(repository, commit, run.head_sha, limit=200):
        if found.sha != current:
            continue  # reached through the merged base, judged there
        if len(found.parents) != 2:  # noqa: PLR2004 - a merge of two
            return False
        ours, theirs = found.parents
        if not await spaces.is_ancestor(repository, theirs, run.base_sha):
            return False
        automatic = await spaces.merge(repository, ours, theirs)
        if automatic.conflicts or automatic.tested_tree != found.tree:
            return False
        current = ours
        if current == commit:
            return True
    return False
