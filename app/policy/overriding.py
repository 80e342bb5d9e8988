"""What overrides cover (gate-file.md section 9): exactly the outcomes that a person saw unmet, as they were.

An outcome is let pass where every leaf that stands in its way now was among those that enough people named.
A leaf is known by its condition and what it said, so that a worse figure, or one check more that fails, is
newly unmet; of leaves that only people can meet (approvals, labels) by the condition alone, since one
approval more must not take the override away.
"""

from collections.abc import Iterable, Sequence

import msgspec

from app.model import Excused, Outcome, OutcomeValue, Overridden, Override, UnknownCause, Verdict
from app.policy.fewest import open_leaves

_UNSETTLED = frozenset({UnknownCause.ERROR, UnknownCause.MISSING, UnknownCause.REFUSED})


def excusable(verdict: Verdict) -> tuple[Excused, ...]:
    """What an override given now would cover: the binding outcomes of a verdict that are unmet or could not
    be judged, those that others let pass already included.
    """
    return tuple(_as_seen(outcome) for outcome in verdict.outcomes if _stands_in_the_way(outcome))


def excuse(
    outcomes: Sequence[Outcome], overrides: Sequence[Override], people: int
) -> tuple[tuple[Outcome, ...], tuple[Overridden, ...]]:
    """(outcomes, those that are let pass marked; what was let pass and by whom). `people` = how many have to
    say so, each for every leaf.
    """
    if not overrides:
        return tuple(outcomes), ()
    marked, let_pass = [], []
    for outcome in outcomes:
        found = _covered(outcome, overrides, people) if _stands_in_the_way(outcome) else None
        if found is None:
            marked.append(outcome)
        else:
            let_pass.append(found)
            marked.append(msgspec.structs.replace(outcome, overridden=True))
    return tuple(marked), tuple(let_pass)


def carried(verdict: Verdict | None) -> tuple[Override, ...]:
    """What was let pass on a change, as one word for the merge group that carries it."""
    if verdict is None or not verdict.overridden:
        return ()
    return tuple(
        Override(by=", ".join(one.by), because="; ".join(one.because), at=0.0, excused=(one.excused,))
        for one in verdict.overridden
    )


def _covered(outcome: Outcome, overrides: Iterable[Override], people: int) -> Overridden | None:
    seen = _as_seen(outcome)
    words: dict[str, str] = {}
    for override in overrides:
        for one in override.excused:
            if one.text == seen.text and set(seen.leaves) <= set(one.leaves):
                words.setdefault(override.by, override.because)
    if len(words) < people:
        return None
    return Overridden(excused=seen, by=tuple(words), because=tuple(dict.fromkeys(words.values())))


def _stands_in_the_way(outcome: Outcome) -> bool:
    if outcome.advisory:
        return False
    return outcome.value is OutcomeValue.UNMET or outcome.cause in _UNSETTLED


def _as_seen(outcome: Outcome) -> Excused:
    leaves = open_leaves(outcome)
    names = (leaf.text if leaf.people else f"{leaf.text}: {leaf.says}" for leaf in leaves)
    return Excused(
        text=outcome.text, says=outcome.says or outcome.text, leaves=tuple(sorted(dict.fromkeys(names)))
    )
