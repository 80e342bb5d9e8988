"""Arithmetic and comparison of values: exact fractions, intervals for incomplete counts."""

from fractions import Fraction

from app.language.nodes import ArithmeticOp, CompareOp
from app.language.protocol import Known, NotApplicable, Plain, Unknown, Value
from app.language.ternary import Bounds, bounds, join
from app.model import UnknownCause

LETTERS = "ABCDE"
"""The ratings, best first. Where only bounds of one are known they are places in this scale, A = 0."""
RATINGS = frozenset(LETTERS)

NEGATED: dict[CompareOp, CompareOp] = {
    "==": "!=",
    "!=": "==",
    "<": ">=",
    "<=": ">",
    ">": "<=",
    ">=": "<",
    "in": "not in",
    "not in": "in",
}
FLIPPED: dict[CompareOp, CompareOp] = {
    "==": "==",
    "!=": "!=",
    "<": ">",
    "<=": ">=",
    ">": "<",
    ">=": "<=",
}


def calculate(op: ArithmeticOp, left: Value, right: Value) -> Value:
    """`left op right`. What is not applicable makes the whole so; an unknown number keeps its bounds."""
    for side in (left, right):
        if isinstance(side, NotApplicable):
            return side
    one, other = bounds(left), bounds(right)
    if one is None or other is None:
        return _wrong(left if one is None else right, "a number")
    if op == "/" and other[0] == other[1] == 0:
        return Unknown(cause=UnknownCause.MISSING, reason="division by zero")
    low, high = _interval(op, one, other)
    if low is not None and low == high and isinstance(left, Known) and isinstance(right, Known):
        return Known(value=low)
    unknown = join((left, right))
    return Unknown(
        cause=unknown.cause, reason=unknown.reason, checks=unknown.checks, at_least=low, at_most=high
    )


def _interval(op: ArithmeticOp, left: Bounds, right: Bounds) -> Bounds:
    if op == "+":
        return _sum(left, right)
    if op == "-":
        return _sum(left, (_times(right[1], Fraction(-1)), _times(right[0], Fraction(-1))))
    if op == "/":
        # only division by a known number keeps bounds: an interval may straddle zero
        divisor = right[0]
        if divisor is None or divisor != right[1]:
            return None, None
        return _scale(left, 1 / divisor)
    for factor, scaled in ((right, left), (left, right)):
        if factor[0] is not None and factor[0] == factor[1]:
            return _scale(scaled, factor[0])
    return None, None


def _sum(left: Bounds, right: Bounds) -> Bounds:
    low = None if left[0] is None or right[0] is None else left[0] + right[0]
    high = None if left[1] is None or right[1] is None else left[1] + right[1]
    return low, high


def _scale(value: Bounds, factor: Fraction) -> Bounds:
    if factor == 0:
        return Fraction(0), Fraction(0)
    low, high = _times(value[0], factor), _times(value[1], factor)
    return (low, high) if factor > 0 else (high, low)


def _times(bound: Fraction | None, factor: Fraction) -> Fraction | None:
    return None if bound is None else bound * factor


def compare(op: CompareOp, left: Value, right: Value) -> Value:
    """`left op right` as a known truth value, unknown, or not applicable.

    Numbers are compared as intervals: known if constant on all they can be. Values of kinds that do
    not compare (an output of another type than its use) give unknown, never an error.
    """
    for side in (left, right):
        if isinstance(side, NotApplicable):
            return side
    if op in {"in", "not in"}:
        return _member(op, left, right)
    left, right = _placed(left, right), _placed(right, left)
    one, other = bounds(left), bounds(right)
    if one is not None and other is not None:
        truth = _decide(op, one, other)
        return join((left, right)) if truth is None else Known(value=truth)
    match left, right:
        case (Unknown(), _) | (_, Unknown()):
            return join((left, right))
        case Known(value=bool() as a), Known(value=bool() as b) if op in {"==", "!="}:
            return Known(value=(a == b) is (op == "=="))
        case Known(value=str() as c), Known(value=str() as d) if op in {"==", "!="}:
            return Known(value=(c == d) is (op == "=="))
        case Known(value=str() as c), Known(value=str() as d) if c in RATINGS and d in RATINGS:
            # A is the best and comes first, as in the alphabet
            return Known(value=_ordered(op, ord(c), ord(d)))
        case _:
            return _wrong(left, f"something to compare with {kind_of(right)}")


def _placed(value: Value, beside: Value) -> Value:
    """A letter as its place in the scale, beside a rating of which only bounds are known."""
    bounded = isinstance(beside, Unknown) and (beside.at_least is not None or beside.at_most is not None)
    if bounded and isinstance(value, Known) and isinstance(value.value, str) and value.value in RATINGS:
        return Known(value=Fraction(LETTERS.index(value.value)))
    return value


def _member(op: CompareOp, left: Value, right: Value) -> Value:
    match left, right:
        case Known(value=item), Known(value=tuple() as items):
            return Known(value=(item in items) is (op == "in"))
        case (Unknown(), _) | (_, Unknown()):
            return join((left, right))
        case _:
            return _wrong(right, "a list")


def _decide(op: CompareOp, left: Bounds, right: Bounds) -> bool | None:
    """Whether the comparison holds for all values in both intervals; None if that differs."""
    least, most = left
    low, high = right
    match op:
        case "<":
            return _always(most, low, strict=True, least=least, high=high)
        case "<=":
            return _always(most, low, strict=False, least=least, high=high)
        case ">":
            return _negate(_decide("<=", left, right))
        case ">=":
            return _negate(_decide("<", left, right))
        case "!=":
            return _negate(_decide("==", left, right))
        case _:
            if None not in {least, most} and least == most == low == high:
                return True
            apart = _below(most, low) or _below(high, least)
            return False if apart else None


def _always(
    most: Fraction | None,
    low: Fraction | None,
    *,
    strict: bool,
    least: Fraction | None,
    high: Fraction | None,
) -> bool | None:
    if most is not None and low is not None and (most < low or (not strict and most == low)):
        return True
    if least is not None and high is not None and (least > high or (strict and least == high)):
        return False
    return None


def _below(one: Fraction | None, other: Fraction | None) -> bool:
    return one is not None and other is not None and one < other


def _negate(truth: bool | None) -> bool | None:
    return None if truth is None else not truth


def _ordered(op: CompareOp, left: int, right: int) -> bool:
    truth = _decide(op, (Fraction(left), Fraction(left)), (Fraction(right), Fraction(right)))
    return truth is True


def kind_of(value: Value) -> str:
    """What a known value is, in words."""
    match value:
        case Known(value=bool()):
            return "true or false"
        case Known(value=Fraction()):
            return "a number"
        case Known(value=str()):
            return "a text"
        case _:
            return "a list"


def _wrong(value: Value, wanted: str) -> Unknown:
    return Unknown(cause=UnknownCause.MISSING, reason=f"is {kind_of(value)}, {wanted} was expected")


def truth(value: Value) -> Value:
    """A value where true or false is wanted: itself, or unknown when it is something else."""
    if isinstance(value, Known) and not isinstance(value.value, bool):
        return _wrong(value, "true or false")
    return value


def plain(value: Value) -> Plain | None:
    """The known value, else None."""
    return value.value if isinstance(value, Known) else None
