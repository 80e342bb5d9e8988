"""The one aggregate check run, named `portcullis`, that branch rules require."""

from collections.abc import Sequence
from datetime import UTC, datetime

from app.model import (
    Button,
    CheckRunStatus,
    Conclusion,
    Judgement,
    Publication,
    VerdictState,
)
from app.publish import clean, phrases, tables, words
from app.publish.annotations import annotations
from app.publish.protocol import Context
from app.publish.shown import Shown, show
from app.publish.view import (
    checks_of,
    combine,
    conclude,
    headline,
    notes_of,
    self_reported,
    sort_outcomes,
    would_open,
)

NAME = "portcullis"
TEXT_LIMIT = 65_000
"""GitHub takes 65,535 bytes for summary and for text."""

RERUN_FAILED = Button(
    label="Re-run failed", description="Run the checks that failed again", identifier="rerun_failed"
)
RERUNNABLE = frozenset(
    {Conclusion.FAILURE, Conclusion.ERROR, Conclusion.TIMED_OUT, Conclusion.CANCELLED, Conclusion.SKIPPED}
)
EXPLAIN = Button(label="Explain", description="Renew the page's link and the comment", identifier="explain")


def notify(judgements: Sequence[Judgement], context: Context) -> tuple[Publication, ...]:
    """The aggregate of all open changes with this head, and one per target branch where asked for.

    Without a plan (not prepared yet, a conflict) a branch's aggregate that is there goes with the verdict.
    """
    worst = combine(judgements)
    wanted = [render_publication(worst, shown=context.show(worst), name=context.name, now=context.now)]
    bases: dict[str, list[Judgement]] = {}
    for judgement in judgements:
        name = per_base(context.name, judgement.change.base_ref)
        asked = judgement.plan is not None and judgement.plan.settings.publish.per_base
        if asked or (judgement.plan is None and name in context.published):
            bases.setdefault(name, []).append(judgement)
    for name, of_base in sorted(bases.items()):
        worst = combine(of_base)
        wanted.append(render_publication(worst, shown=context.show(worst), name=name, now=context.now))
    return tuple(wanted)


def per_base(name: str, base_ref: str) -> str:
    """What the aggregate of one target branch is called: `portcullis: main`."""
    return clean.line(f"{name}: {base_ref}", 200)


def render_publication(
    judgement: Judgement, *, shown: Shown | None = None, name: str = NAME, now: float
) -> Publication:
    """What the forge should show for a judgement on its head_sha.

    Pure: the same judgement and the same day of `now` (epoch seconds) give the same publication. `shown`
    saves computing it again.
    """
    status, conclusion = conclude(judgement)
    shown = shown or show(judgement)
    completed = status is CheckRunStatus.COMPLETED
    return Publication(
        name=name,
        head_sha=judgement.change.head_sha,
        status=status,
        conclusion=conclusion,
        title=headline(judgement, now=now),
        summary=clean.fit(_summary(judgement), TEXT_LIMIT, more_at(judgement)),
        text=clean.fit(_text(judgement, shown), TEXT_LIMIT, more_at(judgement)),
        annotations=annotations(judgement, shown),
        buttons=buttons(judgement) if completed else (),
        details_url=judgement.page_url,
        external_id=external_id(judgement.run_id, name),
        started_at=iso(judgement.opened_at),
        completed_at=iso(judgement.settled_at or now) if completed else "",
    )


def iso(at: float) -> str:
    """Epoch seconds as the forge's `2026-11-21T12:04:05Z`; '' for 0."""
    return datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else ""


def external_id(run_id: int, name: str) -> str:
    """By which a publication is found again: `41:portcullis`."""
    return f"{run_id}:{name}"


def more_at(judgement: Judgement) -> str:
    """Said where something had to be left out."""
    return words.left_out(judgement.page_url)


def buttons(judgement: Judgement) -> tuple[Button, ...]:
    """What can be pressed on a completed publication."""
    if judgement.superseded:
        return ()
    failed = any(result.conclusion in RERUNNABLE for result in checks_of(judgement))
    return (RERUN_FAILED, EXPLAIN) if failed else (EXPLAIN,)


def _summary(judgement: Judgement) -> list[str]:
    verdict = judgement.verdict
    blocks = [f"**{words.verdict_word(verdict.state)}.** {words.verdict_sentence(verdict.state)}"]
    if verdict.observed:
        blocks.append(words.OBSERVED)
    if verdict.reason:
        blocks.append(clean.escape(verdict.reason))
    opens = would_open(judgement)
    if opens and verdict.state is not VerdictState.PASSED:
        blocks.append(f"**{words.opens_heading(verdict.state)}**\n\n{tables.bullet_list(opens)}")
    if verdict.state is VerdictState.ERRORED:
        blocks.append(clean.escape(words.errored_advice(judgement)))
    if verdict.overridden:
        blocks.append(
            f"**{clean.escape(phrases.overridden_counted(verdict))}**\n\n{tables.overridden_list(verdict.overridden)}"
        )
    if verdict.outcomes:
        blocks.append(tables.outcomes_table(sort_outcomes(verdict.outcomes).all()))
    if verdict.waivers:
        blocks.append(f"**{phrases.waivers_counted(verdict)}**\n\n{tables.waivers_list(verdict.waivers)}")
    if judgement.also:
        blocks.append(f"{words.ALSO}\n\n{tables.bullet_list(judgement.also)}")
    if judgement.page_url:
        blocks.append(f"[{words.PAGE}]({judgement.page_url})")
    return blocks


def _text(judgement: Judgement, shown: Shown) -> list[str]:
    blocks: list[str] = []
    checks = checks_of(judgement)
    if checks:
        blocks += [
            f"### Checks\n\n{words.checks_summed(judgement)}",
            tables.checks_table(tables.settled(checks), self_reported=self_reported(judgement)),
        ]
    if shown.tests:
        blocks += ["### Failing tests", *tables.failing_blocks(shown.tests)]
    if shown.findings:
        blocks += ["### New findings", tables.findings_table(shown.findings)]
        blocks += tables.suggestions(shown.findings)
    if coverage := tables.coverage_blocks(shown):
        blocks += ["### Coverage of new code", *coverage]
    for section in shown.sections:
        blocks += [f"### {section.summary}", tables.section_table(section)]
    if judgement.head_diagnostics:
        blocks += ["### The gate file of this change", tables.diagnostics_block(judgement.head_diagnostics)]
    if judgement.diagnostics:
        blocks += ["### The gate file that judges", tables.diagnostics_block(judgement.diagnostics)]
    notes = (*notes_of(judgement), *shown.dropped)
    if notes:
        blocks += ["### Notes", tables.bullet_list(notes)]
    return blocks
