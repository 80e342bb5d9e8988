"""jscpd's `--reporters json`: version 4 lists the files it searched, version 5 only counts their lines."""

import msgspec

from app.model import Kind, ReportContent
from app.reports.clones import Clones
from app.reports.jsontext import decode
from app.reports.protocol import Format, ReadContext
from app.reports.shape import has

_HINT = "run jscpd with '--reporters json'"


class _Place(msgspec.Struct, gc=False):
    name: str
    start: int
    end: int


class _Duplicate(msgspec.Struct, gc=False, rename="camel"):
    first_file: _Place
    second_file: _Place


class _Size(msgspec.Struct, gc=False):
    lines: int


class _Language(msgspec.Struct, gc=False):
    sources: dict[str, _Size] | int | None = None


class _Statistics(msgspec.Struct, gc=False):
    formats: dict[str, _Language]
    total: _Size


class _Report(msgspec.Struct, gc=False):
    duplicates: list[_Duplicate]
    statistics: _Statistics


_DECODER = msgspec.json.Decoder(_Report)


def _recognises(head: bytes) -> bool:
    return has(head, "duplicates[].firstFile") or has(head, "statistics.detectionDate")


def read(content: bytes, context: ReadContext) -> ReportContent:
    """The clones of a run of jscpd. Raises AuthorFault."""
    report = decode(_DECODER, content, "jscpd", _HINT)
    clones = Clones(context)
    for language in report.statistics.formats.values():
        if isinstance(language.sources, dict):
            for path, size in language.sources.items():
                clones.searched(path, size.lines)
    clones.searched_in_all(report.statistics.total.lines)
    for index, one in enumerate(report.duplicates):
        where = f"jscpd: $.duplicates[{index}]"
        clones.add(
            *(clones.block(at.name, at.start, at.end, where) for at in (one.first_file, one.second_file))
        )
    return clones.report("jscpd", "jscpd")


JSCPD = Format(name="jscpd", title="jscpd JSON", kind=Kind.DUPLICATION, recognises=_recognises, read=read)
