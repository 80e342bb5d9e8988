"""Values and comparisons in words for people. Display rounds toward *unmet*, comparing never rounds."""

from fractions import Fraction
from math import ceil, floor
from typing import Literal, assert_never

from app.language.arithmetic import NEGATED
from app.language.nodes import CompareOp
from app.language.protocol import Plain, ValueType

Direction = Literal["down", "up"]

_SYMBOLS: dict[CompareOp, str] = {
    "==": "=",
    "!=": "≠",
    "<": "<",
    "<=": "≤",
    ">": ">",
    ">=": "≥",
    "in": "in",
    "not in": "not in",
}
_MOST_DIGITS = 6
_UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


def show(value: Plain, unit: ValueType, *, towards: Direction = "down", digits: int = 1) -> str:
    """A value for people: `76.2 %`, `1200`, `5m 30s`, `'main'`. Rounds `towards` to `digits` decimals."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return f"'{value}'"
        case tuple():
            return "[" + ", ".join(show(item, unit) for item in value) + "]"
        case Fraction():
            if unit is ValueType.DURATION:
                return _duration(value, towards)
            number = _rounded(value, towards, digits)
            return f"{number} %" if unit is ValueType.PERCENT else number
        case _:
            assert_never(value)


def _whole(value: Fraction, towards: Direction, digits: int) -> int:
    """The value in units of its last digit."""
    scaled: Fraction = value * 10**digits
    return floor(scaled) if towards == "down" else ceil(scaled)


def _rounded(value: Fraction, towards: Direction, digits: int) -> str:
    whole = _whole(value, towards, digits)
    sign = "-" if whole < 0 else ""
    head, tail = divmod(abs(whole), 10**digits)
    exact = value.denominator == 1
    return f"{sign}{head}" if exact else f"{sign}{head}.{tail:0{digits}d}"


def _duration(value: Fraction, towards: Direction) -> str:
    left = floor(abs(value)) if (towards == "down") is (value >= 0) else ceil(abs(value))
    parts = []
    for size, name in _UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{name}")
    sign = "-" if value < 0 and parts else ""
    return sign + (" ".join(parts[:2]) or "0s")


def exactly(value: Fraction, unit: ValueType) -> str:
    """A written constant, with as many digits as it has (at most six)."""
    return show(value, unit, digits=_decimals(value))


def _decimals(value: Fraction) -> int:
    return next((d for d in range(1, _MOST_DIGITS) if (value * 10**d).denominator == 1), _MOST_DIGITS)


def relation(
    left: tuple[str, Plain],
    op: CompareOp,
    right: tuple[str, Plain],
    *,
    holds: bool,
    unit: ValueType,
    constant: bool,
) -> str:
    """`coverage on new code 76.2 % < 80 %`: what is, told by a symbol that is true of it.

    `left` and `right` are a noun phrase ('' for a constant) and its value; `op` what was asked;
    `constant` whether the right side is written in the condition.
    """
    symbol = _symbol(left[1], op, right[1], holds=holds)
    if isinstance(left[1], Fraction) and isinstance(right[1], Fraction):
        first, second = _numbers(left[1], op, right[1], unit=unit, constant=constant)
    else:
        first, second = show(left[1], unit), show(right[1], unit)
    return " ".join(part for part in (left[0], first, symbol, right[0], second) if part)


def _symbol(left: Plain, op: CompareOp, right: Plain, *, holds: bool) -> str:
    if holds:
        return _SYMBOLS[op]
    if op == "==" and isinstance(left, Fraction) and isinstance(right, Fraction):
        return "<" if left < right else ">"
    return _SYMBOLS[NEGATED[op]]


def _numbers(
    left: Fraction, op: CompareOp, right: Fraction, *, unit: ValueType, constant: bool
) -> tuple[str, str]:
    """Both sides rounded toward unmet, numbers as precise as what is asked, with more digits where they would
    look otherwise than they are.
    """
    low = left < right if op in {"==", "!="} else op in {">", ">="}
    first: Direction = "down" if low else "up"
    second: Direction = "up" if low else "down"
    least = _decimals(right) if constant and unit is ValueType.NUMBER else 1
    digits = next(
        (
            count
            for count in range(least, _MOST_DIGITS)
            if (left == right and not constant)
            or _order(
                _shown(left, first, count),
                right if constant else _shown(right, second, count),
            )
            == _order(left, right)
        ),
        _MOST_DIGITS,
    )
    other = exactly(right, unit) if constant else show(right, unit, towards=second, digits=digits)
    return show(left, unit, towards=first, digits=digits), other


def _shown(value: Fraction, towards: Direction, digits: int) -> Fraction:
    return Fraction(_whole(value, towards, digits), 10**digits)


def _order(left: Fraction, right: Fraction) -> int:
    return (left > right) - (left < right)
