"""Cobertura XML: coverage.py, gcovr, istanbul, coverlet, cargo-llvm-cov.

`filename` counts from one of `sources`, which are paths of the machine it was written on; branches are
in `condition-coverage="50% (1/2)"`. The lines of `methods` repeat those of the class.
"""

import re

from app.model import AuthorFault, Kind, ReportContent
from app.reports.coverage import Gathered, merge_branches
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
        self._lines: dict[int, int] | None = None
        self._branches: dict[int, tuple[int, int]] = {}
        # Numbers repeat over files: one object each keeps 500,000 lines within 20 MB.
        self._numbers: dict[str, int] = {}

    def _start(self, name: str, attributes: Attributes) -> None:
        if name == "line":
            if self._lines is not None:
                self._line(attributes)
        elif name == "class":
            self._open_class(attributes)
        elif name == "source":
            self.xml.collect()
        elif name == "coverage":
            self.version = one_line(attributes.get("version", ""), 50)

    def _end(self, name: str) -> None:
        if name == "class":
            self._lines = None
        elif name == "source":
            source = self.xml.text().strip()
            if source and len(self._sources) < _MAX_SOURCES:
                self._sources.append(source)

    def _open_class(self, attributes: Attributes) -> None:
        raw = attributes.get("filename", "")
        if not raw:
            raise AuthorFault(f"{self.xml.where}: a class without a filename")
        place = self._paths.place(raw, self._sources, search=True)
        target = self.gathered.file(place, raw)
        self._lines, self._branches = target if target is not None else (None, {})

    def _line(self, attributes: Attributes) -> None:
        assert self._lines is not None  # noqa: S101 - the caller looked
        at = self._number(attributes.get("number", ""), "the line number", MAX_LINE)
        hits = self._number(attributes.get("hits", ""), "the number of hits")
        self.gathered.add_line(self._lines, at, hits)
        if "condition-coverage" in attributes and at:
            match = _CONDITIONS.search(attributes["condition-coverage"])
            if match is None or int(match[1]) > int(match[2]):
                said = quoted(attributes["condition-coverage"])
                raise AuthorFault(f"{self.xml.where}: condition-coverage is {said}, not like '50% (1/2)'")
            merge_branches(self._branches, at, int(match[1]), int(match[2]))

    def _number(self, text: str, what: str, limit: int = 2**53) -> int:
        known = self._numbers.get(text)
        if known is not None and known <= limit:
            return known
        value = self._numbers[text] = number(text, what, self.xml.where, limit)
        return value


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
    )


COBERTURA = Format(
    name="cobertura", title="Cobertura XML", kind=Kind.COVERAGE, recognises=_recognises, read=read
)
