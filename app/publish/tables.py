"""Markdown blocks of a judgement; each block is whole in itself, so that `clean.fit` may drop any."""

from collections.abc import Collection, Sequence

from app.model import (
    CheckResult,
    Conclusion,
    Diagnostic,
    Outcome,
    OutcomeValue,
    Overridden,
    Status,
    UsedWaiver,
)
from app.publish import clean, figures, phrases, words
from app.publish.measured import Section
from app.publish.shown import Shown, ShownCoverage, ShownFinding, ShownTest
from app.publish.view import walk

ROWS = 100
"""Rows of a table before it says how many more there are."""
TESTS_WITH_OUTPUT = 20
FIXES = 20
FIX_CHARS = 1500
"""Of a suggested fix at most: a longer one is only counted, so that it crowds nothing out."""

_ICONS = {
    "met": "✅",
    "not met": "❌",
    "exempt": "⚪",
    "pending": "⏳",
    "could not be judged": "⚠️",
    "evidence missing": "❌",
    "not readable": "❌",
    "overridden": "🔓",
}
_CHECK_ICONS = {
    "passed": "✅",
    "failed": "❌",
    "timed out": "❌",
    "error on our side": "⚠️",
    "cancelled": "🚫",
    "skipped": "🚫",
    "not needed": "⚪",
}


def outcomes_table(outcomes: Sequence[Outcome]) -> str:
    """All conditions with value, reason and origin; children beneath their group."""
    lines = list(walk(outcomes))
    rows = [_outcome_row(depth, outcome) for depth, outcome in lines[:ROWS]]
    return _table(("", "Condition", "Result", "From"), rows, len(lines), "condition")


def _outcome_row(depth: int, outcome: Outcome) -> tuple[str, ...]:
    word = words.outcome_word(outcome)
    indent = "&emsp;" * (depth - 1) + "↳ " if depth else ""
    written = words.condition(outcome)
    text = clean.escape(written) if outcome.kind in words.GROUPS else clean.code(written)
    condition = indent + (text or clean.escape(outcome.says))
    if outcome.because:
        condition += f"<br>{clean.escape(outcome.because, 300)}"
    says = clean.escape(words.outcome_detail(outcome), 300)
    result = f"{word}: {says}" if says else word
    if outcome.advisory:
        result += " (advisory: does not block)"
    icon = "💡" if outcome.advisory and outcome.value is not OutcomeValue.MET else _ICONS[word]
    return (icon, condition, result, clean.code(words.origin(outcome)))


def checks_table(
    checks: Sequence[CheckResult], *, durations: bool = True, self_reported: Collection[str] = ()
) -> str:
    """Checks with status, duration and reason. Without durations the text is steadier. `self_reported` are
    the keys of those whose reports the change could have written itself.
    """
    heads = ("", "Check", "Status", "Duration", "Why") if durations else ("", "Check", "Status", "Why")
    rows = []
    for result in checks[:ROWS]:
        word = words.check_word(result)
        status = words.check_standing(result, self_reported=result.key in self_reported)
        icon = _CHECK_ICONS.get(word, "⏳")
        row = [icon, clean.code(result.key), status]
        if durations:
            row.append(figures.duration(result.seconds) if result.seconds is not None else "")
        rows.append((*row, clean.escape(words.check_reason(result), 300)))
    return _table(heads, rows, len(checks), "check")


def findings_table(findings: Sequence[ShownFinding], rows: int = ROWS) -> str:
    """New findings, most severe first; those that cannot be placed on the head say so."""
    cells = []
    for item in findings[:rows]:
        finding = item.finding
        place = clean.code(figures.place(finding.path, finding.line))
        if finding.path and item.head is None:
            place += " (merged code)"
        elif finding.line and not item.on_changed_line:
            place += " (not on a changed line)"
        name = clean.escape(phrases.finding_name(finding), 120)
        severity = f"{finding.severity}{'' if item.required else ' (advisory)'}{_waived(item)}"
        cells.append((severity, place, name, clean.escape(finding.message, 300)))
    return _table(("Severity", "Where", "Rule", "Finding"), cells, len(findings), "finding")


def suggestions(findings: Sequence[ShownFinding], limit: int = FIXES) -> list[str]:
    """What tools suggest to write instead, one block each; the rest as a count."""
    fixes = [item.finding for item in findings if item.finding.fix and item.waiver is None]
    short = [finding for finding in fixes if len(finding.fix) <= FIX_CHARS]
    blocks = []
    for finding in short[:limit]:
        place = clean.code(figures.place(finding.path, finding.line))
        head = f"{clean.escape(phrases.suggestion(finding), 120)} at {place}:"
        blocks.append(f"{head}\n\n{clean.suggestion(finding.fix)}")
    if left := len(fixes) - len(blocks):
        blocks.append(f"… and {figures.count(left, 'more suggestion')}.")
    return blocks


