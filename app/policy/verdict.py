"""Outcomes → verdict, in the order of gate-file.md section 7: the first that applies.

errored (no valid gate: the caller's) · blocked (cannot be planned) · pending · blocked (unmet) · errored
(unknown through an error) · `settings.missing` · passed. Advisory items and checks are left out of every
step and still shown.
"""

from collections.abc import Iterable

import msgspec

from app.language import Context
from app.language import evaluate as evaluate_expression
from app.model import (
    BaselineState,
    ChangeKind,
    Conclusion,
    Evidence,
    Expression,
    GateItem,
    Outcome,
    OutcomeValue,
    Override,
    Plan,
    Status,
    UnknownCause,
    Verdict,
    VerdictState,
)
from app.policy.fewest import COMING, by_people_alone, fewest
from app.policy.gate import (
    expressions_in,
    gate_of,
    judge_item,
    names_people_or_pull_request,
    text_of,
)
from app.policy.judged import Judged
from app.policy.notes import notes_on
from app.policy.overriding import carried, excuse, people_asked
from app.policy.registry import PolicyFacts
from app.policy.sonar import missing_is_ok

APPROVALS = "approvals"
_DID_NOT_RUN = frozenset({Conclusion.NOT_NEEDED, Conclusion.SKIPPED, Conclusion.CANCELLED})


def decide(expression: Expression, plan: Plan, evidence: Evidence, *, context: Context) -> Outcome:
    """A check's `when` or `after`. In a merge group `after` is true: people have decided already.

    Not applicable is exempt: for a `when` that means false, for an `after` true.
    """
    if context == "after" and evidence.change.kind is ChangeKind.MERGE_GROUP:
        says = "a merge group waits for nobody"
        return Outcome(
            value=OutcomeValue.MET, text=expression.text, says=says, source=expression.source, fixed=True
        )
    facts = PolicyFacts(Judged(plan, evidence))
    return evaluate_expression(expression.text, facts, source=expression.source, context=context)


def evaluate(plan: Plan, evidence: Evidence) -> Verdict:
    """The verdict on one change. Equal inputs give equal bytes."""
    if plan.blocked:
        return _observed(blocked_verdict(plan.blocked), plan)
    judged = Judged(plan, evidence)
    facts = PolicyFacts(judged)
    items = gate_of(plan, judged.delivered)
    outcomes = tuple(judge_item(item, facts) for item in items)
    let_pass = _LetPass(overrides=evidence.overrides, people=people_asked(plan))
    return _conclude(judged, items, outcomes, let_pass)


def merge_group_verdict(plan: Plan, evidence: Evidence, subject_verdict: Verdict | None) -> Verdict:
    """The verdict on a merge group, given the latest verdict of the change it carries.

    Items that name the pull request or people are copied whole from there; one that is not there (yet)
    is unknown until it is. All others are judged on the group. What is certainly unmet fails the group, be
    it people's: its queue does not wait for them.
    """
    if plan.blocked:
        return _observed(blocked_verdict(plan.blocked), plan)
    judged = Judged(plan, evidence)
    facts = PolicyFacts(judged)
    known = {outcome.text: outcome for outcome in (subject_verdict.outcomes if subject_verdict else ())}
    items = gate_of(plan, judged.delivered)
    outcomes = tuple(
        _copied(item, known) if names_people_or_pull_request(item) else judge_item(item, facts)
        for item in items
    )
    carries = _LetPass(overrides=carried(subject_verdict))
    return msgspec.structs.replace(_conclude(judged, items, outcomes, carries), people_only=False)


def _copied(item: GateItem, known: dict[str, Outcome]) -> Outcome:
    text = text_of(item)
    source = next(expressions_in(item)).source
    if text in known:
        return msgspec.structs.replace(
            known[text], advisory=item.advisory, because=item.because, overridden=False
        )
    return Outcome(
        value=OutcomeValue.UNKNOWN,
        text=text,
        says=f"waits for the verdict on its change: {text}",
        because=item.because,
        cause=UnknownCause.LATER,
        source=source,
        advisory=item.advisory,
    )


def blocked_verdict(reason: str) -> Verdict:
    """The change cannot be planned: a conflict, too large, over a limit."""
    return Verdict(state=VerdictState.BLOCKED, reason=reason)


def errored_verdict(reason: str) -> Verdict:
    """Nothing can be judged: no version of the gate file is valid, or we broke."""
    return Verdict(state=VerdictState.ERRORED, reason=reason)


def pending_verdict(reason: str, waits_for: tuple[str, ...] = ()) -> Verdict:
    """Nothing can be judged yet: the forge or the repository cannot be read for now."""
    return Verdict(state=VerdictState.PENDING, reason=reason, waits_for=waits_for)


def _observed(verdict: Verdict, plan: Plan) -> Verdict:
    return msgspec.structs.replace(verdict, observed=plan.settings.mode == "observe")


