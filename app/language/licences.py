"""SPDX licence expressions: what one asks for, and whether a list of licences grants it.

The list of licences is only loaded where it is asked for: it costs a tenth of a second.
"""

import difflib
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib import import_module
from typing import Any, Literal

from app.language.globs import like
from app.model import Licences

Standing = Literal["allowed", "denied", "unknown"]
"""How a licence stands to a list: unknown = no licence is named, or one that SPDX does not know."""

_MAX_DEPTH = 100
_OWN = ("LicenseRef-", "DocumentRef-")


@cache
def _spdx() -> Any:  # noqa: ANN401 - the library has no types
    return import_module("license_expression").get_spdx_licensing()


def licence_problem(name: str) -> str:
    """What is wrong with an entry of a list of licences, with the nearest name that SPDX knows; '' = nothing.

    An entry is a licence (`MIT`), one with an exception (`GPL-2.0-only WITH Classpath-exception-2.0`), a
    glob over licences (`GPL-*`), or a name of one's own (`LicenseRef-…`).
    """
    if " OR " in name or " AND " in name:
        return "list each licence by itself"
    known = _spdx().known_symbols
    for part in name.split(" WITH "):
        if part in known or part.startswith(_OWN):
            continue
        if "*" in part and any(like(one, part) for one in known):
            continue
        meant = getattr(_parsed(part), "key", part)
        near = [meant] if meant in known else difflib.get_close_matches(part, known, n=1)
        return f"did you mean '{near[0]}'?" if near else "see https://spdx.org/licenses"
    return ""


def _parsed(expression: str) -> Any:  # noqa: ANN401 - the library has no types
    """The tree of an expression; None where it is none."""
    try:
        return _spdx().parse(expression)
    except Exception:  # noqa: BLE001 - for hostile texts its parser raises errors of many types
        return None


@lru_cache(maxsize=4096)
def licence_standing(expression: str, lists: Licences) -> Standing:
    """Whether the licence is allowed: of alternatives (OR) one is enough, of parts (AND) all are needed."""
    tree = _parsed(expression)
    return "unknown" if tree is None else _standing(tree, lists, _MAX_DEPTH)


def _standing(node: Any, lists: Licences, depth: int) -> Standing:  # noqa: ANN401
    if not depth:
        return "unknown"
    spdx = _spdx()
    if isinstance(node, spdx.OR):
        return _first(("allowed", "unknown", "denied"), node.args, lists, depth)
    if isinstance(node, spdx.AND):
        return _first(("denied", "unknown", "allowed"), node.args, lists, depth)
    licence = getattr(node, "license_symbol", node)
    exception = getattr(node, "exception_symbol", None)
    if exception is None:
        return _leaf(licence.key, licence.key, lists)
    return _leaf(f"{licence.key} WITH {exception.key}", licence.key, lists)


def _first(order: tuple[Standing, ...], nodes: Iterable[Any], lists: Licences, depth: int) -> Standing:
    """Of the standings of all the nodes the one that comes first in the order."""
    return min((_standing(node, lists, depth - 1) for node in nodes), key=order.index)


def _leaf(key: str, licence: str, lists: Licences) -> Standing:
    """One licence, perhaps with an exception: an exception grants more, so that its licence's own standing
    holds unless the two together are listed.
    """
    if _listed(key, lists.allow):
        return "denied" if _listed(key, lists.deny) else "allowed"
    if _listed(key, lists.deny) or _listed(licence, lists.deny):
        return "denied"
    if licence.startswith(_OWN) or licence not in _spdx().known_symbols:
        return "unknown"
    if lists.allow:
        return "allowed" if _listed(licence, lists.allow) else "denied"
    return "allowed" if lists.deny else "denied"


def _listed(key: str, entries: Iterable[str]) -> bool:
    return any(like(key, entry) for entry in entries)
