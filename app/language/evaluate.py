"""A condition and facts → one outcome that explains itself. Total: never raises for a checked text."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Literal, assert_never

import msgspec

from app.language.arithmetic import FLIPPED, NEGATED, calculate, compare, plain, truth
from app.language.checking import arithmetic_type
from app.language.explain import relation, show
from app.language.nodes import (
    Arithmetic,
    Call,
    Compare,
    CompareOp,
    Constant,
    ListOf,
    Logic,
    Minus,
    NameRef,
    Negation,
    Node,
)
from app.language.parser import parse
from app.language.protocol import (
    About,
    Context,
    Facts,
    Known,
    NotApplicable,
    Plain,
    Unknown,
    Value,
    ValueType,
)
from app.language.ternary import bounds, combine, join
from app.model import Outcome, OutcomeValue, Source, UnknownCause

_EXACT = 2**53

UsedValue = str | int | float | bool | None


def evaluate(text: str, facts: Facts, *, source: Source | None = None, context: Context = "gate") -> Outcome:
    """Judge one condition.

    `and`, `or` and `not` become a tree of `all` and `any` with leaves; `not` is pushed inward first.
    A leaf that is not applicable is exempt: it counts as true, in a `when` as false. A text that
    cannot be read (it was not checked) is unknown through an error.
    """
    place = source or Source()
    tree = parse(text).tree
    if tree is None:
        says = f"cannot be read: {parse(text).problems[0].message}"
        return Outcome(
            value=OutcomeValue.UNKNOWN, cause=UnknownCause.ERROR, text=text, says=says, source=place
        )
    outcome = _Evaluation(text, facts, place, context).condition(tree, negated=False)
    return msgspec.structs.replace(outcome, text=text)


class _Reading:
    """What one leaf read."""

    def __init__(self) -> None:
        self.used: dict[str, UsedValue] = {}
        self.abouts: list[About] = []
        self.checks: dict[str, None] = {}
        self.parts: tuple[Outcome, ...] = ()
        self.of: list[str] = []

    def note(self, key: str, value: Value, about: About) -> None:
        known = plain(value)
        self.used[key] = None if known is None else _scalar(known)
        self.abouts.append(about)
        if isinstance(value, Known | Unknown):
            self.checks.update(dict.fromkeys(value.checks))
            self.parts = value.parts
        if isinstance(value, Known) and value.of:
            self.of.append(value.of)


class _Evaluation:
    def __init__(self, text: str, facts: Facts, source: Source, context: Context) -> None:
        self.text = text
        self.facts = facts
        self.source = source
        self.context = context

    def written(self, node: Node, *, negated: bool = False) -> str:
        words = self.text[node.offset : node.offset + node.length]
        return f"not {words}" if negated else words

    def condition(self, node: Node, *, negated: bool) -> Outcome:
        match node:
            case Negation():
                return self.condition(node.operand, negated=not negated)
            case Logic():
                mode: Literal["all", "any"] = "all" if (node.op == "and") is not negated else "any"
                children = tuple(self.condition(one, negated=negated) for one in node.operands)
                text = self.written(node, negated=negated)
                return group(mode, children, text=text, source=self.source, context=self.context)
            case _:
                return self.leaf(node, negated=negated)

    def leaf(self, node: Node, *, negated: bool) -> Outcome:
        reading = _Reading()
        if isinstance(node, Compare):
            op = NEGATED[node.op] if negated else node.op
            left, right = self.value(node.left, reading), self.value(node.right, reading)
            value = compare(op, left, right)
            says = self.comparison(node, op, left, right, value)
        else:
            value = truth(self.value(node, reading))
            says = self.statement(node, value)
            if negated and isinstance(value, Known):
                value = Known(value=value.value is False)
        parts = reading.parts if isinstance(node, NameRef) and not negated else ()
        verdict, cause = _judged(value)
        return Outcome(
            value=verdict,
            text=self.written(node, negated=negated),
            says=says,
            cause=cause,
            used=reading.used,
            of="; ".join(reading.of),
            source=self.source,
            people=any(about.people for about in reading.abouts),
            fixed=all(about.fixed for about in reading.abouts),
            checks=tuple(reading.checks),
            kind="check" if parts else "leaf",
            children=parts,
        )

    # words

    def statement(self, node: Node, value: Value) -> str:
        noun = self.noun(node)
        match value:
            case Known():
                return value.says or f"{noun}: {'yes' if value.value else 'no'}"
            case Unknown() | NotApplicable():
                return f"{noun}: {value.reason}"
            case _:
                assert_never(value)

    def comparison(self, node: Compare, op: CompareOp, left: Value, right: Value, value: Value) -> str:
        one, other = node.left, node.right
        if isinstance(one, Constant) and op in FLIPPED:
            # people read "coverage 76 % < 80 %", also where 80% <= coverage was written
            one, other, left, right, op = other, one, right, left, FLIPPED[op]
        match value:
            case Known():
                return self.related(one, op, other, left, right, holds=value.value is True)
            case Unknown() | NotApplicable():
                sides = ((one, left), (other, right))
                guilty = [node for node, found in sides if type(found) is type(value)]
                side = next(iter(guilty), other if isinstance(one, Constant) else one)
                return f"{self.noun(side)}: {value.reason}"
            case _:
                assert_never(value)

    def related(
        self, one: Node, op: CompareOp, other: Node, left: Value, right: Value, *, holds: bool
    ) -> str:
        unit = self.unit(one)
        if unit in {ValueType.NUMBER, ValueType.ANY}:
            unit = self.unit(other)
        lead, values = self.noun(one), (plain(left), plain(right))
        if isinstance(left, Unknown) and left.at_least is not None and left.at_least == left.at_most:
            values = left.at_least, values[1]
        elif isinstance(left, Unknown) and (bound := _deciding(op, left, right)) is not None:
            # an incomplete count that decides all the same
            lead, values = f"{lead} {bound[0]}", (bound[1], values[1])
        if values[0] is None or values[1] is None:
            sides = " and ".join(
                f"{self.noun(node)} {_bounded(value, unit)}"
                for node, value in ((one, left), (other, right))
                if not isinstance(node, Constant)
            )
            return f"{sides} ({self.written(one)} {op} {self.written(other)})"
        constant = isinstance(other, Constant | ListOf)
        noun = "" if constant else self.noun(other)
        return relation((lead, values[0]), op, (noun, values[1]), holds=holds, unit=unit, constant=constant)

    def noun(self, node: Node) -> str:
        match node:
            case NameRef():
                return self.facts.about(node.name, (), {}).words
            case Call():
                args, kwargs, _ = self.arguments(node, _Reading())
                return self.facts.about(node.name, args, kwargs).words
            case Constant():
                return ""
            case _:
                return self.written(node)

    def unit(self, node: Node) -> ValueType:
        match node:
            case Constant():
                return node.type
            case NameRef():
                return self.facts.about(node.name, (), {}).type
            case Call():
                args, kwargs, _ = self.arguments(node, _Reading())
                return self.facts.about(node.name, args, kwargs).type
            case Minus():
                return self.unit(node.operand)
            case Arithmetic():
                joined = arithmetic_type(node.op, self.unit(node.left), self.unit(node.right))
                return joined or ValueType.ANY
            case _:
                return ValueType.ANY

    # values

    def value(self, node: Node, reading: _Reading) -> Value:
        match node:
            case Constant():
                return Known(value=node.value)
            case NameRef():
                value = self.facts.name(node.name)
                reading.note(node.name, value, self.facts.about(node.name, (), {}))
                return value
            case Call():
                return self.call(node, reading)
            case ListOf():
                return _listed([self.value(item, reading) for item in node.items])
            case Negation() | Logic():
                return self.joined(node, reading)
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

    def call(self, node: Call, reading: _Reading) -> Value:
        args, kwargs, obstacle = self.arguments(node, reading)
        value = obstacle or self.facts.call(node.name, args, kwargs)
        reading.note(self.written(node), value, self.facts.about(node.name, args, kwargs))
        return value

    def arguments(
        self, node: Call, reading: _Reading
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

    def joined(self, node: Negation | Logic, reading: _Reading) -> Value:
        """A condition inside a comparison, as a value."""
        outcome = self.condition(node, negated=False)
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


def group(
    mode: Literal["all", "any"],
    children: tuple[Outcome, ...],
    *,
    text: str,
    source: Source,
    context: Context = "gate",
    because: str = "",
    advisory: bool = False,
) -> Outcome:
    """The outcome of `all` or `any` of its children, in their words."""
    value, cause = combine(mode, [(child.value, child.cause) for child in children], context=context)
    telling = [child for child in children if child.value is value and child.says] or list(children)
    joins_all = mode == "all" or value is OutcomeValue.UNMET
    glue = "; " if mode == "all" and value is OutcomeValue.UNMET else " and " if joins_all else " or "
    return Outcome(
        value=value,
        text=text,
        says=glue.join(dict.fromkeys(child.says for child in telling)),
        because=because,
        cause=cause,
        source=source,
        advisory=advisory,
        checks=tuple(dict.fromkeys(key for child in children for key in child.checks)),
        kind=mode,
        children=children,
    )


def leaves(outcome: Outcome) -> list[Outcome]:
    """All outcomes without children, in order of writing."""
    if not outcome.children:
        return [outcome]
    return [leaf for child in outcome.children for leaf in leaves(child)]


def _judged(value: Value) -> tuple[OutcomeValue, UnknownCause]:
    match value:
        case Known():
            return (OutcomeValue.MET if value.value is True else OutcomeValue.UNMET), UnknownCause.NONE
        case Unknown():
            return OutcomeValue.UNKNOWN, value.cause
        case NotApplicable():
            return OutcomeValue.EXEMPT, UnknownCause.NONE
        case _:
            assert_never(value)


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


def _deciding(op: CompareOp, left: Unknown, right: Value) -> tuple[str, Fraction] | None:
    """The bound that alone makes the comparison known, with its words; None where it takes both."""
    for words, bound, least, most in (
        ("at least", left.at_least, left.at_least, None),
        ("at most", left.at_most, None, left.at_most),
    ):
        alone = msgspec.structs.replace(left, at_least=least, at_most=most)
        if bound is not None and isinstance(compare(op, alone, right), Known):
            return words, bound
    return None


def _bounded(value: Value, unit: ValueType) -> str:
    """What is known of a side: its value, or the bounds it lies in."""
    if isinstance(value, Known):
        return show(value.value, unit)
    low, high = bounds(value) or (None, None)
    ends = (("at least", low), ("at most", high))
    return " and ".join(f"{words} {show(end, unit)}" for words, end in ends if end is not None)
