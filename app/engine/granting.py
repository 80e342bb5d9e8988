"""Letting pass what the gate does not: `waive`, `override`, `cancel-override` (gate-file.md section 9).

Whoever gives such a word is in a team that the judging gate file names, by the forge's answer at the time of
the command; a team that cannot be read lets nobody. Nobody lets their own change pass.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import msgspec

from app.engine.authors import authors_of, might_be
from app.engine.days import utc_day
from app.engine.people import TEAM, members_of
from app.engine.reading_commands import Command
from app.engine.services import Services
from app.forges import Permission
from app.model import (
    Actor,
    CommandSettings,
    Outage,
    Override,
    Plan,
    Repository,
    Run,
    VerdictState,
    Waiver,
)
from app.plan import LONGEST
from app.policy import excusable, new_findings, people_asked, uncovered
from app.publish import answers
from app.store import Unit, changes, commits, granted, runs, verdicts

Members = Mapping[str, tuple[str, ...] | None]
"""Lower-case logins by team; None = could not be read."""
VERBS: Final = frozenset({"waive", "override", "cancel-override"})
FORGES_TELL: Final = 1.0
"""Seconds within which a forge's times are exact."""
SHORTEST_SHA: Final = 7
SHORTEST_FINGERPRINT: Final = 10
USAGE: Final = {
    "waive": "/portcullis waive FINGERPRINT until 2026-12-31 because REASON SHA",
    "override": "/portcullis override because REASON SHA",
}


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What the forge tells of whoever writes a comment: what they may do now, who is in the teams that the
    commands of it ask for, and whether they wrote the change at `head`. `known_as` is the author without an
    account whom they may be; '' where they are no author, or one by their login.
    """

    permission: Permission
    head: str = ""
    members: Members = {}
    is_author: bool = False
    known_as: str = ""


class Asked(NamedTuple):
    """One command, who gave it, when (epoch seconds), and where."""

    command: Command
    by: Actor
    at: float
    found: changes.ChangeRow
    run: Run
    standing: Standing


async def read_standing(
    services: Services,
    repository: Repository,
    row: changes.ChangeRow,
    run: Run,
    asked: Iterable[Command],
    who: Actor,
) -> Standing:
    """Where somebody stands who gives VERBS. Raises Outage, Misconfigured."""
    forge, settings = services.forges[repository.forge], settings_of(run)
    names = {name.lower() for one in asked if one.verb in VERBS for name in who_may(settings, one.verb)}
    teams = sorted(name for name in names if TEAM.fullmatch(name))
    members = {team: await members_of(forge, repository, team) for team in teams}
    authors, unknown = await authors_of(services, forge, repository, row, run)
    known_as = "" if who.login.lower() in authors else await might_be(forge, repository, who.login, unknown)
    return Standing(
        permission=await forge.permission(repository, who.login),
        head=run.head_sha,
        members=members,
        is_author=bool(known_as) or who.login.lower() in authors,
        known_as=known_as,
    )


def who_may(settings: CommandSettings, verb: str) -> tuple[str, ...]:
    """The teams and logins that the gate file names for a command."""
    return settings.waive if verb == "waive" else settings.override


def settings_of(run: Run | None) -> CommandSettings:
    """Of the gate file that judges; nobody is named where none does."""
    return CommandSettings() if run is None or run.plan is None else run.plan.settings.commands


def head_problem(unit: Unit, found: changes.ChangeRow, named: str) -> str:
    """Why digits do not name the change's head, and no other; '' where they do."""
    head, named = found.change.head_sha, named.lower()
    if len(named) < SHORTEST_SHA or not head.startswith(named):
        return answers.refused_head(head)
    heads = commits.heads_of_change(unit.connection, found.id)
    if any(other.startswith(named) for other in heads if other != head):
        return answers.refused_ambiguous(named)
    return ""


def grant(unit: Unit, services: Services, asked: Asked) -> tuple[bool, str]:
    """Obey or refuse one of VERBS; the answer for people. Raises Outage where what the forge told is of
    another head.
    """
    verb, run = asked.command.verb, asked.run
    if run.plan is None:  # no gate file judges, so that nobody is named
        reason = "" if run.verdict is None else run.verdict.reason
        return False, answers.refused_nothing(reason) if reason else answers.refused_pending()
    if asked.standing.head != asked.found.change.head_sha:
        raise Outage("another head came while it was read who wrote the change")
    if refusal := _not_permitted(asked):
        return False, refusal
    if verb == "cancel-override":
        return _cancel(unit, services, asked)
    if asked.standing.is_author:
        return False, answers.refused_own(verb, asked.standing.known_as)
    return (_waive if verb == "waive" else _override)(unit, services, asked)


def _not_permitted(asked: Asked) -> str:
    """Why this person may not; '' where they may."""
    names = who_may(settings_of(asked.run), asked.command.verb)
    if not names:
        return answers.refused_unset(asked.command.verb, asked.found.change.base_ref)
    unread, lost = [], ""
    for name in names:
        if "/" not in name:
            if name.removeprefix("@").casefold() == asked.by.login.casefold():
                if asked.standing.permission.can_write:
                    return ""
                lost = answers.refused_lost(asked.by.login)
            continue
        members = asked.standing.members.get(name.lower())
        if members is None:
            unread.append(name)
        elif asked.by.login.lower() in members:
            return ""
    if unread:
        return answers.refused_unread(unread)
    return lost or answers.refused_permission(" or ".join(names))


