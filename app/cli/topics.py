"""What `portcullis explain WORD` tells: the keys of the gate file and the words of its conditions.

All of it follows from the schema and the vocabulary, so a new key or condition explains itself.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from app.language import Function, Name, signature
from app.plan import Catalogue, json_schema


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """One word: how it is written, what it means, and (for a key that holds others) the keys in it."""

    word: str
    written: str
    means: str
    not_yet: str = ""
    keys: dict[str, str] = {}


def _keys(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The keys of a mapping's schema, wherever the alternatives hide them."""
    found: dict[str, Any] = dict(schema.get("properties", {}))
    for pattern in schema.get("patternProperties", {}).values():
        found |= _keys(pattern)
    for alternative in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        found |= _keys(alternative)
    if isinstance(schema.get("items"), dict):
        found |= _keys(schema["items"])
    return found


def _written(schema: Mapping[str, Any]) -> str:
    match schema:
        case {"const": value}:
            return str(value)
        case {"enum": [*values]}:
            return " | ".join(map(str, values))
        case {"type": str(kind)}:
            return {"object": "mapping", "array": "list"}.get(kind, kind)
        case {"type": [*kinds]}:
            return " | ".join(map(str, kinds))
        case {"anyOf": [*alternatives]} | {"oneOf": [*alternatives]}:
            return " | ".join(dict.fromkeys(_written(alternative) for alternative in alternatives))
        case _:
            return "anything"


def _of_keys(prefix: str, schema: Mapping[str, Any]) -> Iterator[Topic]:
    for key, inner in _keys(schema).items():
        inside = _keys(inner)
        word = f"{prefix}{key}"
        yield Topic(
            word=word,
            written=_written(inner),
            means=str(inner.get("description", "")),
            keys={name: str(part.get("description", "")) for name, part in inside.items()},
        )
        yield from _of_keys(f"{word}.", inner)


def _of_name(word: str, name: Name) -> Topic:
    return Topic(word=word, written=name.type.value, means=name.doc, not_yet=name.unsupported)


def _of_function(word: str, function: Function) -> Topic:
    return Topic(
        word=word, written=signature(word, function), means=function.doc, not_yet=function.unsupported
    )


def topics(catalogue: Catalogue) -> dict[str, Topic]:
    """Every word that can be explained. A key that the schema does not describe has no topic of its own."""
    vocabulary = catalogue.vocabulary
    conditions = [
        *(_of_name(word, name) for word, name in vocabulary.names.items()),
        *(_of_name(f"checks.ID.{word}", name) for word, name in vocabulary.per_check.items()),
        *(_of_function(word, function) for word, function in vocabulary.functions.items()),
    ]
    every = [
        *_of_keys("", json_schema(catalogue)),
        *conditions,
    ]
    found = {topic.word: topic for topic in every if topic.means}
    if (gate := found.get("gate")) is not None:
        found["gate"] = msgspec.structs.replace(gate, keys=gate.keys | _usable(conditions))
    return found


def _usable(conditions: Iterable[Topic]) -> dict[str, str]:
    """The words that a condition may hold in this version."""
    return {
        topic.written if "(" in topic.written else topic.word: topic.means
        for topic in conditions
        if topic.means and not topic.not_yet
    }
