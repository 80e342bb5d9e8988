"""A condition and facts → one outcome that explains itself. Total: never raises for a checked text."""

from typing import Literal, assert_never

import msgspec

from app.language.arithmetic import NEGATED, compare, truth
from app.language.nodes import (
    Compare,
    Logic,
    NameRef,
    Negation,
    Node,
)
from app.language.parser import parse
from app.language.protocol import (
    Context,
    Facts,
    Known,
    NotApplicable,
    Unknown,
    Value,
)
from app.language.saying import Sayings
from app.language.ternary import combine
from app.language.values import Reading, Values
from app.model import Outcome, OutcomeValue, Source, UnknownCause


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


class _Evaluation:
    def __init__(self, text: str, facts: Facts, source: Source, context: Context) -> None:
        self.source = source
        self.context = context
        self.values = Values(text, facts, lambda node: self.condition(node, negated=False))
        self.sayings = Sayings(self.values)

    def written(self, node: Node, *, negated: bool = False) -> str:
        words = self.values.written(node)
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
        reading = Reading()
        if isinstance(node, Compare):
            op = NEGATED[node.op] if negated else node.op
            left, right = self.values.value(node.left, reading), self.values.value(node.right, reading)
            value = compare(op, left, right)
            says = self.sayings.comparison(node, op, left, right, value)
        else:
            value = truth(self.values.value(node, reading))
            says = self.sayings.statement(node, value)
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
