"""What checks say about each other: needs, implied needs, cycles, and what advisory checks may not hold."""

from collections.abc import Mapping

import msgspec

from app.language import Vocabulary, checks_given, used
from app.model import Expression, Need
from app.plan.complaints import Complaints
from app.plan.containers import items_of
from app.plan.declared import CheckDecl
from app.plan.gate import advisory
from app.plan.shapes import Pending, Reading
from app.plan.yaml import MapNode, Node, ScalarNode

Place = tuple[int, int]
"""Line and column of an expression."""
Sound = frozenset[Place]
"""The expressions without a complaint."""

_RING = 12
"""Checks named in full when they wait for each other."""


def relate(
    decls: tuple[CheckDecl, ...],
    root: MapNode,
    reading: Reading,
    sound: Sound,
    vocabulary: Vocabulary,
) -> tuple[CheckDecl, ...]:
    """Complain about unknown needs, cycles and required things that rest on advisory checks; gives the
    checks with the soft needs that their `when` implies.
    """
    checks = root.get("checks")
    if not isinstance(checks, MapNode):
        return decls
    by_id = {decl.template.id: decl for decl in decls}
    relations = _Relations(reading.complaints, checks, by_id, sound, vocabulary)
    related = tuple(relations.decl(decl) for decl in decls)
    relations.cycles()
    for pending in reading.expressions:
        relations.configured(pending)
        relations.measured(pending)
    gate = root.get("gate")
    if gate is not None:
        for pending in reading.expressions:
            if pending.context == "gate" and not advisory(pending, gate):
                relations.item(pending)
    return related


class _Relations:
    def __init__(
        self,
        complaints: Complaints,
        checks: MapNode,
        decls: Mapping[str, CheckDecl],
        sound: Sound,
        vocabulary: Vocabulary,
    ) -> None:
        self.complaints = complaints
        self.checks = checks
        self.decls = decls
        self.sound = sound
        self.vocabulary = vocabulary
        self.edges: dict[str, list[tuple[str, Node]]] = {name: [] for name in decls}

    def decl(self, decl: CheckDecl) -> CheckDecl:
        """Gather one check's edges; gives it with its implied needs."""
        spec = decl.template
        node = self.checks.get(spec.id)
        if not isinstance(node, MapNode):
            return decl
        where = f"checks.{spec.id}"
        self._needs(spec.id, node.get("needs"), where, required=spec.required)
        implied: list[Need] = []
        named = {need.check for need in spec.needs}
        for key, found in (("when", spec.when), ("after", spec.after)):
            at = node.get(key)
            if found is None or not isinstance(at, ScalarNode):
                continue
            for name in sorted(self._named(found)):
                self.edges[spec.id].append((name, at))
                if spec.required:
                    self._advisory(name, at, f"{where}.{key}", f"'{key}' of a required check")
                if key == "when" and name not in named:
                    implied.append(Need(check=name, soft=True))
        if not implied:
            return decl
        return msgspec.structs.replace(
            decl, template=msgspec.structs.replace(spec, needs=(*spec.needs, *implied))
        )

    def _needs(self, check: str, node: Node | None, where: str, *, required: bool) -> None:
        seen: set[str] = set()
        for index, one in enumerate(items_of(node) if node is not None else []):
            at = one.get("check") if isinstance(one, MapNode) else one
            if not isinstance(at, ScalarNode):
                continue
            soft = one.get("soft") if isinstance(one, MapNode) else None
            place = f"{where}.needs[{index}]"
            name = at.text
            if name not in self.checks.entries:
                message = f"there is no check '{name}'"
                self.complaints.add("G022", message, at.span, where=place, known=self.decls, word=name)
            elif name in seen:
                self.complaints.add("G022", f"'{name}' stands twice", at.span, where=place)
            elif name in self.decls:
                self.edges[check].append((name, at))
                hard = not (isinstance(soft, ScalarNode) and soft.value is True)
                if required and hard:
                    self._advisory(name, at, place, "'needs' of a required check")
            seen.add(name)

    def _named(self, found: Expression) -> frozenset[str]:
        """The checks that a sound expression names."""
        if (found.source.line, found.source.column) not in self.sound:
            return frozenset()
        return used(found.text).checks & self.decls.keys()

    def _advisory(self, name: str, at: Node, where: str, what: str) -> None:
        if not self.decls[name].template.required:
            message = f"'{name}' is advisory (required: false) and may not decide in {what}"
            self.complaints.add(
                "G030", message, at.span, where=where, hint="make it required, or the need soft"
            )

    def item(self, pending: Pending) -> None:
        """An expression of a non-advisory item of the gate: it may not name advisory checks."""
        node = pending.node
        if (node.span.line, node.span.column) not in self.sound:
            return
        given = {check for _, check in checks_given(node.text, self.vocabulary)}
        for name in sorted((used(node.text).checks | given) & self.decls.keys()):
            if not self.decls[name].template.required:
                message = f"'{name}' is advisory (required: false) and may not decide in the gate"
                hint = "make the check required, or this item advisory"
                self.complaints.add("G030", message, node.span, where=pending.where, hint=hint)

    def configured(self, pending: Pending) -> None:
        """Complain where it is asked whether the configuration of a check changed that is no preset."""
        node = pending.node
        if (node.span.line, node.span.column) not in self.sound:
            return
        for name in sorted(used(node.text).configured & self.decls.keys()):
            if not self.decls[name].template.config_files:
                asked = f"checks.{name}.config_changed"
                message = f"'{asked}': '{name}' is no preset, its configuration files are not known"
                hint = "write changed('…') with their names"
                self.complaints.add("G109", message, node.span, where=pending.where, hint=hint)

    def measured(self, pending: Pending) -> None:
        """Complain where a check is asked for measures that declares no report of any."""
        node = pending.node
        if (node.span.line, node.span.column) not in self.sound:
            return
        for function, name in sorted(checks_given(node.text, self.vocabulary)):
            fed_by = self.vocabulary.functions[function].fed_by
            reports = self.decls[name].template.reports if name in self.decls else ()
            if name in self.decls and not any(fed_by.intersection(one.kinds) for one in reports):
                message = f"'{name}' declares no report of {' or '.join(sorted(fed_by))}"
                hint = f"give {name} one: reports: [{{path: out/metrics.txt, format: metrics}}]"
                self.complaints.add("G109", message, node.span, where=pending.where, hint=hint)

    def cycles(self) -> None:
        """Name each cycle once, at the edge that closes it. Iterative: the file may chain 1,000 checks."""
        done: set[str] = set()
        for start in self.edges:
            path: list[str] = []
            on_path: set[str] = set()
            stack: list[tuple[str, int]] = [(start, 0)]
            while stack:
                name, index = stack.pop()
                if index == 0:
                    if name in done:
                        continue
                    path.append(name)
                    on_path.add(name)
                edges = self.edges[name]
                if index < len(edges):
                    stack.append((name, index + 1))
                    following, at = edges[index]
                    if following in on_path:
                        ring = [*path[path.index(following) :], following]
                        self._cycle(name, ring, at)
                    elif following not in done:
                        stack.append((following, 0))
                else:
                    path.pop()
                    on_path.discard(name)
                    done.add(name)

    def _cycle(self, name: str, ring: list[str], at: Node) -> None:
        says = " → ".join(ring if len(ring) <= _RING else [*ring[: _RING // 2], "…", *ring[-_RING // 2 :]])
        message = f"checks wait for each other: {says}"
        self.complaints.add("G023", message, at.span, where=f"checks.{name}", hint="leave one of these out")
