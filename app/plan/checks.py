"""One check of the gate file: from its keys to the template of its cells."""

import re
import shlex
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Final

import msgspec

from app.model import (
    CheckSpec,
    Expression,
    External,
    Kind,
    Need,
    Preset,
    ReportSpec,
    Resources,
    Retry,
    Source,
)
from app.plan.complaints import shown
from app.plan.matrix import PLACEHOLDER, Matrix, unknown_axis
from app.plan.shapes import Reading, items_of
from app.plan.yaml import ListNode, MapNode, Node, ScalarNode

EXTERNAL_TIMEOUT: Final = 3600.0
RESERVED: Final = "passed"
_KINDS_BY_NAME: Final = (
    ("*junit*.xml", Kind.TESTS),
    ("*.sarif", Kind.FINDINGS),
    ("*coverage*.xml", Kind.COVERAGE),
    ("*cobertura*.xml", Kind.COVERAGE),
    ("*lcov*", Kind.COVERAGE),
)
_EXTERNAL_KEYS: Final = frozenset({"external", "when", "after", "needs", "required", "timeout"})
_PASTED: Final = ("run", "args", "env", "workdir", "reports", "outputs", "artifacts", "when", "after")
_HASH = re.compile(r"\$\{hash\(")


class Defaults(msgspec.Struct, frozen=True, kw_only=True):
    """`defaults:` as read."""

    timeout: float | None = None
    retry: Retry | None = None
    env: dict[str, str] = {}
    workdir: str | None = None
    shell: str = "bash"
    resources: dict[str, int | float] = {}


class Codes(msgspec.Struct, frozen=True, kw_only=True):
    """`exit_codes:` as read."""

    findings: tuple[int, ...] | None = None
    not_needed: tuple[int, ...] | None = None


class Declared(Defaults, frozen=True, kw_only=True):
    """One check as read."""

    run: str | tuple[str, ...] | None = None
    use: str | None = None
    args: str | tuple[str, ...] | None = None
    external: External | None = None
    when: Expression | None = None
    after: Expression | None = None
    needs: tuple[str | Need, ...] = ()
    required: bool = True
    exit_codes: Codes = Codes()
    reports: tuple[str | ReportSpec, ...] | None = None
    outputs: str = ""
    matrix: Matrix | None = None
    tree: str = "head"
    artifacts: tuple[str, ...] = ()
    network: str = "none"


class CheckDecl(msgspec.Struct, frozen=True, kw_only=True):
    """A check before expansion: `template` holds `${matrix.x}` where `matrix` gives it values."""

    template: CheckSpec
    matrix: Matrix | None = None


