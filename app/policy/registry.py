"""All families of conditions, and what follows from them: the vocabulary and its values."""

from collections.abc import Mapping
from functools import cache

from app.language import About, Plain, Unknown, Value, ValueType, Vocabulary
from app.model import UnknownCause
from app.policy.checks import CHECKS, read_output
from app.policy.complexity import COMPLEXITY
from app.policy.coverage import COVERAGE
from app.policy.duplication import DUPLICATION
from app.policy.findings import FINDINGS
from app.policy.judged import Judged
from app.policy.later import LATER_FAMILY
from app.policy.licences import LICENCES
from app.policy.measures import MEASURES
from app.policy.people import PEOPLE
from app.policy.pr import PR
from app.policy.protocol import CheckFact, Fact, Family, Operation, Thing
from app.policy.ratings import RATINGS
from app.policy.secrets import SECRETS
from app.policy.size import SIZE
from app.policy.suppressions import SUPPRESSIONS
from app.policy.tests import TESTS
from app.policy.waivers import WAIVERS

CONDITIONS: tuple[Family, ...] = (
    CHECKS,
    TESTS,
    FINDINGS,
    SECRETS,
    SUPPRESSIONS,
    COVERAGE,
    DUPLICATION,
    COMPLEXITY,
    LICENCES,
    MEASURES,
    SIZE,
    PR,
    PEOPLE,
    RATINGS,
    WAIVERS,
    LATER_FAMILY,
)

_FACTS: Mapping[str, Fact] = {name: fact for family in CONDITIONS for name, fact in family.facts.items()}
_OPERATIONS: Mapping[str, Operation] = {
    name: operation for family in CONDITIONS for name, operation in family.operations.items()
}
_PER_CHECK: Mapping[str, CheckFact] = {
    name: fact for family in CONDITIONS for name, fact in family.per_check.items()
}


@cache
def vocabulary() -> Vocabulary:
    """Every name and function a gate file may use, and those refused as not yet supported."""
    names = {name: fact.meaning for name, fact in _FACTS.items()}
    functions = {name: operation.meaning for name, operation in _OPERATIONS.items()}
    per_check = {name: fact.meaning for name, fact in _PER_CHECK.items()}
    for family in CONDITIONS:
        names |= family.later_names
        functions |= family.later_functions
    return Vocabulary(names=names, functions=functions, per_check=per_check)


def _unknown(name: str) -> Unknown:
    return Unknown(cause=UnknownCause.ERROR, reason=f"this version cannot tell {name}")


class PolicyFacts:
    """The facts of one judgement, each read at most once."""

    def __init__(self, judged: Judged) -> None:
        self._judged = judged
        self._known: dict[str, Value] = {}

    def name(self, name: str) -> Value:
        """The value of a dotted name."""
        if name not in self._known:
            self._known[name] = self._read(name)
        return self._known[name]

    def _read(self, name: str) -> Value:
        if name in _FACTS:
            return _FACTS[name].read(self._judged)
        match name.split("."):
            case ["checks", check, "out", output]:
                return read_output(self._judged, check, output)
            case ["checks", check, field] if field in _PER_CHECK:
                return _PER_CHECK[field].read(self._judged, check)
            case _:
                return _unknown(name)

    def call(self, name: str, args: tuple[Plain, ...], kwargs: Mapping[str, Plain]) -> Value:
        """The value of a call."""
        operation = _OPERATIONS.get(name)
        return _unknown(name) if operation is None else operation.call(self._judged, args, kwargs)

    def things(self, name: str, args: tuple[Plain, ...], kwargs: Mapping[str, Plain]) -> list[Thing] | None:
        """What a name (no arguments) or a call counts; None where it counts nothing by name."""
        if (operation := _OPERATIONS.get(name)) is not None:
            found = None if operation.things is None else operation.things(self._judged, args, kwargs)
        else:
            fact = _FACTS.get(name)
            found = None if fact is None or fact.things is None else fact.things(self._judged)
        return None if found is None else list(found)

    def about(self, name: str, args: tuple[Plain, ...], kwargs: Mapping[str, Plain]) -> About:
        """How people speak of it."""
        if name in _OPERATIONS:
            operation = _OPERATIONS[name]
            return About(
                words=operation.words(args, kwargs),
                type=operation.meaning.returns,
                people=operation.people,
                fixed=operation.fixed,
            )
        if name in _FACTS:
            fact = _FACTS[name]
            return About(words=fact.words, type=fact.meaning.type, people=fact.people, fixed=fact.fixed)
        match name.split("."):
            case ["checks", check, "out", output]:
                return About(words=f"{output} of {check}")
            case ["checks", check, field] if field in _PER_CHECK:
                per_check = _PER_CHECK[field]
                return About(words=f"{per_check.words} {check}", type=per_check.meaning.type)
            case _:
                return About(words=name, type=ValueType.ANY)
