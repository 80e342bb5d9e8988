"""`suppressions.new`: findings of new code that its source tells the tool to ignore.

Only what tools report as suppressed can be counted: SARIF `suppressions` (semgrep's nosemgrep and others),
eslint's directives, pylint's suppressed-message, checkov's skips, trivy's and grype's ignores. Most linters
never report theirs; our presets (ruff, bandit, hadolint, mypy, pyright, shellcheck, codespell and others) run
them once more without heeding ignores, and mark what only then is found.
"""

from collections import Counter

from app.language import Name, NotApplicable, Unknown, Value, ValueType
from app.model import Kind
from app.policy.counting import count_new
from app.policy.gathering import Gathered
from app.policy.judged import Judged
from app.policy.newcode import Age, known_finding
from app.policy.protocol import Fact, Family

_KINDS = (Kind.FINDINGS, Kind.SECRETS)


def _new(judged: Judged) -> Value:
    declared = {kind for spec in judged.plan.checks if spec.required for kind in spec.produces}
    kinds = [kind for kind in _KINDS if kind in declared] or [Kind.FINDINGS]
    gathered = _united([judged.gather(kind) for kind in kinds])
    checks = {check.check: check for kind in kinds for check in judged.compared(kind)}
    by_age = Counter(one.age for one in judged.suppressed)
    return count_new(by_age, gathered, judged, tuple(checks.values()))


def _united(parts: list[Gathered]) -> Gathered:
    """What the checks of several kinds delivered, as if it were one."""
    lacking = [part.lacking for part in parts]
    unknown = next((one for one in lacking if isinstance(one, Unknown)), None)
    idle = next((one for one in lacking if isinstance(one, NotApplicable)), None)
    return Gathered(
        reports=tuple(report for part in parts for report in part.reports),
        keys=tuple(dict.fromkeys(key for part in parts for key in part.keys)),
        lacking=unknown or (idle if all(isinstance(one, NotApplicable) for one in lacking) else None),
    )


SUPPRESSIONS = Family(
    name="suppressions",
    doc="In-source ignores, as far as tools report them, over all required checks with findings or secrets.",
    facts={
        "suppressions.new": Fact(
            meaning=Name(
                type=ValueType.NUMBER,
                doc="New findings and secrets the source tells its tool to ignore; they count nowhere else.",
                fed_by=frozenset(_KINDS),
                gate_only=True,
            ),
            words="new in-source ignores",
            read=_new,
            things=lambda judged: (known_finding(one) for one in judged.suppressed if one.age is Age.NEW),
        ),
    },
)
