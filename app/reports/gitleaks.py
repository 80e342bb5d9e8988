"""gitleaks' `--report-format json`: of `Secret`, `Match` and the author nothing is kept."""

import re

import msgspec

from app.model import Kind, ReportContent, Severity
from app.reports.findings import NOWHERE, Findings, Located, Region, region
from app.reports.jsontext import decode
from app.reports.protocol import Format, ReadContext
from app.reports.secrets import identity_of, masked
from app.reports.shape import has
from app.reports.text import RULE_CHARS
from app.reports.text import line as one_line

_HINT = "run gitleaks with '--report-format json'"
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.ASCII)
_SHORT = 10
_MAX_LINES = 100
# `--redact` writes this word, `--redact=80` the start of the secret and three dots.
_REDACTED = ("REDACTED", "...")


class _Leak(msgspec.Struct, gc=False, rename="pascal"):
    rule_id: str = msgspec.field(name="RuleID")
    file: str
    description: str = ""
    start_line: int = 0
    end_line: int = 0
    start_column: int = 0
    end_column: int = 0
    match: str = ""
    secret: str = ""
    commit: str = ""
    fingerprint: str = ""


_DECODER = msgspec.json.Decoder(list[_Leak])


def _is_known(one: _Leak) -> bool:
    return bool(one.secret) and not one.secret.endswith(_REDACTED)


def _region(one: _Leak) -> Region:
    # gitleaks names the last column, not the one behind it.
    end_column = one.end_column + 1 if one.end_column > 0 else None
    return region(one.start_line, one.start_column, one.end_line, end_column)


def _is_gone(one: _Leak, place: Located, findings: Findings) -> bool:
    """Whether it stood in an older commit, and the lines named do not hold it in the tested tree."""
    if not (one.commit and _is_known(one) and findings.has_sources):
        return False
    first = max(one.start_line, 1)
    now = findings.source_lines(place.path, first, max(first, min(one.end_line, first + _MAX_LINES)))
    return now is None or one.secret not in "\n".join(now)


def _add(one: _Leak, findings: Findings) -> None:
    rule = one_line(masked(one.rule_id, one.secret, one.match), RULE_CHARS) or "secret"
    text = masked(one.description, one.secret, one.match) or rule
    commit = one.commit[:_SHORT] if _COMMIT.fullmatch(one.commit) else ""
    place, where = findings.locate(one.file) if one.file else Located(), _region(one)
    if _is_gone(one, place, findings):
        # History keeps it, no file does: it is about the whole project.
        text, place, where = f"{text} ({one_line(one.file)})", Located(), NOWHERE
    identity = identity_of(one.secret) if _is_known(one) else ("gitleaks", rule, one.file, one.fingerprint)
    findings.add(
        tool="gitleaks",
        rule=rule,
        message=f"{text} (in commit {commit})" if commit else text,
        severity=findings.severity(Severity.HIGH, rule),
        place=place,
        region=where,
        identity=identity,
        secret=True,
    )


def _recognises(head: bytes) -> bool:
    return has(head, "[].RuleID", "[].Secret", "[].Match")


def read(content: bytes, context: ReadContext) -> ReportContent:
    """The secrets of a scan. Raises AuthorFault."""
    findings = Findings(context)
    for one in decode(_DECODER, content, "gitleaks", _HINT):
        _add(one, findings)
    return findings.report("gitleaks", "gitleaks")


GITLEAKS = Format(
    name="gitleaks", title="gitleaks JSON", kind=Kind.SECRETS, recognises=_recognises, read=read
)
