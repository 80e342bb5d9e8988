"""`gate:`: items, groups and conditionals as written, and the built-in gate."""

import re
from collections.abc import Iterator, Mapping
from typing import Literal

from app.model import Condition, Conditional, Expression, GateItem, Group
from app.plan.complaints import shown
from app.plan.containers import items_of
from app.plan.shapes import Pending, Reading, Schema, expression
from app.plan.yaml import ListNode, MapNode, Node, ScalarNode

_FORMS = {
    "expect": ("expect", "because", "advisory"),
    "any": ("any", "because", "advisory"),
    "all": ("all", "because", "advisory"),
    "when": ("when", "require", "because", "advisory"),
}
_ALL = tuple(dict.fromkeys(key for keys in _FORMS.values() for key in keys))
_CHOICE = "expect, any, all, when"
_COMMA = "quote an expression that holds a comma: \"findings('high', 'new') == 0\""
MAX_NESTING = 8
_BECAUSE = 500
_ITEM = re.compile(r"gate(?:\[(\d+)\])?")


class GateShape:
    """The whole gate: a list of items, all of which must hold."""

    def read(self, node: Node, where: str, reading: Reading) -> object:
        """A tuple of gate items."""
        if isinstance(node, ScalarNode) and node.value is None:
            return reading.wrong(
                node, where, "a list of conditions", hint="leave 'gate' out for the built-in gate"
            )
        return self._items(node, where, reading, depth=0)

    def _items(self, node: Node, where: str, reading: Reading, *, depth: int) -> tuple[GateItem, ...]:
        in_flow = isinstance(node, ListNode) and node.flow
        listed = isinstance(node, ListNode)
        items: list[GateItem] = []
        for index, one in enumerate(items_of(node)):
            place = f"{where}[{index}]" if listed else where
            item = self._item(one, place, reading, depth=depth, in_flow=in_flow)
            if item is not None:
                items.append(item)
        return tuple(items)

    def _item(
        self, node: Node, where: str, reading: Reading, *, depth: int, in_flow: bool
    ) -> GateItem | None:
        if isinstance(node, ScalarNode):
            found = self._expression(node, where, reading, in_flow=in_flow)
            return None if found is None else Condition(expression=found)
        if not isinstance(node, MapNode):
            reading.wrong(
                node, where, "an expression or a mapping", hint="write {all: […]} for a list within the list"
            )
            return None
        forms = [key for key in _FORMS if key in node.entries]
        self._keys(node, where, reading, forms=forms, depth=depth)
        if depth > MAX_NESTING:
            reading.wrong(node, where, "a group nested less deeply", code="G003")
        elif len(forms) == 1:
            because = self._because(node, where, reading)
            return self._form(node, where, reading, form=forms[0], depth=depth, because=because)
        elif forms:
            at = node.entries[forms[1]][0]
            reading.complaints.add("G021", f"exactly one of {_CHOICE}", at.span, where=where)
        elif not node.entries or any(key in _ALL for key in node.entries):
            reading.complaints.add("G010", f"one of {_CHOICE} is missing", node.span, where=where)
        return None

    def _form(
        self, node: MapNode, where: str, reading: Reading, *, form: str, depth: int, because: str
    ) -> GateItem | None:
        advisory = self._advisory(node, where, reading)
        value = node.entries[form][1]
        source = reading.source(node)
        if form in {"any", "all"}:
            mode: Literal["any", "all"] = "any" if form == "any" else "all"
            items = self._items(value, f"{where}.{form}", reading, depth=depth + 1)
            if not items_of(value):
                reading.wrong(value, f"{where}.{form}", "at least one condition", code="G014")
            return Group(mode=mode, items=items, source=source, because=because, advisory=advisory)
        found = self._expression(value, f"{where}.{form}", reading, in_flow=node.flow)
        if form == "expect":
            return None if found is None else Condition(expression=found, because=because, advisory=advisory)
        require = node.get("require")
        if require is None:
            reading.complaints.add("G010", "'require' is missing", node.entries["when"][0].span, where=where)
            return None
        members = self._items(require, f"{where}.require", reading, depth=depth + 1)
        if not items_of(require):
            reading.wrong(require, f"{where}.require", "at least one condition", code="G014")
        if found is None:
            return None
        return Conditional(when=found, require=members, source=source, because=because, advisory=advisory)

    def _expression(self, node: Node, where: str, reading: Reading, *, in_flow: bool) -> Expression | None:
        if not isinstance(node, ScalarNode) or node.value is None:
            reading.wrong(node, where, "an expression")
            return None
        reading.expressions.append(Pending(node, where, "gate", in_flow=in_flow))
        return expression(node, reading)

    def _keys(self, node: MapNode, where: str, reading: Reading, *, forms: list[str], depth: int) -> None:
        allowed = _FORMS[forms[0]] if len(forms) == 1 else _ALL
        for name, (key, value) in node.entries.items():
            place = f"{where}.{name}"
            if name in allowed:
                if depth and name in {"because", "advisory"}:
                    message = f"'{name}' stands only on top-level items"
                    reading.complaints.add("G025", message, key.span, where=place)
                continue
            empty = isinstance(value, ScalarNode) and value.value is None and not value.style
            hint = _COMMA if node.flow and empty else "portcullis explain gate"
            message = f"unknown key '{shown(name)}'"
            reading.complaints.add(
                "G012", message, key.span, where=place, hint=hint, known=allowed, word=name
            )

    def _because(self, node: MapNode, where: str, reading: Reading) -> str:
        value = node.get("because")
        if value is None:
            return ""
        if isinstance(value, ScalarNode) and value.value is not None and len(value.text) <= _BECAUSE:
            return value.text
        reading.wrong(value, f"{where}.because", f"a text of at most {_BECAUSE} characters")
        return ""

    def _advisory(self, node: MapNode, where: str, reading: Reading) -> bool:
        value = node.get("advisory")
        if value is None or (isinstance(value, ScalarNode) and isinstance(value.value, bool)):
            return isinstance(value, ScalarNode) and value.value is True
        reading.wrong(value, f"{where}.advisory", "true or false")
        return False

    def schema(self, _reading: Mapping[str, tuple[str, ...]]) -> Schema:
        """Refers to the definition that `definitions` gives."""
        return {"anyOf": [{"type": "array", "items": {"$ref": "#/$defs/item"}}, {"$ref": "#/$defs/item"}]}


