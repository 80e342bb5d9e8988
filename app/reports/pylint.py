"""pylint's `json` (a list) and `json2` (an object that also counts)."""

import re
from collections.abc import Sequence

import msgspec

from app.model import AuthorFault, Kind, ReportContent, Severity
from app.reports.findings import Findings, region
from app.reports.jsontext import decode
from app.reports.protocol import Format, ReadContext
from app.reports.shape import has
from app.reports.text import RULE_CHARS
from app.reports.text import line as one_line

_HINT = "run pylint with '--output-format=json2'"
_SEVERITIES = {
    "fatal": Severity.HIGH,
    "error": Severity.HIGH,
    "warning": Severity.MEDIUM,
    "refactor": Severity.LOW,
    "convention": Severity.LOW,
    "info": Severity.INFO,
}
# What `--enable=suppressed-message` makes pylint list: each message that a comment disables.
_SUPPRESSED = "suppressed-message"
_SYMBOL = re.compile(r"[a-z][a-z0-9-]*", re.ASCII)
_DOCS = "https://pylint.readthedocs.io/en/stable/user_guide/messages"


class _Message(msgspec.Struct, gc=False):
    type: str
    symbol: str
    message: str
    path: str
    line: int | None = None
    column: int | None = None
    endLine: int | None = None  # noqa: N815 - pylint's own name
    endColumn: int | None = None  # noqa: N815 - pylint's own name


class _Old(_Message, gc=False, kw_only=True):
    id: str = msgspec.field(name="message-id")


class _New(_Message, gc=False, kw_only=True):
    id: str = msgspec.field(name="messageId")


class _Statistics(msgspec.Struct, gc=False):
    messageTypeCount: dict[str, int]  # noqa: N815 - pylint's own name


class _Report(msgspec.Struct, gc=False):
    messages: list[_New]
    statistics: _Statistics


_LIST = msgspec.json.Decoder(list[_Old])
_OBJECT = msgspec.json.Decoder(_Report)


def _add(one: _Old | _New, findings: Findings) -> None:
    rule, symbol = one_line(one.id, RULE_CHARS) or "pylint", one_line(one.symbol, RULE_CHARS)
    known = one.type in _SEVERITIES and _SYMBOL.fullmatch(symbol) is not None
    findings.add(
        tool="pylint",
        rule=rule,
        rule_url=f"{_DOCS}/{one.type}/{symbol}.html" if known else "",
        message=f"{one.message} ({symbol})" if symbol else one.message,
        severity=findings.severity(_SEVERITIES.get(one.type, Severity.MEDIUM), rule, symbol),
        place=findings.locate(one.path),
        suppressed=one.symbol == _SUPPRESSED,
        # pylint counts columns from 0.
        region=region(
            one.line,
            one.column + 1 if one.column is not None else None,
            one.endLine,
            one.endColumn + 1 if one.endColumn is not None else None,
        ),
    )


def _messages(content: bytes) -> Sequence[_Old | _New]:
    if not content.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        return decode(_LIST, content, "pylint", _HINT)
    report = decode(_OBJECT, content, "pylint", _HINT)
    counted = sum(report.statistics.messageTypeCount.values())
    if counted != len(report.messages):
        raise AuthorFault(f"pylint counts {counted} messages, but {len(report.messages)} are listed")
    return report.messages


def _recognises(head: bytes) -> bool:
    return (
        has(head, "[].message-id", "[].symbol")
        or has(head, "messages[].messageId", "messages[].symbol")
        or has(head, "messages", "statistics.messageTypeCount")
    )


def read(content: bytes, context: ReadContext) -> ReportContent:
    """The findings of a run of pylint. Raises AuthorFault, also where it counts others than it lists."""
    findings = Findings(context)
    for one in _messages(content):
        _add(one, findings)
    return findings.report("pylint", "pylint")


PYLINT = Format(name="pylint", title="pylint JSON", kind=Kind.FINDINGS, recognises=_recognises, read=read)
