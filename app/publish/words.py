"""The sentences about verdicts and checks: facts in, plain text out. One place for each; no markup here.
Those about evidence are in `phrases`.

Texts may hold what others wrote: whoever places them cleans them (`clean.line`) or escapes them
(`clean.escape`). Times are UTC; durations are whole seconds.
"""

from collections import Counter
from collections.abc import Sequence
from typing import assert_never

from app.model import (
    CheckResult,
    Conclusion,
    Judgement,
    Outcome,
    OutcomeValue,
    Status,
    UnknownCause,
    VerdictState,
)
from app.publish import figures, phrases

TITLE_LIMIT = 255


def verdict_word(state: VerdictState) -> str:
    """The verdict in one word with a capital."""
    match state:
        case VerdictState.PASSED:
            return "Passed"
        case VerdictState.BLOCKED:
            return "Blocked"
        case VerdictState.PENDING:
            return "Pending"
        case VerdictState.ERRORED:
            return "Could not judge"
        case _:
            assert_never(state)


def verdict_sentence(state: VerdictState) -> str:
    """What the verdict means, for somebody who sees one for the first time."""
    match state:
        case VerdictState.PASSED:
            return "Every condition of the gate is met."
        case VerdictState.BLOCKED:
            return "At least one condition of the gate is not met."
        case VerdictState.PENDING:
            return "The gate still waits for something."
        case VerdictState.ERRORED:
            return "Something on our side, or in the gate file, kept this change from being judged."
        case _:
            assert_never(state)


def outcome_word(outcome: Outcome) -> str:
    """The value of one condition in a word or two."""
    if outcome.overridden:
        return "overridden"
    match outcome.value:
        case OutcomeValue.MET:
            return "met"
        case OutcomeValue.UNMET:
            return "not met"
        case OutcomeValue.EXEMPT:
            return "exempt"
        case OutcomeValue.UNKNOWN:
            return unknown_word(outcome.cause)
        case _:
            assert_never(outcome.value)


def unknown_word(cause: UnknownCause) -> str:
    """Why a value is not known, in a word or two."""
    match cause:
        case UnknownCause.OUTSTANDING | UnknownCause.LATER | UnknownCause.NONE:
            return "pending"
        case UnknownCause.ERROR:
            return "could not be judged"
        case UnknownCause.MISSING:
            return "evidence missing"
        case UnknownCause.REFUSED:
            return "not readable"
        case _:
            assert_never(cause)


def outcome_says(outcome: Outcome) -> str:
    """The phrase of an outcome: its own, else the condition as written."""
    return outcome.says or outcome.text


def outcome_detail(outcome: Outcome) -> str:
    """The phrase with what its share is made of; '' where the condition as written says it all."""
    says = outcome.says if outcome.says != outcome.text else ""
    return f"{says} ({outcome.of})" if says and outcome.of else says


GROUPS = frozenset({"any", "all", "when"})
"""Kinds of outcomes that hold others."""


def condition(outcome: Outcome) -> str:
    """A condition as written; a group by what it asks of its members."""
    match outcome.kind:
        case "any":
            return "any of"
        case "all":
            return "all of"
        case "when":
            return f"when {outcome.children[0].text}" if outcome.children else outcome.text
        case "check" | "leaf":
            return outcome.text
        case _:
            assert_never(outcome.kind)


def opens_heading(state: VerdictState) -> str:
    """What stands above the list of what would open the gate."""
    return "Already not met" if state is VerdictState.PENDING else "What would open the gate"


def origin(outcome: Outcome) -> str:
    """Where a condition is written: `.portcullis.yml:22`, with its layer where it is not the repository's."""
    source = outcome.source
    place = f"{source.path}:{source.line}" if source.path and source.line else source.path
    if source.layer and source.layer != "repository":
        return f"{place} ({source.layer})" if place else source.layer
    return place


def check_word(result: CheckResult) -> str:
    """Where a check stands, in a word or two."""
    match result.status:
        case Status.QUEUED:
            return "queued"
        case Status.RUNNING:
            return "running"
        case Status.WAITING:
            return "waiting"
        case Status.COMPLETED:
            return conclusion_word(result.conclusion)
        case _:
            assert_never(result.status)


def conclusion_word(conclusion: Conclusion | None) -> str:
    """How a check ended, in a word or two."""
    match conclusion:
        case Conclusion.SUCCESS:
            return "passed"
        case Conclusion.FAILURE:
            return "failed"
        case Conclusion.ERROR:
            return "error on our side"
        case Conclusion.CANCELLED:
            return "cancelled"
        case Conclusion.TIMED_OUT:
            return "timed out"
        case Conclusion.SKIPPED:
            return "skipped"
        case Conclusion.NOT_NEEDED:
            return "not needed"
        case None:
            return "ended"
        case _:
            assert_never(conclusion)


