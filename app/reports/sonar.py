"""SonarQube's generic issues: `issues`, since 10.3 with `rules` that say what each issue of theirs is.

Columns count from 0. Severities are those of SonarQube, or of the worst impact of a rule, which then tells
what it harms.
"""

from collections.abc import Mapping

import msgspec

from app.model import Harm, Kind, ReportContent, Severity
from app.reports.domains import Domain
from app.reports.findings import Findings, Region, region
from app.reports.jsontext import decode
from app.reports.protocol import Format, ReadContext
from app.reports.severity import BLOCKER_WORDS
from app.reports.shape import has
from app.reports.text import RULE_CHARS
from app.reports.text import line as one_line

_HINT = "the tool must write SonarQube's generic issue format"
_IMPACTS = {
    "BLOCKER": Severity.CRITICAL,
    "HIGH": Severity.HIGH,
    "MEDIUM": Severity.MEDIUM,
    "LOW": Severity.LOW,
    "INFO": Severity.INFO,
}
_QUALITIES: dict[str, Harm] = {
    "SECURITY": "security",
    "RELIABILITY": "reliability",
    "MAINTAINABILITY": "maintainability",
}
_TYPES: dict[str, Domain] = {
    "VULNERABILITY": "security",
    "SECURITY_HOTSPOT": "security",
    "BUG": "reliability",
    "CODE_SMELL": "maintainability",
}
_TOOL = "sonar"


class _Camel(msgspec.Struct, gc=False, rename="camel"):
    """Their keys."""


class _Range(_Camel):
    start_line: int
    end_line: int | None = None
    start_column: int | None = None
    end_column: int | None = None


class _Location(_Camel):
    message: str
    file_path: str
    text_range: _Range | None = None


class _Impact(_Camel):
    severity: str
    software_quality: str = ""


class _Rule(_Camel):
    id: str
    engine_id: str | None = None
    severity: str | None = None
    type: str | None = None
    impacts: list[_Impact] | None = None


class _Issue(_Camel):
    rule_id: str
    primary_location: _Location
    engine_id: str | None = None
    severity: str | None = None
    type: str | None = None
    effort_minutes: int | None = None
    impacts: list[_Impact] | None = None


class _Report(_Camel):
    issues: list[_Issue]
    rules: list[_Rule] | None = None


_DECODER = msgspec.json.Decoder(_Report)


_Impacts = tuple[tuple[Harm, Severity], ...]


def _said(of: _Issue | _Rule) -> tuple[Severity, Domain, _Impacts] | None:
    """What an issue or a rule says of its severity, of what it harms, and of how much each; impacts are the
    newer word. Of several that are equally bad the first of security, reliability, maintainability counts.
    """
    said = [
        (_QUALITIES.get(impact.software_quality.upper()), _IMPACTS.get(impact.severity.upper()))
        for impact in of.impacts or ()
    ]
    worst: dict[Harm, Severity] = {}
    for quality in _QUALITIES.values():
        severities = [severity or Severity.MEDIUM for harmed, severity in said if harmed == quality]
        if severities:
            worst[quality] = max(severities, key=lambda one: one.rank)
    if worst:
        domain = max(worst, key=lambda one: worst[one].rank)
        return worst[domain], domain, tuple(worst.items()) if len(worst) > 1 else ()
    if said:
        return max((one or Severity.MEDIUM for _, one in said), key=lambda one: one.rank), "", ()
    if not of.severity:
        return None
    return BLOCKER_WORDS.get(of.severity.lower(), Severity.MEDIUM), _TYPES.get(of.type or "", ""), ()


def _region(where: _Range | None) -> Region:
    if where is None:
        return region(None, None, None, None)
    start, end = where.start_column, where.end_column
    return region(
        where.start_line,
        start + 1 if start is not None else None,
        where.end_line,
        end + 1 if end is not None else None,
    )


def _add(one: _Issue, rules: Mapping[str, _Rule], findings: Findings) -> None:
    rule = one_line(one.rule_id, RULE_CHARS) or _TOOL
    known = rules.get(one.rule_id)
    nothing: tuple[Severity, Domain, _Impacts] = (Severity.MEDIUM, "", ())
    severity, domain, impacts = _said(one) or (_said(known) if known is not None else None) or nothing
    counts = findings.severity(severity, rule)
    engine = one.engine_id or (known.engine_id if known is not None else None) or ""
    findings.add(
        tool=one_line(engine, RULE_CHARS) or _TOOL,
        rule=rule,
        message=one.primary_location.message,
        severity=counts,
        place=findings.locate(one.primary_location.file_path),
        region=_region(one.primary_location.text_range),
        domain=domain,
        effort=one.effort_minutes or 0,
        # the gate file's word on a rule is for all that it harms
        impacts=impacts if counts is severity else (),
    )


def _recognises(head: bytes) -> bool:
    return has(head, "issues[].primaryLocation") or has(head, "issues", "rules")


def read(content: bytes, context: ReadContext) -> ReportContent:
    """The findings of a generic issue report. Raises AuthorFault."""
    report = decode(_DECODER, content, "generic issues", _HINT)
    rules = {rule.id: rule for rule in report.rules or ()}
    findings = Findings(context)
    for one in report.issues:
        _add(one, rules, findings)
    return findings.report("sonar")


SONAR = Format(
    name="sonar", title="SonarQube generic issues", kind=Kind.FINDINGS, recognises=_recognises, read=read
)
