"""Tokens → syntax tree: operator precedence parsing (Pratt), bounded in size and depth.

Loosest first: `or`, `and`, `not`, comparisons and `in`, `+ -`, `* /`, unary minus.
"""

from fractions import Fraction
from functools import lru_cache
from typing import cast

import msgspec

from app.language.nodes import (
    Arithmetic,
    ArithmeticOp,
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
from app.language.protocol import Problem
from app.language.tokens import Token, TokenKind, tokenize

MAX_CHARACTERS = 2_000
MAX_NODES = 300
MAX_DEPTH = 32

_OR, _AND, _NOT, _COMPARE, _SUM, _PRODUCT, _UNARY = range(1, 8)
_BINDING = {
    "or": _OR,
    "and": _AND,
    "==": _COMPARE,
    "!=": _COMPARE,
    "<": _COMPARE,
    "<=": _COMPARE,
    ">": _COMPARE,
    ">=": _COMPARE,
    "in": _COMPARE,
    "not in": _COMPARE,
    "=": _COMPARE,
    "+": _SUM,
    "-": _SUM,
    "*": _PRODUCT,
    "/": _PRODUCT,
}


class Parsed(msgspec.Struct, frozen=True, kw_only=True):
    """A tree, or None after a hard problem. Soft problems (`&&`) leave a tree all the same."""

    tree: Node | None
    problems: tuple[Problem, ...]


@lru_cache(maxsize=4096)
def parse(text: str) -> Parsed:
    """Read one condition. Never raises; the same text gives the same answer."""
    if len(text) > MAX_CHARACTERS:
        return _refused(f"{len(text)} characters, at most {MAX_CHARACTERS} are allowed", MAX_CHARACTERS)
    tokens, problems = tokenize(text)
    if any(problem.code == "G101" for problem in problems):
        return Parsed(tree=None, problems=problems)
    parser = _Parser(tokens)
    try:
        tree: Node | None = parser.whole()
    except _Stop as stop:
        tree = None
        parser.problems.append(stop.problem)
    return Parsed(tree=tree, problems=problems + tuple(parser.problems))


def _refused(message: str, offset: int) -> Parsed:
    return Parsed(tree=None, problems=(Problem(code="G102", message=message, offset=offset),))


class _Stop(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def _problem(code: str, message: str, token: Token, hint: str = "") -> Problem:
    return Problem(code=code, message=message, offset=token.offset, length=token.length, hint=hint)


def _signed(token: Token, operand: Node, length: int) -> Node:
    if token.text == "not":
        return Negation(operand=operand, offset=token.offset, length=length)
    if isinstance(operand, Constant) and isinstance(operand.value, Fraction):
        # -0.2% is a constant, and is shown as one
        return Constant(value=-operand.value, type=operand.type, offset=token.offset, length=length)
    return Minus(operand=operand, offset=token.offset, length=length)


class _Parser:
    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self.tokens = tokens
        self.at = 0
        self.nodes = 0
        self.depth = 0
        self.problems: list[Problem] = []

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def ended(self) -> bool:
        return self.at == len(self.tokens) - 1

    def whole(self) -> Node:
        if self.ended():
            raise self.stop("empty condition", hint="write what must hold, for example: tests.failed == 0")
        tree = self.expression(0)
        if not self.ended():
            raise self.unexpected("expected an operator or the end")
        return tree

    def expression(self, binding: int) -> Node:
        self.depth += 1
        self.measure(self.depth)
        left = self.prefix()
        links = 0
        while True:
            operator = self.operator()
            power = _BINDING.get(operator, 0)
            if power <= binding:
                self.depth -= 1
                return left
            # each link of a chain like a + b + c makes the tree one deeper
            links += power > _COMPARE
            self.measure(self.depth + links)
            left = self.infix(left, operator, power)

    def operator(self) -> str:
        token = self.token
        if token.kind is not TokenKind.OPERATOR:
            return ""
        if token.text == "not" and self.tokens[self.at + 1].text == "in":
            return "not in"
        return token.text

    def infix(self, left: Node, operator: str, power: int) -> Node:
        token = self.token
        self.at += 2 if operator == "not in" else 1
        if operator in {"and", "or"}:
            return self.logic(left, operator, power)
        right = self.expression(power)
        offset = left.offset
        length = right.offset + right.length - offset
        self.count()
        if power == _COMPARE:
            if operator == "=":
                self.complain("G110", "'=' does not compare", token, hint="did you mean '=='?")
                operator = "=="
            if _BINDING.get(self.operator()) == _COMPARE:
                raise self.unexpected("comparisons do not chain", hint="write: a < b and b < c")
            op = cast("CompareOp", operator)
            return Compare(op=op, left=left, right=right, offset=offset, length=length)
        sign = cast("ArithmeticOp", operator)
        return Arithmetic(op=sign, left=left, right=right, offset=offset, length=length)

    def logic(self, left: Node, operator: str, power: int) -> Node:
        operands = [left, self.expression(power)]
        while self.operator() == operator:
            self.at += 1
            operands.append(self.expression(power))
        self.count()
        last = operands[-1]
        return Logic(
            op="and" if operator == "and" else "or",
            operands=tuple(operands),
            offset=left.offset,
            length=last.offset + last.length - left.offset,
        )

    def prefix(self) -> Node:
        token = self.token
        self.count()
        match token.kind, token.text:
            case TokenKind.CONSTANT, _:
                self.at += 1
                return Constant(value=token.value, type=token.type, offset=token.offset, length=token.length)
            case TokenKind.NAME, _:
                self.at += 1
                if self.token.text == "(" and self.token.kind is TokenKind.OPERATOR:
                    return self.call(token)
                return NameRef(name=token.text, offset=token.offset, length=token.length)
            case TokenKind.OPERATOR, "not" | "-":
                self.at += 1
                operand = self.expression(_NOT if token.text == "not" else _UNARY)
                length = operand.offset + operand.length - token.offset
                return _signed(token, operand, length)
            case TokenKind.OPERATOR, "(":
                self.at += 1
                inner = self.expression(0)
                self.close(")", token)
                # the span takes the parentheses in, so that any node's text can stand alone
                return msgspec.structs.replace(inner, offset=token.offset, length=self.length(token))
            case TokenKind.OPERATOR, "[":
                self.at += 1
                items = self.items("]", token)
                return ListOf(items=items, offset=token.offset, length=self.length(token))
            case _:
                raise self.unexpected("expected a value")

    def items(self, closing: str, opening: Token) -> tuple[Node, ...]:
        found: list[Node] = []
        while not self.here(closing):
            found.append(self.expression(0))
            if not self.here(","):
                break
            self.at += 1
        self.close(closing, opening)
        return tuple(found)

    def call(self, name: Token) -> Node:
        opening = self.token
        self.at += 1
        args: list[Node] = []
        kwargs: list[tuple[str, Node]] = []
        while not self.here(")"):
            if self.token.kind is TokenKind.NAME and self.tokens[self.at + 1].text == "=":
                keyword = self.token
                self.at += 2
                kwargs.append((keyword.text, self.expression(0)))
            else:
                if kwargs:
                    self.complain("G106", "values without a name come first", self.token)
                args.append(self.expression(0))
            if not self.here(","):
                break
            self.at += 1
        self.close(")", opening)
        return Call(
            name=name.text,
            args=tuple(args),
            kwargs=tuple(kwargs),
            offset=name.offset,
            length=self.length(name),
            name_length=name.length,
        )

    def here(self, text: str) -> bool:
        return self.token.kind is TokenKind.OPERATOR and self.token.text == text

    def length(self, start: Token) -> int:
        last = self.tokens[self.at - 1]
        return last.offset + last.length - start.offset

    def close(self, closing: str, opening: Token) -> None:
        if self.here(closing):
            self.at += 1
        elif self.ended():
            raise _Stop(_problem("G101", f"'{opening.text}' is never closed", opening, f"add '{closing}'"))
        else:
            raise self.unexpected(f"expected '{closing}'")

    def count(self) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self.limit(f"more than {MAX_NODES} parts")

    def measure(self, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise self.limit(f"nested deeper than {MAX_DEPTH}")

    def limit(self, message: str) -> _Stop:
        return _Stop(_problem("G102", message, self.token, "split it into several items of the gate"))

    def unexpected(self, expected: str, *, hint: str = "") -> _Stop:
        found = "the end" if self.ended() else f"'{self.token.text[:40]}'"
        return self.stop(f"{expected}, found {found}", hint=hint)

    def stop(self, message: str, *, hint: str = "") -> _Stop:
        return _Stop(_problem("G101", message, self.token, hint))

    def complain(self, code: str, message: str, token: Token, *, hint: str = "") -> None:
        self.problems.append(_problem(code, message, token, hint))
