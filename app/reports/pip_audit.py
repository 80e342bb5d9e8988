"""pip-audit's `-f json`. It names no file and no severity."""

import msgspec

from app.model import Kind, ReportContent
from app.reports.advisories import Advisories, Advisory
from app.reports.findings import Findings
from app.reports.jsontext import decode
from app.reports.protocol import Format, ReadContext
from app.reports.shape import has

_HINT = "run pip-audit with '-f json'"


class _Vulnerability(msgspec.Struct, gc=False):
    id: str
    aliases: list[str] = []
    fix_versions: list[str] = []
    description: str | None = None


class _Dependency(msgspec.Struct, gc=False):
    name: str
    version: str | None = None
    vulns: list[_Vulnerability] | None = None
    skip_reason: str | None = None


class _Report(msgspec.Struct, gc=False):
    dependencies: list[_Dependency]


_DECODER = msgspec.json.Decoder(_Report)


def _recognises(head: bytes) -> bool:
    return has(head, "dependencies[].name") and (
        has(head, "dependencies[].vulns") or has(head, "dependencies[].skip_reason")
    )


def read(content: bytes, context: ReadContext) -> ReportContent:
    """The vulnerable dependencies that pip-audit found, each flaw once. Raises AuthorFault."""
    findings = Findings(context)
    advisories = Advisories(findings, "pip-audit", context.limits.findings)
    for dependency in decode(_DECODER, content, "pip-audit", _HINT).dependencies:
        if dependency.skip_reason is not None:
            findings.dropped.add("dependency that pip-audit could not check", dependency.name)
        for one in dependency.vulns or []:
            advisories.add(
                Advisory(
                    names=[one.id, *one.aliases],
                    package=dependency.name,
                    version=dependency.version or "",
                    title=one.description or "",
                    fixed=", ".join(one.fix_versions[:5]),
                )
            )
    advisories.flush()
    return findings.report("pip_audit", "pip-audit")


PIP_AUDIT = Format(
    name="pip_audit", title="pip-audit JSON", kind=Kind.FINDINGS, recognises=_recognises, read=read
)
