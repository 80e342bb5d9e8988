"""`checks.passed` and `checks.<id>.…`: how checks ended."""

import math
from fractions import Fraction
from typing import TypeVar

import msgspec

from app.language import Globs, Known, Name, NotApplicable, Unknown, Value, ValueType, combine
from app.model import (
    CheckResult,
    CheckSpec,
    Conclusion,
    Outcome,
    OutcomeValue,
    Status,
    UnknownCause,
)
from app.policy.judged import GOOD, Judged
from app.policy.protocol import CheckFact, Fact, Family

_WORST_FIRST = (
    Conclusion.FAILURE,
    Conclusion.TIMED_OUT,
    Conclusion.CANCELLED,
    Conclusion.ERROR,
    Conclusion.SKIPPED,
    Conclusion.SUCCESS,
    Conclusion.NOT_NEEDED,
)
_ENDED = {
    Conclusion.SUCCESS: "passed",
    Conclusion.FAILURE: "failed",
    Conclusion.ERROR: "could not be judged",
    Conclusion.CANCELLED: "was cancelled",
    Conclusion.TIMED_OUT: "timed out",
    Conclusion.SKIPPED: "was skipped",
    Conclusion.NOT_NEEDED: "was not needed",
}
_LONGEST_NUMBER = 2**63
_Empty = TypeVar("_Empty", Known, NotApplicable)


def check_outcome(judged: Judged, spec: CheckSpec) -> Outcome:
    """Whether one check passed. A skipped one takes the value of what blocked it."""
    root = judged.root(spec.key)
    value, cause = _value(judged, spec.key, root)
    return Outcome(
        value=value,
        text=f"checks.{spec.id}.passed",
        says=_says(judged, spec.key, root),
        cause=cause,
        source=spec.source,
        checks=tuple(dict.fromkeys((spec.key, root))),
        kind="check",
    )


def _value(judged: Judged, key: str, root: str) -> tuple[OutcomeValue, UnknownCause]:
    result = judged.results.get(root)
    if result is None or result.status is not Status.COMPLETED:
        return OutcomeValue.UNKNOWN, UnknownCause.OUTSTANDING
    if result.conclusion in GOOD:
        if root != key:
            # what blocked it no longer does: it has yet to run, it has not passed
            return OutcomeValue.UNKNOWN, UnknownCause.OUTSTANDING
        return OutcomeValue.MET, UnknownCause.NONE
    if result.conclusion is Conclusion.ERROR:
        return OutcomeValue.UNKNOWN, UnknownCause.ERROR
    return OutcomeValue.UNMET, UnknownCause.NONE


def _says(judged: Judged, key: str, root: str) -> str:
    result = judged.results.get(key)
    if result is None:
        return f"{key} has not started"
    reason = f": {result.reason}" if result.reason else ""
    if result.status is not Status.COMPLETED or result.conclusion is None:
        return f"{key} is {result.status}{reason}"
    if result.conclusion is Conclusion.SKIPPED and root != key:
        return f"{key} was skipped (blocked by {root})"
    return f"{key} {_ENDED[result.conclusion]}{reason}"


def _joined(parts: tuple[Outcome, ...], *, good: str) -> Known | Unknown:
    """Whether all the parts are met, as one value that keeps them."""
    value, cause = combine("all", [(part.value, part.cause) for part in parts])
    checks = tuple(dict.fromkeys(key for part in parts for key in part.checks))
    if value is OutcomeValue.UNKNOWN:
        reason = "; ".join(part.says for part in parts if part.cause is cause)
        return Unknown(cause=cause, reason=reason, checks=checks, parts=parts)
    bad = "; ".join(part.says for part in parts if part.value is OutcomeValue.UNMET)
    met = value is OutcomeValue.MET
    return Known(value=met, says=good if met else bad, parts=parts, checks=checks)


def _all_passed(judged: Judged) -> Value:
    required = [spec for spec in judged.plan.checks if spec.required]
    if not required:
        what = "no required checks" if judged.plan.checks else "no checks declared"
        return Known(value=True, says=what)
    parts = tuple(check_outcome(judged, spec) for spec in required)
    return _joined(parts, good="all required checks passed")


def _passed(judged: Judged, check_id: str) -> Value:
    cells = judged.cells(check_id)
    if not cells:
        return _without_cells(judged, check_id, Known(value=True, says=f"{check_id} had nothing to run on"))
    parts = tuple(check_outcome(judged, spec) for spec in cells)
    good = parts[0].says if len(parts) == 1 else f"{check_id} passed"
    joined = _joined(parts, good=good)
    # one check is its own explanation: no tree of one
    return joined if len(parts) > 1 else msgspec.structs.replace(joined, parts=())


def _without_cells(judged: Judged, check_id: str, empty: _Empty) -> _Empty | Unknown:
    """A matrix that came out empty had nothing to do; any other unknown id is our mistake."""
    if check_id in judged.plan.empty_checks:
        return empty
    return Unknown(cause=UnknownCause.ERROR, reason=f"the plan has no check '{check_id}'")


