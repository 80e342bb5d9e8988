"""The gate file: text in, a frozen value or all its diagnostics out."""

import hashlib
from collections.abc import Mapping
from typing import Final

import msgspec

from app.language import Vocabulary, used
from app.model import (
    AiAuthored,
    CommandSettings,
    Diagnostic,
    GateItem,
    GateSettings,
    Kind,
    Licences,
    Preset,
    PublishSettings,
    Waiver,
)
from app.plan import gate as gates
from app.plan.checks import Builder
from app.plan.complaints import Complaints, Span
from app.plan.declared import CheckDecl, Defaults
from app.plan.expressions import Checker
from app.plan.judged import built_in_kinds, judged_kinds, warn_of_unjudged
from app.plan.keys import TOP
from app.plan.relations import Place, Sound, relate
from app.plan.reporting import Formats, produced
from app.plan.shapes import Reading
from app.plan.yaml import ListNode, MapNode, Node, ScalarNode, load

_HIDES_REPORTS: Final = frozenset({"G010", "G011", "G013", "G014", "G021", "G024", "G027"})
"""Complaints about a check after which its kinds of evidence are not sure."""


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """What a gate file may name: the words of conditions, presets by name, formats with their kinds."""

    vocabulary: Vocabulary
    presets: Mapping[str, Preset]
    formats: Formats

    @property
    def names(self) -> dict[str, tuple[str, ...]]:
        """The lists that shapes draw on."""
        return {"presets": tuple(self.presets), "formats": tuple(self.formats)}


