"""One check of the gate file: from its keys to the template of its cells."""

import posixpath
import re
import shlex
from collections.abc import Mapping
from itertools import pairwise
from typing import Final

import msgspec

from app.model import Cache, CheckSpec, Need, Preset, Resources, Retry
from app.plan.complaints import shown
from app.plan.containers import items_of
from app.plan.declared import CheckDecl, Declared, Defaults
from app.plan.external import check_external, is_upload, pinned, uploaded
from app.plan.placeholders import check_placeholders
from app.plan.reporting import Formats, Reports, check_path, preset_reports
from app.plan.shapes import Reading
from app.plan.yaml import MapNode, ScalarNode

EXTERNAL_TIMEOUT: Final = 3600.0
RUN_TIMEOUT: Final = 600.0
RESERVED: Final = "passed"
_SPECIAL: Final = re.compile(r"[\\*?\[\]!# ]")
_ESCAPE: Final = r"\\\g<0>"
_OURS: Final = frozenset({"out", "in"})


class Builder:
    """Makes checks of what was read; complains about what does not fit together."""

    def __init__(
        self,
        reading: Reading,
        presets: Mapping[str, Preset],
        formats: Formats,
        defaults: Defaults,
    ) -> None:
        self.reading = reading
        self.presets = presets
        self.formats = formats
        self.defaults = defaults

    def check(self, key: ScalarNode, node: MapNode, values: dict[str, object]) -> CheckDecl:
        """The check under one key. Complaints may have been made; the value is then a best effort."""
        where = f"checks.{key.text}"
        declared = msgspec.convert(values, Declared)
        if key.text == RESERVED:
            hint = "checks.passed is true when all required checks passed"
            self.reading.complain("G020", f"the id '{RESERVED}' is reserved", key, where, hint)
        self._kind(key, node, where, declared)
        check_placeholders(node, where, declared.matrix, self.reading)
        needs = tuple(one if isinstance(one, Need) else Need(check=one) for one in declared.needs)
        external = "external" in node.entries
        retry = declared.retry or self.defaults.retry or Retry()
        timeout = declared.timeout or self.defaults.timeout
        template = CheckSpec(
            id=key.text,
            key=key.text,
            source=self.reading.source(key),
            when=declared.when,
            after=declared.after,
            needs=needs,
            required=declared.required,
            ignorable=declared.when is None,
            retry=retry,
            timeout=timeout or (EXTERNAL_TIMEOUT if external else RUN_TIMEOUT),
            external=pinned(declared.external),
        )
        if is_upload(node):
            template = uploaded(template, declared, node, where, self.reading, self.formats)
        elif not external:
            template = self._running(template, declared, node, where)
        return CheckDecl(template=template, matrix=declared.matrix)

    def _kind(self, key: ScalarNode, node: MapNode, where: str, declared: Declared) -> None:
        kinds = [name for name in ("run", "use", "external") if name in node.entries]
        if len(kinds) != 1:
            at = node.entries[kinds[1]][0] if kinds else key
            says = f"has {' and '.join(kinds)}" if kinds else "has none of them"
            self.reading.complain("G021", f"exactly one of run, use, external: this check {says}", at, where)
            return
        if kinds == ["external"]:
            check_external(node, where, declared.external, self.reading)
        elif "args" in node.entries and kinds == ["run"]:
            at = node.entries["args"][0]
            self.reading.complain(
                "G025", "'args' belongs to 'use'", at, f"{where}.args", "write them into 'run'"
            )
        elif "config" in node.entries and kinds == ["run"]:
            at = node.entries["config"][0]
            hint = "only of a preset is it known which files configure its tool"
            self.reading.complain("G025", "'config' belongs to 'use'", at, f"{where}.config", hint)
        elif "shell" in node.entries and kinds == ["use"]:
            self.reading.complain(
                "G025", "'shell' belongs to 'run'", node.entries["shell"][0], f"{where}.shell"
            )

    def _running(self, template: CheckSpec, declared: Declared, node: MapNode, where: str) -> CheckSpec:
        """All that a check which runs here has beyond an external one."""
        preset = self.presets.get(declared.use or "")
        run = declared.run
        defaults = self.defaults
        workdir = declared.workdir if declared.workdir is not None else defaults.workdir or ""
        check_path(node.get("workdir"), f"{where}.workdir", self.reading)
        check_path(node.get("outputs"), f"{where}.outputs", self.reading, out=True)
        artifacts = node.get("artifacts")
        for one in items_of(artifacts) if artifacts is not None else []:
            check_path(one, f"{where}.artifacts", self.reading, out=True)
        args = self._args(declared, node, where)
        listed = node.get("reports")
        template = msgspec.structs.replace(
            template,
            script=run if isinstance(run, str) else "",
            argv=run if isinstance(run, tuple) else (),
            reports=Reports(self.reading, self.formats, declared.matrix).read(listed, f"{where}.reports")
            if listed is not None
            else (),
            outputs=declared.outputs,
            tree=declared.tree,
            env=self._env(declared, node, where),
            workdir="" if workdir == "." else workdir.strip("/"),
            shell=declared.shell or defaults.shell or "bash",
            resources=msgspec.convert({**defaults.resources, **declared.resources}, Resources),
            artifacts=declared.artifacts,
            reuse=declared.reuse,
            network=declared.network,
            setup=declared.setup,
            cache=self._cache(declared, node, where),
            image=declared.image,
            concurrency=declared.concurrency,
        )
        if preset is not None:
            template = self._preset(template, preset, declared, args)
        return self._exits(template, declared, node, where)

    def _preset(self, template: CheckSpec, preset: Preset, declared: Declared, args: str) -> CheckSpec:
        """What the preset brings, under what the check says itself."""
        words = " ".join(part for part in (preset.default_args, args) if part)
        return msgspec.structs.replace(  # noqa: S604 - `shell` names an interpreter, nothing is run here
            template,
            preset=preset.name,
            script=preset.script.replace("${args}", words),
            argv=(),
            shell="bash",
            timeout=declared.timeout or self.defaults.timeout or preset.timeout,
            reports=preset_reports(preset, args, self.formats)
            if declared.reports is None
            else template.reports,
            findings_exits=preset.findings_exits,
            not_needed_exits=preset.not_needed_exits,
            severities=preset.severities,
            config_files=(*preset.config_files, *_configured_by(args, preset, template.workdir)),
            tools=preset.tools,
            self_reported=not preset.tool,
            config=declared.config,
            commits=preset.commits,
            tool=preset.tool,
            toolbox=preset.toolbox,
        )

    def _cache(self, declared: Declared, node: MapNode, where: str) -> Cache | None:
        """What is kept, its paths as they lie in the repository."""
        written, listed = node.get("cache"), None
        if "setup" in node.entries and written is None:
            hint = "it fills cache.paths: cache: {key: \"uv-${hash('uv.lock')}\", paths: [.venv]}"
            self.reading.complain(
                "G010", "'setup' needs 'cache'", node.entries["setup"][0], f"{where}.setup", hint
            )
        if isinstance(written, MapNode):
            listed = written.get("paths")
        for one in items_of(listed) if listed is not None else []:
            check_path(one, f"{where}.cache.paths", self.reading)
            first = one.text.removeprefix("./").split("/")[0] if isinstance(one, ScalarNode) else ""
            if first in _OURS or first in {"", "."}:
                message = "this cannot be kept: out/ and in/ are ours, and the whole repository is the source"
                self.reading.complain(
                    "G014", message, one, f"{where}.cache.paths", "name a folder like .venv"
                )
        if declared.cache is None:
            return None
        paths = tuple(path.removeprefix("./").rstrip("/") for path in declared.cache.paths)
        return msgspec.structs.replace(declared.cache, paths=paths)

    def _exits(self, template: CheckSpec, declared: Declared, node: MapNode, where: str) -> CheckSpec:
        codes = declared.exit_codes
        findings = template.findings_exits if codes.findings is None else codes.findings
        not_needed = template.not_needed_exits if codes.not_needed is None else codes.not_needed
        if both := sorted(set(findings) & set(not_needed)):
            at = node.entries["exit_codes"][1]
            self.reading.complain(
                "G014", f"exit {both[0]} stands under both findings and not_needed", at, where
            )
        return msgspec.structs.replace(
            template,
            findings_exits=tuple(sorted(set(findings))),
            not_needed_exits=tuple(sorted(set(not_needed))),
        )

    def _args(self, declared: Declared, node: MapNode, where: str) -> str:
        given = declared.args
        if not given:
            return ""
        args = " ".join(shlex.quote(one) for one in given) if isinstance(given, tuple) else given
        args = " ".join(args.split("\n")).strip()
        try:
            shlex.split(args)
        except ValueError as error:
            self.reading.complain(
                "G014", f"not an argument list: {error}", node.entries["args"][1], f"{where}.args"
            )
        return args

    def _env(self, declared: Declared, node: MapNode, where: str) -> dict[str, str]:
        listed = node.get("env")
        if isinstance(listed, MapNode):
            for name, (at, _) in listed.entries.items():
                if name.upper().startswith("PORTCULLIS_"):
                    self.reading.complain(
                        "G014", f"'{shown(name)}' is set by us", at, f"{where}.env", "choose another name"
                    )
        return {**self.defaults.env, **declared.env}


def _configured_by(args: str, preset: Preset, workdir: str) -> tuple[str, ...]:
    """The files that the arguments name as the tool's configuration, as globs from the repository's root."""
    options = preset.config_options
    try:
        words = shlex.split(args)
    except ValueError:
        return ()  # complained about already
    named = [after for word, after in pairwise(words) if word in options]
    for word in words:
        for option in options:
            glued = f"{option}=" if option.startswith("--") else option
            if word.startswith(glued) and word != option:
                named.append(word.removeprefix(glued))
    paths = [posixpath.normpath(posixpath.join(workdir, one)) for one in named if one]
    inside = [one for one in paths if one != "." and not one.startswith(("/", ".."))]
    return tuple(f"/{_SPECIAL.sub(_ESCAPE, one)}" for one in inside)
