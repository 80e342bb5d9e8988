"""Type checking of a condition against a vocabulary: all problems at once, each at its place."""

from collections.abc import Collection, Iterable
from difflib import get_close_matches
from typing import assert_never

from app.language.calls import bind
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
from app.language.parser import parse
from app.language.protocol import Context, Function, Name, Problem, ValueType, Vocabulary
from app.model import Kind

MAX_PROBLEMS = 20
RATINGS = ("A", "B", "C", "D", "E")

_ORDERED = frozenset({ValueType.NUMBER, ValueType.PERCENT, ValueType.DURATION, ValueType.RATING})
_MEASURED = frozenset({ValueType.NUMBER, ValueType.PERCENT, ValueType.DURATION})
_PRODUCERS = {
    Kind.TESTS: "test results",
    Kind.FINDINGS: "findings",
    Kind.COVERAGE: "coverage",
    Kind.SECRETS: "secret findings",
    Kind.DUPLICATION: "duplication",
    Kind.COMPLEXITY: "complexity",
    Kind.LICENCES: "licences of packages",
}


def check_expression(
    text: str,
    vocabulary: Vocabulary,
    *,
    context: Context,
    check_ids: Collection[str],
    declared: Collection[Kind] | None = None,
) -> tuple[Problem, ...]:
    """Everything wrong with one condition, in order of place; empty when it may be evaluated.

    `check_ids` are the ids of the gate file's checks. `declared` are the kinds of evidence that its
    checks produce; None leaves that question out. Never raises.
    """
    parsed = parse(text)
    if parsed.tree is None:
        return parsed.problems
    checker = _Checker(vocabulary, context, check_ids, declared)
    checker.condition(parsed.tree, top=True)
    problems = {*parsed.problems, *checker.problems}
    return tuple(sorted(problems, key=lambda p: (p.offset, p.code, p.message)))[:MAX_PROBLEMS]


