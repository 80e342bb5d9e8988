"""What a leaf of a condition says of itself: its values in words for people."""

from fractions import Fraction
from typing import assert_never

import msgspec

from app.language.arithmetic import FLIPPED, LETTERS, compare, plain
from app.language.explain import relation, show
from app.language.nodes import Arithmetic, Call, Compare, CompareOp, Constant, ListOf, Minus, NameRef, Node
from app.language.operators import arithmetic_type
from app.language.protocol import Known, NotApplicable, Plain, Unknown, Value, ValueType
from app.language.ternary import bounds
from app.language.values import Reading, Values


class Sayings:
    """The words for the leaves of one text."""

    def __init__(self, values: Values) -> None:
        self._values = values
        self._facts = values.facts

    def statement(self, node: Node, value: Value) -> str:
        """A leaf that is true or false by itself."""
        noun = self._noun(node)
        match value:
            case Known():
                return value.says or f"{noun}: {'yes' if value.value else 'no'}"
            case Unknown() | NotApplicable():
                return f"{noun}: {value.reason}"
            case _:
                assert_never(value)

    def comparison(self, node: Compare, op: CompareOp, left: Value, right: Value, value: Value) -> str:
        """A comparison and what came of it."""
        one, other = node.left, node.right
        if isinstance(one, Constant) and op in FLIPPED:
            # people read "coverage 76 % < 80 %", also where 80% <= coverage was written
            one, other, left, right, op = other, one, right, left, FLIPPED[op]
        match value:
            case Known():
                return self._related(one, op, other, left, right, holds=value.value is True)
            case Unknown() | NotApplicable():
                sides = ((one, left), (other, right))
                guilty = [node for node, found in sides if type(found) is type(value)]
                side = next(iter(guilty), other if isinstance(one, Constant) else one)
                return f"{self._noun(side)}: {value.reason}"
            case _:
                assert_never(value)

    def _related(
        self, one: Node, op: CompareOp, other: Node, left: Value, right: Value, *, holds: bool
    ) -> str:
        unit = self._unit(one)
        if unit in {ValueType.NUMBER, ValueType.ANY}:
            unit = self._unit(other)
        lead, values = self._noun(one), (plain(left), plain(right))
        if isinstance(left, Unknown) and left.at_least is not None and left.at_least == left.at_most:
            values = left.at_least, values[1]
        elif isinstance(left, Unknown) and (bound := _deciding(op, left, right)) is not None:
            # an incomplete count that decides all the same
            lead, values = f"{lead} {_ENDS.get(unit, _COUNTED)[bound[0]]}", (bound[1], values[1])
        first, second = values
        if first is None or second is None:
            sides = " and ".join(
                f"{self._noun(node)} {_bounded(value, unit)}"
                for node, value in ((one, left), (other, right))
                if not isinstance(node, Constant)
            )
            return f"{sides} ({self._values.written(one)} {op} {self._values.written(other)})"
        if unit is ValueType.RATING:
            first, second = _letter(first), _letter(second)
        constant = isinstance(other, Constant | ListOf)
        noun = "" if constant else self._noun(other)
        return relation((lead, first), op, (noun, second), holds=holds, unit=unit, constant=constant)

    def _noun(self, node: Node) -> str:
        match node:
            case NameRef():
                return self._facts.about(node.name, (), {}).words
            case Call():
                args, kwargs, _ = self._values.arguments(node, Reading())
                return self._facts.about(node.name, args, kwargs).words
            case Constant():
                return ""
            case _:
                return self._values.written(node)

    def _unit(self, node: Node) -> ValueType:
        match node:
            case Constant():
                return node.type
            case NameRef():
                return self._facts.about(node.name, (), {}).type
            case Call():
                args, kwargs, _ = self._values.arguments(node, Reading())
                return self._facts.about(node.name, args, kwargs).type
            case Minus():
                return self._unit(node.operand)
            case Arithmetic():
                joined = arithmetic_type(node.op, self._unit(node.left), self._unit(node.right))
                return joined or ValueType.ANY
            case _:
                return ValueType.ANY


_COUNTED = ("at least", "at most")
_ENDS = {ValueType.RATING: ("at best", "at worst")}
"""What people call the lower and the upper bound of a value."""


def _deciding(op: CompareOp, left: Unknown, right: Value) -> tuple[int, Fraction] | None:
    """The bound (0 the lower, 1 the upper) that alone makes the comparison known; None if it takes both."""
    for end, bound, least, most in (
        (0, left.at_least, left.at_least, None),
        (1, left.at_most, None, left.at_most),
    ):
        alone = msgspec.structs.replace(left, at_least=least, at_most=most)
        if bound is not None and isinstance(compare(op, alone, right), Known):
            return end, bound
    return None


def _bounded(value: Value, unit: ValueType) -> str:
    """What is known of a side: its value, or the bounds it lies in."""
    if isinstance(value, Known):
        return show(value.value, unit)
    names = _ENDS.get(unit, _COUNTED)
    ends = zip(names, bounds(value) or (None, None), strict=True)
    return " and ".join(
        f"{words} {show(_letter(end) if unit is ValueType.RATING else end, unit)}"
        for words, end in ends
        if end is not None
    )


def _letter(value: Plain) -> Plain:
    """A place in the scale of ratings as its letter."""
    return LETTERS[int(value)] if isinstance(value, Fraction) else value
