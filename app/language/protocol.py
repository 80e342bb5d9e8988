"""The words a condition may use, as data, and what evaluating one needs and gives."""

from collections.abc import Mapping
from enum import StrEnum
from fractions import Fraction
from typing import Literal, Protocol

import msgspec

from app.model import Kind, Outcome, UnknownCause


class ValueType(StrEnum):
    """The types of the language. ANY is `checks.<id>.out.<name>`: typed by its use."""

    BOOL = "boolean"
    NUMBER = "number"
    PERCENT = "percentage"
    DURATION = "duration"
    TEXT = "text"
    RATING = "rating"
    LIST = "list"
    ANY = "any"


Context = Literal["gate", "when", "after"]
"""Where a condition stands: facts that people change are refused in `when`."""


class Name(msgspec.Struct, frozen=True, kw_only=True):
    """A dotted name. `kinds` are the kinds of evidence that must be declared by a check to feed it, and that
    a condition on it judges; `fed_by` are kinds of which any feeds it, though it does not judge them;
    `people` = people change it (refused in `when`); `unsupported` = the reason it is refused;
    `choices` are all the texts it can be; `gate_only` = it looks at every check, so a check's own `when`
    or `after` would wait for itself.
    """

    type: ValueType
    doc: str
    kinds: frozenset[Kind] = frozenset()
    people: bool = False
    unsupported: str = ""
    choices: tuple[str, ...] = ()
    gate_only: bool = False
    fed_by: frozenset[Kind] = frozenset()


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter of a function. `choices` restricts text literals; `check`: it names a check of the gate
    file.
    """

    name: str
    type: ValueType
    required: bool = True
    variadic: bool = False
    keyword_only: bool = False
    choices: tuple[str, ...] = ()
    check: bool = False


class Function(msgspec.Struct, frozen=True, kw_only=True):
    """A function of the language; `kinds` and `fed_by` as of a `Name`."""

    parameters: tuple[Parameter, ...]
    returns: ValueType
    doc: str
    kinds: frozenset[Kind] = frozenset()
    people: bool = False
    unsupported: str = ""
    gate_only: bool = False
    fed_by: frozenset[Kind] = frozenset()


class Vocabulary(msgspec.Struct, frozen=True, kw_only=True):
    """All names and functions. `per_check` are those after `checks.<id>.`; `outputs` allow
    `checks.<id>.out.<name>`.
    """

    names: Mapping[str, Name]
    functions: Mapping[str, Function]
    per_check: Mapping[str, Name]


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """A complaint about an expression. `offset` is 0-based into its text, `length` ≥ 1.

    Codes: G101 syntax, G102 over a limit, G103 unknown name, G104 unknown function, G105 wrong type,
    G106 wrong arguments, G107 not allowed in this place, G108 not yet supported, G109 nothing feeds it,
    G110 another language's operator, G111 not a condition.
    """

    code: str
    message: str
    offset: int
    length: int = 1
    hint: str = ""


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """What an expression names: for implied soft needs, evidence kinds and refusals.

    `texts` are the texts given to each function: ("findings", "new"); `configured` are ids of checks whose
    `config_changed` is asked for.
    """

    names: frozenset[str]
    functions: frozenset[str]
    checks: frozenset[str]
    texts: frozenset[tuple[str, str]] = frozenset()
    configured: frozenset[str] = frozenset()


Plain = bool | Fraction | str | tuple["Plain", ...]


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A value. Numbers, percentages (in points), durations (in seconds) are exact fractions.

    `says` is the value in words for people, where it is a yes or no ("1 approval from @acme/platform");
    `of` what a share is made of ("16 of 21"). `parts` are outcomes of kind `check` that together make a
    true-or-false value.
    """

    value: Plain
    says: str = ""
    parts: tuple[Outcome, ...] = ()
    checks: tuple[str, ...] = ()
    of: str = ""


class Unknown(msgspec.Struct, frozen=True, kw_only=True):
    """Not known (yet): why, on which checks it waits; `at_least` and `at_most` bound what it can be
    (an incomplete count is [delivered, ∞)); `parts` as in `Known`.
    """

    cause: UnknownCause
    reason: str
    checks: tuple[str, ...] = ()
    at_least: Fraction | None = None
    at_most: Fraction | None = None
    parts: tuple[Outcome, ...] = ()


class NotApplicable(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing to judge, and why ("no coverable new line")."""

    reason: str


Value = Known | Unknown | NotApplicable


class About(msgspec.Struct, frozen=True, kw_only=True):
    """How people speak of a name or call: a noun phrase ("coverage on new code") and its type (how it is
    shown); `people` = people alone can change it now (approvals, labels, draft); `fixed` = nobody can
    change it (the author, the number).
    """

    words: str
    type: ValueType = ValueType.ANY
    people: bool = False
    fixed: bool = False


class Facts(Protocol):
    """Where an evaluation reads its values. Pure: no I/O, the same answer each time."""

    def name(self, name: str) -> Value:
        """The value of a dotted name that passed the check against the vocabulary."""
        ...

    def call(self, name: str, args: tuple[Plain, ...], kwargs: Mapping[str, Plain]) -> Value:
        """The value of a function call."""
        ...

    def about(self, name: str, args: tuple[Plain, ...], kwargs: Mapping[str, Plain]) -> About:
        """How to speak of a name (no arguments) or a call."""
        ...
