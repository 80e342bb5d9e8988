"""The matrix of a check: how it is written, and the cells it has for one change."""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Final, Literal

import msgspec

from app.language import branch_matches
from app.model import Scalar
from app.plan.complaints import Span, shown
from app.plan.containers import Items, Table, items_of
from app.plan.shapes import BAD, Reading, Schema, Shape, Text, Whole
from app.plan.yaml import MapNode, Node, ScalarNode

AXIS: Final = "[a-z][a-z0-9_]*"
VALUE: Final = r"[A-Za-z0-9._/@+][A-Za-z0-9._/@+-]*"
PLACEHOLDER: Final = re.compile(r"\$\{matrix\.([^}]*)\}")
MAX_PRODUCT: Final = 10_000
"""Cells looked at before `exclude`: a matrix larger than this is never what somebody meant."""
DEFAULT_MAX: Final = 20

_VALUE = re.compile(VALUE)


class Axis(msgspec.Struct, frozen=True, kw_only=True):
    """One axis: values as written, or folders and files that match a glob (`from` in the tested tree,
    `changed` only those touched), at most `max` of them.
    """

    name: str
    kind: Literal["list", "from", "changed"] = "list"
    values: tuple[str, ...] = ()
    glob: str = ""
    max: int = DEFAULT_MAX


class Matrix(msgspec.Struct, frozen=True, kw_only=True):
    """All axes in the order of the file; `exclude` are partial cells to leave out."""

    axes: tuple[Axis, ...] = ()
    exclude: tuple[dict[str, str], ...] = ()


class CellValue:
    """One value of an axis: the text as written, safe to paste into a script."""

    def read(self, node: Node, where: str, reading: Reading) -> object:
        """The text."""
        if not isinstance(node, ScalarNode) or node.value is None:
            return reading.wrong(node, where, "a text or a whole number", code="G028")
        if isinstance(node.value, float):
            hint = f"write '{node.text}': unquoted it is a number, and 3.10 would be 3.1"
            message = f"unquoted {node.text} in a matrix"
            reading.complaints.add("G028", message, node.span, where=where, hint=hint)
            return BAD
        if not _VALUE.fullmatch(node.text):
            message = f"matrix value '{shown(node.text)}' is refused"
            reading.complaints.add("G028", message, node.span, where=where, hint=f"it must match {VALUE}")
            return BAD
        return node.text

    def schema(self, _reading: Mapping[str, tuple[str, ...]]) -> Schema:
        """A safe string, a whole number or a boolean."""
        safe: Schema = {"type": "string", "pattern": f"^{VALUE}$"}
        return {"anyOf": [safe, {"type": "integer"}, {"type": "boolean"}]}


_GLOB = Text("a glob of folders ('services/*/') or files", pattern=r"[^/\s\\][^\\]*")
_MAX = Whole(1, 200)
_VALUES = Items(CellValue(), low=1, high=200)
_EXCLUDE = Items(Table(AXIS, CellValue(), wanted="an axis name"), high=200)


class MatrixShape:
    """`matrix:` as written."""

    def read(self, node: Node, where: str, reading: Reading) -> object:
        """A Matrix."""
        if not isinstance(node, MapNode):
            return reading.wrong(node, where, "a mapping of axes")
        axes: list[Axis] = []
        for name, (key, value) in node.entries.items():
            if name == "exclude":
                continue
            place = f"{where}.{name}"
            if not re.fullmatch(AXIS, name):
                message = f"'{shown(name)}' is not an axis name"
                reading.complaints.add("G028", message, key.span, where=where, hint=f"it must match {AXIS}")
            elif axis := self._axis(name, value, place, reading):
                axes.append(axis)
        exclude = node.get("exclude")
        left_out = self._exclude(exclude, f"{where}.exclude", set(node.entries) - {"exclude"}, reading)
        if not axes:
            return (
                BAD
                if reading.complaints.errors
                else reading.wrong(node, where, "at least one axis", code="G028")
            )
        return Matrix(axes=tuple(axes), exclude=left_out)

    def _axis(self, name: str, node: Node, where: str, reading: Reading) -> Axis | None:
        if not isinstance(node, MapNode):
            values = _VALUES.read(node, where, reading)
            if not isinstance(values, tuple):
                return None
            self._repeated(items_of(node), where, reading)
            return Axis(name=name, values=tuple(dict.fromkeys(values)))
        found: dict[str, object] = {}
        shapes: dict[str, Shape] = {"from": _GLOB, "changed": _GLOB, "max": _MAX}
        for key_name, (key, value) in node.entries.items():
            if key_name in shapes:
                found[key_name] = shapes[key_name].read(value, f"{where}.{key_name}", reading)
            else:
                message = f"unknown key '{shown(key_name)}'"
                add = reading.complaints.add
                add("G012", message, key.span, where=f"{where}.{key_name}", known=shapes, word=key_name)
        kinds = [kind for kind in ("from", "changed") if kind in found]
        if len(kinds) != 1 and not node.entries.keys() <= shapes.keys():
            return None
        if len(kinds) != 1:
            reading.wrong(node, where, "exactly one of 'from' and 'changed'", code="G028")
            return None
        glob, most = found[kinds[0]], found.get("max", DEFAULT_MAX)
        if not isinstance(glob, str) or not isinstance(most, int):
            return None
        return Axis(name=name, kind="from" if kinds == ["from"] else "changed", glob=glob, max=most)

    def _repeated(self, nodes: Sequence[Node], where: str, reading: Reading) -> None:
        seen: set[str] = set()
        for node in nodes:
            if isinstance(node, ScalarNode):
                if node.text in seen:
                    message = f"matrix value '{shown(node.text)}' stands twice"
                    reading.complaints.add("G028", message, node.span, where=where)
                seen.add(node.text)

    def _exclude(
        self, node: Node | None, where: str, axes: set[str], reading: Reading
    ) -> tuple[dict[str, str], ...]:
        if node is None:
            return ()
        for one in items_of(node):
            if isinstance(one, MapNode):
                for name, (key, _) in one.entries.items():
                    if name not in axes:
                        unknown_axis(name, key.span, where, axes, reading)
        read = _EXCLUDE.read(node, where, reading)
        return read if isinstance(read, tuple) else ()

    def schema(self, reading: Mapping[str, tuple[str, ...]]) -> Schema:
        """Axes by pattern, `exclude` by name."""
        ranged: Schema = {
            "type": "object",
            "properties": {
                "max": _MAX.schema(reading),
                "from": _GLOB.schema(reading),
                "changed": _GLOB.schema(reading),
            },
            "oneOf": [{"required": ["from"]}, {"required": ["changed"]}],
            "additionalProperties": False,
        }
        return {
            "type": "object",
            "properties": {"exclude": _EXCLUDE.schema(reading)},
            "patternProperties": {f"^(?!exclude$){AXIS}$": {"anyOf": [_VALUES.schema(reading), ranged]}},
            "additionalProperties": False,
        }


