"""`${…}` in what a check pastes: only axes of its matrix, and `${hash(…)}` in the key of its cache."""

import re
from typing import Final

from app.plan.complaints import Span
from app.plan.hashed import BEGUN, HASH
from app.plan.matrix import PLACEHOLDER, Matrix, unknown_axis
from app.plan.places import within
from app.plan.shapes import Reading
from app.plan.yaml import ListNode, MapNode, Node, ScalarNode

_PASTED: Final = frozenset(
    {
        "run", "args", "env", "workdir", "reports", "outputs", "artifacts", "reuse", "setup", "cache",
        "image", "when", "after",
    }
)  # fmt: skip


def check_placeholders(node: MapNode, where: str, matrix: Matrix | None, reading: Reading) -> None:
    """Complain about each that stands for nothing. `matrix` is None where there is none, or a broken one."""
    axes = None if matrix is None and "matrix" in node.entries else _axes(matrix)
    for name, (_, value) in node.entries.items():
        if name not in _PASTED:
            continue
        for scalar in scalars(value):
            if "${" in scalar.text:
                _check(scalar, name, f"{where}.{name}", axes, reading)


def _axes(matrix: Matrix | None) -> set[str]:
    return {axis.name for axis in matrix.axes} if matrix else set()


def _check(scalar: ScalarNode, name: str, where: str, axes: set[str] | None, reading: Reading) -> None:
    """One text. `axes` are those of the matrix, None where they cannot be known."""

    def at(match: re.Match[str]) -> Span:
        return within(scalar, match.start(), match.end() - match.start(), reading.complaints)

    left = HASH.sub("", scalar.text) if name == "cache" else scalar.text
    for match in BEGUN.finditer(left):
        span = at(match) if left == scalar.text else scalar.span
        message = "'${hash(…)}' stands in cache.key only, as ${hash('uv.lock')}"
        reading.complaints.add("G014", message, span, where=where)
    for match in PLACEHOLDER.finditer(scalar.text):
        if axes is not None and match[1] not in axes:
            unknown_axis(match[1], at(match), where, axes, reading)


def scalars(node: Node) -> list[ScalarNode]:
    """All scalar values beneath a node."""
    match node:
        case ScalarNode():
            return [node]
        case ListNode():
            return [found for item in node.items for found in scalars(item)]
        case MapNode():
            return [found for _, item in node.entries.values() for found in scalars(item)]
