"""Shapes of the gate file: each reads a node with located complaints and describes itself as JSON schema.

One table of shapes (`keys.py`) is what the reader, the schema for editors and the suggestions share.
A shape's `read` gives a plain value (str, int, float, bool, tuple, dict, Expression) or BAD after it
complained; a record leaves out what was BAD, so that one mistake is one complaint.
"""

import re
from collections.abc import Mapping
from enum import Enum
from fractions import Fraction
from typing import Final, NamedTuple, Protocol

from app.language import Context
from app.model import Expression, Source
from app.plan.complaints import Complaints, shown
from app.plan.yaml import ListNode, MapNode, Node, ScalarNode

Schema = dict[str, object]


class Bad(Enum):
    """The value of what could not be read."""

    BAD = "bad"


BAD: Final = Bad.BAD


class Pending(NamedTuple):
    """An expression found while reading, to be checked once all ids are known.

    `in_flow`: it stands within [ ] or { }, where a comma ends it.
    """

    node: ScalarNode
    where: str
    context: Context
    in_flow: bool


class Reading:
    """What reading one file gathers: complaints, and the expressions in file order. `today` is an ISO date
    ('' = what has expired is not looked at).
    """

    def __init__(self, complaints: Complaints, names: Mapping[str, tuple[str, ...]], today: str = "") -> None:
        self.complaints = complaints
        self.names = names
        self.today = today
        self.expressions: list[Pending] = []

    def source(self, node: Node) -> Source:
        """Where a node stands, as what was made of it keeps it."""
        return Source(path=self.complaints.path, line=node.start.line + 1, column=node.start.column + 1)

    def complain(self, code: str, message: str, node: Node, where: str, hint: str = "") -> None:
        """Complain about a whole node."""
        self.complaints.add(code, message, node.span, where=where, hint=hint)

    def wrong(self, node: Node, where: str, wanted: str, *, code: str = "G011", hint: str = "") -> Bad:
        """Complain that a node is not what is wanted there."""
        message = f"{described(node)} where {wanted} is expected"
        self.complaints.add(code, message, node.span, where=where, hint=hint)
        return BAD


def described(node: Node) -> str:
    """A node in a few words, for complaints."""
    if isinstance(node, MapNode):
        return "a mapping"
    if isinstance(node, ListNode):
        return "a list"
    if node.value is None and not node.style:
        return "nothing"
    kind = {bool: "true/false", int: "the number", float: "the number"}.get(type(node.value), "the text")
    return f"{kind} '{shown(node.text)}'"


class Shape(Protocol):
    """One kind of value."""

    def read(self, node: Node, where: str, reading: Reading) -> object:
        """The value, or BAD after complaining."""
        ...

    def schema(self, reading: Mapping[str, tuple[str, ...]]) -> Schema:
        """JSON schema (draft 2020-12) that accepts what `read` accepts, as nearly as it can say."""
        ...


class Text:
    """A text. Unquoted numbers and true/false are refused where they would be misread, unless `loose`
    (then the text as written counts). `pattern` must match whole; `choices` are all there is; `named`
    takes its choices from the catalogue; `later` are choices of later versions.
    """

    def __init__(
        self,
        wanted: str = "a text",
        *,
        pattern: str = "",
        choices: tuple[str, ...] = (),
        named: str = "",
        later: Mapping[str, str] | None = None,
        loose: bool = False,
        empty: bool = False,
        code: str = "G014",
    ) -> None:
        self.wanted = wanted
        self.pattern = re.compile(pattern) if pattern else None
        self.choices = choices
        self.named = named
        self.later = later or {}
        self.loose = loose
        self.empty = empty
        self.code = code

    def read(self, node: Node, where: str, reading: Reading) -> object:
        """The text."""
        choices = reading.names[self.named] if self.named else self.choices
        wanted = "a word" if choices else self.wanted
        if not isinstance(node, ScalarNode) or (node.value is None and not (self.empty and node.style)):
            return reading.wrong(node, where, wanted, hint=_one_of(choices))
        if not isinstance(node.value, str) and not self.loose:
            meant = _one_of(choices) or f"quote it: '{shown(node.text)}'"
            return reading.wrong(node, where, wanted, hint=meant)
        text = node.text
        complain = reading.complaints.add
        if text in self.later and text not in choices:
            message = f"'{text}' is not yet supported by this version"
            complain("G013", message, node.span, where=where, hint=self.later[text])
            return BAD
        if choices and text not in choices:
            message = f"unknown {self.wanted} '{shown(text)}'"
            hint = _one_of(choices)
            complain(self.code, message, node.span, where=where, hint=hint, known=choices, word=text)
            return BAD
        if "\x00" in text or (self.pattern is not None and not self.pattern.fullmatch(text)):
            return reading.wrong(node, where, self.wanted, code=self.code)
        return text

    def schema(self, reading: Mapping[str, tuple[str, ...]]) -> Schema:
        """A string, an enum or a pattern."""
        if choices := (reading[self.named] if self.named else self.choices):
            return {"enum": list(choices)}
        schema: Schema = {"type": ["string", "number", "boolean"] if self.loose else "string"}
        if self.pattern is not None:
            schema["pattern"] = f"^(?:{self.pattern.pattern})$"
        elif not self.empty:
            schema["minLength"] = 1
        return schema


