"""What the reader is shown of a judgement, computed once for check run, comment, page and terminal."""

from collections.abc import Iterator, Sequence
from typing import assert_never

import msgspec

from app.model import (
    CheckResult,
    CheckRunStatus,
    Judgement,
    Outcome,
    OutcomeValue,
    PublishedConclusion,
    UnknownCause,
    VerdictState,
)
from app.publish import clean, phrases, words

LONG = 2000
"""Characters of a headline where there is room."""


def conclude(judgement: Judgement) -> tuple[CheckRunStatus, PublishedConclusion | None]:
    """How a judgement shows on a forge (the gate file's page, section 7)."""
    verdict = judgement.verdict
    if judgement.superseded:
        return CheckRunStatus.COMPLETED, PublishedConclusion.CANCELLED
    if verdict.state is VerdictState.PENDING:
        return CheckRunStatus.IN_PROGRESS, None
    if verdict.observed:
        return CheckRunStatus.COMPLETED, PublishedConclusion.NEUTRAL
    if verdict.state is VerdictState.PASSED:
        return CheckRunStatus.COMPLETED, PublishedConclusion.SUCCESS
    if verdict.state is VerdictState.BLOCKED and verdict.people_only:
        return CheckRunStatus.COMPLETED, PublishedConclusion.ACTION_REQUIRED
    return CheckRunStatus.COMPLETED, PublishedConclusion.FAILURE


