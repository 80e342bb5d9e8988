"""Shapes that hold others: lists, tables with free keys, records with known ones."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from app.plan.complaints import Span, shown
from app.plan.shapes import BAD, Reading, Schema, Shape
from app.plan.yaml import ListNode, MapNode, Node, ScalarNode


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
    """One key of a record: its shape, one line of help, whether it must be there, and what to do where it
    must and is not ('' = what the record says).
    """

    shape: Shape
    doc: str = ""
    required: bool = False
    missing: str = ""


class Record:
    """A mapping with known keys. `later` are keys of later versions (refused, with a hint). Without a
    required key it is BAD, unless `partial`.
    """

    def __init__(
        self,
        fields: Mapping[str, Field],
        *,
        later: Mapping[str, str] | None = None,
        help_topic: str = "",
        wanted: str = "a mapping",
        partial: bool = False,
    ) -> None:
        self.partial = partial
        self.fields = dict(fields)
        self.required = tuple(name for name, field in self.fields.items() if field.required)
        self.later = dict(later or {})
        self.hint = f"portcullis explain {help_topic}" if help_topic else f"keys: {', '.join(self.fields)}"
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
        missing = [name for name in self.required if name not in values]
        if not node.entries.keys() & self.later.keys():
            for name in missing:
                if name not in node.entries:
                    message = f"'{name}' is missing"
                    hint = self.fields[name].missing or self.hint
                    reading.complaints.add("G010", message, node.span, where=where, hint=hint)
        return BAD if missing and not self.partial else values

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
        result: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
        return {**result, "required": list(self.required)} if self.required else result


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
