"""What tests of verdicts share: two checks, people in doubt, and judging them."""

from app.model import CheckResult, CheckSpec, Kind, People, Readable, Verdict, VerdictState
from app.policy import evaluate
from tests.unit.policy.world import C, check, ended, evidence, plan

PASSED, BLOCKED, PENDING, ERRORED = (
    VerdictState.PASSED,
    VerdictState.BLOCKED,
    VerdictState.PENDING,
    VerdictState.ERRORED,
)
LINT, TEST = check("lint"), check("test", Kind.TESTS, Kind.COVERAGE)
GOOD_TEST = ended("test", C.SUCCESS, Kind.TESTS, Kind.COVERAGE)
LATER = People(state=Readable.LATER, unreadable="GitHub answers 502")
REFUSED = People(state=Readable.REFUSED, unreadable="no permission to read reviews")
NOBODY = People(state=Readable.NOT_APPLICABLE)


def judge(
    gate: object = (), *results: CheckResult, checks: tuple[CheckSpec, ...] = (LINT,), **more: object
) -> Verdict:
    """A verdict with lint passed unless told otherwise; words of `plan` and `evidence` in `more`."""
    words = {name: more.pop(name) for name in ("mode", "missing", "blocked", "empty_checks") if name in more}
    listed = [gate] if isinstance(gate, str) or not isinstance(gate, list | tuple | None) else gate
    given = evidence(*(results or (ended("lint"),)), **more)  # type: ignore[arg-type]
    return evaluate(plan(*checks, gate=listed, **words), given)
