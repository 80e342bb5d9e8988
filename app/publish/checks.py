"""One check run per check of the plan (`settings.publish.checks`), off by default."""

from collections.abc import Sequence
from typing import assert_never

from app.model import (
    CheckResult,
    CheckRunStatus,
    Conclusion,
    Judgement,
    Publication,
    PublishedConclusion,
    Status,
    VerdictState,
)
from app.publish import clean, tables, words
from app.publish.aggregate import NAME, TEXT_LIMIT, external_id, iso, more_at
from app.publish.protocol import Context
from app.publish.shown import Shown, show
from app.publish.view import checks_of, combine, headline


def notify(judgements: Sequence[Judgement], context: Context) -> tuple[Publication, ...]:
    """One publication per check where the gate file asks for them. Before a new run has its plan, those
    that are there go back to in progress: what they said was another run's.
    """
    judgement = combine(judgements)
    if judgement.plan is None and judgement.verdict.state is VerdictState.PENDING:
        own = sorted(shown for shown in context.published if shown.startswith(f"{context.name} / "))
        return tuple(_again(judgement, shown_name, now=context.now) for shown_name in own)
    if judgement.plan is None or not judgement.plan.settings.publish.checks:
        return ()
    shown = context.show(judgement)
    return tuple(
        render_check_publication(judgement, result, shown=shown, name=context.name, now=context.now)
        for result in checks_of(judgement)
    )


def render_check_publication(
    judgement: Judgement,
    result: CheckResult,
    *,
    shown: Shown | None = None,
    name: str = NAME,
    now: float,
) -> Publication:
    """One check of a judgement, named `portcullis / <check>`. `shown` saves computing it again."""
    shown = shown or show(judgement)
    done = result.status is Status.COMPLETED or judgement.superseded
    word = "superseded" if judgement.superseded else words.check_word(result)
    reason = words.check_reason(result)
    shown_name = clean.line(f"{name} / {result.key}", 200)
    return Publication(
        name=shown_name,
        head_sha=judgement.change.head_sha,
        status=CheckRunStatus.COMPLETED if done else CheckRunStatus.IN_PROGRESS,
        conclusion=_conclusion(judgement, result) if done else None,
        title=clean.line(f"{word}: {reason}" if reason else word, words.TITLE_LIMIT),
        summary=tables.checks_table([result]),
        text=clean.fit(_blocks(result, shown), TEXT_LIMIT, more_at(judgement)),
        details_url=judgement.page_url,
        external_id=external_id(judgement.run_id, shown_name),
        started_at=iso(judgement.opened_at),
        completed_at=iso(judgement.settled_at or now) if done else "",
    )


def _again(judgement: Judgement, shown_name: str, *, now: float) -> Publication:
    return Publication(
        name=shown_name,
        head_sha=judgement.change.head_sha,
        status=CheckRunStatus.IN_PROGRESS,
        title=headline(judgement, now=now),
        summary=words.verdict_sentence(judgement.verdict.state),
        details_url=judgement.page_url,
        external_id=external_id(judgement.run_id, shown_name),
        started_at=iso(judgement.opened_at),
    )


def _blocks(result: CheckResult, shown: Shown) -> list[str]:
    tests = [item for item in shown.tests if item.check == result.key]
    findings = [item for item in shown.findings if item.check == result.key]
    blocks = []
    if tests:
        blocks += ["### Failing tests", *tables.failing_blocks(tests)]
    if findings:
        blocks += ["### New findings", tables.findings_table(findings)]
    return blocks


def _conclusion(judgement: Judgement, result: CheckResult) -> PublishedConclusion:
    """Forges count `skipped` and `neutral` as success: only what does not block may be either."""
    if judgement.superseded:
        return PublishedConclusion.CANCELLED
    if judgement.verdict.observed:
        return PublishedConclusion.NEUTRAL
    match result.conclusion:
        case Conclusion.SUCCESS:
            return PublishedConclusion.SUCCESS
        case Conclusion.NOT_NEEDED:
            return PublishedConclusion.SKIPPED
        case Conclusion.CANCELLED | Conclusion.SKIPPED:
            return PublishedConclusion.CANCELLED
        case Conclusion.FAILURE | Conclusion.ERROR | None:
            return PublishedConclusion.FAILURE if result.required else PublishedConclusion.NEUTRAL
        case Conclusion.TIMED_OUT:
            return PublishedConclusion.TIMED_OUT if result.required else PublishedConclusion.NEUTRAL
        case _:
            assert_never(result.conclusion)