def _ended(judged: Judged, check_id: str) -> list[CheckResult] | Unknown | NotApplicable:
    """The results of all cells once all have ended."""
    cells = judged.cells(check_id)
    if not cells:
        return _without_cells(judged, check_id, NotApplicable(reason="nothing to run on"))
    results = [judged.results.get(spec.key) for spec in cells]
    ended = [one for one in results if one is not None and one.status is Status.COMPLETED]
    if len(ended) == len(cells):
        return ended
    done = {result.key for result in ended}
    waits = tuple(spec.key for spec in cells if spec.key not in done)
    return Unknown(cause=UnknownCause.OUTSTANDING, reason=f"waits for {', '.join(waits)}", checks=waits)


def _conclusion(judged: Judged, check_id: str) -> Value:
    ended = _ended(judged, check_id)
    if not isinstance(ended, list):
        return ended
    conclusions = [result.conclusion or Conclusion.ERROR for result in ended]
    worst = min(conclusions, key=_WORST_FIRST.index)
    return Known(value=worst.value, checks=tuple(result.key for result in ended))


def _seconds(judged: Judged, check_id: str) -> Value:
    ended = _ended(judged, check_id)
    if not isinstance(ended, list):
        return ended
    seconds = [number for result in ended if (number := _number(result.seconds)) is not None]
    if not seconds:
        return NotApplicable(reason=f"{check_id} did not run")
    return Known(value=max(seconds), checks=tuple(result.key for result in ended))


def _config_changed(judged: Judged, check_id: str) -> Value:
    cells = judged.cells(check_id)
    if not cells:
        return _without_cells(judged, check_id, NotApplicable(reason="nothing to run on"))
    # outside a workdir it is another tool's, but what lies above may be inherited: all of the name count
    configuring = Globs(tuple(dict.fromkeys(glob for cell in cells for glob in cell.config_files)))
    named = judged.evidence.configuring.get(check_id, ())
    edited = [path for path in judged.paths if configuring.matches(path) or path in (named or ())]
    if named is None and not edited:
        reason = f"which files configure {check_id} cannot be told: among them is a link or a very large file"
        return Unknown(cause=UnknownCause.MISSING, reason=reason)
    says = f"changes {', '.join(edited[:3])}" + (f" and {len(edited) - 3} more" if len(edited) > 3 else "")  # noqa: PLR2004 - as many as are read at a glance
    return Known(value=bool(edited), says=says if edited else "no file that configures it is changed")


def read_output(judged: Judged, check_id: str, name: str) -> Value:
    """`checks.<id>.out.<name>`: a scalar of the outputs file; cells that differ make it unknown."""
    ended = _ended(judged, check_id)
    if not isinstance(ended, list):
        return ended
    ran = [result for result in ended if result.conclusion is not Conclusion.NOT_NEEDED]
    if not ran:
        return NotApplicable(reason=f"{check_id} was not needed")
    keys = tuple(result.key for result in ran)
    errors = [result for result in ran if _erred(judged, result)]
    if errors:
        reason = f"{errors[0].key} could not be judged"
        return Unknown(cause=UnknownCause.ERROR, reason=reason, checks=keys)
    values = [_output(result.outputs.get(name)) for result in ran]
    first = values[0]
    if first is None or any(value is None for value in values):
        reason = f"{check_id} gave no usable output '{name}'"
        return Unknown(cause=UnknownCause.MISSING, reason=reason, checks=keys)
    if any(value != first or type(value) is not type(first) for value in values):
        reason = f"the cells of {check_id} gave different '{name}'"
        return Unknown(cause=UnknownCause.MISSING, reason=reason, checks=keys)
    says = f"{name} of {check_id}: {'yes' if first is True else 'no'}" if isinstance(first, bool) else ""
    return Known(value=first, says=says, checks=keys)


def _erred(judged: Judged, result: CheckResult) -> bool:
    """Whether a check, or what blocked it, ended in an error of ours."""
    root = judged.results.get(judged.root(result.key), result)
    return root.conclusion is Conclusion.ERROR


def _output(value: str | float | bool | None) -> str | Fraction | bool | None:
    if isinstance(value, bool | str | None):
        return value
    return _number(value)


def _number(value: float | None) -> Fraction | None:
    """The decimal as written, exactly; None for what is no number of a sensible size."""
    if value is None or not math.isfinite(value) or abs(value) >= _LONGEST_NUMBER:
        return None
    return Fraction(str(value))


CHECKS = Family(
    name="checks",
    doc="How checks ended.",
    facts={
        "checks.passed": Fact(
            meaning=Name(
                type=ValueType.BOOL,
                doc="Every required check succeeded or was not needed. Always judged, listed or not.",
                gate_only=True,
            ),
            words="required checks",
            read=_all_passed,
        ),
    },
    per_check={
        "passed": CheckFact(
            meaning=Name(type=ValueType.BOOL, doc="All its cells succeeded or were not needed."),
            words="result of",
            read=_passed,
        ),
        "conclusion": CheckFact(
            meaning=Name(
                type=ValueType.TEXT,
                doc="How it ended; of several cells the worst.",
                choices=tuple(conclusion.value for conclusion in Conclusion),
            ),
            words="conclusion of",
            read=_conclusion,
        ),
        "seconds": CheckFact(
            meaning=Name(type=ValueType.DURATION, doc="How long it ran; of several cells the longest."),
            words="duration of",
            read=_seconds,
        ),
        "config_changed": CheckFact(
            meaning=Name(
                type=ValueType.BOOL,
                doc="Whether the change edits, adds or removes a file that configures its preset's tool.",
            ),
            words="configuration of",
            read=_config_changed,
        ),
    },
)
