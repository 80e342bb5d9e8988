"""Cobertura XML: coverage.py, gcovr, istanbul, coverlet, cargo-llvm-cov.

`filename` counts from one of `sources`, which are paths of the machine it was written on; branches are
in `condition-coverage="50% (1/2)"`. The lines of `methods` repeat those of the class.
"""

import re

from app.model import AuthorFault, Kind, ReportContent
from app.reports.coverage import Branches, Gathered, Lines, merge_branches
from app.reports.paths import Paths
from app.reports.protocol import MAX_LINE, Format, ReadContext, number
from app.reports.text import line as one_line
from app.reports.text import quoted
from app.reports.xml import Attributes, StartHandler, XmlReader, root_element

_CONDITIONS = re.compile(r"\((\d{1,9})/(\d{1,9})\)", re.ASCII)
_MAX_SOURCES = 1_000


class _Cobertura:
    """Handlers that gather the `line` elements of each class, to be counted together: half a million of
    them leave time for one short call each.
    """

    def __init__(self, context: ReadContext) -> None:
        self.gathered = Gathered(context.limits)
        self.version = ""
        self._found: list[Attributes] = []
        self.xml = XmlReader(self._handler(), self._end)
        self._paths = Paths(context)
        self._sources: list[str] = []
        self._lines: Lines | None = None
        self._branches: Branches = {}
        # Numbers repeat over files: parsed once each, and one object keeps 500,000 lines within 20 MB.
        self._numbers: dict[str, int] = {}
        self._hits: dict[str, int] = {}
        self._known: dict[str, tuple[int, int]] = {}

    def _handler(self) -> StartHandler:
        keep, other = self._found.append, self._start_other

        def start(name: str, attributes: Attributes) -> None:
            if name == "line":
                keep(attributes)
            else:
                other(name, attributes)

        return start

    def read(self, content: bytes) -> None:
        """Read the whole document. Raises AuthorFault."""
        self.xml.run(content)
        self._count()

    def _count(self) -> None:
        """Put down the lines of the class that ends; of two entries the larger number of hits counts."""
        found, lines = self._found, self._lines
        if lines is not None and found:
            try:
                counted = self._numbered(found)
            except KeyError:
                for attributes in found:
                    self._parse(attributes)
                counted = self._numbered(found)
            if lines or len(counted) != len(found):
                for attributes in found:
                    at, hits = self._numbers[attributes["number"]], self._hits[attributes["hits"]]
                    if lines.get(at, -1) < hits:
                        lines[at] = hits
            else:
                lines.update(counted)
            for attributes in found:
                if "condition-coverage" in attributes:
                    text = attributes["condition-coverage"]
                    covered, total = self._known.get(text) or self._conditions(text)
                    merge_branches(self._branches, self._numbers[attributes["number"]], covered, total)
        found.clear()

    def _numbered(self, found: list[Attributes]) -> Lines:
        numbers, hits = self._numbers, self._hits
        return {numbers[one["number"]]: hits[one["hits"]] for one in found}

    def _start_other(self, name: str, attributes: Attributes) -> None:
        if name == "class":
            self._open_class(attributes)
        elif name == "source":
            self.xml.collect()
            self.xml.hear_ends(self._end)
        elif name == "coverage":
            self.version = one_line(attributes.get("version", ""), 50)

    def _end(self, name: str) -> None:
        if name == "source":
            source = self.xml.text().strip()
            if source and len(self._sources) < _MAX_SOURCES:
                self._sources.append(source)

    def roots(self) -> tuple[str, ...]:
        """The sources that are folders of the repository."""
        folders = (self._paths.folder(source) for source in self._sources)
        return tuple(dict.fromkeys(folder for folder in folders if folder is not None))

    def _open_class(self, attributes: Attributes) -> None:
        raw = attributes.get("filename", "")
        if not raw:
            raise AuthorFault(f"{self.xml.where}: a class without a filename")
        self._count()
        place = self._paths.place(raw, self._sources, search=True)
        target = self.gathered.file(place, raw)
        self._lines, self._branches = target if target is not None else (None, {})
        # Only ends of sources matter, and lines stand in classes alone.
        self.xml.hear_ends(None)

    def _parse(self, attributes: Attributes) -> None:
        text, hits_text = attributes.get("number", ""), attributes.get("hits", "")
        where = f"before {self.xml.where}"
        if text not in self._numbers:
            self._numbers[text] = number(text, "the line number", where, MAX_LINE)
        if hits_text not in self._hits:
            self._hits[hits_text] = number(hits_text, "the number of hits", where)

    def _conditions(self, text: str) -> tuple[int, int]:
        """Covered and all branches."""
        match = _CONDITIONS.search(text)
        if match is None or int(match[1]) > int(match[2]):
            where = f"before {self.xml.where}"
            raise AuthorFault(f"{where}: condition-coverage is {quoted(text)}, not like '50% (1/2)'")
        found = self._known[text] = int(match[1]), int(match[2])
        return found


def _recognises(head: bytes) -> bool:
    name, attributes = root_element(head)
    return name == "coverage" and "line-rate" in attributes


def read(content: bytes, context: ReadContext) -> ReportContent:
    """The line and branch coverage of a Cobertura file. Raises AuthorFault."""
    name, _ = root_element(content)
    if name != "coverage":
        raise AuthorFault(f"its root element is {quoted(name)}, not 'coverage'")
    reader = _Cobertura(context)
    reader.read(content)
    return ReportContent(
        format="cobertura",
        kind="coverage",
        tool_version=reader.version,
        coverage=reader.gathered.files(),
        dropped=reader.gathered.dropped.sentences(),
        roots=reader.roots(),
    )


COBERTURA = Format(
    name="cobertura", title="Cobertura XML", kind=Kind.COVERAGE, recognises=_recognises, read=read
)
