"""mypy's `--output json`: one JSON object per line; no line at all is a clean run."""

import io
import re

import msgspec

from app.model import AuthorFault, Kind, ReportContent, Severity
from app.reports.findings import Findings, region
from app.reports.protocol import Format, ReadContext
from app.reports.text import line as one_line
from app.reports.text import quoted

_SEVERITIES = {"error": Severity.HIGH, "warning": Severity.MEDIUM, "note": Severity.LOW}
_SUMMARY = re.compile(rb"Found (\d{1,9}) errors? in |Success: ")
_DOCS = "https://mypy.readthedocs.io/en/stable/_refs.html#code-"


class _Message(msgspec.Struct, gc=False):
    file: str
    message: str
    line: int = 0
    column: int = -1
    hint: str | None = None
    code: str | None = None
    severity: str = "error"
    end_line: int | None = None
    end_column: int | None = None
    suppressed: bool = False  # ours: what only a run that heeds no ignores finds


_DECODER = msgspec.json.Decoder(_Message)


def _add(message: _Message, findings: Findings) -> None:
    code = one_line(message.code or "", 100)
    rule = code or one_line(message.severity, 100) or "error"
    findings.add(
        tool="mypy",
        rule=rule,
        rule_url=_DOCS + code if code and code.replace("-", "").isalnum() and code.isascii() else "",
        message=f"{message.message}\n{message.hint}" if message.hint else message.message,
        severity=findings.severity(_SEVERITIES.get(message.severity, Severity.MEDIUM), rule),
        place=findings.locate(message.file),
        # mypy counts columns from 0, -1 = none.
        region=region(message.line, message.column + 1, message.end_line, (message.end_column or -1) + 1),
        suppressed=message.suppressed,
    )


def _recognises(head: bytes) -> bool:
    first = head.removeprefix(b"\xef\xbb\xbf").lstrip().split(b"\n", 1)[0]
    try:
        _DECODER.decode(first)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return False
    return True


def read(content: bytes, context: ReadContext) -> ReportContent:
    """The findings of a run of mypy. Raises AuthorFault."""
    findings = Findings(context)
    errors = 0
    for at, raw in enumerate(io.BytesIO(content.removeprefix(b"\xef\xbb\xbf")), 1):
        line = raw.strip()
        if not line:
            continue
        if summary := _SUMMARY.match(line):
            if int(summary[1] or 0) > errors:
                # It stopped before it could say more: a file it was told to check is not there.
                raise AuthorFault(
                    f"line {at}: {quoted(line.decode('utf-8', 'replace'))}, of which {errors} are in it"
                )
            continue
        try:
            message = _DECODER.decode(line)
        except (msgspec.DecodeError, RecursionError, ValueError) as error:
            raise AuthorFault(
                f"line {at}: {quoted(line[:400].decode('utf-8', 'replace'))} is no JSON object of mypy "
                f"({one_line(str(error), 200)})",
                hint="run mypy with '--output json' and write only its standard output to the file",
            ) from None
        errors += message.severity == "error" and not message.suppressed
        _add(message, findings)
    return ReportContent(
        format="mypy",
        kind="findings",
        tool="mypy",
        findings=findings.all(),
        dropped=findings.dropped.sentences(),
    )


MYPY = Format(name="mypy", title="mypy JSON lines", kind=Kind.FINDINGS, recognises=_recognises, read=read)