def definitions() -> Schema:
    """`$defs` for gate items; members of groups carry neither `because` nor `advisory`."""
    text: Schema = {"type": ["string", "boolean"], "maxLength": 2000}
    extra: Schema = {"because": {"type": "string", "maxLength": _BECAUSE}, "advisory": {"type": "boolean"}}
    result: Schema = {}
    for name, more in (("item", extra), ("member", Schema())):
        member: Schema = {"$ref": "#/$defs/member"}
        many: Schema = {"anyOf": [{"type": "array", "items": member, "minItems": 1}, member]}
        forms: list[Schema] = []
        for form, keys in _FORMS.items():
            values: Schema = {"expect": text, "any": many, "all": many, "when": text, "require": many}
            properties = {key: values[key] for key in keys if key in values} | more
            needed = [key for key in keys if key in values]
            forms.append(
                {
                    "type": "object",
                    "properties": properties,
                    "required": needed,
                    "additionalProperties": False,
                    "title": form,
                }
            )
        result[name] = {"anyOf": [text, *forms]}
    return result


def expressions(items: tuple[GateItem, ...], *, conditional: bool = True) -> Iterator[Expression]:
    """All expressions of items; without those under a `when` (and the `when`) if not `conditional`."""
    for item in items:
        match item:
            case Condition():
                yield item.expression
            case Group():
                yield from expressions(item.items, conditional=conditional)
            case Conditional():
                if conditional:
                    yield item.when
                    yield from expressions(item.require)


def advisory(pending: Pending, gate: Node | None) -> bool:
    """Whether an expression stands in an advisory item of the gate."""
    match = _ITEM.match(pending.where) if pending.context == "gate" else None
    if match is None or gate is None:
        return False
    item = gate.items[int(match[1])] if match[1] is not None and isinstance(gate, ListNode) else gate
    flag = item.get("advisory") if isinstance(item, MapNode) else None
    return isinstance(flag, ScalarNode) and flag.value is True
