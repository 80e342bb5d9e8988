"""Types of operators: what may be compared, joined by arithmetic, looked for in a list."""

from typing import Protocol

from app.language.nodes import Arithmetic, Compare, Constant, ListOf, Minus, NameRef, Node
from app.language.protocol import Problem, ValueType, Vocabulary
from app.language.suggesting import short, suggest

RATINGS = ("A", "B", "C", "D", "E")

_ORDERED = frozenset({ValueType.NUMBER, ValueType.PERCENT, ValueType.DURATION, ValueType.RATING})
MEASURED = frozenset({ValueType.NUMBER, ValueType.PERCENT, ValueType.DURATION})


class Types(Protocol):
    """Who knows the types of other nodes and takes complaints."""

    vocabulary: Vocabulary
    problems: list[Problem]

    def type_of(self, node: Node) -> ValueType | None:
        """The node's type; None after a complaint."""
        ...

    def complain(self, code: str, message: str, node: Node, *, hint: str = "", length: int = 0) -> None:
        """Note a problem at a node."""
        ...


class Operators:
    """Checks operators for one checker."""

    def __init__(self, types: Types) -> None:
        self._types = types

    def list_of(self, node: ListOf) -> ValueType | None:
        """A list: values of one type."""
        types = {found for item in node.items if (found := self._types.type_of(item)) is not None}
        if len(types - {ValueType.ANY}) > 1:
            self._types.complain("G105", "a list holds values of one type", node)
            return None
        return ValueType.LIST

    def compare(self, node: Compare) -> None:
        """A comparison, or `in`."""
        left, right = self._types.type_of(node.left), self._types.type_of(node.right)
        if left is None or right is None:
            return
        if node.op in {"in", "not in"}:
            self._membership(node, left, right)
            return
        if left is ValueType.LIST or right is ValueType.LIST:
            hint = "write: value in list"
            self._types.complain("G105", f"a list cannot be compared with '{node.op}'", node, hint=hint)
            return
        common = self._comparable(node, left, right)
        if common is None:
            return
        if node.op not in {"==", "!="} and common not in _ORDERED | {ValueType.ANY}:
            self._types.complain("G105", f"a {common.value} is not ordered, '{node.op}' needs a number", node)
            return
        for one, other in ((node.left, node.right), (node.right, node.left)):
            self._possible(one, other)

    def _comparable(self, node: Compare, left: ValueType, right: ValueType) -> ValueType | None:
        """The type both sides are compared as; None after a complaint."""
        if ValueType.ANY in {left, right}:
            return right if left is ValueType.ANY else left
        if left is right or {left, right} == {ValueType.NUMBER, ValueType.DURATION}:
            return left
        sides = ((node.left, left, node.right, right), (node.right, right, node.left, left))
        for one, found, beside, other in sides:
            if other is ValueType.RATING and isinstance(one, Constant) and one.type is ValueType.TEXT:
                if one.value in RATINGS:
                    return ValueType.RATING
                self._types.complain("G105", "a rating is 'A', 'B', 'C', 'D' or 'E'", one)
                return None
            if found is ValueType.NUMBER and other is ValueType.PERCENT:
                self._number_beside_percentage(one, beside)
                return None
        self._types.complain("G105", f"a {left.value} cannot be compared with a {right.value}", node)
        return None

    def _number_beside_percentage(self, number: Node, percentage: Node) -> None:
        if isinstance(number, Constant) or not isinstance(percentage, Constant):
            hint = f"did you mean '{_plain(number)}%'?" if isinstance(number, Constant) else "write 80%"
            self._types.complain("G105", "a percentage is compared with a percentage", number, hint=hint)
        else:
            hint = f"did you mean '{_plain(percentage)}'?"
            self._types.complain("G105", "a number is compared with a number", percentage, hint=hint)

    def _membership(self, node: Compare, left: ValueType, right: ValueType) -> None:
        if right is not ValueType.LIST:
            hint = "write like(text, '*part*')" if right is ValueType.TEXT else "write: in ['a', 'b']"
            self._types.complain(
                "G105", f"'{node.op}' looks in a list, this is a {right.value}", node, hint=hint
            )
            return
        if left is ValueType.LIST:
            self._types.complain("G105", f"'{node.op}' looks for one value, this is a list", node.left)
            return
        if not isinstance(node.right, ListOf):
            # the only lists that have a name hold texts (labels)
            if left not in {ValueType.TEXT, ValueType.ANY}:
                self._types.complain("G105", f"the list holds texts, not a {left.value}", node.left)
            return
        for item in node.right.items:
            found = self._quiet(item)
            if found is not None and self._comparable(
                Compare(op="==", left=node.left, right=item, offset=item.offset, length=item.length),
                left,
                found,
            ):
                self._possible(node.left, item)
                self._possible(item, node.left)

    def _possible(self, one: Node, other: Node) -> None:
        """Complain where a value is compared with a text that it never is."""
        if not isinstance(one, NameRef) or not isinstance(other, Constant):
            return
        meaning = self._types.vocabulary.names.get(one.name)
        if meaning is None and one.name.startswith("checks."):
            meaning = self._types.vocabulary.per_check.get(one.name.rpartition(".")[2])
        if meaning is not None and meaning.choices and other.value not in meaning.choices:
            listed = ", ".join(f"'{choice}'" for choice in meaning.choices)
            hint = suggest(str(other.value), meaning.choices) or f"one of {listed}"
            self._types.complain(
                "G105", f"'{one.name}' is never '{short(str(other.value))}'", other, hint=hint
            )

    def minus(self, node: Minus) -> ValueType | None:
        """A sign."""
        found = self._types.type_of(node.operand)
        if found is not None and found not in MEASURED | {ValueType.ANY}:
            self._types.complain("G105", f"'-' needs a number, this is a {found.value}", node)
            return None
        return found

    def arithmetic(self, node: Arithmetic) -> ValueType | None:
        """A sum, difference, product or quotient."""
        left, right = self._types.type_of(node.left), self._types.type_of(node.right)
        if left is None or right is None:
            return None
        for side, found in ((node.left, left), (node.right, right)):
            if found not in MEASURED | {ValueType.ANY}:
                self._types.complain("G105", f"'{node.op}' needs numbers, this is a {found.value}", side)
                return None
        if node.op == "/" and isinstance(node.right, Constant) and node.right.value == 0:
            self._types.complain("G105", "division by zero", node.right)
            return None
        result = arithmetic_type(node.op, left, right)
        if result is None:
            hint = "80% is a percentage, 80 a number" if ValueType.PERCENT in {left, right} else ""
            self._types.complain(
                "G105",
                f"'{node.op}' cannot join a {left.value} and a {right.value}",
                node,
                hint=hint,
            )
        return result

    def _quiet(self, node: Node) -> ValueType | None:
        """A type once more, without telling its complaints twice."""
        before = len(self._types.problems)
        found = self._types.type_of(node)
        del self._types.problems[before:]
        return found


def arithmetic_type(op: str, left: ValueType, right: ValueType) -> ValueType | None:
    """The type of `left op right`; None where they do not join."""
    if ValueType.ANY in {left, right}:
        return ValueType.ANY
    if op in {"+", "-"}:
        return left if left is right else None
    if right is ValueType.NUMBER:
        return left
    if op == "*":
        return right if left is ValueType.NUMBER else None
    return ValueType.NUMBER if left is right else None


def _plain(node: Constant) -> str:
    return f"{float(node.value):g}" if not isinstance(node.value, str) else node.value
