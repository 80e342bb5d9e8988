"""`reports:` of a check: what kind of evidence each brings, and where it may lie."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Final

import msgspec

from app.model import Kind, Preset, ReportSpec
from app.plan.complaints import shown
from app.plan.containers import items_of
from app.plan.matrix import PLACEHOLDER, Matrix, unknown_axis
from app.plan.shapes import Reading
from app.plan.yaml import ListNode, MapNode, Node, ScalarNode

_KINDS_BY_NAME: Final = (
    ("*junit*.xml", Kind.TESTS),
    ("*.sarif", Kind.FINDINGS),
    ("*coverage*.xml", Kind.COVERAGE),
    ("*cobertura*.xml", Kind.COVERAGE),
    ("*lcov*", Kind.COVERAGE),
    ("*.cdx.json", Kind.LICENCES),
    ("*.spdx.json", Kind.LICENCES),
    ("*jscpd*.json", Kind.DUPLICATION),
)


@lru_cache(maxsize=1024)
def kind_by_name(path: str) -> tuple[Kind, ...]:
    """The kind of evidence that a report's name promises, if any."""
    name = path.rsplit("/", 1)[-1].lower()
    return next(((kind,) for pattern, kind in _KINDS_BY_NAME if fnmatchcase(name, pattern)), ())


def produced(reports: tuple[ReportSpec, ...]) -> tuple[Kind, ...]:
    """The kinds of evidence that reports bring, each once."""
    return tuple(dict.fromkeys(kind for one in reports for kind in one.kinds))


def check_path(node: Node | None, where: str, reading: Reading, *, out: bool = False) -> None:
    """Complain about a path that leaves the repository or, with `out`, does not lie beneath out/."""
    if not isinstance(node, ScalarNode) or not node.text:
        return
    path = node.text
    parts = PLACEHOLDER.sub("x", path).split("/")
    if path.startswith("/") or ".." in parts or "\\" in path:
        message = f"'{shown(path)}' leaves the repository"
        hint = "paths count from the repository's root"
    elif out and (parts[0] != "out" or not any(parts[1:])):
        message = f"'{shown(path)}' is not beneath out/"
        hint = "write it to out/ ($PORTCULLIS_OUT)"
    else:
        return
    reading.complaints.add("G026", message, node.span, where=where, hint=hint)


Formats = Mapping[str, tuple[Kind, ...]]
"""The kinds of evidence that each format carries, what it is for first."""


def _of_kinds(report: ReportSpec, kinds: tuple[Kind, ...]) -> ReportSpec:
    return msgspec.structs.replace(report, kind=kinds[0], also=kinds[1:]) if kinds else report


def preset_reports(preset: Preset, args: str, formats: Formats) -> tuple[ReportSpec, ...]:
    """A preset's reports, and those that a word of the arguments makes it write (pytest's --cov)."""
    reports = list(preset.reports)
    for word, more in preset.args_reports.items():
        if any(one == word or one.startswith(f"{word}=") for one in args.split()):
            reports.extend(more)
    return tuple(
        one if one.kind else _of_kinds(one, formats.get(one.format) or kind_by_name(one.path))
        for one in reports
    )


class Reports:
    """Reads the declared reports of one check; `uploaded` ones lie wherever CI wrote them."""

    def __init__(
        self,
        reading: Reading,
        formats: Formats,
        matrix: Matrix | None,
        *,
        uploaded: bool = False,
    ) -> None:
        self.reading = reading
        self.uploaded = uploaded
        self.formats = formats
        self.axes = {axis.name: axis for axis in matrix.axes} if matrix else {}

    def read(self, listed: Node, where: str) -> tuple[ReportSpec, ...]:
        """All that could be read; shapes have complained about the rest."""
        listing = isinstance(listed, ListNode)
        found = [
            self._report(one, f"{where}[{index}]" if listing else where)
            for index, one in enumerate(items_of(listed))
        ]
        return tuple(one for one in found if one is not None)

    def _report(self, node: Node, where: str) -> ReportSpec | None:
        path = node.get("path") if isinstance(node, MapNode) else node
        if not isinstance(path, ScalarNode) or not isinstance(path.value, str):
            return None
        check_path(path, where, self.reading, out=not self.uploaded)
        if not isinstance(node, MapNode):
            return _of_kinds(ReportSpec(path=path.text), self._kinds(path, None, where))
        format_ = node.get("format")
        flag, optional = node.get("flag"), node.get("optional")
        report = ReportSpec(
            path=path.text,
            format=format_.text if isinstance(format_, ScalarNode) else "",
            flag=flag.text if isinstance(flag, ScalarNode) else "",
            optional=isinstance(optional, ScalarNode) and optional.value is True,
            only={**self._only(node.get("only"), f"{where}.only")},
        )
        return _of_kinds(report, self._declared(node, self._kinds(path, format_, where), where))

    def _declared(self, node: MapNode, kinds: tuple[Kind, ...], where: str) -> tuple[Kind, ...]:
        """`kind: secrets`: what a report of findings names are secrets."""
        said = node.get("kind")
        if said is None or not kinds or Kind.SECRETS in kinds[:1]:
            return kinds
        if kinds[0] is not Kind.FINDINGS:
            message = f"a report of {kinds[0].value} holds no secrets"
            self.reading.complaints.add("G027", message, said.span, where=f"{where}.kind")
        return (Kind.SECRETS,)

    def _kinds(self, path: ScalarNode, format_: Node | None, where: str) -> tuple[Kind, ...]:
        if format_ is not None:
            return self.formats.get(format_.text, ()) if isinstance(format_, ScalarNode) else ()
        kinds = kind_by_name(path.text)
        if not kinds:
            name = shown(path.text)
            hint = f"write {{path: {name}, format: …}}, one of: {', '.join(self.formats)}"
            message = f"the name '{name}' does not tell the format"
            self.reading.complaints.add("G027", message, path.span, where=where, hint=hint)
        return kinds

    def _only(self, node: Node | None, where: str) -> dict[str, str]:
        only: dict[str, str] = {}
        for name, (key, value) in node.entries.items() if isinstance(node, MapNode) else ():
            axis = self.axes.get(name)
            if axis is None:
                unknown_axis(name, key.span, where, set(self.axes), self.reading)
            elif isinstance(value, ScalarNode):
                only[name] = value.text
                if axis.kind == "list" and value.text not in axis.values:
                    message = f"no cell has {name} '{shown(value.text)}'"
                    hint = f"values: {', '.join(axis.values)}"
                    self.reading.complaints.add("G028", message, value.span, where=where, hint=hint)
        return only
