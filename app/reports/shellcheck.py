"""shellcheck's `json` (a list) and `json1` (the same below `comments`)."""

import msgspec

from app.model import Kind, ReportContent, Severity
from app.reports.findings import Findings, Located, region
from app.reports.jsontext import decode
from app.reports.protocol import Format, ReadContext
from app.reports.severity import SHELL_LEVELS
from app.reports.shape import has

_HINT = "run shellcheck with '--format=json1'"
_WIKI = "https://www.shellcheck.net/wiki/"
_STDIN = "-"


class _Comment(msgspec.Struct, gc=False):
    file: str
    code: int
    level: str
    message: str
    line: int
    column: int
    endLine: int | None = None  # noqa: N815 - shellcheck's own name
    endColumn: int | None = None  # noqa: N815 - shellcheck's own name
    suppressed: bool = False  # ours: what only a run that heeds no ignores finds


class _Report(msgspec.Struct, gc=False):
    comments: list[_Comment]


_LIST = msgspec.json.Decoder(list[_Comment])
_OBJECT = msgspec.json.Decoder(_Report)


def _recognises(head: bytes) -> bool:
    return any(
        has(head, *(f"{start}[].{key}" for key in ("file", "code", "level", "endLine")))
        for start in ("", "comments")
    )


def read(content: bytes, context: ReadContext) -> ReportContent:
    """The findings of a run of shellcheck. Raises AuthorFault."""
    if content.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        comments = decode(_OBJECT, content, "shellcheck", _HINT).comments
    else:
        comments = decode(_LIST, content, "shellcheck", _HINT)
    findings = Findings(context)
    for one in comments:
        rule = f"SC{one.code}"
        findings.add(
            tool="shellcheck",
            rule=rule,
            rule_url=_WIKI + rule,
            message=one.message,
            severity=findings.severity(SHELL_LEVELS.get(one.level, Severity.MEDIUM), rule),
            place=findings.locate(one.file) if one.file != _STDIN else Located(),
            region=region(one.line, one.column, one.endLine, one.endColumn),
            suppressed=one.suppressed,
        )
    return findings.report("shellcheck", "shellcheck")


SHELLCHECK = Format(
    name="shellcheck", title="shellcheck JSON", kind=Kind.FINDINGS, recognises=_recognises, read=read
)
