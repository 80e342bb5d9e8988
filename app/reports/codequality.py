"""GitLab's Code Quality JSON: a list of Code Climate issues, each with a fingerprint of the tool's own; and
what Code Climate's engines write themselves: one issue after another, each ended by a NUL.
"""

from collections.abc import Iterator

import msgspec

from app.model import Kind, ReportContent, Severity
from app.reports.domains import domain_by_tags
from app.reports.findings import Findings, Region, region
from app.reports.fingerprint import GIVEN
from app.reports.jsontext import decode, texts
from app.reports.protocol import Format, ReadContext
from app.reports.severity import BLOCKER_WORDS
from app.reports.shape import has
from app.reports.text import RULE_CHARS
from app.reports.text import line as one_line

_HINT = "the tool must write GitLab's Code Quality JSON"
_TOOL = "codequality"


class _Point(msgspec.Struct, gc=False):
    line: int = 0
    column: int | None = None


class _Positions(msgspec.Struct, gc=False):
    begin: _Point
    end: _Point | None = None


class _Lines(msgspec.Struct, gc=False):
    begin: int
    end: int | None = None


class _Location(msgspec.Struct, gc=False):
    path: str
    lines: _Lines | None = None
    positions: _Positions | None = None


class _Issue(msgspec.Struct, gc=False):
    description: str
    location: _Location
    check_name: str | None = None
    fingerprint: str | None = None
    severity: str | None = None
    engine_name: str | None = None
    categories: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)


_DECODER = msgspec.json.Decoder(list[_Issue])
_ISSUE = msgspec.json.Decoder(_Issue)


def _region(location: _Location) -> Region:
    if location.positions is not None:
        begin, end = location.positions.begin, location.positions.end or _Point()
        return region(begin.line, begin.column, end.line, end.column)
    lines = location.lines or _Lines(0)
    return region(lines.begin, None, lines.end, None)


def _add(one: _Issue, findings: Findings) -> None:
    rule = one_line(one.check_name or "", RULE_CHARS) or _TOOL
    given = one.fingerprint or ""
    # Some write the rule again before the words.
    message = one.description.removeprefix(f"{rule}: ")
    word = (one.severity or "").lower()
    findings.add(
        tool=one_line(one.engine_name or "", RULE_CHARS) or _TOOL,
        rule=rule,
        message=message,
        severity=findings.severity(BLOCKER_WORDS.get(word, Severity.MEDIUM), rule),
        place=findings.locate(one.location.path),
        region=_region(one.location),
        domain=domain_by_tags(texts(one.categories)),
        fingerprint=given if GIVEN.fullmatch(given) else "",
    )


def _recognises(head: bytes) -> bool:
    return has(head, "[].description", "[].fingerprint", "[].location.path") or has(
        head, "check_name", "description", "location.path"
    )


def _issues(content: bytes) -> Iterator[_Issue]:
    if not content.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        yield from decode(_DECODER, content, "Code Quality", _HINT)
        return
    for number, raw in enumerate(content.split(b"\0"), 1):
        if raw.strip():
            yield decode(_ISSUE, raw, f"issue {number}", _HINT)


def read(content: bytes, context: ReadContext) -> ReportContent:
    """The findings of a Code Quality report. Raises AuthorFault."""
    findings = Findings(context)
    for one in _issues(content):
        _add(one, findings)
    return findings.report("codequality")


CODEQUALITY = Format(
    name="codequality",
    title="GitLab Code Quality JSON",
    kind=Kind.FINDINGS,
    recognises=_recognises,
    read=read,
)
