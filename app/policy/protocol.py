"""What a family of conditions is: names and functions with their meaning, and how to read their values.

One family per file, one line in `CONDITIONS`. Everything is pure: `Judged` holds the plan and the
evidence, the same in gives the same out. Schema, help and `explain` follow from `meaning`.
"""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from app.language import Function, Name, Plain, Value
from app.policy.judged import Judged

Kwargs = Mapping[str, Plain]


Thing = tuple[str, ...]
"""What one thing that is counted is known by, among those of its kind: a finding, a test, a person."""


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """A dotted name. `words` is its noun phrase; `people` = people alone can change it now, `fixed` =
    nobody can. `read` gives its value, `things` what is counted where its value is a number of things of
    which one more is worse: an override covers those that were seen.
    """

    meaning: Name
    words: str
    read: Callable[[Judged], Value]
    things: Callable[[Judged], Iterable[Thing]] | None = None
    people: bool = False
    fixed: bool = False


class CheckFact(msgspec.Struct, frozen=True, kw_only=True):
    """A name after `checks.<id>.`; `words` is put before the id, `read` gets the id."""

    meaning: Name
    words: str
    read: Callable[[Judged, str], Value]


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """A function. `words` gives a noun phrase for given arguments, `call` its value, `things` as in `Fact`
    (None: with these arguments it counts none).
    """

    meaning: Function
    words: Callable[[tuple[Plain, ...], Kwargs], str]
    call: Callable[[Judged, tuple[Plain, ...], Kwargs], Value]
    things: Callable[[Judged, tuple[Plain, ...], Kwargs], Iterable[Thing] | None] | None = None
    people: bool = False
    fixed: bool = False


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """One family of conditions. `later_*` are names refused as not yet supported."""

    name: str
    doc: str
    facts: Mapping[str, Fact] = {}
    operations: Mapping[str, Operation] = {}
    per_check: Mapping[str, CheckFact] = {}
    later_names: Mapping[str, Name] = {}
    later_functions: Mapping[str, Function] = {}
