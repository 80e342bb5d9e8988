"""reviewdog's Diagnostic Format: `rdjson` (one object with `diagnostics`) and `rdjsonl` (one per line).

https://github.com/reviewdog/reviewdog/tree/master/proto/rdf: the JSON of a protocol buffer, so that an
enum may be its number and what has its default may be left out. Columns count
from 1 in bytes of UTF-8, an end is the first column behind.
"""

import io

import msgspec

from app.model import AuthorFault, Kind, ReportContent, Severity
from app.reports.findings import Findings, Located, Region, region
from app.reports.jsontext import UNDECODABLE, decode, fault
from app.reports.protocol import Format, ReadContext
from app.reports.shape import has
from app.reports.text import RULE_CHARS, url
from app.reports.text import line as one_line

_HINT = "the tool must write reviewdog's rdjson or rdjsonl"
_SEVERITIES: dict[str | int, Severity] = {
    "ERROR": Severity.HIGH,
    "WARNING": Severity.MEDIUM,
    "INFO": Severity.LOW,
    1: Severity.HIGH,
    2: Severity.MEDIUM,
    3: Severity.LOW,
}
_TOOL = "reviewdog"


class _Point(msgspec.Struct, gc=False):
    line: int | None = None
    column: int | None = None


class _Range(msgspec.Struct, gc=False):
    start: _Point | None = None
    end: _Point | None = None


class _Location(msgspec.Struct, gc=False):
    path: str = ""
    range: _Range | None = None


class _Source(msgspec.Struct, gc=False):
    name: str = ""


class _Code(msgspec.Struct, gc=False):
    value: str = ""
    url: str = ""


class _Suggestion(msgspec.Struct, gc=False):
    range: _Range | None = None
    text: str = ""


class _Diagnostic(msgspec.Struct, gc=False):
    message: str
    location: _Location | None = None
    severity: str | int | None = None
    source: _Source | None = None
    code: _Code | None = None
    suggestions: list[_Suggestion] | None = None


class _Result(msgspec.Struct, gc=False):
    diagnostics: list[_Diagnostic] | None = None
    source: _Source | None = None
    severity: str | int | None = None


_RESULT = msgspec.json.Decoder(_Result)
_DIAGNOSTIC = msgspec.json.Decoder(_Diagnostic)


def _region(where: _Range | None) -> Region:
    start, end = (where.start, where.end) if where is not None else (None, None)
    start, end = start or _Point(), end or _Point()
    return region(start.line, start.column, end.line, end.column)


def _fix(one: _Diagnostic, path: str, where: Region, findings: Findings) -> str:
    """The only suggestion, where bytes of its lines are characters."""
    if one.suggestions is None or len(one.suggestions) != 1 or not where[0]:
        return ""
    lines = findings.source_lines(path, where[0], where[2] or where[0])
    if lines is None or not all(text.isascii() for text in lines):
        return ""
    only = one.suggestions[0]
    return findings.replacement(path, where, _region(only.range), only.text)


class _Reader:
    """What is said once for all diagnostics of an rdjson, and the findings so far."""

    def __init__(self, context: ReadContext) -> None:
        self.findings = Findings(context)

    def add(self, one: _Diagnostic, result: _Result) -> None:
        """One more diagnostic. Raises AuthorFault over the limit."""
        source = one.source or result.source
        tool = (one_line(source.name, RULE_CHARS) if source is not None else "") or _TOOL
        code = one.code or _Code()
        rule = one_line(code.value, RULE_CHARS) or tool
        severity = _SEVERITIES.get(one.severity or 0) or _SEVERITIES.get(result.severity or 0)
        location = one.location or _Location()
        place = self.findings.locate(location.path) if location.path else Located()
        where = _region(location.range)
        self.findings.add(
            tool=tool,
            rule=rule,
            rule_url=url(code.url),
            message=one.message,
            severity=self.findings.severity(severity or Severity.MEDIUM, rule),
            place=place,
            region=where,
            fix=_fix(one, place.path, where, self.findings),
        )

    def report(self, name: str) -> ReportContent:
        """All of it."""
        return self.findings.report(name)


def read_json(content: bytes, context: ReadContext) -> ReportContent:
    """The findings of an rdjson file. Raises AuthorFault."""
    result = decode(_RESULT, content, "rdjson", _HINT)
    if result.diagnostics is None and result.source is None:
        raise AuthorFault("rdjson: neither 'diagnostics' nor 'source' is there", hint=_HINT)
    reader = _Reader(context)
    for one in result.diagnostics or ():
        reader.add(one, result)
    return reader.report("rdjson")


def read_lines(content: bytes, context: ReadContext) -> ReportContent:
    """The findings of an rdjsonl file; no line at all is a clean run. Raises AuthorFault."""
    reader, nothing = _Reader(context), _Result()
    for at, raw in enumerate(io.BytesIO(content.removeprefix(b"\xef\xbb\xbf")), 1):
        line = raw.strip()
        if line:
            try:
                one = _DIAGNOSTIC.decode(line)
            except UNDECODABLE as error:
                raise fault(error, f"line {at}", _HINT) from None
            reader.add(one, nothing)
    return reader.report("rdjsonl")


def _is_json(head: bytes) -> bool:
    return has(head, "diagnostics", "source.name") or has(
        head, "diagnostics[].location.range", "diagnostics[].message"
    )


def _is_lines(head: bytes) -> bool:
    return has(head, "message", "location.path")


RDJSON = Format(
    name="rdjson", title="reviewdog rdjson", kind=Kind.FINDINGS, recognises=_is_json, read=read_json
)
RDJSONL = Format(
    name="rdjsonl", title="reviewdog rdjsonl", kind=Kind.FINDINGS, recognises=_is_lines, read=read_lines
)
