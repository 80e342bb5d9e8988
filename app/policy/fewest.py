"""The fewest leaves a person can change that open the gate (gate-file.md section 7).

Each outcome gives the smallest sets of leaves that would make it hold; `all` unites one of each member,
`any` takes those of any member. Finding the least union is a set cover, so the search is capped.
"""

import re
from collections.abc import Sequence
from itertools import product

from app.model import Outcome, OutcomeValue, UnknownCause

CAP = 64
"""Sets kept per outcome; beyond it every unmet leaf is named."""

HOLDS = frozenset({OutcomeValue.MET, OutcomeValue.EXEMPT})
COMING = frozenset({UnknownCause.OUTSTANDING, UnknownCause.LATER})

_PASSED = re.compile(r"checks\.\w+\.passed")

Leaf = tuple[str, str]
Sets = list[frozenset[Leaf]]


class _Capped(Exception):
    """The search grew too large."""


def fewest(blocking: Sequence[Outcome], *, people_only: bool = False) -> tuple[str, ...]:
    """What to say of the fewest leaves that would open the gate, in file order.

    `blocking` are top-level outcomes that do not hold. With `people_only` only leaves that people alone
    can meet are looked at. Where no set opens the gate, or the search is too large, all are named.
    """
    every = [leaf for outcome in blocking for leaf in open_leaves(outcome)]
    order = {key: place for place, key in reversed([(i, _key(leaf)) for i, leaf in enumerate(every)])}
    try:
        found = _unite([_sets(outcome, people_only=people_only) for outcome in blocking])
    except _Capped:
        found = []
    chosen = min(found, key=lambda one: _rank(one, order), default=frozenset(order))
    return tuple(dict.fromkeys(_says(leaf, every) for leaf in every if _key(leaf) in chosen))


def by_people_alone(outcome: Outcome) -> bool:
    """Whether people's leaves (approvals, labels, draft) alone could make the outcome hold."""
    return _holds(outcome) or any(_sets_or_none(outcome))


def _sets_or_none(outcome: Outcome) -> list[bool]:
    try:
        return [True for _ in _sets(outcome, people_only=True)]
    except _Capped:
        return []


def _rank(chosen: frozenset[Leaf], order: dict[Leaf, int]) -> tuple[int, list[int]]:
    return len(chosen), sorted(order[leaf] for leaf in chosen)


def _holds(outcome: Outcome) -> bool:
    """Nothing needs to be done: it holds, or it may still come to hold by itself."""
    return outcome.value in HOLDS or outcome.cause in COMING


def _members(outcome: Outcome) -> tuple[Outcome, ...]:
    """What must hold; the `when` of a conditional tells the situation, nobody is asked to change it."""
    return outcome.children[1:] if outcome.kind == "when" else outcome.children


def open_leaves(outcome: Outcome) -> list[Outcome]:
    """The leaves that keep an outcome from holding; none where it holds or may still come to hold."""
    if _holds(outcome):
        return []
    members = _members(outcome)
    return [leaf for member in members for leaf in open_leaves(member)] if members else [outcome]


def _key(leaf: Outcome) -> Leaf:
    """What makes two leaves one: the same text, or the same check at the root."""
    return ("check", leaf.checks[-1]) if is_check(leaf) else ("text", leaf.text)


def is_check(leaf: Outcome) -> bool:
    """Whether the leaf tells how one check ended, alone or as part of `checks.passed`."""
    return bool(leaf.checks) and (leaf.kind == "check" or _PASSED.fullmatch(leaf.text) is not None)


def _says(leaf: Outcome, every: Sequence[Outcome]) -> str:
    """A skipped check is told by the one that blocks it."""
    if is_check(leaf):
        root = leaf.checks[-1]
        own = (one for one in every if is_check(one) and one.checks[:1] == (root,))
        leaf = next(own, leaf)
    return leaf.says or leaf.text


def _sets(outcome: Outcome, *, people_only: bool) -> Sets:
    if _holds(outcome):
        return [frozenset()]
    members = _members(outcome)
    if not members:
        able = outcome.people and outcome.value is OutcomeValue.UNMET if people_only else not outcome.fixed
        return [frozenset({_key(outcome)})] if able else []
    each = [_sets(member, people_only=people_only) for member in members]
    if outcome.kind == "any":
        return _smallest([one for sets in each for one in sets])
    return _unite(each)


def _unite(each: Sequence[Sets]) -> Sets:
    """One set of each member, united."""
    found: Sets = [frozenset()]
    for sets in each:
        found = _smallest([one | other for one, other in product(found, sets)])
    return found


def _smallest(sets: Sets) -> Sets:
    """Without those that hold another whole, and without doubles; in order."""
    kept: Sets = []
    for one in sorted(dict.fromkeys(sets), key=len):
        if not any(other <= one for other in kept):
            kept.append(one)
            if len(kept) > CAP:
                raise _Capped
    return kept