def check_standing(result: CheckResult, *, self_reported: bool) -> str:
    """`passed (advisory, self-reported)`: how a check ended, and how much that weighs."""
    weighs = [] if result.required else ["advisory"]
    weighs += ["self-reported"] if self_reported else []
    return check_word(result) + (f" ({', '.join(weighs)})" if weighs else "")


def check_reason(result: CheckResult) -> str:
    """Why a check stands where it stands; '' where the word says it all."""
    parts = [result.reason]
    if result.attempt > 1 and result.conclusion is Conclusion.SUCCESS:
        parts.append(f"passed on attempt {result.attempt}")
    elif result.attempt > 1:
        parts.append(f"attempt {result.attempt}")
    if result.blocked_by and result.blocked_by not in result.reason:
        parts.append(f"blocked by {result.blocked_by}")
    if result.origin:
        parts.append(result.origin)
    return "; ".join(part for part in parts if part)


def checks_counted(checks: Sequence[CheckResult]) -> str:
    """`5 checks: 3 passed, 1 failed, 1 not needed`, in the order worst first."""
    if not checks:
        return "no checks declared"
    words = Counter(check_word(result) for result in checks)
    order = [
        "failed",
        "timed out",
        "error on our side",
        "cancelled",
        "skipped",
        "running",
        "waiting",
        "queued",
    ]
    ranked = sorted(
        words, key=lambda word: (order.index(word) if word in order else len(order), word != "passed")
    )
    return f"{figures.count(len(checks), 'check')}: {', '.join(f'{words[word]:,} {word}' for word in ranked)}"


def checks_summed(judgement: Judgement) -> str:
    """The checks counted and, once it stands, what they took: `2 checks: 2 passed; 40 s spent, 90 s saved by
    earlier results`.
    """
    counted = checks_counted(judgement.evidence.checks if judgement.evidence is not None else ())
    if judgement.verdict.state is VerdictState.PENDING:
        return counted
    took = [f"{figures.duration(judgement.spent)} spent"] if judgement.spent else []
    if judgement.saved:
        took.append(f"{figures.duration(judgement.saved)} saved by earlier results")
    return f"{counted}; {', '.join(took)}" if took else counted


def waiting(judgement: Judgement, now: float | None) -> str:
    """What a pending gate waits for, since when and for how long as a rule: `Waiting for test (3.12) and
    lint since 12:04 UTC, the slowest usually takes 2 min`.

    Without `now` no time is told, so that the text is the same at each rendering.
    """
    verdict = judgement.verdict
    if not verdict.waits_for:
        return verdict.reason or "Waiting to begin"
    evidence = judgement.evidence
    by_key = {result.key: result for result in evidence.checks} if evidence else {}
    waits = [by_key[key] for key in verdict.waits_for if key in by_key]
    held = [result for result in waits if result.status is Status.WAITING and result.reason]
    names = [f"{result.key} ({result.reason})" if result in held else result.key for result in waits]
    others = [key for key in verdict.waits_for if key not in by_key]
    text = f"Waiting for {figures.listing(names + others)}"
    since = [result.since for result in waits if result.since]
    if now is not None and since:
        text += f" since {figures.clock(min(since), now)}"
    usual = [judgement.usual[key] for key in verdict.waits_for if key in judgement.usual]
    if now is not None and usual:
        one = len(verdict.waits_for) == 1
        text += f", {'' if one else 'the slowest '}usually takes {figures.roughly(max(usual))}"
    return text


def passed_line(judgement: Judgement) -> str:
    """What a passed verdict rests on."""
    verdict = judgement.verdict
    if verdict.overridden:
        return f"Passed: {phrases.overridden_counted(verdict)}"
    if verdict.checks_total == 0:
        return "Passed: no checks declared"
    reused = f", {verdict.checks_reused:,} reused" if verdict.checks_reused else ""
    return f"Passed: {verdict.checks_ran:,} of {figures.count(verdict.checks_total, 'check')} ran{reused}"


def errored_line(judgement: Judgement) -> str:
    """Why the change could not be judged."""
    verdict = judgement.verdict
    why = verdict.reason or "; ".join(verdict.fewest)
    return f"could not judge: {why or 'see the details'}"


def errored_advice(judgement: Judgement) -> str:
    """What to do about an errored verdict."""
    if judgement.plan is None:
        return "Mend the gate file on the target branch; every open change is judged again at once."
    return (
        "This is not the change's fault. Run it again (“Re-run failed”, or the command /portcullis recheck); "
        "if it stays so, tell whoever runs Portcullis, with the address of this run."
    )


OBSERVED = "This gate only observes: it shows its verdict and never blocks."
ALSO = "Other open changes with the same head:"
PAGE = "See everything on the run's page"


def left_out(page_url: str) -> str:
    """Said at the end of a text that was too long for the forge."""
    if page_url:
        return f"… more than fits here: [see all of it on the run's page]({page_url})."
    return "… more than fits here was left out."
