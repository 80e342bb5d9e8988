"""Which kinds of evidence a gate judges, and findings that nothing judges."""

from typing import Final

from app.language import Vocabulary, checks_given
from app.model import GateItem, Kind
from app.plan import gate as gates
from app.plan.declared import CheckDecl
from app.plan.expressions import kinds_of
from app.plan.relations import Sound
from app.plan.reporting import produced
from app.plan.shapes import Reading
from app.plan.yaml import MapNode

BUILT_IN: Final = frozenset({Kind.TESTS, Kind.FINDINGS, Kind.SECRETS, Kind.COVERAGE})
"""What the built-in gate judges where a required check declares it."""
SONAR_WAY: Final = frozenset({Kind.FINDINGS, Kind.SECRETS, Kind.COVERAGE, Kind.DUPLICATION})
"""What SonarQube's default gate judges likewise."""


def built_in_kinds(feeding: frozenset[Kind], gate: str) -> frozenset[Kind]:
    """What a built-in gate judges of the kinds that required checks declare."""
    return (feeding & (SONAR_WAY if gate == "sonar_way" else BUILT_IN)) | {Kind.SECRETS}


def judged_kinds(items: tuple[GateItem, ...], vocabulary: Vocabulary, sound: Sound) -> set[Kind]:
    """The kinds of evidence that unconditional items judge which are not advisory."""
    kinds: set[Kind] = set()
    for item in items:
        if not item.advisory:
            for one in gates.expressions((item,), conditional=False):
                if (one.source.line, one.source.column) in sound:
                    kinds |= kinds_of(one.text, vocabulary)
    return kinds


def warn_of_unjudged(
    root: MapNode,
    decls: tuple[CheckDecl, ...],
    items: tuple[GateItem, ...],
    reading: Reading,
    vocabulary: Vocabulary,
) -> None:
    """Warn about findings that nothing judges."""
    judged: set[Kind] = set()
    asked: set[tuple[str, Kind]] = set()  # of one check by its id
    for one in gates.expressions(items):
        judged |= kinds_of(one.text, vocabulary)
        for function, check in checks_given(one.text, vocabulary):
            asked |= {(check, kind) for kind in vocabulary.functions[function].fed_by}
    node = root.get("checks")
    for decl in decls:
        spec = decl.template
        kinds = produced(spec.reports)
        if not spec.required or not isinstance(node, MapNode):
            continue
        told = {*judged, Kind.COVERAGE, *(kind for check, kind in asked if check == spec.id)}
        loose = [kind.value for kind in kinds if kind not in told]
        says = f"nothing judges the {' and '.join(loose)} of this check"
        if not kinds and spec.findings_exits:
            says = "exit codes under 'findings' mean failure here: this check declares no report to judge"
        elif not loose:
            continue
        instead = "do without the check" if spec.external is not None else "leave 'reports' out"
        hint = f"add a condition on them to 'gate', or {instead}"
        where = f"checks.{spec.id}"
        reading.complaints.add(
            "G050", says, node.entries[spec.id][0].span, where=where, hint=hint, warning=True
        )