def _override(unit: Unit, services: Services, asked: Asked) -> tuple[bool, str]:
    words = asked.command.words
    if len(words) < 3 or words[0].lower() != "because":  # noqa: PLR2004 - because REASON SHA
        return False, answers.refused_usage(USAGE["override"])
    if problem := head_problem(unit, asked.found, words[-1]):
        return False, problem
    head, run, verdict = asked.found.change.head_sha, asked.run, asked.run.verdict
    if run.head_sha != head or verdict is None or verdict.state is VerdictState.PENDING:
        return False, answers.refused_pending()
    recorded = verdicts.load_verdict(unit.connection, run.id)
    excused = () if run.plan is None or recorded is None else excusable(run.plan, recorded.evidence, verdict)
    if run.plan is None or not excused:
        return False, answers.refused_nothing(verdict.reason)
    now = services.clock.now()
    word = Override(by=asked.by.login, because=" ".join(words[1:-1]), at=now, excused=excused)
    if uncovered(excused, (_as_written(unit, asked, run.plan, word),), 1):
        return False, answers.refused_changed()
    others = granted.overrides_in_force(unit.connection, asked.found.id, head)
    in_force = (*(one for one in others if one.by != word.by), word)
    lacking = [one.says for one in uncovered(excused, in_force, people_asked(run.plan))]
    answer = answers.override_accepted([one.says for one in excused], lacking)
    if not answers.fits(answer):
        return False, answers.refused_too_many(len(excused))
    granted.give_override(unit, asked.found.id, head, word)
    runs.wake_run(unit, run.id, now)
    return True, answer


def _as_written(unit: Unit, asked: Asked, plan: Plan, word: Override) -> Override:
    """The word on the verdict that stood when the comment was written: whoever wrote it saw no later one."""
    until = asked.at + FORGES_TELL
    then = verdicts.verdict_at(unit.connection, asked.found.id, asked.found.change.head_sha, until)
    seen = () if then is None else excusable(plan, then.evidence, then.verdict)
    return msgspec.structs.replace(word, excused=seen)


def _cancel(unit: Unit, services: Services, asked: Asked) -> tuple[bool, str]:
    now = services.clock.now()
    if not granted.end_overrides(unit, asked.found.id, now):
        return False, answers.refused_no_override()
    runs.wake_run(unit, asked.run.id, now)
    return True, answers.cancel_accepted()


def _waive(unit: Unit, services: Services, asked: Asked) -> tuple[bool, str]:
    words = asked.command.words
    in_order = [word.lower() for word in words[1:4:2]] == ["until", "because"]
    if len(words) < 6 or not in_order:  # noqa: PLR2004 - FINGERPRINT until DATE because REASON SHA
        return False, answers.refused_usage(USAGE["waive"])
    if problem := head_problem(unit, asked.found, words[-1]):
        return False, problem
    now = services.clock.now()
    today = utc_day(now)
    if problem := _date_problem(words[2], today):
        return False, problem
    fingerprint, problem = _the_finding(unit, asked.run, words[0])
    if problem:
        return False, problem
    waiver = Waiver(
        fingerprint=fingerprint,
        reason=" ".join(words[4:-1]),
        owner=f"@{asked.by.login}",
        granted=today,
        expires=words[2],
    )
    granted.grant_waiver(unit, asked.found.id, waiver, now)
    runs.wake_run(unit, asked.run.id, now)
    return True, answers.waive_accepted(fingerprint, words[2])


def _date_problem(text: str, today: str) -> str:
    """Why a waiver cannot last until then; '' where it can."""
    first = dt.date.fromisoformat(today)
    latest = first + dt.timedelta(days=LONGEST)
    try:
        fits = text.isascii() and len(text) == len(today) and first <= dt.date.fromisoformat(text) <= latest
    except ValueError:
        fits = False
    return "" if fits else answers.refused_date(text, today, latest.isoformat())


def _the_finding(unit: Unit, run: Run, named: str) -> tuple[str, str]:
    """(fingerprint of the one new finding that is meant, why there is none or more than one)."""
    recorded = verdicts.load_verdict(unit.connection, run.id)
    if run.plan is None or recorded is None:
        return "", answers.refused_pending()
    new = [one for one in new_findings(run.plan, recorded.evidence) if one.waiver is None]
    whole = [one for one in new if one.finding.fingerprint == named]
    if not whole and len(named) >= SHORTEST_FINGERPRINT:
        whole = [one for one in new if one.finding.fingerprint.startswith(named)]
    places = {(one.finding.fingerprint, one.finding.path, one.finding.line) for one in whole}
    if len(places) == 1:
        return whole[0].finding.fingerprint, ""
    return "", answers.refused_finding(named, len(places))
