"""What all readers of findings share: places, severities, fingerprints, limits."""

import msgspec

from app.model import NOT_SCANNED, Finding, Harm, ReportContent, Severity
from app.reports.domains import Domain, domain_of
from app.reports.fingerprint import Fingerprints
from app.reports.paths import Paths, Place, Unplaced
from app.reports.protocol import MAX_LINE, Dropped, ReadContext, too_many
from app.reports.severity import RuleTable
from app.reports.text import clean, quoted
from app.reports.text import line as one_line

_MAX_COLUMN = 1_000_000
_MAX_FIX = 10_000
_MAX_EFFORT = 1_000_000


Region = tuple[int, int, int, int]
"""Line, column, end line, end column: 1-based, 0 = none, made consistent by `region`."""

NOWHERE: Region = (0, 0, 0, 0)


class Located(msgspec.Struct, frozen=True):
    """A path of the repository, or '' and why not; `said` is what the tool wrote."""

    path: str = ""
    why: Unplaced = Unplaced.NONE
    said: str = ""


def region(line: int | None, column: int | None, end_line: int | None, end_column: int | None) -> Region:
    """Numbers of a report as a region: what no file has is left out, and an end before its start."""
    if line is None or not 0 < line <= MAX_LINE:
        return NOWHERE
    if column is None or not 0 < column <= _MAX_COLUMN:
        column = 0
    if end_line is None or not line <= end_line <= MAX_LINE:
        end_line = 0
    if end_column is None or not 0 < end_column <= _MAX_COLUMN or not (column or end_line > line):
        end_column = 0
    if end_column < column and end_line <= line:
        end_column = 0
    return line, column, end_line, end_column


def _without_next_line(where: Region) -> Region:
    """A region that ends before the first character of a line ends with the line before."""
    line, column, end_line, end_column = where
    return (line, column, end_line - 1, 0) if end_line > line and end_column == 1 else where


