"""What tests of comparisons with base share."""

from collections.abc import Iterable

import msgspec

from app.model import (
    Baseline,
    BaselineState,
    CheckEvidence,
    CheckResult,
    FileChange,
    Finding,
    Kind,
    Plan,
    ReportContent,
    Verdict,
)
from app.policy import evaluate
from tests.unit.policy.world import C, check, ended, evidence, file, outcome_of, plan

NEW = "findings('high', 'new') == 0"
LINT = check("lint", Kind.FINDINGS)
TEST = check("test", Kind.TESTS)
COV = check("test", Kind.COVERAGE)
EDITED = file("a.py", (1, 3))


def ready(key: str, *reports: ReportContent) -> Baseline:
    return Baseline(key=key, state=BaselineState.READY, origin="base run of main@abc1234", reports=reports)


def outstanding(key: str) -> Baseline:
    return Baseline(key=key, state=BaselineState.OUTSTANDING)


def impossible(key: str, reason: str = "ruff fails on main") -> Baseline:
    return Baseline(key=key, state=BaselineState.IMPOSSIBLE, reason=reason)


def content(*some: Finding, **fields: object) -> ReportContent:
    given = {"format": "ruff", "kind": "findings", "tool": "ruff", "findings": some} | fields
    return ReportContent(**given)  # type: ignore[arg-type]


def judge(
    text: str,
    *baselines: Baseline,
    reports: Iterable[CheckEvidence],
    of: Plan,
    results: tuple[CheckResult, ...] = (),
    files: Iterable[FileChange] = (EDITED,),
) -> Verdict:
    ran = results or tuple(ended(spec.key, C.SUCCESS, *spec.produces) for spec in of.checks)
    given = evidence(*ran, reports=reports, files=files, baselines=baselines)
    return evaluate(msgspec.structs.replace(of, gate=plan(gate=[text]).gate), given)


def linted(text: str, *some: Finding, base: Baseline | None = None, **fields: object) -> Verdict:
    reports = [CheckEvidence(key="lint", reports=(content(*some, **fields),))]
    return judge(text, *([base] if base else []), reports=reports, of=plan(LINT))


def says(verdict: Verdict, text: str) -> str:
    return outcome_of(verdict, text).says
