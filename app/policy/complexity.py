"""`complexity.new_max`: how complex the worst function is that the change writes or edits."""

from fractions import Fraction

import msgspec

from app.language import Known, Name, NotApplicable, Unknown, Value, ValueType
from app.model import Evidence, FunctionComplexity, Kind, Plan
from app.policy.judged import Judged
from app.policy.linemap import new_lines
from app.policy.newcoverage import is_generated
from app.policy.protocol import Fact, Family
from app.policy.required import required_reports


class TouchedFunction(msgspec.Struct, frozen=True, kw_only=True):
    """A function of one check's reports (by key) with at least one new line."""

    check: str
    function: FunctionComplexity


def touched_functions(plan: Plan, evidence: Evidence) -> tuple[TouchedFunction, ...]:
    """The functions that the change writes or edits, the most complex first; generated files left out."""
    lines = new_lines(evidence.comparison)
    found = [
        TouchedFunction(check=key, function=function)
        for key, report in required_reports(plan, evidence)
        for function in report.functions
        if (new := lines.get(function.path)) is not None
        and new.touches(function.line, function.end_line)
        and not is_generated(plan, function.path)
    ]
    found.sort(key=lambda one: (-one.function.complexity, one.function.path, one.function.line))
    return tuple(found)


def _new_max(judged: Judged) -> Value:
    gathered = judged.gather(Kind.COMPLEXITY)
    if isinstance(gathered.lacking, NotApplicable):
        return gathered.lacking
    touched = touched_functions(judged.plan, judged.evidence)
    worst = Fraction(touched[0].function.complexity) if touched else None
    if isinstance(gathered.lacking, Unknown):
        return msgspec.structs.replace(gathered.lacking, at_least=worst)
    if worst is None:
        return NotApplicable(reason="no function was written or edited")
    return Known(value=worst, checks=gathered.keys)


COMPLEXITY = Family(
    name="complexity",
    doc="McCabe's cyclomatic complexity of functions, over all required checks that report it.",
    facts={
        "complexity.new_max": Fact(
            meaning=Name(
                type=ValueType.NUMBER,
                doc="Complexity of the most complex function with a new line; exempt where there is none.",
                kinds=frozenset({Kind.COMPLEXITY}),
                gate_only=True,
            ),
            words="complexity of the worst written or edited function",
            read=_new_max,
        ),
    },
)
