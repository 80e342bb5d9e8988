"""TAP, the Test Anything Protocol, 12 to 14: `1..N`, `ok 1 - name # SKIP why`, YAML, indented subtests.

https://testanything.org/tap-version-14-specification.html. A subtest's tests are counted; the line that
sums it up is one more test only where its producer counts it so (node: timed, and no `suite`), or where it
fails though none of them did. What is still to be done may fail and is then skipped. `Bail out!` is one
errored test.
"""

import io
import re
from collections.abc import Iterable

import msgspec

from app.model import AuthorFault, Kind, ReportContent, TestCase, TestOutcome
from app.reports.paths import Paths
from app.reports.protocol import MAX_LINE, Dropped, Format, ReadContext, number, too_many
from app.reports.tap_detail import Detail
from app.reports.text import both_ends, clean
from app.reports.text import line as one_line

_POINT = re.compile(r"(not )?ok\b(?:[ \t]+(\d{1,9}))?(?:[ \t]+-)?[ \t]*(.*)", re.DOTALL)
_PLAN = re.compile(r"1\.\.(\d{1,9})[ \t]*(?:#[ \t]*(.*))?", re.DOTALL)
# Producers write `# skipped`; what goes on after `todo` is another word.
_DIRECTIVE = re.compile(
    r"(?:\A|[ \t])#[ \t]*(?:(skip)\w{0,10}|(todo)\b):?[ \t]*(.*)", re.DOTALL | re.IGNORECASE
)
_TIME = re.compile(r"[ \t]#[ \t]*time=(\d{1,9}(?:\.\d{1,9})?)ms.*", re.DOTALL)
_ESCAPED = re.compile(r"\\([#\\])")
_FIRST = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:\s*+#[^\n]*+\n)*+\s*+"
    rb"(?:TAP version 1[234]\b|1\.\.\d{1,9}[ \t]*(?:#|\r?\n|\Z)|(?:not )?ok \d{1,9}\b)"
)
_HEADED = re.compile(rb"(?:\xef\xbb\xbf)?\s*+TAP version 13\b")
_BAIL = "Bail out!"
_INDENT = 4
_MAX_DEPTH = 64
_MAX_KEPT = 1_000_000
_HINT = "the file may have been cut off; write it whole before the check ends"
_UNNAMED = "(unnamed test)"


class _Point(msgspec.Struct):
    """One test line, what was written about it, and the tests it sums up."""

    name: str
    ok: bool
    directive: str = ""
    reason: str = ""
    seconds: float = 0.0
    opens: bool = False
    group: str = ""
    yaml: list[str] = msgspec.field(default_factory=list)
    comments: list[str] = msgspec.field(default_factory=list)
    within: list["_Point"] = msgspec.field(default_factory=list)

    @property
    def bad(self) -> bool:
        """Whether it counts against the run."""
        return not self.ok and not self.directive


def _point(text: str) -> _Point | None:
    match = _POINT.fullmatch(text)
    if match is None:
        return None
    name = match[3].rstrip()
    opens = name.endswith("{")
    point = _Point(name.removesuffix("{").rstrip() if opens else name, match[1] is None, opens=opens)
    if (said := _DIRECTIVE.search(point.name)) is not None:
        point.directive, point.reason = (said[1] or said[2]).lower(), said[3]
        point.name = point.name[: said.start()]
    elif (timed := _TIME.search(point.name)) is not None:
        point.seconds = float(timed[1]) / 1_000
        point.name = point.name[: timed.start()]
    point.name = one_line(_ESCAPED.sub(r"\1", point.name)) or (f"test {match[2]}" if match[2] else _UNNAMED)
    return point


