"""What all readers of findings share: places, severities, fingerprints, limits."""

import msgspec

from app.model import Finding, Severity
from app.reports.fingerprint import Fingerprints
from app.reports.paths import Paths, Place, Unplaced
from app.reports.protocol import MAX_LINE, Dropped, ReadContext, too_many
from app.reports.severity import SeverityTable
from app.reports.text import clean, line, quoted

_MAX_COLUMN = 1_000_000


def line_number(value: int | None) -> int:
    """A 1-based line, 0 for none or one that no file has."""
    return value if value is not None and 0 < value <= MAX_LINE else 0


def column_number(value: int | None) -> int:
    """A 1-based column, 0 for none or one that no line has."""
    return value if value is not None and 0 < value <= _MAX_COLUMN else 0


class Findings:
    """The findings of one report so far."""

    def __init__(self, context: ReadContext) -> None:
        self.dropped = Dropped()
        self._context = context
        self._paths = Paths(context)
        self._severities = SeverityTable(context.severities)
        self._fingerprints = Fingerprints(context.sources)
        self._findings: list[Finding] = []

    def locate(
        self, path: str | None, message: str, *, raw: str = "", bases: tuple[str, ...] = ()
    ) -> tuple[str, str]:
        """Path and message of a finding. One whose path has no place here (None: surely not) stays,
        without a path and with what the tool wrote (`raw`) in its message: losing it would open the gate.
        """
        text = clean(message)
        place = self._paths.place(path, bases) if path is not None else Place("", Unplaced.OUTSIDE)
        if place.path:
            return place.path, text
        self.dropped.add(f"location of a finding {place.why}", raw or path or "")
        return "", f"{text} (at {quoted(raw or path or '')})"

    def severity(self, otherwise: Severity, *names: str) -> Severity:
        """The preset's word on a rule, by the first of its names that the table knows; else the tool's."""
        said = (self._severities.of(name) for name in names if name)
        return next((severity for severity in said if severity is not None), otherwise)

    def finding(self, finding: Finding) -> Finding:
        """The finding made consistent: no line without a path, no end before its start, a fingerprint."""
        start = finding.line if finding.path else 0
        end = finding.end_line if start and finding.end_line >= start else 0
        column = finding.column if start else 0
        end_column = finding.end_column if column or end > start else 0
        if end in {0, start} and end_column < column:
            end_column = 0
        return msgspec.structs.replace(
            finding,
            rule=line(finding.rule) or "unnamed",
            line=start,
            column=column,
            end_line=end,
            end_column=end_column,
            secret=finding.secret or self._context.secret,
            fix=finding.fix if start else "",
            fingerprint=finding.fingerprint
            or self._fingerprints.of(finding.rule, finding.path, start, finding.message),
        )

    def source_lines(self, path: str, first: int, last: int) -> list[str] | None:
        """Lines first … last (1-based, both included) of a file without their ends; None if not there."""
        source = self._context.sources(path) if path and self._context.sources is not None else None
        if source is None:
            return None
        lines = source.decode("utf-8", "replace").split("\n")[first - 1 : last]
        return [text.removesuffix("\r") for text in lines] if len(lines) == last - first + 1 else None

    def add(self, finding: Finding) -> None:
        """One more. Raises AuthorFault over the limit."""
        if len(self._findings) >= self._context.limits.findings:
            raise too_many("findings", self._context.limits.findings)
        self._findings.append(finding)

    def all(self) -> tuple[Finding, ...]:
        """All of them, in the order of the report."""
        return tuple(self._findings)
