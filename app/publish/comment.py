"""The one sticky comment of a pull request: edited in place, and only when its text changes."""

from collections.abc import Sequence

from app.model import ChangeKind, Judgement, Outcome, OutcomeValue, StickyComment, VerdictState
from app.publish import answers as answering
from app.publish import clean, figures, notices, phrases, tables, words
from app.publish.protocol import CommandAnswer, Context
from app.publish.shown import Shown, show
from app.publish.view import checks_of, headline, notes_of, self_reported, sort_outcomes, walk, would_open

BODY_LIMIT = 60_000
"""GitHub takes 65,536 characters."""
_ICONS = {
    VerdictState.PASSED: "✅",
    VerdictState.BLOCKED: "❌",
    VerdictState.PENDING: "⏳",
    VerdictState.ERRORED: "⚠️",
}
OPENS_SHOWN = 20
FINDINGS_SHOWN = 30
FIXES_SHOWN = 5
SHORT_SHA = 10
"""Digits of a SHA shown to people; commands ask for at least seven."""


def notify(judgements: Sequence[Judgement], context: Context) -> tuple[StickyComment, ...]:
    """A comment on each pull request that wants one."""
    wanted = []
    for judgement in judgements:
        key = judgement.change.key
        answers = context.answers.get(key, ())
        if wants_comment(judgement, exists=key in context.commented, asked=bool(answers)):
            wanted.append(
                render_comment(
                    judgement, marker=context.marker, answers=answers, shown=context.show(judgement)
                )
            )
    return tuple(wanted)


def wants_comment(judgement: Judgement, *, exists: bool, asked: bool = False) -> bool:
    """Whether `settings.comment` (or an answered command) wants the comment written now.

    With `blocked` one that exists is kept true when the gate opens; a superseded run leaves the comment
    to its successor.
    """
    change = judgement.change
    if change.kind is not ChangeKind.PULL_REQUEST or change.number is None or judgement.superseded:
        return False  # a merge group names its pull request, whose comment is the pull request's own
    if asked:
        return True
    when = judgement.plan.settings.comment if judgement.plan is not None else "always"
    if when == "blocked":
        return exists or judgement.verdict.state in {VerdictState.BLOCKED, VerdictState.ERRORED}
    return when == "always"


def render_comment(
    judgement: Judgement,
    *,
    marker: str,
    answers: Sequence[CommandAnswer] = (),
    shown: Shown | None = None,
) -> StickyComment:
    """The sticky comment for a judgement of a pull request; `shown` saves computing it again. Raises
    ValueError for any other change.
    """
    number = judgement.change.number
    if number is None:
        raise ValueError("only a pull request has a sticky comment")
    blocks = [f"{marker}\n{_title(judgement)}", *_blocks(judgement, shown or show(judgement))]
    footer = _footer(judgement)
    end = [answering.answers_block(answers), footer] if answers else [footer]  # never left out
    more = "\n\n".join([words.left_out(judgement.page_url), *end])
    return StickyComment(number=number, marker=marker, body=clean.fit([*blocks, *end], BODY_LIMIT, more))


def _title(judgement: Judgement) -> str:
    verdict = judgement.verdict
    icon = "👀" if verdict.observed else _ICONS[verdict.state]
    text = headline(judgement)
    if verdict.state is VerdictState.PENDING:
        text = _steady_pending(judgement)
    word = words.verdict_word(verdict.state)
    lead = "" if text.startswith((word, word.lower(), "Waiting", "Observed")) else f"{word}: "
    return f"### {icon} {clean.escape((lead + text)[:1].upper() + (lead + text)[1:])}"


def _steady_pending(judgement: Judgement) -> str:
    """A pending line that does not change with each check that ends."""
    checks = {result.key for result in checks_of(judgement) if result.status != "waiting"}
    held = [wait for wait in judgement.verdict.waits_for if wait not in checks]
    if held and len(held) == len(judgement.verdict.waits_for):
        return headline(judgement)
    if not judgement.verdict.waits_for:
        return headline(judgement)
    return notices.JUDGING


