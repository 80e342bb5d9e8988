"""semgrep's `--json`. Its `fingerprint` and `lines` say "requires login" without an account."""

import msgspec

from app.model import Kind, ReportContent, Severity
from app.reports.domains import domain_by_tags
from app.reports.findings import Findings, region
from app.reports.jsontext import decode
from app.reports.protocol import Format, ReadContext
from app.reports.severity import from_word
from app.reports.shape import has
from app.reports.text import RULE_CHARS, url
from app.reports.text import line as one_line

_HINT = "run semgrep with '--json'"
_WORDS = {
    "ERROR": Severity.HIGH,
    "WARNING": Severity.MEDIUM,
    "INFO": Severity.LOW,
    "INVENTORY": Severity.INFO,
    "EXPERIMENT": Severity.INFO,
}


class _Point(msgspec.Struct, gc=False):
    line: int
    col: int


class _Extra(msgspec.Struct, gc=False):
    message: str
    severity: str
    # Rules are people's own, so their metadata may be of any shape.
    metadata: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)
    fix: str | None = None
    is_ignored: bool | None = None


class _Result(msgspec.Struct, gc=False):
    check_id: str
    path: str
    start: _Point
    end: _Point
    extra: _Extra


class _Error(msgspec.Struct, gc=False):
    path: str | None = None
    message: str | None = None


class _Report(msgspec.Struct, gc=False):
    results: list[_Result]
    errors: list[_Error]
    version: str | None = None


class _Metadata(msgspec.Struct, gc=False):
    source: object = ""
    category: object = ""


_DECODER = msgspec.json.Decoder(_Report)
_METADATA = msgspec.json.Decoder(_Metadata)


def _metadata(raw: msgspec.Raw) -> _Metadata:
    try:
        return _METADATA.decode(raw) if raw else _Metadata()
    except (msgspec.DecodeError, RecursionError, ValueError):
        return _Metadata()


def _severity(word: str) -> Severity:
    # ERROR, WARNING, INFO, or CRITICAL to LOW; INVENTORY and EXPERIMENT say nothing is wrong.
    known = _WORDS.get(word.upper()) or from_word(word)
    return known if known is not None else Severity.MEDIUM


def _add(one: _Result, findings: Findings) -> None:
    rule = one_line(one.check_id, RULE_CHARS) or "semgrep"
    place = findings.locate(one.path)
    where = region(one.start.line, one.start.col, one.end.line, one.end.col)
    gone = (one.start.line, one.start.col, one.end.line, one.end.col)
    metadata = _metadata(one.extra.metadata)
    findings.add(
        tool="semgrep",
        rule=rule,
        rule_url=url(str(metadata.source)),
        message=one.extra.message,
        # The name of a rule begins with the folders of its file.
        severity=findings.severity(_severity(one.extra.severity), rule, rule.rpartition(".")[2]),
        place=place,
        region=where,
        suppressed=bool(one.extra.is_ignored),
        domain=domain_by_tags([str(metadata.category)]),
        fix=findings.replacement(place.path, where, gone, one.extra.fix) if one.extra.fix else "",
    )


def _recognises(head: bytes) -> bool:
    return has(head, "results[].check_id", "results[].extra") or has(
        head, "results", "errors", "paths.scanned"
    )


def read(content: bytes, context: ReadContext) -> ReportContent:
    """The findings of a run of semgrep. Raises AuthorFault."""
    report = decode(_DECODER, content, "semgrep", _HINT)
    findings = Findings(context)
    for error in report.errors:
        findings.dropped.add("error that semgrep met", error.path or error.message or "")
    for one in report.results:
        _add(one, findings)
    return findings.report("semgrep", "semgrep", report.version or "")


SEMGREP = Format(name="semgrep", title="semgrep JSON", kind=Kind.FINDINGS, recognises=_recognises, read=read)
