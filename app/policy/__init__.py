"""Evidence → verdict (pure): families of conditions, what is new, and the order of judging."""

from app.language import Standing
from app.policy.baseline import baselines_wanted
from app.policy.complexity import TouchedFunction, touched_functions
from app.policy.coverage import lost_coverage
from app.policy.duplication import FileDuplication, NewDuplication, new_duplication
from app.policy.flaky import WINDOW as FLAKY_WINDOW
from app.policy.flaky import FlakyTest, failed_keys, flaky_tests, former_keys, seen_flaky
from app.policy.gate import builtin_gate, expressions_in, expressions_of, gate_of
from app.policy.licences import DeniedPackage, denied_packages
from app.policy.linemap import HeadPlaces, NewLines, new_lines
from app.policy.newcode import Age, CheckFindings, TrackedFinding, Tracking, new_findings
from app.policy.newcoverage import FileNewCoverage, NewCoverage, is_generated, new_coverage
from app.policy.overriding import excusable, people_asked, uncovered
from app.policy.protocol import CheckFact, Fact, Family, Operation
from app.policy.registry import CONDITIONS, vocabulary
from app.policy.suites import compare_tests
from app.policy.verdict import (
    blocked_verdict,
    decide,
    errored_verdict,
    evaluate,
    merge_group_verdict,
    pending_verdict,
)
from app.policy.waiving import InForce, describe, in_force, waivers_of

__all__ = [
    "CONDITIONS",
    "FLAKY_WINDOW",
    "Age",
    "CheckFact",
    "CheckFindings",
    "DeniedPackage",
    "Fact",
    "Family",
    "FileDuplication",
    "FileNewCoverage",
    "FlakyTest",
    "HeadPlaces",
    "InForce",
    "NewCoverage",
    "NewDuplication",
    "NewLines",
    "Operation",
    "Standing",
    "TouchedFunction",
    "TrackedFinding",
    "Tracking",
    "baselines_wanted",
    "blocked_verdict",
    "builtin_gate",
    "compare_tests",
    "decide",
    "denied_packages",
    "describe",
    "errored_verdict",
    "evaluate",
    "excusable",
    "expressions_in",
    "expressions_of",
    "failed_keys",
    "flaky_tests",
    "former_keys",
    "gate_of",
    "in_force",
    "is_generated",
    "lost_coverage",
    "merge_group_verdict",
    "new_coverage",
    "new_duplication",
    "new_findings",
    "new_lines",
    "pending_verdict",
    "people_asked",
    "seen_flaky",
    "touched_functions",
    "uncovered",
    "vocabulary",
    "waivers_of",
]