class Builder:
    """Makes checks of what was read; complains about what does not fit together."""

    def __init__(
        self,
        reading: Reading,
        presets: Mapping[str, Preset],
        formats: Mapping[str, Kind],
        defaults: Defaults,
    ) -> None:
        self.reading = reading
        self.presets = presets
        self.formats = formats
        self.defaults = defaults

    def complain(self, code: str, message: str, node: Node, where: str, hint: str = "") -> None:
        """Add one complaint at a node."""
        self.reading.complaints.add(code, message, node.span, where=where, hint=hint)

    def check(self, key: ScalarNode, node: MapNode, values: dict[str, object]) -> CheckDecl:
        """The check under one key. Complaints may have been made; the value is then a best effort."""
        where = f"checks.{key.text}"
        declared = msgspec.convert(values, Declared)
        if key.text == RESERVED:
            hint = "checks.passed is true when all required checks passed"
            self.complain("G020", f"the id '{RESERVED}' is reserved", key, where, hint)
        self._kind(key, node, where, declared)
        self._placeholders(node, where, declared)
        source = Source(path=self.reading.complaints.path, line=key.span.line, column=key.span.column)
        needs = tuple(one if isinstance(one, Need) else Need(check=one) for one in declared.needs)
        retry = declared.retry or self.defaults.retry or Retry()
        timeout = declared.timeout or self.defaults.timeout
        template = CheckSpec(
            id=key.text,
            key=key.text,
            source=source,
            when=declared.when,
            after=declared.after,
            needs=needs,
            required=declared.required,
            ignorable=declared.when is None,
            retry=retry,
            timeout=timeout
            or (EXTERNAL_TIMEOUT if "external" in node.entries else CheckSpec(id="", key="").timeout),
            external=declared.external,
        )
        if "external" not in node.entries:
            template = self._running(template, declared, node, where)
        return CheckDecl(template=template, matrix=declared.matrix)

    def _kind(self, key: ScalarNode, node: MapNode, where: str, declared: Declared) -> None:
        kinds = [name for name in ("run", "use", "external") if name in node.entries]
        if len(kinds) != 1:
            at = node.entries[kinds[1]][0] if kinds else key
            says = f"has {' and '.join(kinds)}" if kinds else "has none of them"
            self.complain("G021", f"exactly one of run, use, external: this check {says}", at, where)
            return
        if kinds == ["external"]:
            for name, (at, _) in node.entries.items():
                if name not in _EXTERNAL_KEYS:
                    self.complain(
                        "G025", f"'{name}' does not apply to external checks", at, f"{where}.{name}"
                    )
            self._external(node.entries["external"][1], f"{where}.external", declared.external)
        elif "args" in node.entries and kinds == ["run"]:
            at = node.entries["args"][0]
            self.complain("G025", "'args' belongs to 'use'", at, f"{where}.args", "write them into 'run'")

    def _external(self, node: Node, where: str, external: External | None) -> None:
        if external is None or not isinstance(node, MapNode):
            return
        if ("app" in node.entries) == ("creator" in node.entries) and not set(node.entries) & {
            "workflow",
            "upload",
        }:
            hint = "name who posts it, or anybody could"
            self.complain("G021", "exactly one of 'app' and 'creator' is needed", node, where, hint)
        if external.context == "portcullis":
            at = node.entries["context"][1]
            self.complain("G014", "'portcullis' is our own verdict: it cannot wait for itself", at, where)

    def _running(self, template: CheckSpec, declared: Declared, node: MapNode, where: str) -> CheckSpec:
        preset = self.presets.get(declared.use or "")
        run = declared.run
        reports = self._reports(declared, node, where, preset)
        codes = declared.exit_codes
        findings = codes.findings if codes.findings is not None else preset.findings_exits if preset else ()
        not_needed = (
            codes.not_needed if codes.not_needed is not None else preset.not_needed_exits if preset else ()
        )
        if both := sorted(set(findings) & set(not_needed)):
            at = node.entries.get("exit_codes", (node, node))[1]
            self.complain("G014", f"exit {both[0]} stands under both findings and not_needed", at, where)
        workdir = declared.workdir if declared.workdir is not None else self.defaults.workdir or ""
        self._path(node.get("workdir"), workdir, f"{where}.workdir")
        self._path(node.get("outputs"), declared.outputs, f"{where}.outputs", out=True)
        listed = node.get("artifacts")
        for at in items_of(listed) if listed is not None else []:
            self._path(at, at.text if isinstance(at, ScalarNode) else "", f"{where}.artifacts", out=True)
        return msgspec.structs.replace(
            template,
            preset=preset.name if preset else "",
            script=self._script(preset, declared, node, where)
            if preset
            else run
            if isinstance(run, str)
            else "",
            argv=run if isinstance(run, tuple) else (),
            reports=reports,
            findings_exits=tuple(sorted(set(findings))),
            not_needed_exits=tuple(sorted(set(not_needed))),
            outputs=declared.outputs,
            tree="base" if declared.tree == "base" else "head",
            env=self._env(declared, node, where),
            workdir="" if workdir == "." else workdir.strip("/"),
            shell=declared.shell if "shell" in node.entries else self.defaults.shell,
            resources=msgspec.convert({**self.defaults.resources, **declared.resources}, Resources),
            artifacts=declared.artifacts,
            timeout=declared.timeout
            or self.defaults.timeout
            or (preset.timeout if preset else template.timeout),
            severities=preset.severities if preset else {},
            config_files=preset.config_files if preset else (),
            tools=preset.tools if preset else (),
            self_reported=bool(preset) and not (preset and preset.tool),
        )

    def _script(self, preset: Preset, declared: Declared, node: MapNode, where: str) -> str:
        given = declared.args or ""
        args = (
            " ".join(shlex.quote(one) for one in given)
            if isinstance(given, tuple)
            else " ".join(given.split())
        )
        try:
            shlex.split(args)
        except ValueError as error:
            self.complain("G014", f"args: {error}", node.entries["args"][1], f"{where}.args")
        return preset.script.replace(
            "${args}", " ".join(part for part in (preset.default_args, args) if part)
        )

    def _env(self, declared: Declared, node: MapNode, where: str) -> dict[str, str]:
        listed = node.get("env")
        if isinstance(listed, MapNode):
            for name, (at, _) in listed.entries.items():
                if name.upper().startswith("PORTCULLIS_"):
                    self.complain(
                        "G014", f"'{shown(name)}' is set by us", at, f"{where}.env", "choose another name"
                    )
        return {**self.defaults.env, **declared.env}

    def _reports(
        self, declared: Declared, node: MapNode, where: str, preset: Preset | None
    ) -> tuple[ReportSpec, ...]:
        if declared.reports is None:
            return self._preset_reports(declared, preset) if preset else ()
        listed = node.get("reports")
        nodes = {id(one): one for one in items_of(listed)} if listed is not None else {}
        kept: list[ReportSpec] = []
        for index, at in enumerate(nodes.values()):
            place = f"{where}.reports[{index}]" if isinstance(listed, ListNode) else f"{where}.reports"
            spec = self._report(at, place, declared.matrix)
            if spec is not None:
                kept.append(spec)
        return tuple(kept)

    def _report(self, node: Node, where: str, matrix: Matrix | None) -> ReportSpec | None:
        path_node = node.get("path") if isinstance(node, MapNode) else node
        if not isinstance(path_node, ScalarNode) or not isinstance(path_node.value, str):
            return None
        path = path_node.text
        self._path(path_node, path, where, out=True)
        format_node = node.get("format") if isinstance(node, MapNode) else None
        format_ = format_node.text if isinstance(format_node, ScalarNode) else ""
        kind = self.formats.get(format_) if format_ else kind_by_name(path)
        if kind is None and not format_:
            known = ", ".join(self.formats)
            hint = f"write {{path: {shown(path)}, format: …}}, one of: {known}"
            message = f"the name '{shown(path)}' does not tell the format"
            self.complain("G027", message, path_node, where, hint)
        only: dict[str, str] = {}
        flags = {"flag": "", "optional": ""}
        if isinstance(node, MapNode):
            only = self._only(node.get("only"), f"{where}.only", matrix)
            for name in flags:
                value = node.get(name)
                flags[name] = value.text if isinstance(value, ScalarNode) else ""
        optional = flags["optional"].lower() == "true"
        return ReportSpec(
            path=path, format=format_, kind=kind, flag=flags["flag"], optional=optional, only={**only}
        )

    def _only(self, node: Node | None, where: str, matrix: Matrix | None) -> dict[str, str]:
        if not isinstance(node, MapNode):
            return {}
        axes = {axis.name: axis for axis in matrix.axes} if matrix else {}
        only: dict[str, str] = {}
        for name, (key, value) in node.entries.items():
            axis = axes.get(name)
            if axis is None:
                unknown_axis(name, key, where, set(axes), self.reading)
            elif isinstance(value, ScalarNode):
                only[name] = value.text
                if axis.kind == "list" and value.text not in axis.values:
                    message = f"no cell has {name} '{shown(value.text)}'"
                    self.complain("G028", message, value, where, f"values: {', '.join(axis.values)}")
        return only

    def _preset_reports(self, declared: Declared, preset: Preset) -> tuple[ReportSpec, ...]:
        """A preset's reports, and those that a word of the arguments makes it write (pytest's --cov)."""
        given = declared.args or ""
        words = " ".join(given).split() if isinstance(given, tuple) else given.split()
        reports = list(preset.reports)
        for word, more in preset.args_reports.items():
            if any(one == word or one.startswith(f"{word}=") for one in words):
                reports.extend(more)
        known = self.formats.get
        return tuple(
            one
            if one.kind
            else msgspec.structs.replace(one, kind=known(one.format) or kind_by_name(one.path))
            for one in reports
        )

    def _path(self, node: Node | None, path: str, where: str, *, out: bool = False) -> None:
        if node is None or not path:
            return
        parts = PLACEHOLDER.sub("x", path).split("/")
        if path.startswith("/") or ".." in parts or "\\" in path:
            message = f"'{shown(path)}' leaves the repository"
            self.complain("G026", message, node, where, "paths count from the repository's root")
        elif out and (parts[0] != "out" or not any(parts[1:])):
            message = f"'{shown(path)}' is not beneath out/"
            self.complain("G026", message, node, where, "write it to out/ ($PORTCULLIS_OUT)")

    def _placeholders(self, node: MapNode, where: str, declared: Declared) -> None:
        axes = {axis.name for axis in declared.matrix.axes} if declared.matrix else set()
        broken = declared.matrix is None and "matrix" in node.entries
        for name in _PASTED:
            value = node.get(name)
            for scalar in scalars(value) if value is not None else ():
                if _HASH.search(scalar.text):
                    message = "'${hash(…)}' is not yet supported by this version"
                    self.complain("G013", message, scalar, f"{where}.{name}", "it belongs to cache.key")
                for axis in PLACEHOLDER.findall(scalar.text):
                    if axis not in axes and not broken:
                        unknown_axis(axis, scalar, f"{where}.{name}", axes, self.reading)


def scalars(node: Node) -> list[ScalarNode]:
    """All scalar values beneath a node."""
    match node:
        case ScalarNode():
            return [node]
        case ListNode():
            return [found for item in node.items for found in scalars(item)]
        case MapNode():
            return [found for _, item in node.entries.values() for found in scalars(item)]


def kind_by_name(path: str) -> Kind | None:
    """The kind of evidence that a report's name promises."""
    name = path.rsplit("/", 1)[-1].lower()
    return next((kind for pattern, kind in _KINDS_BY_NAME if fnmatchcase(name, pattern)), None)


def produced(reports: tuple[ReportSpec, ...]) -> tuple[Kind, ...]:
    """The kinds of evidence that reports bring, each once."""
    return tuple(dict.fromkeys(one.kind for one in reports if one.kind is not None))