def _blocks(judgement: Judgement, shown: Shown) -> list[str]:
    verdict = judgement.verdict
    blocks = []
    if verdict.observed:
        blocks.append(words.OBSERVED)
    opens = would_open(judgement)
    if verdict.state is not VerdictState.PASSED and opens:
        head = words.opens_heading(verdict.state)
        blocks.append(f"**{head}**\n\n{_opening_list(opens, verdict.outcomes)}")
    elif verdict.state is not VerdictState.PASSED and verdict.reason:
        blocks.append(clean.escape(verdict.reason))
    if verdict.overridden:
        head = clean.escape(phrases.overridden_counted(verdict))
        blocks.append(f"**{head}**\n\n{tables.overridden_list(verdict.overridden)}")
    if verdict.state is VerdictState.ERRORED:
        blocks.append(clean.escape(words.errored_advice(judgement)))
    if judgement.head_diagnostics:
        title = figures.count(len(judgement.head_diagnostics), "remark")
        diagnostics = tables.diagnostics_block(judgement.head_diagnostics)
        blocks.append(tables.details(f"{title} on the gate file of this change", [diagnostics]))
    if verdict.state is not VerdictState.PENDING:
        blocks += _folded(judgement, shown)
    notes = notes_of(judgement)
    if notes:
        blocks.append(tables.details(figures.count(len(notes), "note"), [tables.bullet_list(notes)]))
    blocks.append(tables.details(notices.HELP_TITLE, [_help(judgement)]))
    return blocks


def _opening_list(opens: Sequence[str], outcomes: Sequence[Outcome]) -> str:
    whys = {words.outcome_says(outcome): outcome.because for _, outcome in walk(outcomes) if outcome.because}
    lines = [
        f"- {clean.escape(text)}" + (f" — {clean.escape(whys[text], 300)}" if text in whys else "")
        for text in opens[:OPENS_SHOWN]
    ]
    if len(opens) > OPENS_SHOWN:
        lines.append(f"- … and {len(opens) - OPENS_SHOWN:,} more")
    return "\n".join(lines)


def _folded(judgement: Judgement, shown: Shown) -> list[str]:
    blocks = []
    outcomes = judgement.verdict.outcomes
    if outcomes:
        met = sum(outcome.value is OutcomeValue.MET for outcome in outcomes)
        summary = f"{figures.count(len(outcomes), 'condition')}, {met:,} met"
        blocks.append(tables.details(summary, [tables.outcomes_table(sort_outcomes(outcomes).all())]))
    checks = checks_of(judgement)
    if checks:
        table = tables.checks_table(
            tables.settled(checks), durations=False, self_reported=self_reported(judgement)
        )
        blocks.append(tables.details(words.checks_summed(judgement), [table]))
    if shown.tests:
        summary = figures.count(len(shown.tests), "failing test")
        blocks.append(tables.details(summary, tables.failing_blocks(shown.tests, 10)))
    if shown.findings:
        table = tables.findings_table(shown.findings, FINDINGS_SHOWN)
        fixes = tables.suggestions(shown.findings, FIXES_SHOWN)
        blocks.append(tables.details(shown.findings_heading, [table, *fixes]))
    if waivers := judgement.verdict.waivers:
        summary = phrases.waivers_counted(judgement.verdict)
        blocks.append(tables.details(summary, [tables.waivers_list(waivers)]))
    if coverage := tables.coverage_blocks(shown):
        counted = phrases.coverage_counted([(file.covered, file.coverable) for file in shown.coverage])
        told = [counted] if shown.coverage else []
        told += [phrases.COVERAGE_LOST] if shown.coverage_lost else []
        blocks.append(tables.details("; ".join(told), coverage))
    blocks += [tables.details(section.summary, [tables.section_table(section)]) for section in shown.sections]
    return blocks


def _help(judgement: Judgement) -> str:
    evidence = judgement.evidence
    untrusted = evidence is not None and not evidence.trusted
    sha = judgement.change.head_sha[:SHORT_SHA]
    return "\n".join(f"- {text}" for text in notices.help_lines(sha, untrusted=untrusted))


def _footer(judgement: Judgement) -> str:
    change = judgement.change
    parts = [f"Judged {clean.code(change.head_sha[:SHORT_SHA])} for {clean.code(change.base_ref)}"]
    if judgement.page_url:
        parts.append(f"[everything about this run]({judgement.page_url})")
    return f"<sub>{' · '.join(parts)}</sub>"
