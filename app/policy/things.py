"""What a leaf of a verdict counted, so that an override covers the things that were seen and no others."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from app.language import About, Plain, Unknown, Value, evaluate
from app.model import Outcome, OutcomeValue
from app.policy.fewest import is_check
from app.policy.judged import Judged
from app.policy.protocol import Thing
from app.policy.registry import PolicyFacts

MOST: Final = 2_000
"""Beyond as many things their whole set is one: it is covered while it is the same."""
_DIGITS: Final = 16


def leaf_identity(leaf: Outcome, judged: Judged) -> tuple[str, tuple[str, ...] | None]:
    """(what the leaf is known by, a digest of each thing it counted; None where it counts nothing by name).

    A number of things is known by its condition alone: the things tell whether it is another. So is what
    people alone can meet. Anything else, and what could not be told, is known by what it said too.
    """
    if is_check(leaf):
        things = [thing for key in leaf.checks[-1:] for thing in judged.failures(key)]
        return f"{leaf.text}: {leaf.says}", _digests(things)
    asked = _Asked(PolicyFacts(judged))
    evaluate(leaf.text, asked)
    by_text = (leaf.people or asked.only_counts) and leaf.value is not OutcomeValue.UNKNOWN
    name = leaf.text if by_text else f"{leaf.text}: {leaf.says}"
    return name, _digests(asked.things) if asked.counts else None


class _Asked:
    """Facts that note what a condition counts."""

    def __init__(self, facts: PolicyFacts) -> None:
        self._facts = facts
        self.things: list[Thing] = []
        self.counts = False
        self._other = False

    @property
    def only_counts(self) -> bool:
        """Whether nothing but whole numbers of things was read."""
        return self.counts and not self._other

    def name(self, name: str) -> Value:
        """The value of a dotted name."""
        return self._noted(self._facts.name(name), self._facts.things(name, (), {}))

    def call(self, name: str, args: tuple[Plain, ...], kwargs: Mapping[str, Plain]) -> Value:
        """The value of a call."""
        return self._noted(self._facts.call(name, args, kwargs), self._facts.things(name, args, kwargs))

    def about(self, name: str, args: tuple[Plain, ...], kwargs: Mapping[str, Plain]) -> About:
        """How people speak of it."""
        return self._facts.about(name, args, kwargs)

    def _noted(self, value: Value, things: Iterable[Thing] | None) -> Value:
        self._other |= things is None or isinstance(value, Unknown)
        if things is not None:
            self.counts = True
            self.things += things
        return value


def _digests(things: Iterable[Thing]) -> tuple[str, ...]:
    """Sorted; of equal things as many as there are."""
    seen: Counter[Thing] = Counter()
    found = []
    for thing in sorted(things):
        seen[thing] += 1
        found.append(_digest(*thing, str(seen[thing])))
    return tuple(sorted(found)) if len(found) <= MOST else (_digest(*sorted(found)),)


def _digest(*parts: str) -> str:
    said = "\0".join(parts)
    return hashlib.sha256(said.encode(errors="surrogatepass")).hexdigest()[:_DIGITS]