def headline(judgement: Judgement, *, now: float | None = None, limit: int = words.TITLE_LIMIT) -> str:
    """The verdict in one plain line of at most `limit` characters.

    With `now` a pending line tells since when; without, the text is the same at each rendering. What was
    overridden, how many waivers were used and what must be in the title (`title_note`) survive the cut.
    """
    text = _verdict_line(judgement, now)
    if judgement.verdict.observed and not judgement.superseded:
        text = f"Observed only: {_lower_first(text)}"
    used = _let_pass(judgement) if not judgement.superseded else ()
    note = " · ".join(filter(None, (*used, clean.line(judgement.title_note, limit // 2))))
    if not note:
        return clean.line(text, limit)
    return f"{clean.line(text, limit - len(note) - 3)} · {note}"


def _let_pass(judgement: Judgement) -> tuple[str, ...]:
    """What a verdict lets pass, in a few words each; a passed line tells of overrides itself."""
    verdict = judgement.verdict
    overridden = "" if verdict.state is VerdictState.PASSED else phrases.overridden_counted(verdict)
    return overridden, phrases.waivers_counted(verdict)


def explanation(judgement: Judgement, *, now: float | None = None) -> str:
    """The headline at length, beside the verdict's word and the remark that it only observes."""
    verdict = msgspec.structs.replace(judgement.verdict, observed=False)
    text = headline(msgspec.structs.replace(judgement, verdict=verdict), now=now, limit=LONG)
    for said in ("Passed: ", "could not judge: ", "Superseded: "):
        text = text.removeprefix(said)
    return text


def _lower_first(text: str) -> str:
    first, _, rest = text.partition(" ")
    return f"{first.lower()} {rest}" if first in {"Waiting", "Passed:", "Blocked:"} else text


def _verdict_line(judgement: Judgement, now: float | None) -> str:
    verdict = judgement.verdict
    if judgement.superseded:
        return "Superseded: a newer run is judged instead"
    match verdict.state:
        case VerdictState.PASSED:
            return words.passed_line(judgement)
        case VerdictState.ERRORED:
            return words.errored_line(judgement)
        case VerdictState.PENDING:
            unmet = would_open(judgement)
            text = words.waiting(judgement, now)
            return f"{text}; already not met: {'; '.join(unmet)}" if unmet else text
        case VerdictState.BLOCKED:
            text = verdict.reason or "; ".join(would_open(judgement)) or "a condition is not met"
            if verdict.observed:
                return f"would be blocked: {text}"
            return f"Waiting for people: {text}" if verdict.people_only else text
        case _:
            assert_never(verdict.state)


def would_open(judgement: Judgement) -> tuple[str, ...]:
    """The fewest things somebody could change to open the gate, as phrases."""
    verdict = judgement.verdict
    if verdict.fewest:
        return verdict.fewest
    unmet = (outcome for outcome in verdict.outcomes if outcome.value is OutcomeValue.UNMET)
    return tuple(
        words.outcome_says(outcome) for outcome in unmet if not outcome.advisory and not outcome.overridden
    )


class Sorted(msgspec.Struct, frozen=True, kw_only=True):
    """The top-level outcomes of a verdict in reading order; within a group in file order."""

    unmet: tuple[Outcome, ...]
    unsettled: tuple[Outcome, ...]
    pending: tuple[Outcome, ...]
    overridden: tuple[Outcome, ...]
    advisory: tuple[Outcome, ...]
    met: tuple[Outcome, ...]
    exempt: tuple[Outcome, ...]

    def all(self) -> tuple[Outcome, ...]:
        """Unmet first, then what could not be judged, pending, what people let pass, advice, met, exempt."""
        settled = self.overridden + self.advisory + self.met + self.exempt
        return self.unmet + self.unsettled + self.pending + settled


WAITING_CAUSES = frozenset({UnknownCause.OUTSTANDING, UnknownCause.LATER, UnknownCause.NONE})


def sort_outcomes(outcomes: Sequence[Outcome]) -> Sorted:
    """Outcomes by what they mean for the reader. Advice that is met or exempt stands with the rest."""
    groups: dict[str, list[Outcome]] = {name: [] for name in Sorted.__struct_fields__}
    for outcome in outcomes:
        groups[_group(outcome)].append(outcome)
    return Sorted(**{name: tuple(found) for name, found in groups.items()})


def _group(outcome: Outcome) -> str:
    if outcome.value is OutcomeValue.MET:
        return "met"
    if outcome.value is OutcomeValue.EXEMPT:
        return "exempt"
    if outcome.overridden:
        return "overridden"
    if outcome.advisory:
        return "advisory"
    if outcome.value is OutcomeValue.UNMET:
        return "unmet"
    return "pending" if outcome.cause in WAITING_CAUSES else "unsettled"


def walk(outcomes: Sequence[Outcome], depth: int = 0) -> Iterator[tuple[int, Outcome]]:
    """(depth, outcome) of whole trees, parents first; met branches of a met parent stay folded."""
    for outcome in outcomes:
        yield depth, outcome
        if outcome.value not in {OutcomeValue.MET, OutcomeValue.EXEMPT}:
            yield from walk(members(outcome), depth + 1)


def members(outcome: Outcome) -> tuple[Outcome, ...]:
    """The children worth a line: checks that passed stand in the list of checks already."""
    passed = {OutcomeValue.MET, OutcomeValue.EXEMPT}
    return tuple(child for child in outcome.children if child.kind != "check" or child.value not in passed)


def checks_of(judgement: Judgement) -> tuple[CheckResult, ...]:
    """The checks' results in the plan's order; () where nothing was planned."""
    return judgement.evidence.checks if judgement.evidence is not None else ()


def self_reported(judgement: Judgement) -> frozenset[str]:
    """Keys of the checks whose reports the change could have written itself: its own tools did, or its CI."""
    return frozenset(
        spec.key
        for spec in (judgement.plan.checks if judgement.plan is not None else ())
        if spec.self_reported
    )


def notes_of(judgement: Judgement) -> tuple[str, ...]:
    """All sentences for people, each once, in order."""
    plan_notes = judgement.plan.notes if judgement.plan is not None else ()
    title = (judgement.title_note,) if judgement.title_note else ()
    return tuple(dict.fromkeys((*title, *judgement.notes, *judgement.verdict.notes, *plan_notes)))


_WORST = (VerdictState.BLOCKED, VerdictState.ERRORED, VerdictState.PENDING, VerdictState.PASSED)


def combine(judgements: Sequence[Judgement]) -> Judgement:
    """The worst of all judgements of one head, naming the others: one name carries one verdict.

    An observed verdict counts as passed unless pending; superseded ones only count among themselves.
    Raises ValueError for none.
    """
    live = [judgement for judgement in judgements if not judgement.superseded] or list(judgements)
    worst = min(live, key=_badness)
    others = tuple(_also(judgement) for judgement in live if judgement is not worst)
    return msgspec.structs.replace(worst, also=worst.also + others) if others else worst


def _badness(judgement: Judgement) -> int:
    verdict = judgement.verdict
    if verdict.observed and verdict.state is not VerdictState.PENDING:
        return len(_WORST)
    return _WORST.index(verdict.state)


def _also(judgement: Judgement) -> str:
    change = judgement.change
    name = change.reference or (f"#{change.number}" if change.number is not None else change.key)
    return f"{name} into {change.base_ref}: {headline(judgement, limit=200)}"
