"""What the nodes of a condition are worth by the facts, and what was read for it."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import assert_never

from app.language.arithmetic import calculate, compare, plain
from app.language.nodes import (
    Arithmetic,
    Call,
    Compare,
    Constant,
    ListOf,
    Logic,
    Minus,
    NameRef,
    Negation,
    Node,
)
from app.language.protocol import About, Facts, Known, NotApplicable, Plain, Unknown, Value
from app.language.ternary import join
from app.model import Outcome, OutcomeValue

_EXACT = 2**53

UsedValue = str | int | float | bool | None


class Reading:
    """What one leaf read."""

    def __init__(self) -> None:
        self.used: dict[str, UsedValue] = {}
        self.abouts: list[About] = []
        self.checks: dict[str, None] = {}
        self.parts: tuple[Outcome, ...] = ()
        self.of: list[str] = []

    def note(self, key: str, value: Value, about: About) -> None:
        """A name or call, its value, and how to speak of it."""
        known = plain(value)
        self.used[key] = None if known is None else _scalar(known)
        self.abouts.append(about)
        if isinstance(value, Known | Unknown):
            self.checks.update(dict.fromkeys(value.checks))
            self.parts = value.parts
        if isinstance(value, Known) and value.of:
            self.of.append(value.of)


class Values:
    """Values of one text by its facts. `judge` gives the outcome of a condition inside a comparison."""

    def __init__(self, text: str, facts: Facts, judge: Callable[[Node], Outcome]) -> None:
        self._text = text
        self.facts = facts
        self._judge = judge

    def written(self, node: Node) -> str:
        """A node as it stands in the text."""
        return self._text[node.offset : node.offset + node.length]

    def value(self, node: Node, reading: Reading) -> Value:
        """The value of a node; `reading` notes what it rests on."""
        match node:
            case Constant():
                return Known(value=node.value)
            case NameRef():
                value = self.facts.name(node.name)
                reading.note(node.name, value, self.facts.about(node.name, (), {}))
                return value
            case Call():
                return self._call(node, reading)
            case ListOf():
                return _listed([self.value(item, reading) for item in node.items])
            case Negation() | Logic():
                return self._joined(node, reading)
            case Compare():
                left, right = self.value(node.left, reading), self.value(node.right, reading)
                return compare(node.op, left, right)
            case Arithmetic():
                left, right = self.value(node.left, reading), self.value(node.right, reading)
                return calculate(node.op, left, right)
            case Minus():
                operand = self.value(node.operand, reading)
                return calculate("-", Known(value=Fraction(0)), operand)
            case _:
                assert_never(node)

    def _call(self, node: Call, reading: Reading) -> Value:
        args, kwargs, obstacle = self.arguments(node, reading)
        value = obstacle or self.facts.call(node.name, args, kwargs)
        reading.note(self.written(node), value, self.facts.about(node.name, args, kwargs))
        return value

    def arguments(
        self, node: Call, reading: Reading
    ) -> tuple[tuple[Plain, ...], Mapping[str, Plain], Value | None]:
        """The arguments, and the first that is not known: its words stand in for it, to speak of it."""
        obstacle: Value | None = None
        found: list[Plain] = []
        for arg in [*node.args, *(arg for _, arg in node.kwargs)]:
            value = self.value(arg, reading)
            if isinstance(value, Known):
                found.append(value.value)
            else:
                obstacle = obstacle or value
                found.append(self.written(arg))
        by_place = len(node.args)
        names = [name for name, _ in node.kwargs]
        return tuple(found[:by_place]), dict(zip(names, found[by_place:], strict=True)), obstacle

    def _joined(self, node: Negation | Logic, reading: Reading) -> Value:
        """A condition inside a comparison, as a value."""
        outcome = self._judge(node)
        for leaf in leaves(outcome):
            reading.used.update(leaf.used)
            reading.checks.update(dict.fromkeys(leaf.checks))
            reading.abouts.append(About(words="", people=leaf.people, fixed=leaf.fixed))
        match outcome.value:
            case OutcomeValue.MET | OutcomeValue.UNMET:
                return Known(value=outcome.value is OutcomeValue.MET)
            case OutcomeValue.UNKNOWN:
                return Unknown(cause=outcome.cause, reason=outcome.says, checks=outcome.checks)
            case OutcomeValue.EXEMPT:
                return NotApplicable(reason=outcome.says)
            case _:
                assert_never(outcome.value)


def leaves(outcome: Outcome) -> list[Outcome]:
    """All outcomes without children, in order of writing."""
    if not outcome.children:
        return [outcome]
    return [leaf for child in outcome.children for leaf in leaves(child)]


def _listed(values: list[Value]) -> Value:
    for value in values:
        if isinstance(value, NotApplicable):
            return value
    if any(isinstance(value, Unknown) for value in values):
        return join(values)
    return Known(value=tuple(value.value for value in values if isinstance(value, Known)))


def _scalar(value: Plain) -> UsedValue:
    match value:
        case bool() | str():
            return value
        case Fraction():
            # what JSON readers cannot hold exactly is told as text
            exact = int(value) if value.denominator == 1 else float(value)
            return exact if abs(value) <= _EXACT else str(value)
        case tuple():
            return ", ".join(str(_scalar(item)) for item in value)
        case _:
            assert_never(value)