class Whole:
    """A whole number within bounds, both included."""

    def __init__(self, low: int, high: int) -> None:
        self.low = low
        self.high = high

    def read(self, node: Node, where: str, reading: Reading) -> object:
        """The number."""
        wanted = f"a whole number from {self.low} to {self.high}"
        value = node.value if isinstance(node, ScalarNode) else None
        if isinstance(value, bool) or not isinstance(value, int):
            return reading.wrong(node, where, wanted)
        if not self.low <= value <= self.high:
            return reading.wrong(node, where, wanted, code="G014")
        return value

    def schema(self, _reading: Mapping[str, tuple[str, ...]]) -> Schema:
        """An integer with bounds."""
        return {"type": "integer", "minimum": self.low, "maximum": self.high}


class Number:
    """A number above zero, at most `high`."""

    def __init__(self, high: float) -> None:
        self.high = high

    def read(self, node: Node, where: str, reading: Reading) -> object:
        """The number as float."""
        wanted = f"a number above 0, at most {self.high:g}"
        value = node.value if isinstance(node, ScalarNode) else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            return reading.wrong(node, where, wanted)
        if not 0 < value <= self.high:
            return reading.wrong(node, where, wanted, code="G014")
        return float(value)

    def schema(self, _reading: Mapping[str, tuple[str, ...]]) -> Schema:
        """A number with bounds."""
        return {"type": "number", "exclusiveMinimum": 0, "maximum": self.high}


class Flag:
    """true or false (YAML 1.2: `yes` and `no` are texts)."""

    def read(self, node: Node, where: str, reading: Reading) -> object:
        """The flag."""
        if isinstance(node, ScalarNode) and isinstance(node.value, bool):
            return node.value
        spoken = isinstance(node, ScalarNode) and node.text.lower() in {"yes", "no", "on", "off", "y", "n"}
        hint = "this is YAML 1.2: only true and false are flags" if spoken else ""
        return reading.wrong(node, where, "true or false", hint=hint)

    def schema(self, _reading: Mapping[str, tuple[str, ...]]) -> Schema:
        """A boolean."""
        return {"type": "boolean"}


class Quantity:
    """A number with a unit: `10m` (seconds) or `2GiB` (bytes), within bounds."""

    def __init__(self, wanted: str, units: Mapping[str, int], *, whole: bool, low: int, high: int) -> None:
        self.wanted = wanted
        self.units = units
        self.whole = whole
        self.bounds = (low, high)
        names = "|".join(sorted(units, key=len, reverse=True))
        self.pattern = re.compile(rf"([0-9]{{1,9}}(?:\.[0-9]{{1,3}})?) ?({names})")

    def read(self, node: Node, where: str, reading: Reading) -> object:
        """Seconds as float, or bytes as int."""
        if not isinstance(node, ScalarNode):
            return reading.wrong(node, where, self.wanted, code="G015")
        match = self.pattern.fullmatch(node.text)
        if match is None:
            known = isinstance(node.value, int | float) and not isinstance(node.value, bool)
            unit = next(iter(self.units)) if self.whole else "m"
            hint = f"write the unit: {shown(node.text)}{unit}" if known else ""
            return reading.wrong(node, where, self.wanted, code="G015", hint=hint)
        size = self.units[match[2]]
        amount = int(match[1]) * size if match[1].isdigit() else Fraction(match[1]) * size
        low, high = self.bounds
        if not low <= amount <= high:
            return reading.wrong(node, where, f"{self.wanted} within bounds", code="G015")
        return int(amount) if self.whole else float(amount)

    def schema(self, _reading: Mapping[str, tuple[str, ...]]) -> Schema:
        """A string with the pattern."""
        return {"type": "string", "pattern": f"^{self.pattern.pattern}$"}


class Expr:
    """A condition. Its words and types are checked once all check ids are known."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def read(self, node: Node, where: str, reading: Reading) -> object:
        """The expression with its source; true and false are read as the language's own words."""
        if not isinstance(node, ScalarNode) or node.value is None:
            hint = "join conditions by and, or: changed('app/**') and not pr.draft"
            return reading.wrong(node, where, "an expression", hint=hint)
        reading.expressions.append(Pending(node, where, self.context, in_flow=False))
        return expression(node, reading)

    def schema(self, _reading: Mapping[str, tuple[str, ...]]) -> Schema:
        """A string."""
        return {
            "type": ["string", "boolean"],
            "maxLength": 2000,
            "description": f"an expression ({self.context})",
        }


def _one_of(choices: tuple[str, ...]) -> str:
    return f"one of: {', '.join(choices)}" if choices else ""


def expression(node: ScalarNode, reading: Reading) -> Expression:
    """A scalar as an expression."""
    return Expression(text=node.text, source=reading.source(node))
