"""osv-scanner's `--format json`: its `groups` join the names of one flaw and carry its worst base score."""

import msgspec

from app.model import Kind, ReportContent, Severity
from app.reports.advisories import Advisories, Advisory
from app.reports.findings import Findings, Located
from app.reports.jsontext import decode
from app.reports.protocol import Format, ReadContext
from app.reports.severity import from_score, from_word
from app.reports.shape import has

_HINT = "run osv-scanner with '--format json'"


class _Specific(msgspec.Struct, gc=False):
    severity: str | None = None


class _Vulnerability(msgspec.Struct, gc=False):
    id: str
    aliases: list[str] | None = None
    summary: str | None = None
    details: str | None = None
    # Each database puts its own things here.
    database_specific: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)


class _Group(msgspec.Struct, gc=False):
    ids: list[str] | None = None
    aliases: list[str] | None = None
    max_severity: str | float | None = None


class _Package(msgspec.Struct, gc=False):
    name: str = ""
    version: str = ""


class _Entry(msgspec.Struct, gc=False):
    package: _Package
    vulnerabilities: list[_Vulnerability] | None = None
    groups: list[_Group] | None = None
    license_violations: list[str] | None = None


class _Source(msgspec.Struct, gc=False):
    path: str = ""


class _Result(msgspec.Struct, gc=False):
    packages: list[_Entry]
    source: _Source | None = None


class _Report(msgspec.Struct, gc=False):
    results: list[_Result] | None


_DECODER = msgspec.json.Decoder(_Report)
_SPECIFIC = msgspec.json.Decoder(_Specific)


def _word(one: _Vulnerability) -> Severity | None:
    try:
        return from_word(_SPECIFIC.decode(one.database_specific).severity) if one.database_specific else None
    except (msgspec.DecodeError, RecursionError, ValueError):
        return None


def _add(entry: _Entry, place: Located, advisories: Advisories) -> None:
    package, version = entry.package.name, entry.package.version
    listed = {one.id: one for one in entry.vulnerabilities or []}
    groups = entry.groups or []
    grouped = {name for group in groups for name in group.ids or []}
    groups += [_Group(ids=[name]) for name in listed if name not in grouped]
    for group in groups:
        ids = group.ids or []
        members = [listed[name] for name in ids if name in listed]
        words = [word for one in members if (word := _word(one)) is not None]
        titles = [one.summary or one.details or "" for one in members]
        advisories.add(
            Advisory(
                names=[
                    *ids,
                    *(group.aliases or []),
                    *(name for one in members for name in one.aliases or []),
                ],
                package=package,
                version=version,
                severity=max(words, key=lambda word: word.rank, default=from_score(group.max_severity)),
                title=next(filter(None, titles), ""),
                place=place,
            )
        )


def _recognises(head: bytes) -> bool:
    return has(head, "results[].packages") or has(head, "results", "experimental_config")


def read(content: bytes, context: ReadContext) -> ReportContent:
    """The vulnerable dependencies that osv-scanner found, each flaw once. Raises AuthorFault."""
    findings = Findings(context)
    advisories = Advisories(findings, "osv-scanner", context.limits.findings)
    for result in decode(_DECODER, content, "osv-scanner", _HINT).results or []:
        path = result.source.path if result.source is not None else ""
        place = findings.locate(path) if path else Located()
        for entry in result.packages:
            for licence in entry.license_violations or []:
                findings.dropped.add("licence violation: licences are not judged from this format", licence)
            _add(entry, place, advisories)
    advisories.flush()
    return findings.report("osv", "osv-scanner")


OSV = Format(name="osv", title="osv-scanner JSON", kind=Kind.FINDINGS, recognises=_recognises, read=read)
