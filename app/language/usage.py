"""What a condition names, without judging it."""

from functools import lru_cache
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
from app.language.protocol import Used, Vocabulary

_CHECK_PARTS = 3


def walk(node: Node) -> list[Node]:
    """The node and all beneath it, in order of writing."""
    found: list[Node] = [node]
    match node:
        case Constant() | NameRef():
            pass
        case Call():
            inner = [*node.args, *(value for _, value in node.kwargs)]
            found.extend(one for child in inner for one in walk(child))
        case ListOf():
            found.extend(one for child in node.items for one in walk(child))
        case Negation() | Minus():
            found.extend(walk(node.operand))
        case Logic():
            found.extend(one for child in node.operands for one in walk(child))
        case Compare() | Arithmetic():
            found.extend([*walk(node.left), *walk(node.right)])
        case _:
            assert_never(node)
    return found


@lru_cache(maxsize=4096)
def used(text: str) -> Used:
    """Names, functions and ids of checks in a condition; nothing for a text that cannot be read."""
    tree = parse(text).tree
    nodes = walk(tree) if tree is not None else []
    names = frozenset(node.name for node in nodes if isinstance(node, NameRef))
    parts = [name.split(".") for name in names if name.startswith("checks.")]
    calls = [node for node in nodes if isinstance(node, Call)]
    return Used(
        names=names,
        functions=frozenset(call.name for call in calls),
        checks=frozenset(part[1] for part in parts if len(part) >= _CHECK_PARTS),
        configured=frozenset(part[1] for part in parts if part[2:] == ["config_changed"]),
        texts=frozenset((call.name, text) for call in calls for text in _texts(call)),
    )


def checks_given(text: str, vocabulary: Vocabulary) -> frozenset[tuple[str, str]]:
    """(function, id of a check) for each check that a function is given by its id."""
    tree = parse(text).tree
    calls = [node for node in walk(tree) if isinstance(node, Call)] if tree is not None else []
    return frozenset(
        (call.name, value.value)
        for call in calls
        if (function := vocabulary.functions.get(call.name)) is not None
        for parameter, value in bind(call, function).pairs
        if parameter.check and isinstance(value, Constant) and isinstance(value.value, str)
    )


def _texts(call: Call) -> list[str]:
    given = [*call.args, *(value for _, value in call.kwargs)]
    return [one.value for one in given if isinstance(one, Constant) and isinstance(one.value, str)]
