"""Which new findings waivers cover (gate-file.md section 9), and whether those waivers are in force."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum

import msgspec

from app.language import globs, like
from app.model import Evidence, Finding, Plan, UsedWaiver, Waiver

Fits = Callable[[Finding], bool]
Identity = tuple[str, str, str, str, int, int, str]


def fits(*, tool: str | None = None, rule: str | None = None, path: str | None = None) -> Fits:
    """Whether a finding is of the tool, rule and path that are named; each a glob, None = any. A rule may
    be written with its tool: `ruff/S101`.
    """
    paths = None if path is None else globs((path,))

    def one(finding: Finding) -> bool:
        if paths is not None and not paths.matches(finding.path):
            return False
        if tool is not None and not like(finding.tool, tool):
            return False
        return rule is None or like(finding.rule, rule) or like(f"{finding.tool}/{finding.rule}", rule)

    return one


class InForce(StrEnum):
    """Whether a waiver counts on a day."""

    EARLY = "early"
    NOW = "in_force"
    EXPIRED = "expired"


def in_force(waiver: Waiver, today: str) -> InForce:
    """By ISO dates, first and last day included. Without a date ('') no waiver counts."""
    if today < waiver.granted:
        return InForce.EARLY
    return InForce.NOW if today <= waiver.expires else InForce.EXPIRED


def waivers_of(plan: Plan, evidence: Evidence) -> tuple[Waiver, ...]:
    """All that a change is judged with: the file's, then those granted to it by comment."""
    return (*plan.waivers, *evidence.waivers)


class Covered(msgspec.Struct, frozen=True, kw_only=True):
    """What waivers do to the new findings of one change. `notes` say why one does nothing that would."""

    by: dict[Identity, Waiver] = {}
    used: tuple[UsedWaiver, ...] = ()
    notes: tuple[str, ...] = ()

    def waiver(self, finding: Finding) -> Waiver | None:
        """The waiver that covers a new finding."""
        return self.by.get(_identity(finding)) if self.by else None


def cover(waivers: Sequence[Waiver], today: str, found: Iterable[tuple[str, Finding]]) -> Covered:
    """Covers new findings, each with the key of its check. One that several checks or cells report alike is
    one, as often as a single check reports it; where several waivers fit it, the first in the file covers it.
    """
    if not waivers:
        return Covered()
    alike = _Alike(found)
    by: dict[Identity, Waiver] = {}
    used: list[UsedWaiver] = []
    notes: list[str] = []
    for waiver in waivers:
        matching = alike.matching(waiver)
        if not matching:
            continue
        if note := _why_not(waiver, today, alike.number(matching)):
            notes.append(note)
            continue
        own = [identity for identity in matching if identity not in by]
        by |= dict.fromkeys(own, waiver)
        if own:
            used.append(UsedWaiver(waiver=waiver, findings=alike.number(own)))
    return Covered(by=by, used=tuple(used), notes=tuple(notes))


class _Alike:
    """New findings by what waivers ask for, so that many of each cost little."""

    def __init__(self, found: Iterable[tuple[str, Finding]]) -> None:
        self._numbers: dict[Identity, int] = {}
        self._by_fingerprint: dict[str, list[Identity]] = {}
        self._by_place: dict[tuple[str, str, str], list[Identity]] = {}
        self._like: dict[tuple[str, str, str], Finding] = {}
        in_check: Counter[tuple[str, Identity]] = Counter()
        for check, finding in found:
            one = _identity(finding)
            in_check[check, one] += 1
            known = self._numbers.get(one, 0)
            self._numbers[one] = max(known, in_check[check, one])
            if known:
                continue
            place = (finding.tool, finding.rule, finding.path)
            self._like[place] = finding
            self._by_place.setdefault(place, []).append(one)
            self._by_fingerprint.setdefault(finding.fingerprint, []).append(one)

    def number(self, identities: Iterable[Identity]) -> int:
        """How many findings they stand for."""
        return sum(self._numbers[one] for one in identities)

    def matching(self, waiver: Waiver) -> list[Identity]:
        """The new findings that a waiver is about, whether or not it may cover them."""
        if waiver.fingerprint:
            return self._by_fingerprint.get(waiver.fingerprint, [])
        one = fits(rule=waiver.rule, path=waiver.path)
        return [
            known for place, finding in self._like.items() if one(finding) for known in self._by_place[place]
        ]


def _why_not(waiver: Waiver, today: str, matching: int) -> str:
    """Why a waiver that fits new findings covers none; '' where it does."""
    name = f"the waiver of {waiver.owner} for {describe(waiver)}"
    match in_force(waiver, today):
        case InForce.EXPIRED:
            return f"{name} expired on {waiver.expires}"
        case InForce.EARLY:
            return f"{name} counts from {waiver.granted} on"
        case InForce.NOW if waiver.fingerprint and matching > 1:
            return (
                f"{name} covers nothing: {matching} new findings have it, it stands for one; "
                "waive them by rule, path and max"
            )
        case InForce.NOW if not waiver.fingerprint and matching > waiver.max:
            return f"{name} covers nothing: {matching} new findings match, it allows {waiver.max}"
        case _:
            return ""


def describe(waiver: Waiver) -> str:
    """What it is for: `S101 in tests/**`, `fingerprint 3f2a…`."""
    if waiver.fingerprint:
        return f"fingerprint {waiver.fingerprint}"
    return f"{waiver.rule} in {waiver.path}"


def _identity(finding: Finding) -> Identity:
    """What makes two reported findings one."""
    one = finding
    return (one.tool, one.rule, one.path, one.fingerprint, one.line, one.column, one.message)
