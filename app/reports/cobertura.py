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
from app.reports.xml import Attributes, XmlReader, root_element

_CONDITIONS = re.compile(r"\((\d{1,9})/(\d{1,9})\)", re.ASCII)
_MAX_SOURCES = 1_000


class _Cobertura:
    """Handlers that turn `line` elements into coverage."""

    def __init__(self, context: ReadContext) -> None:
        self.gathered = Gathered(context.limits)
        self.version = ""
        self.xml = XmlReader(self._start, self._end)
        self._paths = Paths(context)
        self._sources: list[str] = []
        self._lines: Lines | None = None
        self._branches: Branches = {}
        # Numbers repeat over files: parsed once each, and one object keeps 500,000 lines within 20 MB.
        self._numbers: dict[str, int] = {}
        self._hits: dict[str, int] = {}

    def _start(self, name: str, attributes: Attributes) -> None:
        if name != "line":
            self._start_other(name, attributes)
            return
        lines = self._lines
        if lines is None:
            return
        try:
            at = self._numbers[attributes["number"]]
            hits = self._hits[attributes["hits"]]
        except KeyError:
            at, hits = self._parse(attributes)
        if lines.get(at, -1) < hits:
            lines[at] = hits
        if "condition-coverage" in attributes:
            self._conditions(at, attributes["condition-coverage"])

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
        place = self._paths.place(raw, self._sources, search=True)
        target = self.gathered.file(place, raw)
        self._lines, self._branches = target if target is not None else (None, {})
        # Only ends of sources matter, and lines stand in classes alone.
        self.xml.hear_ends(None)

    def _parse(self, attributes: Attributes) -> tuple[int, int]:
        text, hits_text = attributes.get("number", ""), attributes.get("hits", "")
        at = number(text, "the line number", self.xml.where, MAX_LINE)
        hits = number(hits_text, "the number of hits", self.xml.where)
        return self._numbers.setdefault(text, at), self._hits.setdefault(hits_text, hits)

    def _conditions(self, at: int, text: str) -> None:
        match = _CONDITIONS.search(text)
        if match is None or int(match[1]) > int(match[2]):
            where = self.xml.where
            raise AuthorFault(f"{where}: condition-coverage is {quoted(text)}, not like '50% (1/2)'")
        merge_branches(self._branches, at, int(match[1]), int(match[2]))


def _recognises(head: bytes) -> bool:
    name, attributes = root_element(head)
    return name == "coverage" and "line-rate" in attributes


def read(content: bytes, context: ReadContext) -> ReportContent:
    """The line and branch coverage of a Cobertura file. Raises AuthorFault."""
    name, _ = root_element(content)
    if name != "coverage":
        raise AuthorFault(f"its root element is {quoted(name)}, not 'coverage'")
    reader = _Cobertura(context)
    reader.xml.run(content)
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
