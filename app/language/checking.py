"""Type checking of a condition against a vocabulary: all problems at once, each at its place."""

from collections.abc import Collection
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
from app.language.operators import MEASURED, Operators
from app.language.parser import parse
from app.language.protocol import Context, Function, Name, Problem, ValueType, Vocabulary
from app.language.suggesting import short, suggest
from app.model import Kind

MAX_PROBLEMS = 20
_PRODUCERS = {
    Kind.TESTS: "test results",
    Kind.FINDINGS: "findings",
    Kind.COVERAGE: "coverage",
    Kind.SECRETS: "secret findings",
    Kind.DUPLICATION: "duplication",
    Kind.COMPLEXITY: "complexity",
    Kind.LICENCES: "licences of packages",
    Kind.MEASURES: "measures",
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
        self.operators = Operators(self)

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
        hint = "compare it with something: … == 0, … >= 80%" if found in MEASURED else ""
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
                return self.operators.list_of(node)
            case Negation():
                self.condition(node.operand)
                return ValueType.BOOL
            case Logic():
                for operand in node.operands:
                    self.condition(operand)
                return ValueType.BOOL
            case Compare():
                self.operators.compare(node)
                return ValueType.BOOL
            case Arithmetic():
                return self.operators.arithmetic(node)
            case Minus():
                return self.operators.minus(node)
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
        close = suggest(name, [*self.vocabulary.names, *self.vocabulary.functions])
        self.complain("G103", f"unknown name '{short(name)}'", node, hint=close)
        return None

    def check_name(self, node: NameRef) -> ValueType | None:
        _, check, *rest = node.name.split(".")
        if check not in self.check_ids:
            hint = suggest(check, [*self.check_ids, "passed"])
            self.complain("G103", f"no check '{short(check)}' is declared", node, hint=hint)
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
                hint = suggest(field, [*self.vocabulary.per_check, "out"])
                self.complain("G103", f"a check has no '{short(field)}'", node, hint=hint)
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
        if what := self.absent(meaning):
            message = f"no check declares {what}, so '{name}' is never known"
            hint = "add a report to a check, or a preset that writes one"
            self.complain("G109", message, node, hint=hint, length=length)
        return True

    def absent(self, meaning: Name | Function) -> str:
        """The evidence that no check declares and that the word needs; '' where it can be known."""
        if self.declared is None:
            return ""
        if lacking := meaning.kinds - set(self.declared):
            return " and ".join(_PRODUCERS[kind] for kind in sorted(lacking))
        fed = not meaning.fed_by.isdisjoint(self.declared)
        return "" if fed else " or ".join(_PRODUCERS[kind] for kind in sorted(meaning.fed_by))

    def call(self, node: Call) -> ValueType | None:
        function = self.vocabulary.functions.get(node.name)
        if function is None:
            for _, inner in [*(("", arg) for arg in node.args), *node.kwargs]:
                self.type_of(inner)
            if node.name in self.vocabulary.names:
                hint = f"write {node.name} without parentheses"
            else:
                hint = suggest(node.name, self.vocabulary.functions)
            message = f"unknown function '{short(node.name)}'"
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
                self.choice(value, parameter.name, parameter.choices)
            elif parameter.check:
                self.check_id(value, parameter.name)
        return function.returns

    def check_id(self, node: Node, what: str) -> None:
        if not isinstance(node, Constant):
            self.complain("G106", f"'{what}' must be written as the id of a check", node)
        elif node.value not in self.check_ids:
            hint = suggest(str(node.value), self.check_ids)
            self.complain("G103", f"no check '{short(str(node.value))}' is declared", node, hint=hint)

    def choice(self, node: Node, what: str, choices: tuple[str, ...]) -> None:
        listed = ", ".join(f"'{choice}'" for choice in choices)
        if not isinstance(node, Constant):
            self.complain("G106", f"'{what}' must be written as one of {listed}", node)
        elif node.value not in choices:
            hint = suggest(str(node.value), choices) or f"one of {listed}"
            self.complain("G106", f"'{what}' cannot be '{short(str(node.value))}'", node, hint=hint)