class GateFile(msgspec.Struct, frozen=True, kw_only=True):
    """A valid gate file, everything resolved but matrices.

    `gate_hash` is the SHA-256 of what the file says: comments, order of keys and quoting do not change
    it. `branches` is None where the file leaves them to the default and protected ones. `judged` are the
    kinds of evidence that unconditional, non-advisory items judge; the built-in gate judges secrets also
    where none are declared but found. `gate` is empty where the built-in gate holds. `warnings` do not make
    it invalid.
    """

    path: str
    gate_hash: str
    branches: tuple[str, ...] | None = None
    events: tuple[str, ...] = ("pull_request", "merge_group")
    ignore_paths: tuple[str, ...] = ()
    checks: tuple[CheckDecl, ...] = ()
    gate: tuple[GateItem, ...] = ()
    gate_declared: bool = False
    settings: GateSettings = GateSettings()
    judged: tuple[Kind, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()
    waivers: tuple[Waiver, ...] = ()


class Parsed(msgspec.Struct, frozen=True, kw_only=True):
    """A gate file, or None with at least one error among the diagnostics; warnings come with both."""

    gatefile: GateFile | None
    diagnostics: tuple[Diagnostic, ...] = ()


class _On(msgspec.Struct, frozen=True, kw_only=True):
    branches: tuple[str, ...] | None = None
    ignore_paths: tuple[str, ...] = ()
    events: tuple[str, ...] = ("pull_request", "merge_group")


class _SmallChange(msgspec.Struct, frozen=True, kw_only=True):
    lines: int = 20


class _Coverage(msgspec.Struct, frozen=True, kw_only=True):
    exclude: tuple[str, ...] = ()


class _Settings(msgspec.Struct, frozen=True, kw_only=True):
    mode: str = "enforce"
    missing: str = "fail"
    small_change: _SmallChange = _SmallChange()
    generated: tuple[str, ...] = ()
    coverage: _Coverage = _Coverage()
    max_behind: int | None = None
    comment: str = "always"
    publish: PublishSettings = PublishSettings()
    ai_authored: AiAuthored = AiAuthored()
    licences: Licences = Licences()
    gate: str = "portcullis"
    commands: CommandSettings = CommandSettings()


class _Top(msgspec.Struct, frozen=True, kw_only=True):
    on: _On = _On()
    defaults: Defaults = Defaults()
    checks: dict[str, dict[str, object]] = {}
    gate: tuple[GateItem, ...] | None = None
    settings: _Settings = _Settings()
    waivers: tuple[Waiver, ...] = ()


def parse(content: bytes, path: str, catalogue: Catalogue, *, today: str = "") -> Parsed:
    """Read a gate file. Never raises for what the bytes hold; at most 50 diagnostics, in file order.

    `today` is an ISO date: waivers that expired before it are warnings; '' leaves that out.
    """
    complaints = Complaints(path)
    root = load(content, complaints)
    if root is None:
        if not complaints.errors:
            complaints.add("G010", "the file is empty", Span(1, 1, 1, 0), hint="begin with: version: 1")
        return Parsed(gatefile=None, diagnostics=complaints.diagnostics())
    reading = Reading(complaints, catalogue.names, today)
    values = TOP.read(root, "", reading)
    if not isinstance(root, MapNode) or not isinstance(values, dict):
        return Parsed(gatefile=None, diagnostics=complaints.diagnostics())
    gatefile = _assemble(root, msgspec.convert(values, _Top), reading, catalogue)
    diagnostics = complaints.diagnostics()
    if complaints.errors:
        return Parsed(gatefile=None, diagnostics=diagnostics)
    return Parsed(gatefile=msgspec.structs.replace(gatefile, warnings=diagnostics), diagnostics=diagnostics)


def _assemble(root: MapNode, top: _Top, reading: Reading, catalogue: Catalogue) -> GateFile:
    decls = _checks(root, top, reading, catalogue)
    feeding = frozenset(
        kind for decl in decls if decl.template.required for kind in produced(decl.template.reports)
    )
    items = top.gate or ()
    if top.settings.gate != "portcullis":
        _one_gate(root, reading)
    sound = _expressions(root, feeding, reading, catalogue)
    decls = relate(decls, root, reading, sound, catalogue.vocabulary)
    judged = tuple(
        sorted(
            built_in_kinds(feeding, top.settings.gate)
            if top.gate is None
            else judged_kinds(items, catalogue.vocabulary, sound)
        )
    )
    _licences(top.settings.licences, reading)
    if top.gate is not None and not reading.complaints.errors:
        warn_of_unjudged(root, decls, items, reading, catalogue.vocabulary)
    settings = top.settings
    return GateFile(
        path=reading.complaints.path,
        gate_hash=hashlib.sha256(msgspec.json.encode(plain(root), order="sorted")).hexdigest(),
        branches=top.on.branches,
        events=top.on.events,
        ignore_paths=top.on.ignore_paths,
        checks=decls,
        gate=items,
        gate_declared=top.gate is not None,
        settings=msgspec.convert(
            {
                "mode": settings.mode,
                "missing": settings.missing,
                "small_change_lines": settings.small_change.lines,
                "generated": settings.generated,
                "coverage_exclude": settings.coverage.exclude,
                "max_behind": settings.max_behind,
                "comment": settings.comment,
                "publish": settings.publish,
                "ai_authored": settings.ai_authored,
                "licences": settings.licences,
                "gate": settings.gate,
                "commands": settings.commands,
            },
            GateSettings,
        ),
        judged=judged,
        waivers=top.waivers,
    )


def _licences(said: Licences, reading: Reading) -> None:
    """Complain where licences are judged and nothing says which are allowed."""
    if said.allow or said.deny:
        return
    for pending in reading.expressions:
        if "licences.denied" in used(pending.node.text).names:
            message = "'licences.denied' needs settings.licences: nothing says which licences are allowed"
            hint = "settings: {licences: {allow: [MIT, Apache-2.0, BSD-3-Clause]}}, or {deny: ['GPL-*']}"
            reading.complaints.add("G031", message, pending.node.span, where=pending.where, hint=hint)


def _checks(root: MapNode, top: _Top, reading: Reading, catalogue: Catalogue) -> tuple[CheckDecl, ...]:
    node = root.get("checks")
    if not isinstance(node, MapNode):
        return ()
    builder = Builder(reading, catalogue.presets, catalogue.formats, top.defaults)
    return tuple(
        builder.check(key, value, top.checks[name])
        for name, (key, value) in node.entries.items()
        if isinstance(value, MapNode) and name in top.checks
    )


def _expressions(
    root: MapNode,
    feeding: frozenset[Kind],
    reading: Reading,
    catalogue: Catalogue,
) -> Sound:
    """Check all; gives the places of the sound ones. An alias may put one text in two contexts: it is
    sound only if it is so in both.
    """
    node = root.get("checks")
    ids = set(node.entries) if isinstance(node, MapNode) else set()
    # a check that could not be read may be the one that feeds a condition: one mistake, one complaint
    broken = any(
        one.where.startswith("checks.") and one.code in _HIDES_REPORTS for one in reading.complaints.errors
    )
    checker = Checker(reading.complaints, catalogue.vocabulary, ids, None if broken else feeding)
    gate = root.get("gate")
    places: set[Place] = set()
    unsound: set[Place] = set()
    for pending in reading.expressions:
        sound = checker.check(pending, advisory=gates.advisory(pending, gate))
        (places if sound else unsound).add((pending.node.span.line, pending.node.span.column))
    return frozenset(places - unsound)


def _one_gate(root: MapNode, reading: Reading) -> None:
    """Complain where another built-in gate is chosen and a written one judges instead."""
    settings = root.get("settings")
    chosen = settings.get("gate") if isinstance(settings, MapNode) else None
    if chosen is not None and "gate" in root.entries:
        message = "it tells what judges where no 'gate' is written, and one is written here"
        hint = "leave 'gate' out for SonarQube's conditions alone, or this setting for your own"
        reading.complaints.add("G021", message, chosen.span, where="settings.gate", hint=hint)


def plain(node: Node) -> object:
    """A node as plain values, for hashing."""
    match node:
        case ScalarNode():
            return node.value
        case ListNode():
            return [plain(item) for item in node.items]
        case MapNode():
            return {key: plain(value) for key, (_, value) in node.entries.items()}
