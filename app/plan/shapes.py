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
from app.plan.complaints import Complaints, Span, shown
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
    """What reading one file gathers: complaints, and the expressions in file order."""

    def __init__(self, complaints: Complaints, names: Mapping[str, tuple[str, ...]]) -> None:
        self.complaints = complaints
        self.names = names
        self.expressions: list[Pending] = []

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
        if not isinstance(node, ScalarNode) or (node.value is None and not (self.empty and node.style)):
            return reading.wrong(node, where, self.wanted)
        if not isinstance(node.value, str) and not self.loose:
            return reading.wrong(node, where, self.wanted, hint=f"quote it: '{shown(node.text)}'")
        text = node.text
        choices = reading.names[self.named] if self.named else self.choices
        complain = reading.complaints.add
        if text in self.later and text not in choices:
            message = f"'{text}' is not yet supported by this version"
            complain("G013", message, node.span, where=where, hint=self.later[text])
            return BAD
        if choices and text not in choices:
            message = f"unknown {self.wanted} '{shown(text)}'"
            hint = f"one of: {', '.join(choices)}"
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
        return reading.wrong(node, where, "true or false")

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
        amount = Fraction(match[1]) * self.units[match[2]]
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
            return reading.wrong(node, where, "an expression")
        reading.expressions.append(Pending(node, where, self.context, in_flow=False))
        return expression(node, reading)

    def schema(self, _reading: Mapping[str, tuple[str, ...]]) -> Schema:
        """A string."""
        return {
            "type": ["string", "boolean"],
            "maxLength": 2000,
            "description": f"an expression ({self.context})",
        }


def expression(node: ScalarNode, reading: Reading) -> Expression:
    """A scalar as an expression."""
    source = Source(path=reading.complaints.path, line=node.span.line, column=node.span.column)
    return Expression(text=node.text, source=source)


class Items:
    """A list; one value alone stands for a list of one."""

    def __init__(self, item: Shape, *, low: int = 0, high: int = 1000) -> None:
        self.item = item
        self.low = low
        self.high = high

    def read(self, node: Node, where: str, reading: Reading) -> object:
        """A tuple of what could be read, BAD if nothing could."""
        nodes = items_of(node)
        if not self.low <= len(nodes) <= self.high:
            return reading.wrong(node, where, f"a list of {self.low} to {self.high}", code="G014")
        places = [where] if not isinstance(node, ListNode) else [f"{where}[{i}]" for i in range(len(nodes))]
        values = [self.item.read(one, place, reading) for one, place in zip(nodes, places, strict=True)]
        kept = tuple(value for value in values if value is not BAD)
        return BAD if values and not kept else kept

    def schema(self, reading: Mapping[str, tuple[str, ...]]) -> Schema:
        """An array or one item."""
        item = self.item.schema(reading)
        return {
            "anyOf": [{"type": "array", "items": item, "minItems": self.low, "maxItems": self.high}, item]
        }


def items_of(node: Node) -> list[Node]:
    """The items of a list, or the one value that stands for it."""
    return node.items if isinstance(node, ListNode) else [node]


class Table:
    """A mapping with free keys of one pattern."""

    def __init__(self, key: str, value: Shape, *, wanted: str, high: int = 1000) -> None:
        self.key = re.compile(key)
        self.value = value
        self.wanted = wanted
        self.high = high

    def read(self, node: Node, where: str, reading: Reading) -> object:
        """A dict of what could be read."""
        if not isinstance(node, MapNode):
            return reading.wrong(node, where, "a mapping")
        if len(node.entries) > self.high:
            return reading.wrong(node, where, f"at most {self.high} keys", code="G014")
        values: dict[str, object] = {}
        for name, (key, value) in node.entries.items():
            if not self.key.fullmatch(name):
                message = f"'{shown(name)}' is not {self.wanted}"
                reading.complaints.add(
                    "G020", message, key.span, where=where, hint=f"it must match {self.key.pattern}"
                )
                continue
            read = self.value.read(value, f"{where}.{name}", reading)
            if read is not BAD:
                values[name] = read
        return values

    def schema(self, reading: Mapping[str, tuple[str, ...]]) -> Schema:
        """An object with pattern properties."""
        pattern = f"^(?:{self.key.pattern})$"
        value = self.value.schema(reading)
        return {"type": "object", "patternProperties": {pattern: value}, "additionalProperties": False}


class Field(NamedTuple):
    """One key of a record: its shape, one line of help, whether it must be there."""

    shape: Shape
    doc: str = ""
    required: bool = False


class Record:
    """A mapping with known keys. `later` are keys of later versions (refused, with a hint)."""

    def __init__(
        self,
        fields: Mapping[str, Field],
        *,
        later: Mapping[str, str] | None = None,
        help_topic: str = "",
        wanted: str = "a mapping",
    ) -> None:
        self.fields = dict(fields)
        self.later = dict(later or {})
        self.hint = f"portcullis explain {help_topic}" if help_topic else ""
        self.wanted = wanted

    def read(self, node: Node, where: str, reading: Reading) -> object:
        """A dict of what was there and could be read."""
        if not isinstance(node, MapNode):
            return reading.wrong(node, where, self.wanted)
        values: dict[str, object] = {}
        for name, (key, value) in node.entries.items():
            place = f"{where}.{name}" if where else name
            field = self.fields.get(name)
            if field is None:
                self._refuse(name, key.span, place, value, node, reading)
                continue
            read = field.shape.read(value, place, reading)
            if read is not BAD:
                values[name] = read
        for name, field in self.fields.items():
            if field.required and name not in node.entries:
                span = node.span
                reading.complaints.add("G010", f"'{name}' is missing", span, where=where, hint=self.hint)
        return values

    def _refuse(
        self, name: str, span: Span, where: str, value: Node, node: MapNode, reading: Reading
    ) -> None:
        add = reading.complaints.add
        if name in self.later:
            message = f"'{name}' is not yet supported by this version"
            add("G013", message, span, where=where, hint=self.later[name])
            return
        hint = self.hint
        label = ""
        if node.flow and isinstance(value, ScalarNode) and value.value is None and not value.style:
            label = "a comma begins the next key"
            hint = "quote an expression that holds a comma: \"findings('high', 'new') == 0\""
        message = f"unknown key '{shown(name)}'"
        add("G012", message, span, where=where, hint=hint, label=label, known=self.fields, word=name)

    def schema(self, reading: Mapping[str, tuple[str, ...]]) -> Schema:
        """An object that refuses other keys."""
        properties: Schema = {}
        for name, field in self.fields.items():
            schema = field.shape.schema(reading)
            properties[name] = {**schema, "description": field.doc} if field.doc else schema
        required = [name for name, field in self.fields.items() if field.required]
        result: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
        return {**result, "required": required} if required else result


class Either:
    """A mapping is read by one shape, everything else by another."""

    def __init__(self, scalar: Shape, mapping: Shape) -> None:
        self.scalar = scalar
        self.mapping = mapping

    def read(self, node: Node, where: str, reading: Reading) -> object:
        """Whatever the fitting shape reads."""
        return (self.mapping if isinstance(node, MapNode) else self.scalar).read(node, where, reading)

    def schema(self, reading: Mapping[str, tuple[str, ...]]) -> Schema:
        """Any of the two."""
        return {"anyOf": [self.scalar.schema(reading), self.mapping.schema(reading)]}