def _waived(item: ShownFinding) -> str:
    return f" (waived by {clean.escape(phrases.waived_by(item.waiver), 100)})" if item.waiver else ""


def overridden_list(let_pass: Sequence[Overridden]) -> str:
    """What overrides let pass: each condition with who and why."""
    return bullet_list([phrases.let_pass(one) for one in let_pass])


def waivers_list(used: Sequence[UsedWaiver]) -> str:
    """The waivers that a verdict rests on: what each covers, why, who answers for it, until when."""
    return bullet_list([phrases.waiver_used(one) for one in used])


def failing_blocks(tests: Sequence[ShownTest], limit: int = TESTS_WITH_OUTPUT) -> list[str]:
    """Failing tests, one block each with its short message; the rest as a count."""
    blocks = []
    for item in tests[:limit]:
        test = item.test
        where = f" at {clean.code(figures.place(test.path, test.line))}" if test.path else ""
        name = clean.escape(phrases.test_name(test), 300)
        head = f"**{name}** {test.outcome} in {clean.code(item.check)}{where}"
        text = test.message or test.output
        blocks.append(f"{head}\n\n{clean.fence(text, 1500)}" if text.strip() else head)
    if len(tests) > limit:
        blocks.append(f"… and {figures.count(len(tests) - limit, 'more failing test')}.")
    return blocks


def coverage_blocks(shown: Shown) -> list[str]:
    """Coverage of new code: what it lacks first, then the files."""
    lost = (
        [f"**{phrases.COVERAGE_LOST.capitalize()}**\n\n{bullet_list(shown.coverage_lost)}"]
        if shown.coverage_lost
        else []
    )
    return [*lost, coverage_table(shown.coverage)] if shown.coverage else lost


def coverage_table(files: Sequence[ShownCoverage]) -> str:
    """Coverage of new code per file."""
    rows = [
        (
            clean.code(file.path),
            f"{file.covered:,} of {file.coverable:,} ({figures.percent(file.covered, file.coverable)})",
            phrases.not_covered(file.uncovered, unreported=file.unreported),
        )
        for file in files[:ROWS]
    ]
    return _table(("File", "New code covered", "Lines not run"), rows, len(files), "file")


def section_table(section: Section) -> str:
    """What was measured besides: clones, functions, packages."""
    rows = [
        (clean.code(row[0]), *(clean.escape(cell, 300) for cell in row[1:])) for row in section.rows[:ROWS]
    ]
    return _table(section.heads, rows, len(section.rows), section.one)


def diagnostics_block(diagnostics: Sequence[Diagnostic]) -> str:
    """Complaints about a gate file as a list."""
    lines = []
    for diagnostic in diagnostics:
        at = clean.code(f"{diagnostic.path}:{diagnostic.line}:{diagnostic.column}")
        hint = f" — {clean.escape(diagnostic.hint, 300)}" if diagnostic.hint else ""
        label = f" ({clean.escape(diagnostic.label, 200)})" if diagnostic.label else ""
        lead = f"{diagnostic.severity} {clean.code(diagnostic.code, 20)} at {at}"
        lines.append(f"- {lead}: {clean.escape(diagnostic.message)}{label}{hint}")
    return "\n".join(lines)


def bullet_list(texts: Sequence[str], limit: int = 50) -> str:
    """Hostile sentences as a list."""
    lines = [f"- {clean.escape(text)}" for text in texts[:limit]]
    if len(texts) > limit:
        lines.append(f"- … and {len(texts) - limit:,} more")
    return "\n".join(lines)


def details(summary: str, blocks: Sequence[str]) -> str:
    """A folded part. `summary` is ours; the blank lines make Markdown work inside."""
    inner = "\n\n".join(blocks)
    return f"<details><summary>{summary}</summary>\n\n{inner}\n\n</details>"


def settled(checks: Sequence[CheckResult]) -> tuple[CheckResult, ...]:
    """Checks whose end needs somebody's eye, worst first, then those still going, then the rest."""

    def rank(result: CheckResult) -> int:
        if result.status is not Status.COMPLETED:
            return 2
        if result.conclusion in {Conclusion.SUCCESS, Conclusion.NOT_NEEDED}:
            return 3
        return 1 if result.conclusion in {Conclusion.SKIPPED, Conclusion.CANCELLED} else 0

    return tuple(sorted(checks, key=rank))


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]], total: int, one: str) -> str:
    """The rows shown of `total`, and how many more there are."""
    lines = [_row(heads), _row(tuple("---" for _ in heads)), *(_row(row) for row in rows)]
    more = f"\n\n… and {figures.count(total - len(rows), f'more {one}')}." if total > len(rows) else ""
    return "\n".join(lines) + more


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"
