"""bandit's `-f json`. It never lists what `# nosec` ignores; our preset adds it as `"suppressed": true`."""

import re

import msgspec

from app.model import AuthorFault, Kind, ReportContent, Severity
from app.reports.findings import Findings, region
from app.reports.jsontext import decode
from app.reports.protocol import Format, ReadContext
from app.reports.severity import from_word
from app.reports.shape import has
from app.reports.text import RULE_CHARS, url
from app.reports.text import line as one_line

_HINT = "run bandit with '-f json'"
_TOTALS = "_totals"
# B105, B106 and B107 write the password that they found behind these words.
_PASSWORD = re.compile(r"(hardcoded password):.*", re.DOTALL | re.IGNORECASE)


class _Result(msgspec.Struct, gc=False):
    filename: str
    issue_text: str
    test_id: str
    line_number: int | None = None
    line_range: list[int] | None = None
    col_offset: int | None = None
    end_col_offset: int | None = None
    issue_severity: str | None = None
    more_info: str | None = None
    test_name: str | None = None
    suppressed: bool = False


class _Error(msgspec.Struct, gc=False):
    filename: str = ""
    reason: str = ""


class _Report(msgspec.Struct, gc=False):
    results: list[_Result]
    errors: list[_Error]
    metrics: dict[str, dict[str, int | float]]


_DECODER = msgspec.json.Decoder(_Report)


def _add(one: _Result, findings: Findings) -> None:
    rule = one_line(one.test_id, RULE_CHARS) or "bandit"
    last = max(one.line_range) if one.line_range else None
    start, end = one.col_offset, one.end_col_offset
    findings.add(
        tool="bandit",
        rule=rule,
        rule_url=url(one.more_info or ""),
        message=_PASSWORD.sub(r"\1", one.issue_text),
        severity=findings.severity(
            from_word(one.issue_severity) or Severity.MEDIUM, rule, one.test_name or ""
        ),
        place=findings.locate(one.filename),
        suppressed=one.suppressed,
        # bandit counts columns from 0; -1 = none.
        region=region(
            one.line_number,
            start + 1 if start is not None else None,
            last,
            end + 1 if end is not None else None,
        ),
    )


def _recognises(head: bytes) -> bool:
    return has(head, "errors", "generated_at", "metrics")


def read(content: bytes, context: ReadContext) -> ReportContent:
    """The findings of a run of bandit. Raises AuthorFault, also where it counts others than it lists."""
    report = decode(_DECODER, content, "bandit", _HINT)
    findings = Findings(context)
    totals = report.metrics.get(_TOTALS, {})
    counted = sum(count for key, count in totals.items() if key.startswith("SEVERITY."))
    # Bounds of the command line (`-l`, `-i`) list fewer than are counted, never more.
    listed = sum(not one.suppressed for one in report.results)
    if totals and listed > counted:
        raise AuthorFault(f"bandit counts {counted} issues, but {listed} are listed")
    for error in report.errors:
        findings.not_scanned("bandit", findings.locate(error.filename), error.reason or "no reason is given")
    for one in report.results:
        _add(one, findings)
    return findings.report("bandit", "bandit")


BANDIT = Format(name="bandit", title="bandit JSON", kind=Kind.FINDINGS, recognises=_recognises, read=read)
