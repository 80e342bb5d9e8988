"""A verdict is a tree of outcomes that is its own explanation."""

from enum import StrEnum
from typing import Literal

import msgspec

from app.model.override import Overridden
from app.model.source import Source
from app.model.waiver import UsedWaiver

RULES_VERSION = 4
"""Version of the rules that turn evidence into a verdict; stored with each verdict."""


class OutcomeValue(StrEnum):
    """The value of one item. Exempt = not applicable, with its reason."""

    MET = "met"
    UNMET = "unmet"
    UNKNOWN = "unknown"
    EXEMPT = "exempt"


class UnknownCause(StrEnum):
    """Why a value is unknown; decides between pending, blocked and errored."""

    NONE = "none"
    OUTSTANDING = "outstanding"
    ERROR = "error"
    MISSING = "missing"
    LATER = "later"
    REFUSED = "refused"


class Outcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One node of the verdict tree.

    `text` is the condition as written; `says` one short phrase with the values for people
    ("coverage on new code 76.2 % < 80 %"), `of` what a share among them is made of ("16 of 21"); `used` the
    values read; `people` is true when only people
    could meet it (approvals, labels, draft); `fixed` when nobody can change it (the author); `checks` are
    keys of the checks it rests on (of kind `check`: its own, then the one that blocks it). `overridden`: it
    does not hold, and people let it pass.
    """

    value: OutcomeValue
    text: str
    says: str = ""
    because: str = ""
    cause: UnknownCause = UnknownCause.NONE
    used: dict[str, str | int | float | bool | None] = {}
    source: Source = Source()
    advisory: bool = False
    people: bool = False
    fixed: bool = False
    checks: tuple[str, ...] = ()
    kind: Literal["leaf", "all", "any", "when", "check"] = "leaf"
    children: tuple["Outcome", ...] = ()
    of: str = ""
    overridden: bool = False


class VerdictState(StrEnum):
    """The four verdicts."""

    PASSED = "passed"
    BLOCKED = "blocked"
    PENDING = "pending"
    ERRORED = "errored"


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The gate's answer for one run.

    `fewest` are the `says` of the fewest leaves that would open the gate; `waits_for` are check keys
    (or "approvals") still outstanding; `people_only` = every unmet item could be met by people alone;
    `reason` is set for verdicts that rest on no outcome (conflict, broken gate file); `waivers` are those
    that cover a new finding, in the order of the file; `overridden` are the outcomes that people let pass.
    """

    state: VerdictState
    rules_version: int = RULES_VERSION
    outcomes: tuple[Outcome, ...] = ()
    fewest: tuple[str, ...] = ()
    waits_for: tuple[str, ...] = ()
    people_only: bool = False
    observed: bool = False
    checks_ran: int = 0
    checks_total: int = 0
    reason: str = ""
    notes: tuple[str, ...] = ()
    waivers: tuple[UsedWaiver, ...] = ()
    overridden: tuple[Overridden, ...] = ()
    checks_reused: int = 0
