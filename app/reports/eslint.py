"""eslint's `--format json`: one object per file, its own counts beside its messages."""

import re

import msgspec

from app.model import AuthorFault, Kind, ReportContent, Severity
from app.reports.findings import Findings, region
from app.reports.jsontext import decode
from app.reports.protocol import Format, ReadContext
from app.reports.shape import has
from app.reports.text import RULE_CHARS, quoted
from app.reports.text import line as one_line

_HINT = "run eslint with '--format json'"
_ERROR = 2
_CORE = re.compile(r"[a-z][a-z-]*", re.ASCII)
_DOCS = "https://eslint.org/docs/latest/rules/"


class _Message(msgspec.Struct, gc=False):
    ruleId: str | None  # noqa: N815 - eslint's own name
    severity: int
    message: str
    line: int | None = None
    column: int | None = None
    endLine: int | None = None  # noqa: N815 - eslint's own name
    endColumn: int | None = None  # noqa: N815 - eslint's own name
    fatal: bool | None = None


class _File(msgspec.Struct, gc=False, rename="camel"):
    file_path: str
    messages: list[_Message]
    error_count: int
    warning_count: int
    suppressed_messages: list[_Message] | None = None


_DECODER = msgspec.json.Decoder(list[_File])


def _add(path: str, one: _Message, findings: Findings, *, suppressed: bool) -> None:
    # Without a rule: a file that does not parse, a comment that disables nothing, an ignored file.
    rule = one_line(one.ruleId or "", RULE_CHARS) or ("parsing-error" if one.fatal else "eslint")
    severity = Severity.HIGH if one.severity >= _ERROR or one.fatal else Severity.MEDIUM
    findings.add(
        tool="eslint",
        rule=rule,
        rule_url=_DOCS + rule if one.ruleId and _CORE.fullmatch(rule) else "",
        message=one.message,
        severity=findings.severity(severity, rule),
        place=findings.locate(path),
        region=region(one.line, one.column, one.endLine, one.endColumn),
        suppressed=suppressed,
    )


def _recognises(head: bytes) -> bool:
    return has(head, "[].filePath", "[].messages", "[].errorCount") or has(
        head, "[].filePath", "[].messages[].ruleId"
    )


def read(content: bytes, context: ReadContext) -> ReportContent:
    """The findings of a run of eslint. Raises AuthorFault, also where its counts are not those of its
    messages: then something was cut away.
    """
    findings = Findings(context)
    for file in decode(_DECODER, content, "eslint", _HINT):
        if file.error_count + file.warning_count != len(file.messages):
            raise AuthorFault(
                f"eslint counts {file.error_count + file.warning_count} problems in "
                f"{quoted(file.file_path)}, but {len(file.messages)} are listed"
            )
        for one in file.messages:
            _add(file.file_path, one, findings, suppressed=False)
        for one in file.suppressed_messages or []:
            _add(file.file_path, one, findings, suppressed=True)
    return findings.report("eslint", "eslint")


ESLINT = Format(name="eslint", title="eslint JSON", kind=Kind.FINDINGS, recognises=_recognises, read=read)
