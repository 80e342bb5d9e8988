"""What overrides cover (gate-file.md section 9): exactly the outcomes that a person saw unmet, as they were.

An outcome is let pass where every leaf that stands in its way now was among those that enough people named.
A leaf is known by its condition and what it said, so that a worse figure, or one check more that fails, is
newly unmet; of leaves that only people can meet (approvals, labels) by the condition alone, since one
approval more must not take the override away. Where a leaf counts things (failed tests, findings, vetoes) it
is covered while each of them is one of those that were there: fewer may be left, another is newly unmet.
"""

from collections.abc import Iterable, Sequence

import msgspec

from app.model import (
    Evidence,
    Excused,
    Outcome,
    OutcomeValue,
    Overridden,
    Override,
    Plan,
    UnknownCause,
    Verdict,
)
from app.policy.fewest import open_leaves
from app.policy.judged import Judged
from app.policy.things import leaf_identity

_UNSETTLED = frozenset({UnknownCause.ERROR, UnknownCause.MISSING, UnknownCause.REFUSED})


def excusable(plan: Plan, evidence: Evidence, verdict: Verdict) -> tuple[Excused, ...]:
    """What an override of this verdict on a change covers: the binding outcomes that are unmet or could not
    be judged, those that others let pass already included. The verdict was given on plan and evidence.
    """
    judged = Judged(plan, evidence)
    return tuple(_as_seen(outcome, judged) for outcome in verdict.outcomes if _stands_in_the_way(outcome))


def uncovered(excused: Iterable[Excused], overrides: Sequence[Override], people: int) -> tuple[Excused, ...]:
    """Those of the outcomes that these overrides do not let pass, where so many people have to say so."""
    return tuple(one for one in excused if _covered(one, overrides, people) is None)


def people_asked(plan: Plan) -> int:
    """How many have to say so, each for every leaf."""
    return 2 if plan.settings.commands.two_person else 1


def excuse(
    judged: Judged, outcomes: Sequence[Outcome], overrides: Sequence[Override], people: int
) -> tuple[tuple[Outcome, ...], tuple[Overridden, ...]]:
    """(outcomes, those that are let pass marked; what was let pass and by whom). `people` = how many have to
    say so, each for every leaf.
    """
    if not overrides:
        return tuple(outcomes), ()
    marked, let_pass = [], []
    for outcome in outcomes:
        found = None
        if _stands_in_the_way(outcome):
            found = _covered(_as_seen(outcome, judged), overrides, people)
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


def _covered(seen: Excused, overrides: Iterable[Override], people: int) -> Overridden | None:
    words: dict[str, str] = {}
    for override in overrides:
        if any(_covers(one, seen) for one in override.excused):
            words.setdefault(override.by, override.because)
    if len(words) < people:
        return None
    return Overridden(excused=seen, by=tuple(words), because=tuple(dict.fromkeys(words.values())))


def _covers(then: Excused, now: Excused) -> bool:
    """Whether nothing of what stands in the way now is new. A word from before things were kept covers no
    leaf that counts any.
    """
    if then.text != now.text or not set(now.leaves) <= set(then.leaves):
        return False
    return all(set(things) <= set(then.counted.get(leaf, ())) for leaf, things in now.counted.items())


def _stands_in_the_way(outcome: Outcome) -> bool:
    if outcome.advisory:
        return False
    return outcome.value is OutcomeValue.UNMET or outcome.cause in _UNSETTLED


def _as_seen(outcome: Outcome, judged: Judged) -> Excused:
    known = dict(leaf_identity(leaf, judged) for leaf in open_leaves(outcome))
    return Excused(
        text=outcome.text,
        says=outcome.says or outcome.text,
        leaves=tuple(sorted(known)),
        counted={name: things for name, things in sorted(known.items()) if things is not None},
    )
