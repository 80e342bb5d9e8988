"""Waivers: findings that somebody answers for until a date."""

import msgspec

from app.model.source import Source


class Waiver(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of `waivers:` (gate-file.md section 9).

    Either `fingerprint`, which stands for one finding, or `rule` + `path` (globs) with `max`: when more new
    findings match than that, none is covered. `granted` and `expires` are ISO dates, both included, UTC.
    """

    fingerprint: str = ""
    rule: str = ""
    path: str = ""
    max: int = 1
    reason: str
    owner: str
    granted: str
    expires: str
    ticket: str = ""
    source: Source = Source()


class UsedWaiver(msgspec.Struct, frozen=True, kw_only=True):
    """A waiver that a verdict rests on, and how many new findings it covers."""

    waiver: Waiver
    findings: int
