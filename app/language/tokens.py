"""Text of a condition → tokens. Never raises: what cannot be read becomes a `Problem`."""

import re
from enum import StrEnum
from fractions import Fraction

import msgspec

from app.language.protocol import Problem, ValueType


class TokenKind(StrEnum):
    """What a token is."""

    CONSTANT = "constant"
    NAME = "name"
    OPERATOR = "operator"
    END = "end"


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """One token: `text` as understood (`&&` reads as `and`), `value` for constants."""

    kind: TokenKind
    text: str
    offset: int
    length: int
    value: bool | Fraction | str = ""
    type: ValueType = ValueType.ANY


MAX_DIGITS = 15
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}

_SPACE = re.compile(r"[ \t\r\n]+")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")
_NUMBER = re.compile(r"(?P<digits>[0-9]+(?:\.[0-9]+)?)(?P<unit>%|[A-Za-z_][A-Za-z0-9_]*)?")
_OPERATOR = re.compile(r"&&|\|\||===|!==|==|!=|<=|>=|<>|=>|=<|[-+*/<>()\[\],=!&|]")
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_ESCAPE = re.compile(r"\\(['\"\\])")

_KEYWORDS = frozenset({"and", "or", "not", "in"})
_FOREIGN = {
    "&&": "and",
    "||": "or",
    "&": "and",
    "|": "or",
    "!": "not",
    "===": "==",
    "!==": "!=",
    "<>": "!=",
    "=>": ">=",
    "=<": "<=",
}
_CONSTANTS = {"true": True, "false": False}


def tokenize(text: str) -> tuple[tuple[Token, ...], tuple[Problem, ...]]:
    """All tokens (the last is END) and what was wrong; a hard problem ends the reading."""
    tokens: list[Token] = []
    problems: list[Problem] = []
    at = 0
    while at < len(text):
        if space := _SPACE.match(text, at):
            at = space.end()
            continue
        found = _quoted(text, at) or _number(text, at) or _word(text, at) or _operator(text, at)
        if found is None:
            problems.append(_unreadable(text, at))
            break
        token, problem = found
        tokens.append(token)
        if problem is not None:
            problems.append(problem)
        at += token.length
    tokens.append(Token(kind=TokenKind.END, text="", offset=len(text), length=1))
    return tuple(tokens), tuple(problems)


_Found = tuple[Token, Problem | None] | None


def _quoted(text: str, at: int) -> _Found:
    match = _QUOTED.match(text, at)
    if match is None:
        return None
    value = _ESCAPE.sub(r"\1", match.group()[1:-1])
    return _constant(match.group(), at, value, ValueType.TEXT), None


def _number(text: str, at: int) -> _Found:
    match = _NUMBER.match(text, at)
    if match is None:
        return None
    value, unit, problem = Fraction(match["digits"]), match["unit"], None
    if len(match["digits"]) > MAX_DIGITS:
        kind = ValueType.ANY
        problem = Problem(
            code="G101", message=f"a number has at most {MAX_DIGITS} digits", offset=at, length=len(match[0])
        )
    elif unit is None:
        kind = ValueType.NUMBER
    elif unit == "%":
        kind = ValueType.PERCENT
    elif unit in SECONDS:
        value, kind = value * SECONDS[unit], ValueType.DURATION
    else:
        kind = ValueType.ANY
        problem = Problem(
            code="G101",
            message=f"unknown unit '{unit[:20]}'",
            offset=match.start("unit"),
            length=len(unit),
            hint="durations are written 90s, 30m, 4h, 2d or 1w, percentages 80%",
        )
    return _constant(match.group(), at, value, kind), problem


def _word(text: str, at: int) -> _Found:
    match = _NAME.match(text, at)
    if match is None:
        return None
    word = match.group()
    if word in _CONSTANTS:
        return _constant(word, at, _CONSTANTS[word], ValueType.BOOL), None
    problem = None
    lower = word.lower()
    if lower != word and (lower in _KEYWORDS or lower in _CONSTANTS):
        problem = _foreign(word, lower, at)
        if lower in _CONSTANTS:
            return _constant(word, at, _CONSTANTS[lower], ValueType.BOOL), problem
        word = lower
    kind = TokenKind.OPERATOR if word in _KEYWORDS else TokenKind.NAME
    return Token(kind=kind, text=word, offset=at, length=len(word)), problem


def _operator(text: str, at: int) -> _Found:
    match = _OPERATOR.match(text, at)
    if match is None:
        return None
    written = match.group()
    meant = _FOREIGN.get(written, written)
    problem = _foreign(written, meant, at) if meant != written else None
    return Token(kind=TokenKind.OPERATOR, text=meant, offset=at, length=len(written)), problem


def _constant(written: str, at: int, value: bool | Fraction | str, kind: ValueType) -> Token:
    return Token(
        kind=TokenKind.CONSTANT, text=written, offset=at, length=len(written), value=value, type=kind
    )


def _foreign(written: str, meant: str, at: int) -> Problem:
    return Problem(
        code="G110",
        message=f"'{written}' is not an operator here",
        offset=at,
        length=len(written),
        hint=f"did you mean '{meant}'?",
    )


def _unreadable(text: str, at: int) -> Problem:
    character = text[at]
    if character in "'\"":
        return Problem(
            code="G101",
            message=f"text that begins with {character} never ends",
            offset=at,
            length=len(text) - at,
            hint=f"close it with {character}",
        )
    hint = ""
    if character in "‘’“”":  # noqa: RUF001  these are the very characters people paste
        hint = "use straight quotes: '…'"
    elif character == "%":
        hint = "a percentage is written 80%, without a space"
    return Problem(code="G101", message=f"unexpected character {character!r}", offset=at, length=1, hint=hint)
