"""A judgement for the terminal: the verdict tree, checks, findings, coverage; plain and kind."""

from collections.abc import Iterator

from app.model import (
    Conclusion,
    Diagnostic,
    Judgement,
    Outcome,
    OutcomeValue,
    Severity,
    Status,
    VerdictState,
)
from app.publish import clean, figures, phrases, words
from app.publish.measured import Section
from app.publish.shown import Shown, show
from app.publish.view import checks_of, explanation, notes_of, self_reported, sort_outcomes, walk, would_open

WIDTH = 160
OUTPUT_LINES = 12
_STYLES = {"red": "31", "green": "32", "yellow": "33", "blue": "36", "dim": "2", "bold": "1"}
_STATES = {
    VerdictState.PASSED: "green",
    VerdictState.BLOCKED: "red",
    VerdictState.PENDING: "yellow",
    VerdictState.ERRORED: "yellow",
}


class _Paint:
    """Colours where they are wanted; hostile text is cleaned before, so that only ours are codes."""

    def __init__(self, *, color: bool) -> None:
        self._color = color

    def __call__(self, style: str, text: str) -> str:
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self._color and text else text


def explain_text(judgement: Judgement, color: bool = False) -> str:
    """The whole judgement as lines for a terminal, ending with a newline; ANSI colours if wanted."""
    paint = _Paint(color=color)
    shown = show(judgement)
    parts = [
        _verdict(judgement, paint),
        _opens(judgement, paint),
        _conditions(judgement, paint),
        _checks(judgement, paint),
        _tests(shown, paint),
        _findings(shown, paint),
        _overridden(judgement, paint),
        _waivers(judgement, paint),
        _coverage(shown, paint),
        *(_section(section, paint) for section in shown.sections),
        _diagnostics("the gate file of this change", judgement.head_diagnostics, paint),
        _diagnostics("the gate file", judgement.diagnostics, paint),
        _notes(judgement, shown, paint),
    ]
    blocks = ["\n".join(part) for part in (list(lines) for lines in parts) if part]
    return "\n\n".join(blocks) + "\n"


def _verdict(judgement: Judgement, paint: _Paint) -> Iterator[str]:
    verdict = judgement.verdict
    word = paint(_STATES[verdict.state], words.verdict_word(verdict.state).upper())
    text = explanation(judgement)
    yield f"{word}  {text}"
    if verdict.observed:
        yield words.OBSERVED
    if verdict.state is VerdictState.ERRORED:
        yield f"hint: {words.errored_advice(judgement)}"


def _opens(judgement: Judgement, paint: _Paint) -> Iterator[str]:
    opens = would_open(judgement)
    if judgement.verdict.state is VerdictState.PASSED or not opens:
        return
    yield paint("bold", words.opens_heading(judgement.verdict.state))
    for text in opens:
        yield f"  - {clean.line(text, WIDTH)}"


def _conditions(judgement: Judgement, paint: _Paint) -> Iterator[str]:
    outcomes = sort_outcomes(judgement.verdict.outcomes).all()
    if outcomes:
        yield paint("bold", "Conditions")
    lines = list(walk(outcomes))
    width = max((len(_outcome_word(outcome)) for _, outcome in lines), default=0)
    for depth, outcome in lines:
        indent, word = "  " * depth, _outcome_word(outcome)
        where = clean.line(words.origin(outcome))
        told = f"{_told(outcome)}  {paint('dim', where)}" if where else _told(outcome)
        yield f"  {indent}{paint(_outcome_style(outcome), word)}{' ' * (width - len(word))}  {told}"
        if outcome.because:
            yield f"  {indent}{' ' * width}  because {clean.line(outcome.because, WIDTH)}"


def _told(outcome: Outcome) -> str:
    """What an outcome says, then the condition as written; a group is named first."""
    written = clean.line(words.condition(outcome), WIDTH)
    says = clean.line(words.outcome_detail(outcome), WIDTH)
    if not says or says == written:
        return written
    return f"{written}: {says}" if outcome.kind in words.GROUPS else f"{says}  ({written})"


def _outcome_word(outcome: Outcome) -> str:
    return (
        "advice" if outcome.advisory and outcome.value is OutcomeValue.UNMET else words.outcome_word(outcome)
    )


def _outcome_style(outcome: Outcome) -> str:
    if outcome.value is OutcomeValue.MET:
        return "green"
    if outcome.value is OutcomeValue.EXEMPT:
        return "dim"
    blocks = outcome.value is OutcomeValue.UNMET and not outcome.advisory and not outcome.overridden
    return "red" if blocks else "yellow"


