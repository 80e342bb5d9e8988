"""Evidence that base has and this change lacks: a report, a flag, a scanner."""

from collections import Counter
from collections.abc import Iterable, Sequence

from app.model import Baseline, BaselineState, CheckEvidence, Evidence, ReportContent

REPORT = {
    "tests": "test report",
    "findings": "findings report",
    "coverage": "coverage report",
    "secrets": "secrets report",
    "duplication": "duplication report",
    "complexity": "complexity report",
    "licences": "licence report",
}
"""What people call a report of each kind."""

_Like = tuple[str, str, str, str]


def lost_reports(evidence: Evidence, kind: str, keys: Iterable[str]) -> tuple[str, ...]:
    """Sentences on what the given checks reported on base and do not report here, of one kind.

    Reports are alike by format, flag and tool, so that files may be called otherwise. Of test reports one
    per class is usual: there only the last one counts, the tests themselves are compared.
    """
    wanted = set(keys)
    here = {one.key: one for one in evidence.reports}
    return tuple(
        sentence
        for baseline in evidence.baselines
        if baseline.key in wanted and baseline.state is BaselineState.READY
        for sentence in _lost(baseline, here.get(baseline.key), kind, evidence.change.base_ref)
    )


def _lost(baseline: Baseline, here: CheckEvidence | None, kind: str, base: str) -> list[str]:
    there = [report for report in baseline.reports if report.kind == kind]
    ours = [report for report in here.reports if report.kind == kind] if here is not None else []
    left = Counter(map(_like, ours))
    sentences = []
    for like, number in Counter(map(_like, there)).items():
        if left[like] >= number or (kind == "tests" and left[like]):
            continue
        sentences.append(f"{baseline.key}: {base} has {_named(like, there)}, this change has not")
    return sentences


def _like(report: ReportContent) -> _Like:
    return report.kind, report.format, report.flag, report.tool


def _named(like: _Like, reports: Sequence[ReportContent]) -> str:
    kind, _, flag, tool = like
    path = next(report.path for report in reports if _like(report) == like)
    by = f" of {tool}" if tool and kind != "tests" else ""
    which = f" with flag {flag}" if flag else f" {path}" if path else ""
    return f"a {REPORT[kind]}{by}{which}"
