"""Approvals, vetoes and teams: what people decide on the forge."""

from fractions import Fraction
from math import ceil
from typing import assert_never

from app.language import (
    Function,
    Known,
    Name,
    NotApplicable,
    Parameter,
    Plain,
    Unknown,
    Value,
    ValueType,
)
from app.model import People, Readable, UnknownCause
from app.policy.judged import Judged
from app.policy.pr import elsewhere
from app.policy.protocol import Fact, Family, Kwargs, Operation


def _unreadable(judged: Judged) -> Value | None:
    """Why facts about people cannot be told: never zero, always unknown or not applicable."""
    people = judged.evidence.people
    why = people.unreadable or "people could not be read"
    match people.state:
        case Readable.KNOWN:
            return None
        case Readable.LATER:
            return Unknown(cause=UnknownCause.LATER, reason=f"{why}; it is tried again")
        case Readable.REFUSED:
            return Unknown(cause=UnknownCause.REFUSED, reason=why)
        case Readable.NOT_APPLICABLE:
            return NotApplicable(reason="no people to ask here")
        case _:
            assert_never(people.state)


def _approvals(judged: Judged) -> Value:
    people = judged.evidence.people
    return _unreadable(judged) or Known(value=Fraction(len(_logins(people.approvals))))


def _vetoes(judged: Judged) -> Value:
    people = judged.evidence.people
    return _unreadable(judged) or Known(value=Fraction(len(_logins(people.vetoes))))


def _logins(names: tuple[str, ...]) -> set[str]:
    return {name.lower() for name in names}


def _members(people: People, team_or_user: str) -> set[str] | None:
    """Who is meant; None for a team whose members could not be read. A team's name has a slash."""
    name = team_or_user.strip().lower().removeprefix("@")
    if "/" not in name:
        return {name}
    members = people.teams.get(f"@{name}")
    return None if members is None else _logins(members)


def _approved_by(judged: Judged, args: tuple[Plain, ...], kwargs: Kwargs) -> Value:
    unreadable = _unreadable(judged)
    if unreadable is not None:
        return unreadable
    who, needed = _asked(args, kwargs)
    people = judged.evidence.people
    approvals = _logins(people.approvals)
    if len(approvals) < needed:
        # whoever is in the team, there are too few approvals in all: known without its members
        members = _members(people, who) or set()
    else:
        found = _members(people, who)
        if found is None:
            return _unread_team(who)
        members = found
    have = len(approvals & members)
    if have >= needed:
        return Known(value=True, says=_approvals_from(have, who))
    return Known(value=False, says=_approvals_from(needed - have, who, more=have > 0))


def _approvals_from(number: int, who: str, *, more: bool = False) -> str:
    plural = "" if number == 1 else "s"
    return f"{number}{' more' if more else ''} approval{plural} from {who}"


def _asked(args: tuple[Plain, ...], kwargs: Kwargs) -> tuple[str, int]:
    named = dict(zip(("team_or_user", "n"), args, strict=False)) | dict(kwargs)
    number = named.get("n", Fraction(1))
    return str(named["team_or_user"]), ceil(number) if isinstance(number, Fraction) else 1


def _unread_team(who: str) -> Unknown:
    return Unknown(cause=UnknownCause.REFUSED, reason=f"the members of {who} could not be read")


def _author_in(judged: Judged, args: tuple[Plain, ...], _kwargs: Kwargs) -> Value:
    if (untold := elsewhere(judged)) is not None:
        return untold
    people, author = judged.evidence.people, judged.evidence.change.author.login.lower()
    unread = None
    for arg in map(str, args):
        members = _members(people, arg)
        if members is None:
            unread = unread or arg
        elif author in members:
            return Known(value=True, says=f"{author} is in {arg}" if "/" in arg else f"by {author}")
    if unread is not None:
        return _unreadable(judged) or _unread_team(unread)
    return Known(value=False, says=f"{author} is not in {', '.join(map(str, args))}")


_TEAM = Parameter(name="team_or_user", type=ValueType.TEXT)

PEOPLE = Family(
    name="people",
    doc="What people decide: approvals, requests for changes, membership of teams.",
    facts={
        "approvals": Fact(
            meaning=Name(
                type=ValueType.NUMBER,
                doc="People with write access who approve this head; its authors and bots do not count.",
                people=True,
            ),
            words="approvals",
            read=_approvals,
            people=True,
        ),
        "reviews.changes_requested": Fact(
            meaning=Name(
                type=ValueType.NUMBER,
                doc="People with write access who ask for changes.",
                people=True,
            ),
            words="requests for changes",
            read=_vetoes,
            things=lambda judged: (("person", login) for login in _logins(judged.evidence.people.vetoes)),
            people=True,
        ),
    },
    operations={
        "approved_by": Operation(
            meaning=Function(
                parameters=(_TEAM, Parameter(name="n", type=ValueType.NUMBER, required=False)),
                returns=ValueType.BOOL,
                doc="Whether at least n (1) counting approvals come from a user or a team's members.",
                people=True,
            ),
            words=lambda args, kwargs: f"approval from {_asked(args, kwargs)[0]}",
            call=_approved_by,
            people=True,
        ),
        "author_in": Operation(
            meaning=Function(
                parameters=(Parameter(name="team_or_user", type=ValueType.TEXT, variadic=True),),
                returns=ValueType.BOOL,
                doc="Whether who opened it is one of these users or a member of one of these teams.",
                people=True,
            ),
            words=lambda args, _: f"author in {', '.join(map(str, args))}",
            call=_author_in,
            fixed=True,
        ),
    },
)
