"""`npm audit --json` of npm 7 and later.

It lists vulnerable packages, also those that only depend on one; an advisory stands in `via` of the package
that has the flaw. npm's totals count packages, we count flaws.
"""

import re

import msgspec

from app.model import AuthorFault, Kind, ReportContent
from app.reports.advisories import Advisories, Advisory
from app.reports.findings import Findings
from app.reports.jsontext import decode
from app.reports.protocol import Format, ReadContext
from app.reports.severity import from_score, from_word
from app.reports.shape import has
from app.reports.text import quoted, url

_HINT = "run 'npm audit --json' with npm 7 or later"
_VERSION = 2
_LOCK_FILES = ("npm-shrinkwrap.json", "package-lock.json")
_GHSA = re.compile(r"https://github\.com/advisories/(GHSA(?:-[0-9a-z]{4}){3})", re.ASCII)


class _Cvss(msgspec.Struct, gc=False):
    score: float | None = None


class _Via(msgspec.Struct, gc=False):
    name: str
    source: int | str | None = None
    title: str = ""
    url: str = ""
    severity: str = ""
    range: str = ""
    cvss: _Cvss | None = None


class _Package(msgspec.Struct, gc=False):
    name: str
    via: list[_Via | str]


class _Metadata(msgspec.Struct, gc=False):
    vulnerabilities: dict[str, int]


class _Report(msgspec.Struct, gc=False):
    vulnerabilities: dict[str, _Package] | None = None
    auditReportVersion: int | None = None  # noqa: N815 - npm's own name
    metadata: _Metadata | None = None
    message: str | None = None
    error: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)


class _Error(msgspec.Struct, gc=False):
    code: str | None = None
    summary: str | None = None


_DECODER = msgspec.json.Decoder(_Report)
_ERROR = msgspec.json.Decoder(_Error)


def _advisory(via: _Via) -> Advisory:
    known = _GHSA.fullmatch(via.url)
    score = via.cvss.score if via.cvss is not None else None
    return Advisory(
        names=[known[1] if known else f"npm-{via.source}" if via.source is not None else via.title],
        package=via.name,
        severity=from_word(via.severity) or from_score(score),
        title=f"{via.title} ({via.range})" if via.range else via.title,
        url=url(via.url),
    )


def _checked(report: _Report) -> dict[str, _Package]:
    if report.error:
        try:
            said = _ERROR.decode(report.error)
        except (msgspec.DecodeError, RecursionError, ValueError):
            said = _Error()
        reason = said.summary or report.message or said.code
        raise AuthorFault(f"npm audit failed{f': {quoted(reason)}' if reason else ' without saying why'}")
    if report.auditReportVersion != _VERSION or report.vulnerabilities is None:
        raise AuthorFault("it is no report of npm 7 or later", hint=_HINT)
    packages = report.vulnerabilities
    total = report.metadata.vulnerabilities.get("total") if report.metadata is not None else None
    if total is not None and total != len(packages):
        raise AuthorFault(f"npm counts {total} vulnerable packages, but {len(packages)} are listed")
    return packages


def _recognises(head: bytes) -> bool:
    return has(head, "auditReportVersion", "vulnerabilities")


def read(content: bytes, context: ReadContext) -> ReportContent:
    """The vulnerable dependencies that npm found, each flaw once. Raises AuthorFault, also where npm says
    that it failed or counts other packages than it lists.
    """
    packages = _checked(decode(_DECODER, content, "npm audit", _HINT))
    findings = Findings(context)
    place = findings.lock_file(*_LOCK_FILES)
    advisories = Advisories(findings, "npm-audit", context.limits.findings)
    for package in packages.values():
        for via in package.via:
            if isinstance(via, _Via):
                advisories.add(msgspec.structs.replace(_advisory(via), place=place))
            elif via not in packages:
                raise AuthorFault(
                    f"{quoted(package.name)} is vulnerable via {quoted(via)}, which is not listed"
                )
    advisories.flush()
    return findings.report("npm_audit", "npm-audit")


NPM_AUDIT = Format(
    name="npm_audit", title="npm audit JSON", kind=Kind.FINDINGS, recognises=_recognises, read=read
)
