"""YAML text → a tree of nodes that know where they stand. Hostile bytes give complaints only.

PyYAML's C parser is used for its events alone: limits are counted while they stream by, nothing is
constructed from a tag, and scalars follow the YAML 1.2 core schema (`on` and `no` are strings).
"""

import re
from collections.abc import Iterator
from typing import Final

import msgspec
import yaml

from app.model import Scalar
from app.plan.complaints import Complaints, Span, shown
from app.plan.syntax import Mark, complain_of_syntax, span_of

MAX_BYTES: Final = 256 * 1024
MAX_EVENTS: Final = 20_000
MAX_DEPTH: Final = 40
MAX_ALIASES: Final = 200
MAX_EXPANDED: Final = 50_000
"""Nodes after aliases are followed: an alias costs what it stands for."""

_LONGEST_NUMBER = 40
_INT = re.compile(r"[-+]?[0-9]{1,15}")
_FLOAT = re.compile(r"(?=.*[.eE])[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


class ScalarNode(msgspec.Struct, frozen=True, gc=False):
    """A scalar: its text as written (escapes undone), its YAML 1.2 value, how it was quoted.

    `style` is '' (plain), `'`, `"`, `|` or `>`; `value` is a str for all but plain ones. Marks are the
    parser's own: most nodes are never complained about, so places are worked out when asked for.
    """

    text: str
    value: Scalar | None
    style: str
    start: Mark
    end: Mark
    weight: int = 1

    @property
    def span(self) -> Span:
        """Where it stands, quotes included."""
        return span_of(self.start, self.end)


class ListNode(msgspec.Struct, frozen=True, gc=False):
    """A sequence. `end` is that of its opening bracket."""

    items: list["Node"]
    flow: bool
    start: Mark
    end: Mark
    weight: int = 1

    @property
    def span(self) -> Span:
        """Where it begins."""
        return span_of(self.start, self.end)


class MapNode(msgspec.Struct, frozen=True, gc=False):
    """A mapping in the order of the file, first of equal keys only. `end` is that of its opening brace."""

    entries: dict[str, tuple[ScalarNode, "Node"]]
    flow: bool
    start: Mark
    end: Mark
    weight: int = 1

    @property
    def span(self) -> Span:
        """Where it begins."""
        return span_of(self.start, self.end)

    def get(self, key: str) -> "Node | None":
        """The value of a key, None if it is not there."""
        entry = self.entries.get(key)
        return None if entry is None else entry[1]


Node = ScalarNode | ListNode | MapNode


class _Refused(Exception):
    """Reading stops here; the complaint has been made."""


def core_scalar(text: str) -> Scalar | None:
    """A plain scalar by the YAML 1.2 core schema. Whole numbers past 15 digits stay text, and so do
    infinities and NaN: nothing here takes them, and a complaint quotes them as written.
    """
    if text in _NULLS:
        return None
    if text in _BOOLS:
        return _BOOLS[text]
    head = text[0]
    if not (head.isdigit() or head in "+-."):
        return text
    if _INT.fullmatch(text) and text.isascii():
        return int(text)
    if text.startswith("0x") and re.fullmatch(r"0x[0-9a-fA-F]{1,12}", text):
        return int(text, 16)
    if text.startswith("0o") and re.fullmatch(r"0o[0-7]{1,15}", text):
        return int(text, 8)
    if len(text) <= _LONGEST_NUMBER and text.isascii() and _FLOAT.fullmatch(text):
        number = float(text)
        return number if abs(number) != float("inf") else text
    return text


def _marks(event: yaml.Event) -> tuple[Mark, Mark]:
    start, end = event.start_mark, event.end_mark
    assert start is not None  # noqa: S101 - libyaml marks every event
    assert end is not None  # noqa: S101 - the same
    return start, end


class _Builder:
    """Builds nodes from events, counting as they come."""

    def __init__(self, complaints: Complaints) -> None:
        self.complaints = complaints
        self.anchors: dict[str, Node | None] = {}
        self.events = 0
        self.aliases = 0

    def refuse(self, code: str, message: str, event: yaml.Event, hint: str = "") -> _Refused:
        self.complaints.add(code, message, span_of(*_marks(event)), hint=hint)
        return _Refused(message)

    def stream(self, text: str) -> Iterator[yaml.Event]:
        """All events, or _Refused at the first one over a limit."""
        loader = yaml.CSafeLoader(text)
        while (event := loader.get_event()) is not None:
            self.events += 1
            if self.events > MAX_EVENTS:
                raise self.refuse("G003", f"more than {MAX_EVENTS} YAML events", event)
            if getattr(event, "tag", None) is not None:
                raise self.refuse("G004", "YAML tags are not allowed", event, "write the plain value")
            yield event

    def document(self, text: str) -> Node | None:
        """The one document of a stream; None for an empty one."""
        events = self.stream(text)
        root: Node | None = None
        for event in events:
            if not isinstance(event, yaml.DocumentStartEvent):
                continue
            if root is not None:
                raise self.refuse("G004", "a gate file is one YAML document", event, "remove this '---'")
            root = self.node(next(events), events, 1)
        return root

    def node(self, event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event)
        if depth > MAX_DEPTH:
            raise self.refuse("G003", f"nested deeper than {MAX_DEPTH}", event)
        anchor: str | None = getattr(event, "anchor", None)
        if anchor is not None:
            self.anchors[anchor] = None
        node: Node
        if isinstance(event, yaml.ScalarEvent):
            text = event.value
            style = event.style or ""
            value = text if style else core_scalar(text)
            node = ScalarNode(text, value, style, *_marks(event))
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self.sequence(event, events, depth)
        else:
            node = self.mapping(event, events, depth)
        if node.weight > MAX_EXPANDED:
            raise self.refuse("G003", f"more than {MAX_EXPANDED} values once aliases are followed", event)
        if anchor is not None:
            self.anchors[anchor] = node
        return node

    def alias(self, event: yaml.AliasEvent) -> Node:
        self.aliases += 1
        if self.aliases > MAX_ALIASES:
            raise self.refuse("G003", f"more than {MAX_ALIASES} aliases", event)
        if event.anchor not in self.anchors:
            raise self.refuse("G004", f"unknown alias '*{event.anchor}'", event)
        node = self.anchors[event.anchor]
        if node is None:
            raise self.refuse("G004", f"alias '*{event.anchor}' stands inside what it names", event)
        return node

    def sequence(self, start: yaml.SequenceStartEvent, events: Iterator[yaml.Event], depth: int) -> ListNode:
        items: list[Node] = []
        weight = 1
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            item = self.node(event, events, depth + 1)
            weight += item.weight
            items.append(item)
        return ListNode(items, bool(start.flow_style), *_marks(start), weight)

    def mapping(self, start: yaml.Event, events: Iterator[yaml.Event], depth: int) -> MapNode:
        entries: dict[str, tuple[ScalarNode, Node]] = {}
        weight = 1
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self.node(event, events, depth + 1)
            value = self.node(next(events), events, depth + 1)
            weight += key.weight + value.weight
            if not isinstance(key, ScalarNode):
                self.complaints.add("G004", "a key must be a plain word", key.span)
            elif key.text == "<<" and not key.style:
                hint = "repeat the keys, or use 'defaults'"
                self.complaints.add("G004", "merge keys '<<' are not allowed", key.span, hint=hint)
            elif key.text in entries:
                first = entries[key.text][0].span.line
                self.complaints.add(
                    "G005", f"duplicate key '{shown(key.text)}'", key.span, label=f"first on line {first}"
                )
            else:
                entries[key.text] = (key, value)
        return MapNode(entries, bool(getattr(start, "flow_style", False)), *_marks(start), weight)


def load(content: bytes, complaints: Complaints) -> Node | None:
    """Read a whole file; None where it cannot be read at all (complaints say why) or is empty."""
    text = _decode(content, complaints)
    if text is None:
        return None
    complaints.source(text)
    try:
        return _Builder(complaints).document(text)
    except _Refused:
        return None
    except yaml.reader.ReaderError as error:
        span = complaints.at(error.position)
        complaints.add("G001", f"character U+{int(error.character):04X} is not allowed in YAML", span)
    except yaml.MarkedYAMLError as error:
        complain_of_syntax(error, text, complaints)
    return None


def _decode(content: bytes, complaints: Complaints) -> str | None:
    if len(content) > MAX_BYTES:
        complaints.add("G003", f"larger than {MAX_BYTES // 1024} KiB", Span(1, 1, 1, 0))
        return None
    try:
        return content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8")
        complaints.source(content.decode("utf-8", "replace"))
        complaints.add("G001", "not UTF-8 text", complaints.at(len(before)), hint="save the file as UTF-8")
        return None
