"""LCOV tracefiles: `SF:` a file, `DA:line,hits`, `BRDA:line,block,branch,taken`, `end_of_record`."""

import io
import re

from app.model import AuthorFault, Kind, ReportContent
from app.reports.coverage import Gathered, merge_branches
from app.reports.paths import Paths
from app.reports.protocol import MAX_LINE, Format, ReadContext, number
from app.reports.text import quoted

_RECORD = re.compile(rb"[A-Z]{2,8}:")
_START = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s|#[^\n]*\n)*(?:TN:|SF:)")

Branches = dict[int, dict[bytes, bool]]


class _Lcov:
    """The file that is open while lines are read."""

    def __init__(self, context: ReadContext) -> None:
        self.gathered = Gathered(context.limits)
        self.open = False
        self._paths = Paths(context)
        self._lines: dict[int, int] | None = None
        self._branches: dict[int, tuple[int, int]] = {}
        self._taken: dict[str, Branches] = {}
        self._current: Branches = {}
        self._count = 0
        self._limit = context.limits.lines

    def start(self, raw: bytes, where: str) -> None:
        """`SF:`: a file begins."""
        if self.open:
            raise AuthorFault(f"{where}: a file begins before 'end_of_record' of the one before")
        text = raw.decode("utf-8", "surrogateescape")
        place = self._paths.place(text, search=True)
        target = self.gathered.file(place, raw.decode("utf-8", "replace"))
        self._lines, self._branches = target if target is not None else (None, {})
        self._current = self._taken.setdefault(place.path, {})
        self.open = True

    def data(self, raw: bytes, where: str) -> None:
        """`DA:line,hits[,checksum]`."""
        fields = raw.split(b",")
        if len(fields) < 2:  # noqa: PLR2004 - line and hits
            raise AuthorFault(f"{where}: {quoted(raw.decode(errors='replace'))} is not like 'DA:12,3'")
        line = number(fields[0].decode(errors="replace"), "the line number", where, MAX_LINE)
        text = fields[1].decode(errors="replace")
        if text.startswith("-"):
            # Counters of gcov can overflow; a line that says so was not shown to be hit.
            self.gathered.dropped.add("negative number of hits, read as 0", text)
            text = "0"
        if self._lines is not None:
            self.gathered.add_line(self._lines, line, number(text, "the number of hits", where))

    def branch(self, raw: bytes, where: str) -> None:
        """`BRDA:line,[e]block,branch,taken`; a branch may be named by an expression with commas."""
        line_text, _, rest = raw.partition(b",")
        name, _, taken = rest.rpartition(b",")
        if b"," not in name:
            raise AuthorFault(f"{where}: {quoted(raw.decode(errors='replace'))} is not like 'BRDA:12,0,1,3'")
        line = number(line_text.decode(errors="replace"), "the line number", where, MAX_LINE)
        hit = taken != b"-" and number(taken.decode(errors="replace"), "the branch's count", where) > 0
        if self._lines is None or not line:
            return
        known = self._current.setdefault(line, {})
        if name not in known:
            self._count += 1
            if self._count > self._limit:
                raise AuthorFault(f"it holds more than {self._limit:,} branches")
        known[name] = known.get(name, False) or hit

    def end(self, where: str) -> None:
        """`end_of_record`."""
        if not self.open:
            raise AuthorFault(f"{where}: 'end_of_record' without 'SF:'")
        for line, branches in self._current.items():
            merge_branches(self._branches, line, sum(branches.values()), len(branches))
        self.open = False
        self._lines = None


def _recognises(head: bytes) -> bool:
    return _START.match(head) is not None and b"SF:" in head


def read(content: bytes, context: ReadContext) -> ReportContent:
    """The line and branch coverage of an LCOV tracefile. Raises AuthorFault."""
    reader = _Lcov(context)
    actions = {b"SF": reader.start, b"DA": reader.data, b"BRDA": reader.branch}
    at = 0
    for at, raw in enumerate(io.BytesIO(content), 1):
        line = raw.strip().removeprefix(b"\xef\xbb\xbf")
        name, colon, rest = line.partition(b":")
        if colon and name in actions:
            if name != b"SF" and not reader.open:
                raise AuthorFault(f"line {at}: {quoted(line.decode(errors='replace'))} before any 'SF:'")
            actions[name](rest, f"line {at}")
        elif line == b"end_of_record":
            reader.end(f"line {at}")
        elif line and not line.startswith(b"#") and not _RECORD.match(line):
            raise AuthorFault(f"line {at}: {quoted(line.decode(errors='replace'))} is no LCOV record")
    if reader.open or not content.strip():
        raise AuthorFault(
            f"line {at}: it ends before 'end_of_record'",
            hint="the file was cut off; write it whole before the check ends",
        )
    return ReportContent(
        format="lcov",
        kind="coverage",
        coverage=reader.gathered.files(),
        dropped=reader.gathered.dropped.sentences(),
    )


LCOV = Format(name="lcov", title="LCOV", kind=Kind.COVERAGE, recognises=_recognises, read=read)
