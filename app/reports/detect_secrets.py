"""detect-secrets' JSON: what `scan` prints and what a baseline is."""

import re

import msgspec

from app.model import AuthorFault, Kind, ReportContent, Severity
from app.reports.findings import NOWHERE, Findings, region
from app.reports.jsontext import decode
from app.reports.protocol import Format, ReadContext
from app.reports.secrets import identity
from app.reports.shape import has
from app.reports.text import RULE_CHARS
from app.reports.text import line as one_line

_HINT = "write what 'detect-secrets scan' prints"
_COMMIT = re.compile(r"[0-9a-f]{40,64}", re.ASCII)
_SHORT = 10
_SHA1 = re.compile(r"[0-9a-f]{40}", re.ASCII | re.IGNORECASE)


class _Secret(msgspec.Struct, gc=False):
    type: str
    hashed_secret: str
    line_number: int | None = None
    is_verified: bool | None = None
    is_secret: bool | None = None
    commit: str = ""


class _Report(msgspec.Struct, gc=False):
    results: dict[str, list[_Secret]]
    version: str | None = None


_DECODER = msgspec.json.Decoder(_Report)


def _recognises(head: bytes) -> bool:
    return has(head, "version", "plugins_used")


def read(content: bytes, context: ReadContext) -> ReportContent:
    """The secrets of a scan; one that a person audited as none is suppressed. One with a `commit`, which the
    preset of this name adds, stands in history only: no line holds it. Raises AuthorFault.
    """
    report = decode(_DECODER, content, "detect-secrets", _HINT)
    findings = Findings(context)
    for path, secrets in report.results.items():
        place = findings.locate(path)
        for one in secrets:
            if not _SHA1.fullmatch(one.hashed_secret):
                raise AuthorFault("detect-secrets: a 'hashed_secret' is no SHA-1")
            rule = one_line(one.type, RULE_CHARS) or "secret"
            severity = Severity.CRITICAL if one.is_verified else Severity.HIGH
            text = f"{rule}, verified to be in use" if one.is_verified else rule
            gone = _COMMIT.fullmatch(one.commit) is not None
            findings.add(
                tool="detect-secrets",
                rule=rule,
                message=f"{text} (in commit {one.commit[:_SHORT]})" if gone else text,
                severity=findings.severity(severity, rule),
                place=place,
                region=NOWHERE if gone else region(one.line_number, None, None, None),
                identity=identity(one.hashed_secret),
                secret=True,
                suppressed=one.is_secret is False,
            )
    return findings.report("detect_secrets", "detect-secrets", report.version or "")


DETECT_SECRETS = Format(
    name="detect_secrets",
    title="detect-secrets JSON",
    kind=Kind.SECRETS,
    recognises=_recognises,
    read=read,
)
