"""coverage.py's `coverage json`: executed and missing lines and branches of each file, and totals.

A branch is an arc from a line to another (negative = out of the function or module that starts there).
"""

import msgspec

from app.model import AuthorFault, Kind, ReportContent
from app.reports.coverage import Branches, Gathered, Lines, merge_branches
from app.reports.jsontext import decode
from app.reports.paths import Paths
from app.reports.protocol import MAX_LINE, Format, ReadContext
from app.reports.shape import has
from app.reports.text import line as one_line
from app.reports.text import quoted

_HINT = "write it with 'coverage json'"

_LINES = ("executed_lines", "missing_lines")
_ARCS = ("executed_branches", "missing_branches")

Arcs = list[tuple[int, int]]


class _File(msgspec.Struct, gc=False):
    executed_lines: list[int]
    missing_lines: list[int]
    executed_branches: Arcs | None = None
    missing_branches: Arcs | None = None


class _Totals(msgspec.Struct, gc=False):
    covered_lines: int
    num_statements: int
    covered_branches: int = 0
    num_branches: int = 0


class _Meta(msgspec.Struct, gc=False):
    version: str = ""


class _Report(msgspec.Struct, gc=False):
    meta: _Meta
    files: dict[str, _File]
    totals: _Totals


_DECODER = msgspec.json.Decoder(_Report)


def _put(file: _File, name: str, lines: Lines, branches: Branches) -> None:
    for numbers, hits in ((file.missing_lines, 0), (file.executed_lines, 1)):
        if numbers and not (min(numbers) >= 0 and max(numbers) <= MAX_LINE):
            raise AuthorFault(f"{quoted(name)}: a line number is not from 0 to {MAX_LINE}")
        for at in numbers:
            lines[at] = max(lines.get(at, 0), hits)
    arcs: dict[int, list[int]] = {}
    for leaving, covered in ((file.executed_branches, 1), (file.missing_branches, 0)):
        for start, _ in leaving or ():
            if not 0 <= start <= MAX_LINE:
                raise AuthorFault(f"{quoted(name)}: a branch leaves line {start}, which no file has")
            arcs.setdefault(start, []).append(covered)
    for start, found in arcs.items():
        merge_branches(branches, start, sum(found), len(found))


def _counted(report: _Report) -> tuple[int, int, int, int]:
    files = report.files.values()
    covered, missing = (sum(len(getattr(file, name)) for file in files) for name in _LINES)
    taken, left = (sum(len(getattr(file, name) or ()) for file in files) for name in _ARCS)
    return covered, covered + missing, taken, taken + left


def _recognises(head: bytes) -> bool:
    return has(head, "meta.version", "meta.branch_coverage", "files")


def read(content: bytes, context: ReadContext) -> ReportContent:
    """The line and branch coverage of a run. Raises AuthorFault, also where totals are not those of the
    files: then something was cut away.
    """
    report = decode(_DECODER, content, "coverage.py", _HINT)
    said = report.totals
    counted = _counted(report)
    if counted != (said.covered_lines, said.num_statements, said.covered_branches, said.num_branches):
        raise AuthorFault(
            f"its totals say {said.covered_lines} of {said.num_statements} lines and "
            f"{said.covered_branches} of {said.num_branches} branches, its files {counted[0]} of "
            f"{counted[1]} and {counted[2]} of {counted[3]}",
            hint=_HINT,
        )
    paths, gathered = Paths(context), Gathered(context.limits)
    for name, file in report.files.items():
        target = gathered.file(paths.place(name, search=True), name)
        if target is not None:
            _put(file, name, *target)
    return ReportContent(
        format="coverage_py",
        kind="coverage",
        tool="coverage.py",
        tool_version=one_line(report.meta.version, 50),
        coverage=gathered.files(),
        dropped=gathered.dropped.sentences(),
    )


COVERAGE_PY = Format(
    name="coverage_py", title="coverage.py JSON", kind=Kind.COVERAGE, recognises=_recognises, read=read
)