class _Checker:
    def __init__(
        self,
        vocabulary: Vocabulary,
        context: Context,
        check_ids: Collection[str],
        declared: Collection[Kind] | None,
    ) -> None:
        self.vocabulary = vocabulary
        self.context = context
        self.check_ids = sorted(check_ids)
        self.declared = declared
        self.problems: list[Problem] = []

    def complain(self, code: str, message: str, node: Node, *, hint: str = "", length: int = 0) -> None:
        self.problems.append(
            Problem(code=code, message=message, offset=node.offset, length=length or node.length, hint=hint)
        )

    def condition(self, node: Node, *, top: bool = False) -> None:
        """Complain unless the node is true or false. `top` words it for a whole condition."""
        found = self.type_of(node)
        if found in {None, ValueType.BOOL, ValueType.ANY}:
            return
        what = "a condition must be true or false" if top else "'and', 'or' and 'not' join conditions"
        hint = "compare it with something: … == 0, … >= 80%" if found in _MEASURED else ""
        self.complain("G111", f"{what}, this is a {found.value if found else ''}", node, hint=hint)

    def type_of(self, node: Node) -> ValueType | None:  # noqa: C901, PLR0911  one case per kind of node
        """The node's type; None after a complaint, so that one mistake is told once."""
        match node:
            case Constant():
                return node.type
            case NameRef():
                return self.name(node)
            case Call():
                return self.call(node)
            case ListOf():
                return self.list_of(node)
            case Negation():
                self.condition(node.operand)
                return ValueType.BOOL
            case Logic():
                for operand in node.operands:
                    self.condition(operand)
                return ValueType.BOOL
            case Compare():
                self.compare(node)
                return ValueType.BOOL
            case Arithmetic():
                return self.arithmetic(node)
            case Minus():
                return self.minus(node)
            case _:
                assert_never(node)

    # names and calls

    def name(self, node: NameRef) -> ValueType | None:
        name = node.name
        if name in self.vocabulary.names:
            return self.known(node, name, self.vocabulary.names[name])
        if name in self.vocabulary.functions:
            self.complain("G103", f"'{name}' is a function", node, hint=f"write {name}(…)")
            return None
        if name.startswith("checks."):
            return self.check_name(node)
        close = _suggest(name, [*self.vocabulary.names, *self.vocabulary.functions])
        self.complain("G103", f"unknown name '{_short(name)}'", node, hint=close)
        return None

    def check_name(self, node: NameRef) -> ValueType | None:
        _, check, *rest = node.name.split(".")
        if check not in self.check_ids:
            hint = _suggest(check, [*self.check_ids, "passed"])
            self.complain("G103", f"no check '{_short(check)}' is declared", node, hint=hint)
            return None
        match rest:
            case []:
                self.complain("G103", f"'{node.name}' is a check", node, hint=f"write {node.name}.passed")
                return None
            case ["out", _]:
                return ValueType.ANY
            case ["out", *_]:
                self.complain("G103", "an output has one name", node, hint=f"write checks.{check}.out.level")
                return None
            case [field] if field in self.vocabulary.per_check:
                return self.known(node, node.name, self.vocabulary.per_check[field])
            case _:
                field = ".".join(rest)
                hint = _suggest(field, [*self.vocabulary.per_check, "out"])
                self.complain("G103", f"a check has no '{_short(field)}'", node, hint=hint)
                return None

    def known(self, node: NameRef, name: str, meaning: Name) -> ValueType | None:
        return meaning.type if self.allowed(node, name, meaning) else None

    def allowed(self, node: NameRef | Call, name: str, meaning: Name | Function) -> bool:
        length = node.name_length if isinstance(node, Call) else node.length
        if meaning.unsupported:
            self.complain("G108", f"'{name}' is {meaning.unsupported}", node, length=length)
            return False
        if meaning.people and self.context == "when":
            message = f"'when' cannot use '{name}': people change it"
            hint = "put it in the check's 'after' or in the gate"
            self.complain("G107", message, node, hint=hint, length=length)
        if meaning.gate_only and self.context != "gate":
            message = f"'{self.context}' cannot use '{name}': it looks at all checks, this one included"
            self.complain("G107", message, node, hint="name one check: checks.<id>.passed", length=length)
        if self.declared is not None and (absent := meaning.kinds - set(self.declared)):
            what = " and ".join(_PRODUCERS[kind] for kind in sorted(absent))
            message = f"no check declares {what}, so '{name}' is never known"
            hint = "add a report to a check, or a preset that writes one"
            self.complain("G109", message, node, hint=hint, length=length)
        return True

    def call(self, node: Call) -> ValueType | None:
        function = self.vocabulary.functions.get(node.name)
        if function is None:
            for _, inner in [*(("", arg) for arg in node.args), *node.kwargs]:
                self.type_of(inner)
            if node.name in self.vocabulary.names:
                hint = f"write {node.name} without parentheses"
            else:
                hint = _suggest(node.name, self.vocabulary.functions)
            message = f"unknown function '{_short(node.name)}'"
            self.complain("G104", message, node, hint=hint, length=node.name_length)
            return None
        if not self.allowed(node, node.name, function):
            return None
        bound = bind(node, function)
        self.problems.extend(bound.problems)
        for parameter, value in bound.pairs:
            found = self.type_of(value)
            if found is None:
                continue
            if found not in {parameter.type, ValueType.ANY}:
                message = f"{node.name}: '{parameter.name}' is a {parameter.type.value}, not a {found.value}"
                self.complain("G105", message, value)
            elif parameter.choices:
                self.choice(value, parameter.name, parameter.choices, function)
        return function.returns

    def choice(self, node: Node, what: str, choices: tuple[str, ...], function: Function) -> None:
        listed = ", ".join(f"'{choice}'" for choice in choices)
        if not isinstance(node, Constant):
            self.complain("G106", f"'{what}' must be written as one of {listed}", node)
        elif isinstance(node.value, str) and (reason := function.unsupported_choices.get(node.value)):
            self.complain("G108", f"'{node.value}' is {reason}", node)
        elif node.value not in choices:
            hint = _suggest(str(node.value), choices) or f"one of {listed}"
            self.complain("G106", f"'{what}' cannot be '{_short(str(node.value))}'", node, hint=hint)

    # operators

    def list_of(self, node: ListOf) -> ValueType | None:
        types = {found for item in node.items if (found := self.type_of(item)) is not None}
        if len(types - {ValueType.ANY}) > 1:
            self.complain("G105", "a list holds values of one type", node)
            return None
        return ValueType.LIST

    def compare(self, node: Compare) -> None:
        left, right = self.type_of(node.left), self.type_of(node.right)
        if left is None or right is None:
            return
        if node.op in {"in", "not in"}:
            self.membership(node, left, right)
            return
        if left is ValueType.LIST or right is ValueType.LIST:
            hint = "write: value in list"
            self.complain("G105", f"a list cannot be compared with '{node.op}'", node, hint=hint)
            return
        common = self.comparable(node, left, right)
        if common is None:
            return
        if node.op not in {"==", "!="} and common not in _ORDERED | {ValueType.ANY}:
            self.complain("G105", f"a {common.value} is not ordered, '{node.op}' needs a number", node)
            return
        for one, other in ((node.left, node.right), (node.right, node.left)):
            self.possible(one, other)

    def comparable(self, node: Compare, left: ValueType, right: ValueType) -> ValueType | None:
        """The type both sides are compared as; None after a complaint."""
        if ValueType.ANY in {left, right}:
            return right if left is ValueType.ANY else left
        if left is right or {left, right} == {ValueType.NUMBER, ValueType.DURATION}:
            return left
        for one, found, other in ((node.left, left, right), (node.right, right, left)):
            if other is ValueType.RATING and isinstance(one, Constant) and one.type is ValueType.TEXT:
                if one.value in RATINGS:
                    return ValueType.RATING
                self.complain("G105", "a rating is 'A', 'B', 'C', 'D' or 'E'", one)
                return None
            if found is ValueType.NUMBER and other is ValueType.PERCENT:
                hint = f"did you mean '{_plain(one)}%'?" if isinstance(one, Constant) else "write 80%"
                self.complain("G105", "a percentage is compared with a percentage", one, hint=hint)
                return None
        self.complain("G105", f"a {left.value} cannot be compared with a {right.value}", node)
        return None

    def membership(self, node: Compare, left: ValueType, right: ValueType) -> None:
        if right is not ValueType.LIST:
            hint = "write like(text, '*part*')" if right is ValueType.TEXT else "write: in ['a', 'b']"
            self.complain("G105", f"'{node.op}' looks in a list, this is a {right.value}", node, hint=hint)
            return
        if left is ValueType.LIST:
            self.complain("G105", f"'{node.op}' looks for one value, this is a list", node.left)
            return
        if not isinstance(node.right, ListOf):
            # the only lists that have a name hold texts (labels)
            if left not in {ValueType.TEXT, ValueType.ANY}:
                self.complain("G105", f"the list holds texts, not a {left.value}", node.left)
            return
        for item in node.right.items:
            found = _quiet(item, self)
            if found is not None and self.comparable(
                Compare(op="==", left=node.left, right=item, offset=item.offset, length=item.length),
                left,
                found,
            ):
                self.possible(node.left, item)
                self.possible(item, node.left)

    def possible(self, one: Node, other: Node) -> None:
        """Complain where a value is compared with a text that it never is."""
        if not isinstance(one, NameRef) or not isinstance(other, Constant):
            return
        meaning = self.vocabulary.names.get(one.name)
        if meaning is None and one.name.startswith("checks."):
            meaning = self.vocabulary.per_check.get(one.name.rpartition(".")[2])
        if meaning is not None and meaning.choices and other.value not in meaning.choices:
            listed = ", ".join(f"'{choice}'" for choice in meaning.choices)
            hint = _suggest(str(other.value), meaning.choices) or f"one of {listed}"
            self.complain("G105", f"'{one.name}' is never '{_short(str(other.value))}'", other, hint=hint)

    def minus(self, node: Minus) -> ValueType | None:
        found = self.type_of(node.operand)
        if found is not None and found not in _MEASURED | {ValueType.ANY}:
            self.complain("G105", f"'-' needs a number, this is a {found.value}", node)
            return None
        return found

    def arithmetic(self, node: Arithmetic) -> ValueType | None:
        left, right = self.type_of(node.left), self.type_of(node.right)
        if left is None or right is None:
            return None
        for side, found in ((node.left, left), (node.right, right)):
            if found not in _MEASURED | {ValueType.ANY}:
                self.complain("G105", f"'{node.op}' needs numbers, this is a {found.value}", side)
                return None
        if node.op == "/" and isinstance(node.right, Constant) and node.right.value == 0:
            self.complain("G105", "division by zero", node.right)
            return None
        result = arithmetic_type(node.op, left, right)
        if result is None:
            hint = "80% is a percentage, 80 a number" if ValueType.PERCENT in {left, right} else ""
            self.complain(
                "G105",
                f"'{node.op}' cannot join a {left.value} and a {right.value}",
                node,
                hint=hint,
            )
        return result


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


def _quiet(node: Node, checker: _Checker) -> ValueType | None:
    """A type once more, without telling its complaints twice."""
    before = len(checker.problems)
    found = checker.type_of(node)
    del checker.problems[before:]
    return found


def _suggest(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name[:80], list(known), n=1, cutoff=0.6)
    return f"did you mean '{close[0]}'?" if close else ""


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"  # noqa: PLR2004  a line for people


def _plain(node: Constant) -> str:
    return f"{float(node.value):g}" if not isinstance(node.value, str) else node.value
