"""The syntax tree of a condition. Offsets and lengths are 0-based places in the text."""

from fractions import Fraction
from typing import Literal

import msgspec

from app.language.protocol import ValueType

CompareOp = Literal["==", "!=", "<", "<=", ">", ">=", "in", "not in"]
ArithmeticOp = Literal["+", "-", "*", "/"]


class Constant(msgspec.Struct, frozen=True, kw_only=True):
    """A value as written: text, number, percentage (points), duration (seconds), true or false."""

    value: bool | Fraction | str
    type: ValueType
    offset: int
    length: int


class NameRef(msgspec.Struct, frozen=True, kw_only=True):
    """A dotted name."""

    name: str
    offset: int
    length: int


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A function call; `name_length` is the caret's width for complaints about the function itself."""

    name: str
    args: tuple["Node", ...]
    kwargs: tuple[tuple[str, "Node"], ...]
    offset: int
    length: int
    name_length: int


class ListOf(msgspec.Struct, frozen=True, kw_only=True):
    """A list as written."""

    items: tuple["Node", ...]
    offset: int
    length: int


class Negation(msgspec.Struct, frozen=True, kw_only=True):
    """`not operand`."""

    operand: "Node"
    offset: int
    length: int


class Logic(msgspec.Struct, frozen=True, kw_only=True):
    """`a and b and c`, or with `or`: two or more operands, kept flat."""

    op: Literal["and", "or"]
    operands: tuple["Node", ...]
    offset: int
    length: int


class Compare(msgspec.Struct, frozen=True, kw_only=True):
    """One comparison; they do not chain."""

    op: CompareOp
    left: "Node"
    right: "Node"
    offset: int
    length: int


class Arithmetic(msgspec.Struct, frozen=True, kw_only=True):
    """`left op right` over numbers, percentages or durations."""

    op: ArithmeticOp
    left: "Node"
    right: "Node"
    offset: int
    length: int


class Minus(msgspec.Struct, frozen=True, kw_only=True):
    """Unary minus."""

    operand: "Node"
    offset: int
    length: int


Node = Constant | NameRef | Call | ListOf | Negation | Logic | Compare | Arithmetic | Minus
