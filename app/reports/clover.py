"""Clover XML: OpenClover, PHPUnit, and istanbul, which writes other branch counts into the same attributes.

A `cond` line of Clover counts how often its condition was true and how often false: two branches.
istanbul writes into them how many branches were covered and how many were not. Which of the two it is,
the file's own `metrics` tell. `method` lines are counted apart from lines by all three, and here left out.
"""

from app.model import AuthorFault, Kind, ReportContent
from app.reports.coverage import Gathered, Lines, merge_branches
from app.reports.paths import Paths
from app.reports.protocol import MAX_LINE, Format, ReadContext, number
from app.reports.text import quoted
from app.reports.xml import Attributes, XmlReader, root_element

Conditions = list[tuple[int, int, int]]
"""Line, `truecount`, `falsecount`."""

_ISTANBUL = "3.2.0"


class _Clover:
    """Handlers that turn `line` elements into coverage."""

    def __init__(self, context: ReadContext) -> None:
        self.gathered = Gathered(context.limits)
        self.xml = XmlReader(self._start, self._end)
        self._paths = Paths(context)
        self._istanbul = False
        self._target: tuple[Lines, dict[int, tuple[int, int]]] | None = None
        self._conditions: Conditions = []
        self._said: tuple[int, int] | None = None
        self._numbers: dict[str, int] = {}

    def _start(self, name: str, attributes: Attributes) -> None:
        if name == "line":
            if self._target is not None and attributes.get("type") != "method":
                self._line(self._target[0], attributes)
        elif name == "file":
            self._open_file(attributes)
        elif name == "metrics":
            # Those of the file come before those of its classes.
            if self._said is None and "conditionals" in attributes and "coveredconditionals" in attributes:
                self._said = (
                    self._number(attributes, "coveredconditionals"),
                    self._number(attributes, "conditionals"),
                )
        elif name == "coverage":
            self._istanbul = attributes.get("clover") == _ISTANBUL

    def _end(self, name: str) -> None:
        if name == "file":
            self._close_file()

    def _open_file(self, attributes: Attributes) -> None:
        raw = attributes.get("path") or attributes.get("name", "")
        if not raw:
            raise AuthorFault(f"{self.xml.where}: a file without a name")
        self._close_file()
        self._target = self.gathered.file(self._paths.place(raw, search=True), raw)
        self._said = None

    def _line(self, lines: Lines, attributes: Attributes) -> None:
        at = self._number(attributes, "num", MAX_LINE)
        hits = self._number(attributes, "count") if "count" in attributes else 0
        if attributes.get("type") == "cond":
            yes, no = self._number(attributes, "truecount"), self._number(attributes, "falsecount")
            self._conditions.append((at, yes, no))
            if "count" not in attributes:
                hits = yes + no
        if lines.get(at, -1) < hits:
            lines[at] = hits

    def _close_file(self) -> None:
        """Only now it is sure what the numbers of its conditions mean."""
        conditions, self._conditions = self._conditions, []
        target, self._target = self._target, None
        if target is None or not conditions:
            return
        as_counts = [(at, (yes > 0) + (no > 0), 2) for at, yes, no in conditions]
        as_branches = [(at, yes, yes + no) for at, yes, no in conditions]
        fits = [
            self._said == (sum(covered for _, covered, _ in read_), sum(total for _, _, total in read_))
            for read_ in (as_counts, as_branches)
        ]
        istanbul = fits[1] if fits[0] != fits[1] else self._istanbul
        for at, covered, total in as_branches if istanbul else as_counts:
            merge_branches(target[1], at, covered, total)

    def _number(self, attributes: Attributes, name: str, limit: int = 2**53) -> int:
        text = attributes.get(name, "")
        known = self._numbers.get(text)
        if known is None or known > limit:
            known = self._numbers[text] = number(text, quoted(name), self.xml.where, limit)
        return known


def _recognises(head: bytes) -> bool:
    name, attributes = root_element(head)
    return name == "coverage" and "generated" in attributes and "line-rate" not in attributes


def read(content: bytes, context: ReadContext) -> ReportContent:
    """The line and branch coverage of a Clover file. Raises AuthorFault."""
    name, _ = root_element(content)
    if name != "coverage":
        raise AuthorFault(f"its root element is {quoted(name)}, not 'coverage'")
    reader = _Clover(context)
    reader.xml.run(content)
    return ReportContent(
        format="clover",
        kind="coverage",
        coverage=reader.gathered.files(),
        dropped=reader.gathered.dropped.sentences(),
    )


CLOVER = Format(name="clover", title="Clover XML", kind=Kind.COVERAGE, recognises=_recognises, read=read)
