"""JaCoCo XML: `package` / `sourcefile` / `line nr mi ci mb cb` (missed and covered instructions, branches).

A file is named by its package alone; where its sources lie is found in the tree: beneath `src/main/…` of
the module that a `group` names, or as the end of exactly one path. Kotlin may leave the first folders of
a package out. A line is covered if any instruction of it was run, as in JaCoCo's own `LINE` counter.
"""

from app.model import AuthorFault, Kind, ReportContent
from app.reports.coverage import Branches, Gathered, Lines, merge_branches
from app.reports.paths import Paths, Place
from app.reports.protocol import MAX_LINE, Format, ReadContext, number
from app.reports.text import quoted
from app.reports.xml import Attributes, XmlReader, root_element

_LANGUAGES = ("java", "kotlin", "scala", "groovy")
_MARKS = (b"-//JACOCO//", b"<sessioninfo ", b"<group name=", b"<package name=")
_SOURCES = tuple(f"src/main/{language}" for language in _LANGUAGES)


class _Jacoco:
    """Handlers that turn `line` elements into coverage."""

    def __init__(self, context: ReadContext) -> None:
        self.gathered = Gathered(context.limits)
        self.roots: dict[str, None] = {}
        self.xml = XmlReader(self._start, self._end)
        self._paths = Paths(context)
        self._groups: list[str] = []
        self._package = ""
        self._lines: Lines | None = None
        self._branches: Branches = {}
        # Numbers repeat over files: one object each.
        self._numbers: dict[str, int] = {}

    def _start(self, name: str, attributes: Attributes) -> None:
        if name == "line":
            if self._lines is not None:
                self._line(self._lines, attributes)
        elif name == "sourcefile":
            self._open_file(attributes.get("name", ""))
        elif name == "package":
            self._package = attributes.get("name", "").strip("/")
        elif name == "group":
            self._groups.append(attributes.get("name", ""))

    def _end(self, name: str) -> None:
        if name == "sourcefile":
            self._lines = None
        elif name == "group" and self._groups:
            self._groups.pop()

    def _open_file(self, name: str) -> None:
        if not name:
            raise AuthorFault(f"{self.xml.where}: a sourcefile without a name")
        raw = f"{self._package}/{name}" if self._package else name
        place = self._place(raw)
        if place.path.endswith(f"/{raw}"):
            self.roots[place.path.removesuffix(f"/{raw}")] = None
        target = self.gathered.file(place, raw)
        self._lines, self._branches = target if target is not None else (None, {})

    def _place(self, raw: str) -> Place:
        modules = dict.fromkeys([*(group for group in self._groups[-1:] if group), ""])
        for module in modules:
            bases = [f"{module}/{folder}".lstrip("/") for folder in _SOURCES]
            place = self._paths.place(raw, bases, search=not module)
            if self._paths.holds(place.path):
                return place
        if raw.endswith(".kt"):
            tail = raw
            while "/" in tail:
                tail = tail.partition("/")[2]
                found = self._paths.place(tail, search=True)
                if found.why or self._paths.holds(found.path):
                    return found
        return self._paths.place(raw, search=True)

    def _line(self, lines: Lines, attributes: Attributes) -> None:
        at = self._number(attributes, "nr", MAX_LINE)
        covered = self._number(attributes, "ci")
        if lines.get(at, -1) < covered:
            lines[at] = covered
        missed_branches, covered_branches = self._number(attributes, "mb"), self._number(attributes, "cb")
        if missed_branches or covered_branches:
            merge_branches(self._branches, at, covered_branches, missed_branches + covered_branches)

    def _number(self, attributes: Attributes, name: str, limit: int = MAX_LINE) -> int:
        text = attributes.get(name, "")
        known = self._numbers.get(text)
        if known is None:
            known = self._numbers[text] = number(text, quoted(name), self.xml.where, limit)
        return known


def _recognises(head: bytes) -> bool:
    return root_element(head)[0] == "report" and any(mark in head for mark in _MARKS)


def read(content: bytes, context: ReadContext) -> ReportContent:
    """The line and branch coverage of a JaCoCo report. Raises AuthorFault."""
    name, _ = root_element(content)
    if name != "report":
        raise AuthorFault(f"its root element is {quoted(name)}, not 'report'")
    reader = _Jacoco(context)
    reader.xml.run(content)
    return ReportContent(
        format="jacoco",
        kind="coverage",
        tool="jacoco",
        coverage=reader.gathered.files(),
        dropped=reader.gathered.dropped.sentences(),
        roots=tuple(reader.roots),
    )


JACOCO = Format(name="jacoco", title="JaCoCo XML", kind=Kind.COVERAGE, recognises=_recognises, read=read)
