"""grype's `-o json`: matches of packages with advisories, related ones are other names of the same flaw."""

import msgspec

from app.model import Kind, ReportContent, Severity
from app.reports.advisories import Advisories, Advisory
from app.reports.findings import Findings, Located
from app.reports.jsontext import decode
from app.reports.protocol import Format, ReadContext
from app.reports.severity import from_score, from_word
from app.reports.shape import has, shape
from app.reports.text import url

_HINT = "run grype with '-o json'"
_HERE = {"directory", "file"}


class _Metrics(msgspec.Struct, gc=False):
    baseScore: float | None = None  # noqa: N815 - grype's own name


class _Cvss(msgspec.Struct, gc=False):
    metrics: _Metrics | None = None


class _Fix(msgspec.Struct, gc=False):
    versions: list[str] | None = None


class _Related(msgspec.Struct, gc=False):
    id: str
    severity: str = ""
    cvss: list[_Cvss] | None = None


class _Vulnerability(_Related, gc=False):
    description: str | None = None
    dataSource: str = ""  # noqa: N815 - grype's own name
    fix: _Fix | None = None


class _Location(msgspec.Struct, gc=False):
    path: str = ""


class _Artifact(msgspec.Struct, gc=False):
    name: str
    version: str = ""
    locations: list[_Location] | None = None


class _Match(msgspec.Struct, gc=False):
    vulnerability: _Vulnerability
    artifact: _Artifact
    relatedVulnerabilities: list[_Related] | None = None  # noqa: N815 - grype's own name


class _Source(msgspec.Struct, gc=False):
    type: str = ""
    # A directory is a text, an image an object.
    target: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)


class _Descriptor(msgspec.Struct, gc=False):
    version: str | None = None


class _Report(msgspec.Struct, gc=False):
    matches: list[_Match]
    ignoredMatches: list[_Match] | None = None  # noqa: N815 - grype's own name
    source: _Source | None = None
    descriptor: _Descriptor | None = None


_DECODER = msgspec.json.Decoder(_Report)
_TEXT = msgspec.json.Decoder(str)


def _severity(one: _Related) -> Severity | None:
    scores = [cvss.metrics.baseScore or 0.0 for cvss in one.cvss or [] if cvss.metrics is not None]
    return from_word(one.severity) or from_score(max(scores, default=None))


class _Places:
    """Where packages stand: grype writes paths as if the scanned directory were the root."""

    def __init__(self, source: _Source | None, findings: Findings) -> None:
        self._findings = findings
        self._here = source is not None and source.type in _HERE
        self._bases: tuple[str, ...] = ()
        if source is not None and self._here and source.target:
            try:
                self._bases = (_TEXT.decode(source.target),)
            except (msgspec.DecodeError, ValueError):
                self._bases = ()

    def of(self, artifact: _Artifact) -> tuple[Located, str]:
        """The place of a package, and what to say of it where the repository has none."""
        path = next((one.path for one in artifact.locations or [] if one.path), "")
        if not self._here or not path:
            return Located(), path
        whole = self._findings.locate(path)
        if whole.path and path.startswith("/"):
            return whole, ""
        return self._findings.locate(path.lstrip("/"), said=path, bases=self._bases), ""


def _add(match: _Match, places: _Places, advisories: Advisories, *, suppressed: bool) -> None:
    one, related = match.vulnerability, match.relatedVulnerabilities or []
    place, elsewhere = places.of(match.artifact)
    title = one.description or one.id
    rated = (_severity(other) for other in related)
    advisories.add(
        Advisory(
            names=[one.id, *(other.id for other in related)],
            package=match.artifact.name,
            version=match.artifact.version,
            severity=_severity(one) or next((other for other in rated if other is not None), None),
            title=f"{title} (in {elsewhere})" if elsewhere else title,
            url=url(one.dataSource),
            fixed=", ".join((one.fix.versions or [])[:5]) if one.fix is not None else "",
            place=place,
            suppressed=suppressed,
        )
    )


def _recognises(head: bytes) -> bool:
    if has(head, "matches[].vulnerability", "matches[].artifact"):
        return True
    return "matches" in shape(head) and (
        has(head, "descriptor.name", "source") or has(head, "ignoredMatches[].vulnerability")
    )


def read(content: bytes, context: ReadContext) -> ReportContent:
    """The vulnerable packages that grype found, each flaw once; ignored ones are suppressed.

    Raises AuthorFault.
    """
    report = decode(_DECODER, content, "grype", _HINT)
    findings = Findings(context)
    places = _Places(report.source, findings)
    advisories = Advisories(findings, "grype", context.limits.findings)
    for match in report.matches:
        _add(match, places, advisories, suppressed=False)
    for match in report.ignoredMatches or []:
        _add(match, places, advisories, suppressed=True)
    advisories.flush()
    version = report.descriptor.version if report.descriptor is not None else None
    return findings.report("grype", "grype", version or "")


GRYPE = Format(name="grype", title="grype JSON", kind=Kind.FINDINGS, recognises=_recognises, read=read)