class Findings:
    """The findings of one report so far."""

    def __init__(self, context: ReadContext) -> None:
        self.dropped = Dropped()
        self._sources = context.sources
        self._split: tuple[str, list[str] | None] = ("", None)
        self._limit = context.limits.findings
        self._secret = context.secret
        self._paths = Paths(context)
        self._severities = RuleTable(context.severities)
        self._fingerprints = Fingerprints(context.sources)
        self._findings: list[Finding] = []

    def locate(self, path: str | None, *, said: str = "", bases: tuple[str, ...] = ()) -> Located:
        """Where a finding is: `path` as it counts from `bases`, None = surely not here; `said` is what the
        tool wrote, if that differs.
        """
        place = self._paths.place(path, bases) if path is not None else Place("", Unplaced.OUTSIDE)
        return Located(place.path, place.why, said or path or "")

    def severity(self, otherwise: Severity, *names: str) -> Severity:
        """The preset's word on a rule, by the first of its names that the table knows; else the tool's."""
        if self._severities.empty:
            return otherwise
        said = (self._severities.of(name) for name in names if name)
        return next((severity for severity in said if severity is not None), otherwise)

    def add(
        self,
        *,
        tool: str,
        rule: str,
        message: str,
        severity: Severity,
        place: Located,
        region: Region,
        rule_url: str = "",
        fingerprint: str = "",
        identity: tuple[str, ...] = (),
        secret: bool = False,
        suppressed: bool = False,
        fix: str = "",
        domain: Domain = "",
        effort: int = 0,
        impacts: tuple[tuple[Harm, Severity], ...] = (),
    ) -> None:
        """One more, made consistent: no line without a path, no end before its start, a fingerprint.

        `rule` and `tool` are clean words, `message` is raw; of what the line holds it may only tell where
        `secret` is not set. `identity` is what the finding is known by where lines and words do not
        matter. `domain` is what the report says that it harms, '' = what is known of the rule; `impacts` how
        much, where it says so of several. Of secrets that no reader knows to be such, only the rule is kept.
        Raises AuthorFault over the limit.
        """
        if len(self._findings) >= self._limit:
            raise too_many("findings", self._limit)
        severity = Severity.HIGH if rule == NOT_SCANNED else severity
        path = place.path
        hidden = secret or self._secret
        text = clean(message if secret or not hidden else "") or rule
        if place.why:  # it stays, without a place: losing it would open the gate
            text = f"{text} (at {quoted(place.said)})"
            self.dropped.add(f"location of a finding {place.why.value}", place.said)
        line, column, end_line, end_column = _without_next_line(region) if path else NOWHERE
        if identity:
            fingerprint = self._fingerprints.named(*identity)
        elif hidden:
            fingerprint = self._fingerprints.of_secret(rule, path, line)
        finding = Finding(
            tool=tool,
            rule=rule,
            message=text,
            severity=severity,
            path=path,
            line=line,
            column=column,
            end_line=end_line,
            end_column=end_column,
            rule_url=rule_url,
            fingerprint=fingerprint or self._fingerprints.of(rule, path, line, text),
            line_hash=self._fingerprints.of_line(path, line, rule if hidden else "") if line else "",
            domain="security" if hidden else domain or domain_of(tool, rule),
        )
        if hidden or suppressed or fix or effort or impacts:
            # Few have any of these, and each argument more costs a hundred thousand findings.
            finding = msgspec.structs.replace(
                finding,
                secret=hidden,
                suppressed=suppressed,
                fix=fix if line and not hidden else "",
                effort=min(max(effort, 0), _MAX_EFFORT),
                impacts=() if hidden else impacts,
            )
        self._findings.append(finding)

    def not_scanned(self, tool: str, place: Located, why: str) -> None:
        """A file (or, without a path, what the tool cannot name) that the tool says it did not look into."""
        text = f"{tool} did not look into this file: {why}" if place.path else why
        self.add(
            tool=tool, rule=NOT_SCANNED, message=text, severity=Severity.HIGH, place=place, region=NOWHERE
        )

    @property
    def has_sources(self) -> bool:
        """Whether `source_lines` can give any."""
        return self._sources is not None

    def source_lines(self, path: str, first: int, last: int) -> list[str] | None:
        """Lines first … last (1-based, both included) of a file without their ends; None if not there."""
        if path != self._split[0]:
            # Findings come file by file: the lines of the last one are kept.
            source = self._sources(path) if self._sources is not None else None
            self._split = path, None if source is None else source.decode("utf-8", "replace").split("\n")
        lines = (self._split[1] or [])[first - 1 : last]
        return [text.removesuffix("\r") for text in lines] if len(lines) == last - first + 1 else None

    def replacement(self, path: str, where: Region, deleted: Region, text: str) -> str:
        """The new text of the lines of `where` once `deleted` in them is `text`; '' unless it lies within
        just these lines. Ends are the first column behind; no end column = the end of the last line.
        """
        first, column, last, end_column = deleted
        last = last or first
        _, _, where_last, _ = _without_next_line(where)
        if end_column == 1 and last == (where_last or where[0]) + 1 and text.endswith("\n"):
            # The end of the last line goes, and comes again.
            last, end_column, text = last - 1, 0, text[:-1]
        if not path or not where[0] or (first, last) != (where[0], where_last or where[0]):
            return ""
        lines = self.source_lines(path, first, last)
        if lines is None:
            return ""
        start = max(column, 1) - 1
        stop = end_column - 1 if end_column else len(lines[-1])
        inside = start <= len(lines[0]) and 0 <= stop <= len(lines[-1])
        if not inside or (first == last and stop < start):
            return ""
        fixed = lines[0][:start] + text + lines[-1][stop:]
        return fixed if clean(fixed, _MAX_FIX) == fixed.strip() else ""

    def replacements(self, path: str, where: Region, edits: list[tuple[Region, str]]) -> str:
        """The same for several edits, which leave what is between them; '' too where two of them overlap."""
        if not edits:
            return ""
        ((first, column, last, end), text), *more = sorted(edits)
        for (next_first, next_column, next_last, next_end), inserted in more:
            at, until = (last, end), (next_first, max(next_column, 1))
            kept = self.source_lines(path, last, next_first) if last > 0 and end > 0 and at <= until else None
            if not kept:
                return ""
            kept[-1] = kept[-1][: until[1] - 1]
            kept[0] = kept[0][end - 1 :]
            text, last, end = text + "\n".join(kept) + inserted, next_last, next_end
        return self.replacement(path, where, (first, column, last, end), text)

    def lock_file(self, *names: str) -> Located:
        """The first of these files that stands where the tool ran; the whole project if none does."""
        return Located(next((path for name in names if (path := self._paths.existing(name))), ""))

    def report(self, name: str, tool: str = "", version: str = "") -> ReportContent:
        """What a reader of findings hands back: `name` is its format, `version` raw. `tool` is left out where
        each finding names its own: reports of such a format are alike whoever found something.
        """
        return ReportContent(
            format=name,
            kind="findings",
            tool=tool,
            tool_version=one_line(version, 50),
            findings=self.all(),
            dropped=self.dropped.sentences(),
        )

    def all(self) -> tuple[Finding, ...]:
        """All of them, in the order of the report."""
        return tuple(self._findings)