class _Lines:
    """Lines made a tree of test lines; `levels[d]` are those d subtests deep that none has summed up yet."""

    def __init__(self, limit: int, *, headed: bool) -> None:
        self.planned: int | None = None
        self.met = 0
        self.bailed: str | None = None
        self.skipped = ""
        self._limit = limit
        self._headed = headed
        self._heading = ""
        self._levels: list[list[_Point]] = [[]]
        self._open: dict[int, _Point] = {}
        self._last: _Point | None = None
        self._yaml: int | None = None
        self._count = 0
        self._kept = 0

    def line(self, raw: str, where: str) -> None:
        """One more line. Raises AuthorFault."""
        text = raw.strip()
        indent = len(raw) - len(raw.lstrip(" "))
        if self._yaml is not None:
            if text == "..." and indent <= self._yaml:
                self._yaml = None
            elif self._last is not None:
                self._keep(self._last.yaml, raw[min(indent, self._yaml) :])
        elif text == "---":
            self._yaml = indent
        elif text.startswith("#"):
            self._comment(text, indent)
        elif text:
            self._statement(text, min(indent // _INDENT, _MAX_DEPTH), where)

    def _keep(self, lines: list[str], text: str) -> None:
        if self._kept < _MAX_KEPT:
            self._kept += 1
            lines.append(text)

    def _comment(self, text: str, indent: int) -> None:
        last = self._last
        if text.startswith("# Subtest"):
            # Names come with the lines that sum up.
            self._headed = False
        elif last is not None and not last.ok and not last.yaml:
            self._keep(last.comments, text[1:])
        elif self._headed and not indent:
            # tape names a test by a comment, and then its assertions.
            self._heading = text[1:].strip()

    def _statement(self, text: str, depth: int, where: str) -> None:
        plan = _PLAN.fullmatch(text)
        if plan is not None:
            if not depth:
                self.planned = (self.planned or 0) + number(plan[1], "the plan", where)
                self.skipped = plan[2] or ""
        elif text.startswith(_BAIL):
            self.bailed = text.removeprefix(_BAIL).strip()
        elif text == "}" and depth in self._open:
            self._open.pop(depth).within = self._beneath(depth)
        elif (point := _point(text)) is not None:
            self._add(point, depth)
        # What is neither is output of the program under test, which TAP tells us to pass over.

    def _add(self, point: _Point, depth: int) -> None:
        self._count += 1
        if self._count > self._limit:
            raise too_many("tests", self._limit)
        within = self._beneath(depth)
        if point.opens:
            self._open[depth] = point
        else:
            point.within = within
        if not depth:
            self.met += 1
            point.group = self._heading if self._headed else ""
        while len(self._levels) <= depth:
            self._levels.append([])
        self._levels[depth].append(point)
        self._last = point

    def _beneath(self, depth: int) -> list[_Point]:
        """All that stands deeper and has not been summed up."""
        found = [point for level in self._levels[depth + 1 :] for point in level]
        del self._levels[depth + 1 :]
        return found

    def all(self) -> list[_Point]:
        """The whole tree, subtests that were never summed up included."""
        return [point for level in self._levels for point in level]


class _Cases:
    """The tree made test cases."""

    def __init__(self, context: ReadContext) -> None:
        self.tests: list[TestCase] = []
        self.dropped = Dropped()
        self._paths = Paths(context)

    def add(self, points: Iterable[_Point], names: tuple[str, ...] = ()) -> bool:
        """Add all beneath; whether any of them failed."""
        failed = False
        for point in points:
            detail = Detail(point.yaml)
            within = self.add(point.within, (*names, point.name)) if point.within else False
            if not point.within or detail.is_test or (point.bad and not within):
                self._case(point, detail, (point.group,) if point.group else names)
            failed = failed or within or point.bad
        return failed

    def _case(self, point: _Point, detail: Detail, names: tuple[str, ...]) -> None:
        outcome = TestOutcome.PASSED if point.ok else TestOutcome.FAILED
        if point.directive == "skip" or (point.directive and not point.ok):
            outcome = TestOutcome.SKIPPED
        comments = "\n".join(point.comments)
        bad = outcome is TestOutcome.FAILED
        path, at = self._where(detail)
        self.tests.append(
            TestCase(
                name=point.name,
                classname=one_line(" > ".join(names)),
                outcome=outcome,
                seconds=point.seconds or detail.seconds,
                message=clean(point.reason or ((detail.message or comments) if bad else "")),
                output=both_ends("\n".join(point.yaml) or comments) if bad else "",
                path=path,
                line=at,
            )
        )

    def _where(self, detail: Detail) -> tuple[str, int]:
        raw, at = detail.place
        if not raw:
            return "", 0
        place = self._paths.place(raw)
        if not place.path:
            self.dropped.add(f"file of a test {place.why.value}", raw)
            return "", 0
        return place.path, at if 0 < at <= MAX_LINE else 0


def _recognises(head: bytes) -> bool:
    return _FIRST.match(head) is not None


def read(content: bytes, context: ReadContext) -> ReportContent:
    """The tests of a TAP stream. Raises AuthorFault, also where fewer or more are there than were planned."""
    lines = _Lines(context.limits.tests, headed=_HEADED.match(content) is not None)
    for at, raw in enumerate(io.BytesIO(content.removeprefix(b"\xef\xbb\xbf")), 1):
        lines.line(raw.decode("utf-8", "replace").rstrip("\r\n"), f"line {at}")
        if lines.bailed is not None:
            break
    cases = _Cases(context)
    cases.add(lines.all())
    if lines.bailed is not None:
        cases.tests.append(
            TestCase(name=_BAIL, outcome=TestOutcome.ERRORED, message=clean(lines.bailed) or _BAIL)
        )
    elif lines.planned is None:
        raise AuthorFault("it holds no plan like '1..3'", hint=_HINT)
    elif lines.planned != lines.met:
        raise AuthorFault(f"{lines.planned} tests are planned, but {lines.met} are in it", hint=_HINT)
    elif not lines.planned:
        cases.dropped.add("run without a test", lines.skipped)
    return ReportContent(
        format="tap", kind="tests", tests=tuple(cases.tests), dropped=cases.dropped.sentences()
    )


TAP = Format(name="tap", title="TAP", kind=Kind.TESTS, recognises=_recognises, read=read)
