"""checkov's `-o json`: one object, a list of one per framework, or bare counts when it found no file."""

import msgspec

from app.model import AuthorFault, Kind, ReportContent, Severity
from app.reports.findings import Findings, Located, region
from app.reports.jsontext import decode
from app.reports.protocol import HEAD_BYTES, Format, ReadContext
from app.reports.secrets import identity
from app.reports.severity import from_word
from app.reports.shape import has
from app.reports.text import RULE_CHARS, quoted, url
from app.reports.text import line as one_line

_HINT = "run checkov with '-o json'"
_SECRETS = "secrets"


class _Record(msgspec.Struct, gc=False):
    check_id: str
    check_name: str | None = None
    bc_check_id: str | None = None
    file_path: str = ""
    file_abs_path: str = ""
    repo_file_path: str = ""
    file_line_range: list[int] | None = None
    resource: str | None = None
    severity: str | None = None
    guideline: str | None = None


class _Results(msgspec.Struct, gc=False):
    failed_checks: list[_Record]
    skipped_checks: list[_Record] | None = None
    parsing_errors: list[str] | None = None


class _Summary(msgspec.Struct, gc=False):
    failed: int | None = None
    checkov_version: str | None = None


class _Framework(msgspec.Struct, gc=False):
    check_type: str
    results: _Results
    summary: _Summary | None = None


class _Nothing(msgspec.Struct, gc=False):
    failed: int
    passed: int
    checkov_version: str


_ONE = msgspec.json.Decoder(_Framework)
_SEVERAL = msgspec.json.Decoder(list[_Framework])
_NOTHING = msgspec.json.Decoder(_Nothing)


def _place(one: _Record, findings: Findings) -> Located:
    """Its relative paths begin with a slash and count from the scanned directory."""
    if one.file_abs_path:
        place = findings.locate(one.file_abs_path)
        if place.path:
            return place
    path = one.repo_file_path or one.file_path
    return findings.locate(path.lstrip("/"), said=path) if path else Located()


def _add(one: _Record, kind: str, findings: Findings, *, suppressed: bool) -> None:
    rule = one_line(one.check_id, RULE_CHARS) or "checkov"
    name, resource = one.check_name or rule, one.resource or ""
    secret = kind == _SECRETS
    lines = one.file_line_range or []
    # Of a secret checkov names its line and the next.
    first, last = (lines[0], None if secret else lines[-1]) if lines else (None, None)
    findings.add(
        tool="checkov",
        rule=rule,
        rule_url=url(one.guideline or ""),
        message=f"{name} ({resource})" if resource and not secret else name,
        # Without an account checkov rates nothing; in SARIF it calls that an error.
        severity=findings.severity(from_word(one.severity) or Severity.HIGH, rule, one.bc_check_id or ""),
        place=_place(one, findings),
        region=region(first, None, last, None),
        # The resource of a secret is its SHA-1.
        identity=identity(resource) if secret and resource else (),
        secret=secret,
        suppressed=suppressed,
    )


def _frameworks(content: bytes) -> tuple[list[_Framework], str]:
    """What ran, and the version of checkov."""
    if content.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"["):
        several = decode(_SEVERAL, content, "checkov", _HINT)
    elif _says_nothing(content[:HEAD_BYTES]):
        nothing = decode(_NOTHING, content, "checkov", _HINT)
        if nothing.failed or nothing.passed:
            raise AuthorFault(f"checkov counts {nothing.failed} failed checks, but lists none")
        return [], nothing.checkov_version
    else:
        several = [decode(_ONE, content, "checkov", _HINT)]
    summaries = [one.summary for one in several if one.summary is not None]
    return several, next((found for one in summaries if (found := one.checkov_version)), "")


def _says_nothing(head: bytes) -> bool:
    return has(head, "passed", "failed", "parsing_errors", "checkov_version") and not has(head, "check_type")


def _recognises(head: bytes) -> bool:
    lists = has(head, "check_type", "results") or has(head, "[].check_type", "[].results")
    return lists or _says_nothing(head)


def read(content: bytes, context: ReadContext) -> ReportContent:
    """The failed checks of checkov, skipped ones as suppressed. Raises AuthorFault, also where it counts
    other failed checks than it lists.
    """
    frameworks, version = _frameworks(content)
    findings = Findings(context)
    for one in frameworks:
        failed = one.results.failed_checks
        if one.summary is not None and one.summary.failed not in {None, len(failed)}:
            raise AuthorFault(
                f"checkov counts {one.summary.failed} failed checks of {quoted(one.check_type)}, "
                f"but {len(failed)} are listed"
            )
        for path in one.results.parsing_errors or []:
            findings.dropped.add("file that checkov could not parse", path)
        for record in failed:
            _add(record, one.check_type, findings, suppressed=False)
        for record in one.results.skipped_checks or []:
            _add(record, one.check_type, findings, suppressed=True)
    return findings.report("checkov", "checkov", version)


CHECKOV = Format(
    name="checkov",
    title="checkov JSON",
    kind=Kind.FINDINGS,
    recognises=_recognises,
    read=read,
    also=(Kind.SECRETS,),
)