class _LetPass(msgspec.Struct, frozen=True, kw_only=True):
    """The overrides in force, and how many people have to agree."""

    overrides: tuple[Override, ...] = ()
    people: int = 1


def _conclude(
    judged: Judged, items: tuple[GateItem, ...], outcomes: tuple[Outcome, ...], let_pass: _LetPass
) -> Verdict:
    plan = judged.plan
    outcomes = tuple(map(missing_is_ok, outcomes))
    if plan.settings.missing == "advisory":
        outcomes = tuple(_advised(outcome) for outcome in outcomes)
    outcomes, overridden = excuse(judged, outcomes, let_pass.overrides, let_pass.people)
    binding = [outcome for outcome in outcomes if not outcome.advisory and not outcome.overridden]
    unmet = [outcome for outcome in binding if outcome.value is OutcomeValue.UNMET]
    waits = _waits_for(judged, binding)
    ran, reused = _ran(judged)
    state, blocking = _state(judged, binding, unmet, waiting=bool(waits))
    people_only = state is VerdictState.BLOCKED and all(map(by_people_alone, blocking))
    verdict = Verdict(
        state=state,
        outcomes=outcomes,
        fewest=fewest(blocking, people_only=people_only),
        waits_for=waits if state is VerdictState.PENDING else (),
        people_only=people_only,
        checks_ran=ran,
        checks_total=len(plan.checks),
        notes=notes_on(judged, items, outcomes, state, ran=ran + reused),
        waivers=judged.covered.used,
        overridden=overridden,
        checks_reused=reused,
    )
    return _observed(verdict, plan)


def _state(
    judged: Judged, binding: list[Outcome], unmet: list[Outcome], *, waiting: bool
) -> tuple[VerdictState, list[Outcome]]:
    """The state and the outcomes that stand in the way."""
    group = judged.evidence.change.kind is ChangeKind.MERGE_GROUP
    if waiting and not (group and unmet):
        # what is certainly unmet is told already; a queue is told at once
        return VerdictState.PENDING, unmet
    refused = _unknown(binding, UnknownCause.REFUSED)
    if unmet or refused:
        return VerdictState.BLOCKED, [one for one in binding if one in unmet or one in refused]
    if errors := _unknown(binding, UnknownCause.ERROR):
        return VerdictState.ERRORED, errors
    missing = _unknown(binding, UnknownCause.MISSING)
    if missing and judged.plan.settings.missing == "fail":
        return VerdictState.BLOCKED, missing
    # only what nobody delivered may be let pass: anything else that is not known never is
    unexplained = [
        one for one in binding if one.value is OutcomeValue.UNKNOWN and one.cause is not UnknownCause.MISSING
    ]
    return (VerdictState.ERRORED, unexplained) if unexplained else (VerdictState.PASSED, [])


def _unknown(outcomes: Iterable[Outcome], cause: UnknownCause) -> list[Outcome]:
    return [one for one in outcomes if one.value is OutcomeValue.UNKNOWN and one.cause is cause]


def _advised(outcome: Outcome) -> Outcome:
    """`missing: advisory`: what no check delivered only informs."""
    missing = outcome.value is OutcomeValue.UNKNOWN and outcome.cause is UnknownCause.MISSING
    return msgspec.structs.replace(outcome, advisory=True) if missing else outcome


def _waits_for(judged: Judged, binding: list[Outcome]) -> tuple[str, ...]:
    """Keys of required checks that have not ended, then what conditions wait for besides."""
    waits = [
        spec.key
        for spec in judged.plan.checks
        if spec.required
        and ((result := judged.results.get(spec.key)) is None or result.status is not Status.COMPLETED)
    ]
    for outcome in binding:
        if outcome.value is OutcomeValue.UNKNOWN and outcome.cause in COMING:
            later = outcome.cause is UnknownCause.LATER
            waits.extend((APPROVALS,) if later else _outstanding(judged, outcome))
    return tuple(dict.fromkeys(waits))


def _outstanding(judged: Judged, outcome: Outcome) -> list[str]:
    """The checks an outcome waits for; of a copied one they are its change's."""
    open_keys = [
        key
        for key in outcome.checks
        if (result := judged.results.get(key)) is None or result.status is not Status.COMPLETED
    ]
    if open_keys:
        return open_keys
    base = judged.evidence.change.base_ref
    waited = [
        f"{baseline.key} on {base}"
        for baseline in judged.evidence.baselines
        if baseline.key in outcome.checks and baseline.state is BaselineState.OUTSTANDING
    ]
    return waited or list(outcome.checks) or [outcome.text]


def _ran(judged: Judged) -> tuple[int, int]:
    """How many checks really ran, and how many an earlier result served."""
    ended = [
        result
        for spec in judged.plan.checks
        if (result := judged.results.get(spec.key)) is not None
        and result.status is Status.COMPLETED
        and result.conclusion not in _DID_NOT_RUN
    ]
    reused = sum(result.reused is not None for result in ended)
    return len(ended) - reused, reused
