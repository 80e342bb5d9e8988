"""Findings, failing tests, uncovered lines and gate-file diagnostics as annotations on head_sha."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from app.model import Annotation, Diagnostic, DiagnosticSeverity, Judgement, Severity
from app.publish import clean, phrases
from app.publish.shown import Shown, ShownCoverage, ShownFinding, ShownTest

LIMIT = 300
"""Six requests of fifty; what is more is listed in the text and on the page."""
_MERGED = 5
_TITLE = 200
_MESSAGE = 4000
_FIX = 1000

Level = Literal["notice", "warning", "failure"]


def annotations(judgement: Judgement, shown: Shown) -> tuple[Annotation, ...]:
    """At most `LIMIT` annotations, one per line: a line's first keeps the place, others join its text."""
    return _placed(_every(judgement, shown))


def _placed(every: Iterable[Annotation]) -> tuple[Annotation, ...]:
    placed: dict[tuple[str, int], Annotation] = {}
    joined: dict[tuple[str, int], int] = {}
    for annotation in every:
        place = (annotation.path, annotation.line)
        first = placed.get(place)
        if first is None:
            if len(placed) < LIMIT:
                placed[place] = annotation
        elif joined.get(place, 0) < _MERGED:
            joined[place] = joined.get(place, 0) + 1
            placed[place] = _join(first, annotation)
    return tuple(placed.values())


def _join(first: Annotation, other: Annotation) -> Annotation:
    message = clean.cut(f"{first.message}\n\n{other.title}\n{other.message}", _MESSAGE * 2)
    return Annotation(
        path=first.path,
        line=first.line,
        end_line=first.end_line,
        level=first.level,
        title=first.title,
        message=message,
    )


def _every(judgement: Judgement, shown: Shown) -> Iterator[Annotation]:
    for item in shown.findings:
        yield from _finding(item)
    for test in shown.tests:
        yield from _test(test)
    for diagnostic in judgement.head_diagnostics:
        yield _diagnostic(diagnostic)
    for file in shown.coverage:
        yield from _coverage(file)


def finding_level(severity: Severity, *, required: bool) -> Level:
    """Red only for what is severe and may block."""
    if severity.rank >= Severity.HIGH.rank:
        return "failure" if required else "warning"
    return "warning" if severity is Severity.MEDIUM else "notice"


def _finding(item: ShownFinding) -> Iterator[Annotation]:
    finding = item.finding
    if item.head is None:
        return
    message = clean.cut(clean.block(finding.message).strip(), _MESSAGE) or phrases.finding_name(finding)
    if not item.on_changed_line:
        message += f"\n({phrases.ELSEWHERE})"
    if finding.fix:
        message += f"\n\n{phrases.suggestion(finding)}:\n{clean.cut(clean.block(finding.fix), _FIX)}"
    if finding.rule_url:
        message += f"\n\n{clean.line(finding.rule_url, 300)}"
    if finding.fingerprint:
        message += f"\n\nfingerprint {clean.line(finding.fingerprint, 100)}"
    if item.waiver is not None:
        message += f"\n\nWaived by {clean.line(phrases.waived_by(item.waiver), 200)}"
    yield Annotation(
        path=item.head.path,
        line=item.head.first,
        end_line=item.head.last,
        level="notice" if item.waiver else finding_level(finding.severity, required=item.required),
        title=clean.line(f"{phrases.finding_name(finding)} ({finding.severity})", _TITLE),
        message=message,
    )


def _test(item: ShownTest) -> Iterator[Annotation]:
    test = item.test
    if item.head is None:
        return
    text = clean.block(test.message or test.output).strip()
    yield Annotation(
        path=item.head.path,
        line=item.head.first,
        end_line=item.head.last,
        level="notice" if item.alike else "failure" if item.required else "warning",
        title=clean.line(f"{phrases.test_name(test)} {test.outcome} in {item.check}", _TITLE),
        message=(f"({phrases.ALIKE})\n" if item.alike else "")
        + (clean.middle_cut(text, _MESSAGE) or f"{test.outcome} without a message"),
    )


def _coverage(file: ShownCoverage) -> Iterator[Annotation]:
    for place in file.head:
        yield Annotation(
            path=place.path,
            line=place.first,
            end_line=place.last,
            level="notice",
            title="New code without a test",
            message=phrases.uncovered((place.first, place.last)),
        )


def diagnostic_annotations(diagnostics: Sequence[Diagnostic]) -> tuple[Annotation, ...]:
    """Complaints about the head's gate file, each on its line."""
    return _placed(_diagnostic(diagnostic) for diagnostic in diagnostics)


def _diagnostic(diagnostic: Diagnostic) -> Annotation:
    hint = f"\n\n{clean.block(diagnostic.hint).strip()}" if diagnostic.hint else ""
    label = f" ({clean.line(diagnostic.label)})" if diagnostic.label else ""
    return Annotation(
        path=diagnostic.path,
        line=max(diagnostic.line, 1),
        end_line=max(diagnostic.line, 1),
        level="failure" if diagnostic.severity is DiagnosticSeverity.ERROR else "warning",
        title=clean.line(f"Gate file: {diagnostic.code}", _TITLE),
        message=clean.cut(f"{clean.block(diagnostic.message).strip()}{label}{hint}", _MESSAGE),
    )
