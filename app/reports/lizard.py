"""lizard's `--csv`: of its forms the one that tells where a function ends.

It begins with a line of names only where lizard is verbose, and is empty where there is no function.
"""

import csv
import re
from collections.abc import Iterator

from app.model import AuthorFault, FunctionComplexity, Kind, ReportContent
from app.reports.paths import Paths, Unplaced
from app.reports.protocol import MAX_LINE, Dropped, Format, ReadContext, number, too_many
from app.reports.text import line as one_line
from app.reports.text import quoted

_HINT = "run lizard with '--csv'"
_COLUMNS = 11
_CCN, _FILE, _NAME, _START, _END = 1, 6, 7, 9, 10
_NAMES = "NLOC"
# Four counts and a length; then the location, which names all that is told apart behind it.
_FIRST = re.compile(
    rb'\s*(?:NLOC,CCN,token,PARAM,|\d+,\d+,\d+,\d+,\d+,"[^"\n]{0,4000}@\d+-\d+@[^"\n]{1,4096}",")'
)
_MAX_COMPLEXITY = 1_000_000


def _recognises(head: bytes) -> bool:
    return _FIRST.match(head.removeprefix(b"\xef\xbb\xbf")) is not None


def _rows(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """Line numbers and fields. Raises AuthorFault for what is no CSV."""
    lines = content.decode("utf-8-sig", "replace").splitlines()
    reader = csv.reader(lines)
    try:
        for row in reader:
            if row and row[0] != _NAMES:
                yield reader.line_num, row
    except csv.Error as error:
        raise AuthorFault(f"line {reader.line_num}: {error}", hint=_HINT) from None


def read(content: bytes, context: ReadContext) -> ReportContent:
    """The cyclomatic complexity of each function. Raises AuthorFault."""
    dropped, paths = Dropped(), Paths(context)
    functions: list[FunctionComplexity] = []
    for at, row in _rows(content):
        where = f"line {at}"
        if len(row) < _COLUMNS:
            raise AuthorFault(f"{where}: {len(row)} fields where lizard writes {_COLUMNS}", hint=_HINT)
        place = paths.place(row[_FILE], search=True)
        if place.why is Unplaced.AMBIGUOUS:
            raise AuthorFault(
                f"{where}: {quoted(row[_FILE])} may mean several files",
                hint="run lizard at the repository's root",
            )
        if not place.path:
            dropped.add(f"function {place.why.value}", row[_FILE])
            continue
        if len(functions) >= context.limits.findings:
            raise too_many("functions", context.limits.findings)
        first, last = (number(row[column], "a line", where, MAX_LINE) for column in (_START, _END))
        functions.append(
            FunctionComplexity(
                path=place.path,
                name=one_line(row[_NAME]) or "(anonymous)",
                line=max(first, 1),
                end_line=max(first, last, 1),
                complexity=number(row[_CCN], "the complexity", where, _MAX_COMPLEXITY),
            )
        )
    return ReportContent(
        format="lizard",
        kind="complexity",
        tool="lizard",
        functions=tuple(functions),
        dropped=dropped.sentences(),
    )


LIZARD = Format(name="lizard", title="lizard CSV", kind=Kind.COMPLEXITY, recognises=_recognises, read=read)
