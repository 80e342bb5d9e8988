"""trivy's `--format json`: vulnerabilities, misconfigurations, secrets and licences in one report."""

import msgspec

from app.model import Kind, ReportContent, Severity
from app.reports.advisories import Advisories, Advisory
from app.reports.findings import NOWHERE, Findings, Located, region
from app.reports.jsontext import decode
from app.reports.protocol import Format, ReadContext
from app.reports.severity import from_word
from app.reports.shape import has
from app.reports.text import RULE_CHARS, url
from app.reports.text import line as one_line

_HINT = "run trivy with '--format json'"
_TOOL = "trivy"
# What is scanned where it lies in the repository; images and the like have paths of their own.
_HERE = {"filesystem", "repository"}
_SYSTEM = "os-pkgs"


class _Part(msgspec.Struct, gc=False, rename="pascal"):
    """Go's names."""


class _Vulnerability(_Part):
    id: str = msgspec.field(name="VulnerabilityID")
    pkg_name: str
    vendor_ids: list[str] = msgspec.field(name="VendorIDs", default_factory=list)
    pkg_path: str = ""
    installed_version: str = ""
    fixed_version: str = ""
    severity: str = ""
    title: str = ""
    primary_url: str = msgspec.field(name="PrimaryURL", default="")


class _Cause(_Part):
    start_line: int = 0
    end_line: int = 0


class _Misconfiguration(_Part):
    id: str = msgspec.field(name="ID")
    status: str
    avd_id: str = msgspec.field(name="AVDID", default="")
    title: str = ""
    message: str = ""
    severity: str = ""
    primary_url: str = msgspec.field(name="PrimaryURL", default="")
    cause_metadata: _Cause = msgspec.field(default_factory=_Cause)


class _Secret(_Part):
    rule_id: str = msgspec.field(name="RuleID")
    severity: str = ""
    title: str = ""
    start_line: int = 0
    end_line: int = 0


class _Licence(_Part):
    name: str
    severity: str = ""
    category: str = ""
    pkg_name: str = ""
    file_path: str = ""


class _Result(_Part):
    target: str
    kind: str = msgspec.field(name="Class", default="")
    vulnerabilities: list[_Vulnerability] | None = None
    misconfigurations: list[_Misconfiguration] | None = None
    secrets: list[_Secret] | None = None
    licenses: list[_Licence] | None = None


class _Report(_Part):
    schema_version: int
    artifact_name: str = ""
    artifact_type: str = ""
    results: list[_Result] | None = None


_DECODER = msgspec.json.Decoder(_Report)


class _Reader:
    """The findings of one report."""

    def __init__(self, report: _Report, context: ReadContext) -> None:
        self.findings = Findings(context)
        self._advisories = Advisories(self.findings, _TOOL, context.limits.findings)
        self._here = report.artifact_type in _HERE
        self._bases = (report.artifact_name,) if report.artifact_name else ()

    def read(self, results: list[_Result]) -> None:
        """Add the findings of all results. Raises AuthorFault."""
        for result in results:
            place = self._place(result.target) if result.kind != _SYSTEM else Located()
            for vulnerability in result.vulnerabilities or []:
                self._vulnerability(vulnerability, place, result.target)
            for problem in result.misconfigurations or []:
                self._misconfiguration(problem, place, result.target)
            for secret in result.secrets or []:
                self._secret(secret, place, result.target)
            for licence in result.licenses or []:
                self._licence(licence, place, result.target)
        self._advisories.flush()

    def _place(self, path: str) -> Located:
        return self.findings.locate(path, bases=self._bases) if self._here and path else Located()

    def _told(self, text: str, place: Located, target: str) -> str:
        """Where the repository has no place for it, the words name the target."""
        return text if place.path or place.why or not target else f"{text} (in {one_line(target)})"

    def _vulnerability(self, one: _Vulnerability, place: Located, target: str) -> None:
        own = self._place(one.pkg_path) if one.pkg_path and place.path else place
        self._advisories.add(
            Advisory(
                # Debian's and Red Hat's names stand for many flaws at once.
                names=[one.id, *(name for name in one.vendor_ids if name.startswith("GHSA-"))],
                package=one.pkg_name,
                version=one.installed_version,
                severity=from_word(one.severity),
                title=self._told(one.title or one.id, own, target),
                url=url(one.primary_url),
                fixed=one.fixed_version,
                place=own,
            )
        )

    def _misconfiguration(self, one: _Misconfiguration, place: Located, target: str) -> None:
        if one.status == "PASS":
            return
        rule = one_line(one.id, RULE_CHARS) or _TOOL
        self.findings.add(
            tool=_TOOL,
            rule=rule,
            rule_url=url(one.primary_url),
            message=self._told(f"{one.title}: {one.message}" if one.message else one.title, place, target),
            severity=self._severity(one.severity, rule, one.avd_id),
            place=place,
            region=region(one.cause_metadata.start_line, None, one.cause_metadata.end_line, None),
            suppressed=one.status == "EXCEPTION",
        )

    def _secret(self, one: _Secret, place: Located, target: str) -> None:
        rule = one_line(one.rule_id, RULE_CHARS) or "secret"
        self.findings.add(
            tool=_TOOL,
            rule=rule,
            # The title is the rule's; `Match` and `Code` hold the line.
            message=self._told(one.title or rule, place, target),
            severity=self._severity(one.severity, rule),
            place=place,
            region=region(one.start_line, None, one.end_line, None),
            secret=True,
        )

    def _licence(self, one: _Licence, place: Located, target: str) -> None:
        rule = one_line(f"licence:{one.name}", RULE_CHARS)
        own = self._place(one.file_path) if one.file_path and self._here else place
        what = one.pkg_name or one.file_path or target
        self.findings.add(
            tool=_TOOL,
            rule=rule,
            message=f"{what} is under {one.name}" + (f" ({one.category})" if one.category else ""),
            severity=self._severity(one.severity, rule),
            place=own,
            region=NOWHERE,
            identity=("licence", rule, own.path, what),
        )

    def _severity(self, word: str, *rules: str) -> Severity:
        return self.findings.severity(from_word(word) or Severity.HIGH, *rules)


def _recognises(head: bytes) -> bool:
    return has(head, "SchemaVersion", "ArtifactName") or has(head, "SchemaVersion", "Results[].Target")


def read(content: bytes, context: ReadContext) -> ReportContent:
    """What trivy found: each flaw of a package once, of secrets only the rule. Raises AuthorFault."""
    report = decode(_DECODER, content, _TOOL, _HINT)
    reader = _Reader(report, context)
    reader.read(report.results or [])
    return reader.findings.report("trivy", _TOOL)


TRIVY = Format(
    name="trivy",
    title="trivy JSON",
    kind=Kind.FINDINGS,
    recognises=_recognises,
    read=read,
    also=(Kind.SECRETS,),
)
