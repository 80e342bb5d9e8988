"""ruff's `--output-format json`: a list of diagnostics with absolute paths."""

import msgspec

from app.model import Kind, ReportContent, Severity
from app.reports.findings import Findings, region
from app.reports.jsontext import decode
from app.reports.protocol import Format, ReadContext
from app.reports.severity import LEVELS
from app.reports.shape import has
from app.reports.text import RULE_CHARS, url
from app.reports.text import line as one_line

_HINT = "run ruff with '--output-format json'"
_SYNTAX = "invalid-syntax"


class _Point(msgspec.Struct, gc=False):
    row: int
    column: int


class _Edit(msgspec.Struct, gc=False):
    content: str | None
    location: _Point
    end_location: _Point


class _Fix(msgspec.Struct, gc=False):
    edits: list[_Edit]
    applicability: str = ""


class _Diagnostic(msgspec.Struct, gc=False):
    filename: str
    message: str
    location: _Point | None
    end_location: _Point | None
    code: str | None
    name: str | None = None
    url: str | None = None
    severity: str | None = None
    cell: int | None = None
    fix: _Fix | None = None


_DECODER = msgspec.json.Decoder(list[_Diagnostic])


def _add(one: _Diagnostic, findings: Findings) -> None:
    rule = one_line(one.code or one.name or "", RULE_CHARS) or _SYNTAX
    start, end = one.location or _Point(0, 0), one.end_location or _Point(0, 0)
    place = findings.locate(one.filename)
    # Rows of a notebook count within its cell: no line of the file.
    where = region(*((start.row, start.column, end.row, end.column) if one.cell is None else (0, 0, 0, 0)))
    edits = one.fix.edits if one.fix is not None and one.fix.applicability == "safe" else []
    places = [(edit.location, edit.end_location) for edit in edits]
    gone = [(first.row, first.column, last.row, last.column) for first, last in places]
    texts = [edit.content or "" for edit in edits]
    fix = findings.replacements(place.path, where, list(zip(gone, texts, strict=True)))
    findings.add(
        tool="ruff",
        rule=rule,
        rule_url=url(one.url or ""),
        message=one.message,
        severity=findings.severity(LEVELS.get(one.severity or "error", Severity.HIGH), rule, one.name or ""),
        place=place,
        region=where,
        fix=fix,
    )


def _recognises(head: bytes) -> bool:
    return has(head, "[].code", "[].filename", "[].noqa_row", "[].location")


def read(content: bytes, context: ReadContext) -> ReportContent:
    """The findings of a run of ruff. Raises AuthorFault."""
    findings = Findings(context)
    for one in decode(_DECODER, content, "ruff", _HINT):
        _add(one, findings)
    return findings.report("ruff", "ruff")


RUFF = Format(name="ruff", title="ruff JSON", kind=Kind.FINDINGS, recognises=_recognises, read=read)
