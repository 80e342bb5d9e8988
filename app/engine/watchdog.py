"""The watchdog: what branches require before a merge, compared with what is posted there, and by whom."""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
import structlog

from app.engine.opening import PORTCULLIS
from app.engine.posting import REFUSED
from app.engine.services import Services
from app.forges import RequiredCheck
from app.model import AuditEntry, ExternalPosted, Misconfigured, Outage, Repository
from app.store import Unit, chores, commits, projects, records, troubles

LOG = structlog.get_logger(__name__)
KIND: Final = "rules"
DAY: Final = 86_400.0


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """One way in which a branch's rules and what is posted differ, and the way out."""

    says: str
    mend: str


def drifts(
    required: Iterable[RequiredCheck],
    posted: Iterable[ExternalPosted] | None,
    *,
    name: str,
    own_app: int | None,
) -> tuple[Drift, ...]:
    """All differences. `posted` is all that was posted on a head that was judged to its end, None where no
    such head is known; `name` is our verdict's, `own_app` our app (None: this forge cannot tell whose post
    it wants). A context is one name for check runs and statuses, caseless.
    """
    required = tuple(required)
    found = [_ours(required, name, own_app)]
    if posted is not None:
        posters: dict[str, set[int]] = {}
        for post in posted:
            posters.setdefault(post.name.casefold(), set()).add(
                post.poster_id if post.kind == "check_run" else 0
            )
        found += [_posted(check, _by(check, posters)) for check in required]
    return tuple(drift for drift in found if drift is not None)


def _ours(required: tuple[RequiredCheck, ...], name: str, own_app: int | None) -> Drift | None:
    """Whether our verdict blocks, and nobody else's does in its place."""
    ours = [check for check in required if check.names(name)]
    mend = f"require the check {name!r} from this app in the branch's rules"
    if not ours:
        return Drift(says=f"{name!r} is not required: a verdict blocks nothing", mend=mend)
    if any(check.app_id == own_app for check in ours):
        return None
    if any(check.app_id is None for check in ours):
        return Drift(says=f"{name!r} is accepted from anybody", mend=f"{mend}, as its expected source")
    return Drift(says=f"{name!r} is required from another app", mend=mend)


def _by(check: RequiredCheck, posters: Mapping[str, set[int]]) -> set[int] | None:
    """Who posted what is required; None where nobody did."""
    found = [by for name, by in posters.items() if check.names(name)]
    return set[int]().union(*found) if found else None


def _posted(check: RequiredCheck, posters: set[int] | None) -> Drift | None:
    """Whether what is required is posted at all, and by whom it is awaited."""
    mend = f"take {check.context!r} off the branch's rules, or see why it is not posted"
    if posters is None:
        return Drift(says=f"{check.context!r} is required, and nobody posts it", mend=mend)
    if check.app_id is not None and check.app_id not in posters:
        mend = f"name the app that posts {check.context!r} as its expected source, or any"
        return Drift(says=f"{check.context!r} is required from an app that does not post it", mend=mend)
    return None


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """One look at all branches: when it began (epoch seconds), and those that could not be read for now."""

    at: float
    left: tuple[tuple[int, str], ...] = ()


async def compare_rules(services: Services) -> None:
    """The chore: each gated branch of each repository. What is refused is left for the next day; what cannot
    be read for now is read again soon, without the others. Raises Outage while some is left.
    """
    now = services.clock.now()
    before = await services.database.read(lambda c: chores.remembered(c, KIND, Round))
    if before is not None and before.left and now - before.at < DAY:
        begun, wanted = before.at, before.left
    else:
        begun, wanted = now, await services.database.read(projects.gated_branches)
        await services.database.run(_forget)
    left: list[tuple[int, str]] = []
    outage: Outage | None = None
    for repository_id, branch in wanted:
        try:
            await _look(services, repository_id, branch)
        except Outage as problem:
            left.append((repository_id, branch))
            outage = problem
    this = Round(at=begun, left=tuple(left))
    await services.database.run(lambda unit: chores.remember(unit, KIND, this))
    if outage is not None:
        raise outage


async def _look(services: Services, repository_id: int, branch: str) -> None:
    repository = await services.database.read(lambda c: projects.load_repository(c, repository_id))
    try:
        found = await _compare(services, repository_id, repository, branch)
    except Misconfigured as problem:
        LOG.warning("rules cannot be read", repository=repository.full_name, reason=problem.message)
    else:
        await _tell(services, repository, branch, found)


def _forget(unit: Unit) -> None:
    """End the troubles of branches and repositories that nobody looks at any more."""
    looked = {
        _subject(projects.load_repository(unit.connection, repository_id), branch)
        for repository_id, branch in projects.gated_branches(unit.connection)
    }
    judged = {
        projects.load_repository(unit.connection, one).full_name for one in projects.active(unit.connection)
    }
    for kind, subjects in ((KIND, looked), (REFUSED, judged)):
        for trouble in troubles.all_of(unit.connection, kind):
            if trouble.subject not in subjects:
                troubles.mended(unit, kind, trouble.subject)


def _subject(repository: Repository, branch: str) -> str:
    return f"{repository.full_name}: {branch}"


async def _compare(
    services: Services, repository_id: int, repository: Repository, branch: str
) -> tuple[Drift, ...]:
    forge = services.forges[repository.forge]
    required = await forge.required_checks(repository, branch)
    head = await services.database.read(lambda c: commits.last_settled_head(c, repository_id, branch))
    posted = (
        await forge.external_posts(repository, head, ("check_run", "status")) if head is not None else None
    )
    ours = forge.own_id if forge.capabilities.app else None
    return drifts(required, posted, name=services.options.name, own_app=ours)


async def _tell(services: Services, repository: Repository, branch: str, found: tuple[Drift, ...]) -> None:
    """To the log and the audit record when it is new, to doctor as long as it is so."""
    subject, now = _subject(repository, branch), services.clock.now()
    says = "; ".join(drift.says for drift in found)
    mend = "; ".join(dict.fromkeys(drift.mend for drift in found))

    def write(unit: Unit) -> bool:
        if found:
            news = troubles.tell(unit, KIND, subject, says=says, mend=mend, now=now)
        else:
            news = troubles.mended(unit, KIND, subject)
        if news:
            verb = "rules.drifted" if found else "rules.mended"
            entry = AuditEntry(
                at=now,
                actor=PORTCULLIS,
                verb=verb,
                repository=repository.full_name,
                details={"branch": branch, "says": says},
            )
            records.append_audit(unit, entry)
        return news

    if await services.database.run(write) and found:
        LOG.warning("a branch's rules are not as they should be", branch=subject, reason=says, hint=mend)
