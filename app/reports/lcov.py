"""LCOV tracefiles: `SF:` a file, `DA:line,hits`, `BRDA:line,block,branch,taken`, `end_of_record`."""

import io
import re

from app.model import AuthorFault, Kind, ReportContent
from app.reports.coverage import Branches, Gathered, Lines, merge_branches
from app.reports.paths import Paths
from app.reports.protocol import MAX_LINE, Format, ReadContext, number
from app.reports.text import quoted

_RECORD = re.compile(rb"[A-Z]{2,8}:")
_START = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s|#[^\n]*\n)*(?:TN:|SF:)")

Taken = dict[int, dict[bytes, bool]]
"""Line to branch to whether it was taken."""


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _shown(raw: bytes) -> str:
    return quoted(_text(raw[:1_000]))


class _Lcov:
    """The file that is open while lines are read."""

    def __init__(self, context: ReadContext) -> None:
        self.gathered = Gathered(context.limits)
        self.open = False
        self._paths = Paths(context)
        self._lines: Lines | None = None
        self._branches: Branches = {}
        self._taken: dict[str, Taken] = {}
        self._current: Taken = {}
        self._touched: set[int] = set()
        # Numbers repeat over files: each is parsed and kept once.
        self._numbers: dict[bytes, int] = {}
        self._hits: dict[bytes, int] = {}
        self._count = 0
        self._limit = context.limits.lines

    def start(self, raw: bytes, where: str) -> None:
        """`SF:`: a file begins."""
        if self.open:
            raise AuthorFault(f"{where}: a file begins before 'end_of_record' of the one before")
        text = raw.decode("utf-8", "surrogateescape")
        place = self._paths.place(text, search=True)
        target = self.gathered.file(place, _text(raw))
        self._lines, self._branches = target if target is not None else (None, {})
        self._current = self._taken.setdefault(place.path, {})
        self.open = True

    def data(self, raw: bytes, at: int) -> None:
        """`DA:line,hits[,checksum]` on line `at`: by far the most frequent record."""
        text, _, rest = raw.partition(b",")
        hits_text = rest.partition(b",")[0] if b"," in rest else rest
        try:
            line, hits = self._numbers[text], self._hits[hits_text]
        except KeyError:
            line, hits = self._parse(text, hits_text, f"line {at}")
        if self._lines is not None and self._lines.get(line, -1) < hits:
            self._lines[line] = hits

    def _parse(self, text: bytes, hits_text: bytes, where: str) -> tuple[int, int]:
        line = number(_text(text), "the line number", where, MAX_LINE)
        line = self._numbers.setdefault(text, line)
        if hits_text.startswith(b"-"):
            # Counters of gcov can overflow; a line that says so was not shown to be hit.
            self.gathered.dropped.add("negative number of hits, read as 0", _text(hits_text))
            return line, 0
        hits = number(_text(hits_text), "the number of hits", where)
        return line, self._hits.setdefault(hits_text, hits)

    def record(self, line: bytes, where: str) -> None:
        """Any other line."""
        name, _, rest = line.partition(b":")
        if name == b"SF":
            self.start(rest, where)
        elif name in {b"DA", b"BRDA"}:
            if not self.open:
                raise AuthorFault(f"{where}: {_shown(line)} before any 'SF:'")
            self.branch(rest, where)
        elif line == b"end_of_record":
            self.end(where)
        elif line and not line.startswith(b"#") and not _RECORD.match(line):
            raise AuthorFault(f"{where}: {_shown(line)} is no LCOV record")

    def branch(self, raw: bytes, where: str) -> None:
        """`BRDA:line,[e]block,branch,taken`; a branch may be named by an expression with commas."""
        line_text, _, rest = raw.partition(b",")
        name, _, taken = rest.rpartition(b",")
        if b"," not in name:
            raise AuthorFault(f"{where}: {_shown(raw)} is not like 'BRDA:12,0,1,3'")
        line = number(_text(line_text), "the line number", where, MAX_LINE)
        hit = taken != b"-" and number(_text(taken), "the branch's count", where) > 0
        if self._lines is None or not line:
            return
        self._touched.add(line)
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
        for line in self._touched:
            branches = self._current[line]
            merge_branches(self._branches, line, sum(branches.values()), len(branches))
        self._touched.clear()
        self.open = False
        self._lines = None


def _recognises(head: bytes) -> bool:
    return _START.match(head) is not None and b"SF:" in head


def read(content: bytes, context: ReadContext) -> ReportContent:
    """The line and branch coverage of an LCOV tracefile. Raises AuthorFault."""
    reader = _Lcov(context)
    at = 0
    for at, raw in enumerate(io.BytesIO(content.removeprefix(b"\xef\xbb\xbf")), 1):
        line = raw.strip()
        if line.startswith(b"DA:") and reader.open:
            reader.data(line[3:], at)
        else:
            reader.record(line, f"line {at}")
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
