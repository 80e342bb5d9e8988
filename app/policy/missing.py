"""Evidence that base has and this change lacks: a report, a flag, a scanner."""

from collections.abc import Iterator, Sequence

import msgspec

from app.language import globs
from app.model import CheckSpec, Comparison, FileStatus, Kind, ReportContent, ReportSpec

REPORT = {
    "tests": "test report",
    "findings": "findings report",
    "coverage": "coverage report",
    "secrets": "secrets report",
    "duplication": "duplication report",
    "complexity": "complexity report",
    "licences": "licence report",
    "measures": "report of measures",
}
"""What people call a report of each kind."""

_Like = tuple[str, str, str]
_GLOB = frozenset("*?[")


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """A report that base has and this change has not, as a sentence. `optional`: the gate file lets the check
    leave it out.
    """

    says: str
    optional: bool


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """One check's reports here and on base, whose branch is `base_ref`."""

    spec: CheckSpec
    here: tuple[ReportContent, ...]
    there: tuple[ReportContent, ...]
    comparison: Comparison
    base_ref: str


def may_lose(spec: CheckSpec, kind: Kind) -> bool:
    """Whether a report of that kind could be gone without anybody noticing: nothing but base tells how many
    files a glob is to match. A path without a glob is missed by name, an optional one may be left out.
    """
    return any(
        not report.optional and _GLOB.intersection(report.path)
        for report in spec.reports
        if not report.kinds or kind in report.kinds
    )


def lost_reports(compared: Compared, kind: Kind) -> Iterator[Lost]:
    """What a check reported on base and does not report here, of one kind.

    Reports are alike by format, flag and tool, so that files may be called otherwise: each of base's has one
    here of the same path or, where none has, one that names files of it. One all of whose files are gone is
    not lost. Of test reports one per class is usual: there only the last one counts, the tests themselves
    are compared.
    """
    ours, theirs = _by_likeness(compared.here, kind), _by_likeness(compared.there, kind)
    all_ours = [report for reports in ours.values() for report in reports]
    gone: set[str] | None = None
    for like, reports in theirs.items():
        here = ours.get(like, [])
        if len(here) >= len(reports) or (kind is Kind.TESTS and here):
            continue
        gone = gone if gone is not None else _gone(all_ours, compared.comparison)
        alone, free = _unpaired(reports, here)
        lost = [report for report in alone if not ((named := _paths(report)) and named <= gone)]
        missing = len(lost) - free
        if missing <= 0:
            continue
        optional = [report for report in reports if _optional(compared.spec.reports, report)]
        says = f"{compared.spec.key}: {compared.base_ref} has {_named(lost[0])}, this change has not"
        yield Lost(says=says, optional=missing <= len(optional))


def _by_likeness(reports: Sequence[ReportContent], kind: Kind) -> dict[_Like, list[ReportContent]]:
    groups: dict[_Like, list[ReportContent]] = {}
    for report in reports:
        if kind.value in report.kinds:
            groups.setdefault(_like(report), []).append(report)
    return groups


def _unpaired(theirs: list[ReportContent], ours: list[ReportContent]) -> tuple[list[ReportContent], int]:
    """Base's reports that none of ours follows by its path or its files, and how many of ours follow none."""
    free = list(ours)
    left: list[ReportContent] = []
    for report in theirs:
        same = next((one for one in free if one.path and one.path == report.path), None)
        if same is None:
            left.append(report)
        else:
            free.remove(same)
    named = [_paths(report) for report in free]
    alone: list[ReportContent] = []
    for report in left:
        files = _paths(report)
        follows = next((one for one in named if not files.isdisjoint(one)), None)
        if follows is None:
            alone.append(report)
        else:
            named.remove(follows)
    return alone, len(named)


def _like(report: ReportContent) -> _Like:
    # a bill of materials may name its tool with its version
    return report.format, report.flag, "" if report.kind == Kind.LICENCES.value else report.tool


def _named(one: ReportContent) -> str:
    by = f" of {one.tool}" if one.tool and one.kind != "tests" else ""
    which = f" with flag {one.flag}" if one.flag else f" {one.path}" if one.path else ""
    return f"a {REPORT[one.kind]}{by}{which}"


def _gone(ours: Sequence[ReportContent], comparison: Comparison) -> set[str]:
    """The files of base that the change removes, or moves to where a report of this side names them."""
    named = {path for report in ours for path in _paths(report)}
    return {
        file.old_path or file.path
        for file in comparison.files
        if file.status is FileStatus.REMOVED or (file.status is FileStatus.RENAMED and file.path in named)
    }


def _paths(report: ReportContent) -> set[str]:
    """The files that a report names."""
    named = {
        *(file.path for file in report.coverage),
        *(finding.path for finding in report.findings),
        *(case.path for case in report.tests),
        *(function.path for function in report.functions),
        *(block.path for clone in report.clones for block in clone.blocks),
        *report.sizes,
    }
    return named - {""}


def _optional(declared: Sequence[ReportSpec], report: ReportContent) -> bool:
    """Whether all that it is declared as may be left out."""
    fitting = [one.optional for one in declared if declares(one, report)]
    return bool(fitting) and all(fitting)


def declares(declared: ReportSpec, report: ReportContent) -> bool:
    """Whether a report is one of those that a check declares by this path or glob."""
    if declared.flag != report.flag:
        return False
    path = declared.path.removeprefix("./").lstrip("/")
    return report.path == path or globs((f"/{path}",)).matches(report.path)