def _checks(judgement: Judgement, paint: _Paint) -> Iterator[str]:
    checks = checks_of(judgement)
    if not checks:
        return
    yield paint("bold", words.checks_summed(judgement))
    width = max(len(clean.line(result.key, 40)) for result in checks)
    told = self_reported(judgement)
    standing = [words.check_standing(result, self_reported=result.key in told) for result in checks]
    word_width = max(map(len, standing))
    for result, word in zip(checks, standing, strict=True):
        good = result.conclusion in {Conclusion.SUCCESS, Conclusion.NOT_NEEDED}
        style = "green" if good else "yellow" if result.status is not Status.COMPLETED else "red"
        took = figures.duration(result.seconds) if result.seconds is not None else ""
        reason = clean.line(words.check_reason(result), WIDTH)
        padding = " " * (word_width - len(word))
        rest = f"{padding} {took:>9}  {reason}".rstrip()
        yield f"  {clean.line(result.key, 40):<{width}}  {paint(style, word)}{rest}"


def _tests(shown: Shown, paint: _Paint) -> Iterator[str]:
    if shown.tests:
        yield paint("bold", figures.count(len(shown.tests), "failing test").capitalize())
    for item in shown.tests:
        test = item.test
        where = f"{figures.place(test.path, test.line)}: " if test.path else ""
        name = clean.line(f"{where}{phrases.test_name(test)}", WIDTH)
        yield f"  {name} {test.outcome} in {clean.line(item.check, 40)}"
        lines = clean.block(test.message or test.output).strip("\n").split("\n")
        for text in lines[:OUTPUT_LINES]:
            yield paint("dim", f"      {clean.cut(text.rstrip(), WIDTH)}")
        if len(lines) > OUTPUT_LINES:
            yield paint("dim", f"      … {figures.count(len(lines) - OUTPUT_LINES, 'more line')}")


def _findings(shown: Shown, paint: _Paint) -> Iterator[str]:
    if shown.findings:
        yield paint("bold", shown.findings_heading)
    for item in shown.findings:
        finding = item.finding
        style = "red" if finding.severity.rank >= Severity.HIGH.rank else "yellow"
        where = clean.line(figures.place(finding.path, finding.line), WIDTH)
        advisory = "" if item.required else " (advisory)"
        name = clean.line(phrases.finding_name(finding), 80)
        waived = f" (waived by {clean.line(phrases.waived_by(item.waiver), 80)})" if item.waiver else ""
        message = clean.line(finding.message, WIDTH)
        yield f"  {where}: {paint(style, finding.severity)} {name}{advisory}{waived}: {message}"


def _overridden(judgement: Judgement, paint: _Paint) -> Iterator[str]:
    if judgement.verdict.overridden:
        yield paint("bold", clean.line(phrases.overridden_counted(judgement.verdict), WIDTH))
    for one in judgement.verdict.overridden:
        yield f"  {clean.line(phrases.let_pass(one), WIDTH * 2)}"


def _waivers(judgement: Judgement, paint: _Paint) -> Iterator[str]:
    if judgement.verdict.waivers:
        yield paint("bold", phrases.waivers_counted(judgement.verdict))
    for used in judgement.verdict.waivers:
        yield f"  {clean.line(phrases.waiver_used(used), WIDTH * 2)}"


def _coverage(shown: Shown, paint: _Paint) -> Iterator[str]:
    if not shown.coverage:
        return
    yield paint("bold", phrases.coverage_counted([(file.covered, file.coverable) for file in shown.coverage]))
    for file in shown.coverage:
        share = figures.percent(file.covered, file.coverable)
        missed = phrases.not_covered(file.uncovered, unreported=file.unreported)
        rest = f", not run: {missed}" if missed else ""
        yield f"  {clean.line(file.path, WIDTH)}: {share}{rest}"


def _section(section: Section, paint: _Paint) -> Iterator[str]:
    yield paint("bold", section.summary)
    for row in section.rows:
        first, *rest = (clean.line(cell, WIDTH) for cell in row)
        cells = zip(section.heads[1:], rest, strict=True)
        yield f"  {first}: {', '.join(f'{head.lower()} {cell}'.strip() for head, cell in cells if cell)}"


def _diagnostics(title: str, diagnostics: tuple[Diagnostic, ...], paint: _Paint) -> Iterator[str]:
    if diagnostics:
        yield paint("bold", f"{figures.count(len(diagnostics), 'remark')} on {title}")
    for found in diagnostics:
        where = clean.line(f"{found.path}:{found.line}:{found.column}")
        hint = f" (hint: {clean.line(found.hint, WIDTH)})" if found.hint else ""
        message = clean.line(found.message, WIDTH)
        yield f"  {where}: {found.severity}[{clean.line(found.code, 20)}]: {message}{hint}"


def _notes(judgement: Judgement, shown: Shown, paint: _Paint) -> Iterator[str]:
    notes = (*notes_of(judgement), *shown.dropped)
    if notes:
        yield paint("bold", "Notes")
    for note in notes:
        yield f"  {clean.line(note, WIDTH * 2)}"
    if judgement.page_url:
        yield paint("dim", f"{words.PAGE}: {clean.line(judgement.page_url)}")
