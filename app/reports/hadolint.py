"""hadolint's `--format json`: a list; shellcheck's own rules on RUN lines are among them."""

import re

import msgspec

from app.model import Kind, ReportContent, Severity
from app.reports.findings import Findings, Located, region
from app.reports.jsontext import decode
from app.reports.protocol import Format, ReadContext
from app.reports.severity import SHELL_LEVELS
from app.reports.shape import has, shape
from app.reports.text import RULE_CHARS
from app.reports.text import line as one_line

_HINT = "run hadolint with '--format json'"
_STDIN = "-"
_RULE = re.compile(r"(DL|SC)\d{1,6}", re.ASCII)
_WIKIS = {"DL": "https://github.com/hadolint/hadolint/wiki/", "SC": "https://www.shellcheck.net/wiki/"}


class _Failure(msgspec.Struct, gc=False):
    file: str
    code: str
    level: str
    message: str
    line: int
    column: int
    suppressed: bool = False  # ours: what only a run that heeds no ignores finds


_DECODER = msgspec.json.Decoder(list[_Failure])


def _recognises(head: bytes) -> bool:
    return has(
        head, *(f"[].{key}" for key in ("file", "code", "level", "column", "message"))
    ) and "[].endLine" not in shape(head)


def read(content: bytes, context: ReadContext) -> ReportContent:
    """The findings of a run of hadolint. Raises AuthorFault."""
    findings = Findings(context)
    for one in decode(_DECODER, content, "hadolint", _HINT):
        rule = one_line(one.code, RULE_CHARS) or "hadolint"
        known = _RULE.fullmatch(rule)
        findings.add(
            tool="hadolint",
            rule=rule,
            rule_url=_WIKIS[known[1]] + rule if known else "",
            message=one.message,
            severity=findings.severity(SHELL_LEVELS.get(one.level, Severity.MEDIUM), rule),
            place=findings.locate(one.file) if one.file != _STDIN else Located(),
            region=region(one.line, one.column, None, None),
            suppressed=one.suppressed,
        )
    return findings.report("hadolint", "hadolint")


HADOLINT = Format(
    name="hadolint", title="hadolint JSON", kind=Kind.FINDINGS, recognises=_recognises, read=read
)
