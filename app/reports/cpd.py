"""PMD CPD's XML, which other tools write too (jscpd's `--reporters xml`): version 7 lists the files searched,
older ones and others only the clones, perhaps without their last lines.
"""

from app.model import AuthorFault, CloneBlock, Kind, ReportContent
from app.reports.clones import Clones
from app.reports.protocol import MAX_LINE, Format, ReadContext, number
from app.reports.text import quoted
from app.reports.xml import Attributes, XmlReader, root_element

_ROOT = "pmd-cpd"


class _Cpd:
    """Handlers that turn `duplication` elements into clones."""

    def __init__(self, context: ReadContext) -> None:
        self.clones = Clones(context)
        self.xml = XmlReader(self._start, self._end)
        self.version = ""
        self._blocks: list[CloneBlock | None] | None = None
        self._lines = 0

    def _start(self, name: str, attributes: Attributes) -> None:
        if name == "file":
            self._file(attributes)
        elif name == "duplication":
            self._blocks = []
            self._lines = self._number(attributes, "lines")
        elif name == "error":
            self.clones.dropped.add("file that CPD could not read", attributes.get("filename", ""))
        elif name == _ROOT:
            self.version = attributes.get("pmdVersion", "")

    def _end(self, name: str) -> None:
        if name == "duplication" and self._blocks is not None:
            self.clones.add(*self._blocks)
            self._blocks = None

    def _file(self, attributes: Attributes) -> None:
        path = attributes.get("path", "")
        if self._blocks is None:
            self.clones.searched(path, None)
            return
        first = self._number(attributes, "line")
        length = max(self._lines, 1)
        last = self._number(attributes, "endline") if "endline" in attributes else first + length - 1
        self._blocks.append(self.clones.block(path, first, last, self.xml.where))

    def _number(self, attributes: Attributes, name: str) -> int:
        return number(attributes.get(name, ""), quoted(name), self.xml.where, MAX_LINE)


def _recognises(head: bytes) -> bool:
    return root_element(head)[0] == _ROOT


def read(content: bytes, context: ReadContext) -> ReportContent:
    """The clones of a run of CPD. Raises AuthorFault."""
    name, _ = root_element(content)
    if name != _ROOT:
        raise AuthorFault(f"its root element is {quoted(name)}, not {quoted(_ROOT)}")
    reader = _Cpd(context)
    reader.xml.run(content)
    return reader.clones.report("cpd", "CPD", reader.version)


CPD = Format(name="cpd", title="PMD CPD XML", kind=Kind.DUPLICATION, recognises=_recognises, read=read)