def unknown_axis(name: str, span: Span, where: str, axes: set[str], reading: Reading) -> None:
    """Complain about an axis that the matrix does not have."""
    hint = f"axes here: {', '.join(sorted(axes))}" if axes else "this check has no matrix"
    message = f"unknown axis '{shown(name)}'"
    reading.complaints.add("G029", message, span, where=where, hint=hint, known=axes, word=name)


def replace(text: str, cell: Mapping[str, Scalar]) -> str:
    """Put the cell's values where `${matrix.x}` stands."""
    if "${matrix." not in text:
        return text
    return PLACEHOLDER.sub(lambda match: str(cell[match[1]]), text)


class Cells(msgspec.Struct, frozen=True, kw_only=True):
    """The cells of one check, or why they cannot be planned."""

    cells: tuple[dict[str, Scalar], ...] = ()
    blocked: str = ""


def expand(check: str, matrix: Matrix, *, paths: Sequence[str], changed: Sequence[str], limit: int) -> Cells:
    """All cells in the order of the file. `paths` are those of the tested tree, `changed` the touched ones.
    More than `limit` cells, or more than an axis' `max`, block instead of being cut.
    """
    axes: list[tuple[str, ...]] = []
    for axis in matrix.axes:
        values = axis.values if axis.kind == "list" else _found(axis, paths, changed)
        if axis.kind != "list":
            if len(values) > axis.max:
                many = f"{len(values)} match '{axis.glob}', max is {axis.max}"
                return Cells(blocked=f"the matrix of '{check}' is too large: {many}")
            bad = next((value for value in values if not _VALUE.fullmatch(value)), None)
            if bad is not None:
                return Cells(
                    blocked=f"the matrix of '{check}' is refused: '{shown(bad)}' is no safe matrix value"
                )
        axes.append(values)
    total = 1
    for values in axes:
        total *= len(values)
    if total > MAX_PRODUCT:
        return Cells(blocked=f"the matrix of '{check}' is too large: {total} cells before 'exclude'")
    kept = tuple(itertools.islice(_cells(matrix, axes), limit + 1))
    if len(kept) > limit:
        return Cells(blocked=f"the matrix of '{check}' has more than {limit} cells")
    return Cells(cells=kept)


def _cells(matrix: Matrix, axes: list[tuple[str, ...]]) -> Iterator[dict[str, Scalar]]:
    names = [axis.name for axis in matrix.axes]
    for values in itertools.product(*axes):
        cell: dict[str, Scalar] = dict(zip(names, values, strict=True))
        if not any(
            all(cell.get(k) == v for k, v in left_out.items()) for left_out in matrix.exclude if left_out
        ):
            yield cell


def _found(axis: Axis, paths: Sequence[str], changed: Sequence[str]) -> tuple[str, ...]:
    """Folders (glob ends in '/') or files that match, sorted, folders without the slash."""
    folders = axis.glob.endswith("/")
    glob = axis.glob.rstrip("/")

    @cache
    def matches(name: str) -> bool:
        return branch_matches(glob, name)  # whole and anchored, as with names of branches

    exist = {name for path in paths for name in _names(path, folders=folders) if matches(name)}
    if axis.kind == "from":
        return tuple(sorted(exist))
    touched = {name for path in changed for name in _names(path, folders=folders) if matches(name)}
    return tuple(sorted(touched & exist if paths else touched))


def _names(path: str, *, folders: bool) -> Iterator[str]:
    if not folders:
        yield path
        return
    end = path.find("/")
    while end != -1:
        yield path[:end]
        end = path.find("/", end + 1)
