"""A gate file and a change → the plan: matrices expanded, everything resolved, each cell hashed."""

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from operator import attrgetter
from typing import Final

import msgspec

from app.language import Globs, branch_matches
from app.model import Cache, Change, CheckSpec, Comparison, Expression, Kind, Plan, ReportSpec, Scalar
from app.plan.complaints import shown
from app.plan.declared import CheckDecl
from app.plan.external import ACTIONS
from app.plan.gatefile import GateFile
from app.plan.hashed import hashed_globs
from app.plan.matrix import expand, replace
from app.plan.reporting import produced

MAX_CHECKS: Final = 200
MAX_KEY: Final = 300
"""Letters of a check's key: its id and the values of its cell, which may be paths."""
_NOT_RUNNING: Final = frozenset(
    {
        "id", "key", "source", "when", "after", "needs", "required", "ignorable", "findings_succeed",
        "produces", "self_reported", "definition", "secrets_judged", "reuse", "concurrency",
    }
)  # fmt: skip
"""Fields that decide whether a check runs and what its end means, not what running it does."""
_PIPELINES: Final = (".gitlab-ci", ".gitlab/")
_WORKFLOWS: Final = (".github/workflows/", ".github/actions/")
"""Beneath these a repository keeps its workflows and what they call: reusable workflows and actions."""
_RUNNING: Final = tuple(name for name in CheckSpec.__struct_fields__ if name not in _NOT_RUNNING)
_running: Final = attrgetter(*_RUNNING)


def compile_plan(
    gatefile: GateFile,
    *,
    comparison: Comparison | None,
    tree_paths: Sequence[str],
    policy_sha: str,
    max_checks: int = MAX_CHECKS,
) -> Plan:
    """What a gate file means for one change.

    `tree_paths` are the file paths of the tested tree (for `from` axes), `comparison` gives the touched
    ones (for `changed` axes; None: none). A change that cannot be planned gives a Plan whose `blocked`
    says why and which holds no checks. Never raises.
    """
    changed = comparison.paths if comparison is not None else ()
    specs: list[CheckSpec] = []
    empty: list[str] = []
    blocked = ""
    for decl in gatefile.checks:
        if decl.matrix is None:
            specs.append(_as_reported(decl.template, changed))
            continue
        cells = expand(decl.template.id, decl.matrix, paths=tree_paths, changed=changed, limit=max_checks)
        if cells.blocked:
            blocked = cells.blocked
            break
        if not cells.cells:
            empty.append(decl.template.id)
        found = [_cell(decl, cell) for cell in cells.cells]
        blocked = _unfit(decl.template.id, found)
        if blocked:
            break
        specs.extend(found)
        if len(specs) > max_checks:
            break
    if not blocked and len(specs) > max_checks:
        blocked = f"more than {max_checks} checks are planned"
    return Plan(
        path=gatefile.path,
        policy_sha=policy_sha,
        gate_hash=gatefile.gate_hash,
        branches=gatefile.branches,
        events=gatefile.events,
        ignore_paths=gatefile.ignore_paths,
        checks=() if blocked else _defined(specs, gatefile.judged),
        gate=gatefile.gate,
        gate_declared=gatefile.gate_declared,
        settings=gatefile.settings,
        warnings=gatefile.warnings,
        blocked=blocked,
        empty_checks=tuple(empty),
        notes=() if blocked else _unmatched(specs, tree_paths),
        waivers=gatefile.waivers,
    )


def _unfit(check: str, cells: Sequence[CheckSpec]) -> str:
    """Why these cells cannot be told apart or kept; '' where they can."""
    long = next((cell.key for cell in cells if len(cell.key) > MAX_KEY), "")
    if long:
        most = f"'{check} (…)' has more than {MAX_KEY} letters"
        return f"the matrix of '{check}' is refused: {most} with the values {shown(long)}"
    places: dict[str, str] = {}
    for cell in cells:
        place = input_name(check, cell.key)
        other = places.setdefault(place, cell.key)
        if cell.artifacts and other != cell.key:
            both = f"the artifacts of {other} and {cell.key} would both lie in in/{place}/"
            return f"the matrix of '{check}' is refused: {both}"
    return ""


def input_name(check_id: str, key: str) -> str:
    """Where a needed check's artifacts are beneath `in/`: its id, with `-cell` for a cell of a matrix."""
    cell = re.sub(r"[^A-Za-z0-9_.-]+", "-", key.removeprefix(check_id)).strip("-")
    return f"{check_id}-{cell}" if cell else check_id


def _unmatched(specs: Sequence[CheckSpec], tree_paths: Sequence[str]) -> tuple[str, ...]:
    """Of the globs that say what a result or a cache depends on, those that name no file: it would depend on
    less than meant, and nobody would see.
    """
    if not tree_paths:
        return ()
    named: dict[str, dict[str, None]] = {}
    for spec in specs:
        keyed = hashed_globs(spec.cache.key) if spec.cache is not None else ()
        for where, globs in (("reuse", spec.reuse), ("cache.key", keyed)):
            for glob in globs:
                if not glob.startswith("!"):
                    named.setdefault(glob, {})[f"checks.{spec.id}.{where}"] = None
    idle = [glob for glob in named if not Globs((glob,)).any(tree_paths)]
    return tuple(f"{where}: '{glob}' matches no file of the tree" for glob in idle for where in named[glob])


def _cell(decl: CheckDecl, cell: dict[str, Scalar]) -> CheckSpec:
    """One cell: values put in, reports of other cells left out."""
    spec = decl.template
    reports = tuple(
        msgspec.structs.replace(one, path=replace(one.path, cell), only={})
        for one in spec.reports
        if all(cell.get(axis) == value for axis, value in one.only.items())
    )
    return msgspec.structs.replace(
        spec,
        key=f"{spec.id} ({', '.join(str(value) for value in cell.values())})",
        cell=cell,
        script=replace(spec.script, cell),
        argv=tuple(replace(one, cell) for one in spec.argv),
        env={name: replace(value, cell) for name, value in spec.env.items()},
        workdir=replace(spec.workdir, cell),
        outputs=replace(spec.outputs, cell),
        artifacts=tuple(replace(one, cell) for one in spec.artifacts),
        config_files=tuple(replace(one, cell) for one in spec.config_files),
        reuse=tuple(replace(one, cell) for one in spec.reuse),
        setup=replace(spec.setup, cell),
        cache=_cache(spec.cache, cell),
        image=replace(spec.image, cell),
        reports=reports,
        when=_expression(spec.when, cell),
        after=_expression(spec.after, cell),
    )


def _cache(found: Cache | None, cell: dict[str, Scalar]) -> Cache | None:
    if found is None:
        return None
    return Cache(key=replace(found.key, cell), paths=tuple(replace(path, cell) for path in found.paths))


def _expression(found: Expression | None, cell: dict[str, Scalar]) -> Expression | None:
    if found is None or "${matrix." not in found.text:
        return found
    return msgspec.structs.replace(found, text=replace(found.text, cell))


def _as_reported(spec: CheckSpec, changed: Sequence[str]) -> CheckSpec:
    """GitHub Actions runs workflows as the head has them: where the change edits any workflow or action of
    the repository, its results say what the change wants them to. Any, as one workflow calls others. So with
    GitLab CI: its configuration, and what that includes by custom.
    """
    external = spec.external
    if external is not None and external.pipeline:
        touched = any(path == external.pipeline or path.startswith(_PIPELINES) for path in changed)
        return msgspec.structs.replace(spec, self_reported=touched)
    by_actions = external is not None and (
        external.workflow
        or external.app.casefold() == ACTIONS  # as posts are compared
        or external.creator.casefold() == f"{ACTIONS}[bot]"
    )
    if not by_actions:
        return spec
    edited = any(path.startswith(_WORKFLOWS) for path in changed)
    return msgspec.structs.replace(spec, self_reported=edited)


def judged_by(spec: CheckSpec, kinds: tuple[Kind, ...], judged: Collection[Kind]) -> CheckSpec:
    """A check of these kinds of evidence: its findings succeed only where a gate judges all of them."""
    return msgspec.structs.replace(
        spec,
        produces=kinds,
        findings_succeed=bool(kinds) and all(kind in judged for kind in kinds),
        secrets_judged=Kind.SECRETS in judged,
    )


def _defined(specs: Sequence[CheckSpec], judged: Collection[Kind]) -> tuple[CheckSpec, ...]:
    """Each as it is judged, with its definition, in which that of every check whose artifacts it is given
    counts too.
    """
    by_id: dict[str, list[CheckSpec]] = {}
    for spec in specs:
        by_id.setdefault(spec.id, []).append(spec)
    known: dict[str, str] = {}

    def of(spec: CheckSpec) -> str:
        if spec.key not in known:
            needed = (cell for need in spec.needs for cell in by_id.get(need.check, ()))
            known[spec.key] = definition(spec, {cell.key: of(cell) for cell in needed if cell.artifacts})
        return known[spec.key]

    return tuple(
        msgspec.structs.replace(judged_by(spec, produced(spec.reports), judged), definition=of(spec))
        for spec in specs
    )


def definition(spec: CheckSpec, given: Mapping[str, str] | None = None) -> str:
    """SHA-256 over all that decides what running the check means, pinned tools included; the order in
    which keys, reports and artifacts are written does not count. `given` are the definitions, by key, of the
    checks whose artifacts it finds beneath `in/`: another build is another check.
    """
    fields: dict[str, object] = dict(zip(_RUNNING, _running(spec), strict=True))
    fields["reports"] = sorted(spec.reports, key=_report_order)
    fields["artifacts"] = sorted(spec.artifacts)
    if given:
        fields["in"] = given
    return hashlib.sha256(msgspec.json.encode(fields, order="sorted")).hexdigest()


def _report_order(report: ReportSpec) -> tuple[str, str, str]:
    return (report.path, report.flag, report.format)


def applies(gatefile: GateFile, change: Change, *, default_branch: str, protected: Collection[str]) -> bool:
    """Whether `on` covers this change: its kind among `events`, its target among `branches`. For a push the
    target is the pushed branch.
    """
    covered = covers(gatefile, change.base_ref, default_branch=default_branch, protected=protected)
    return covered and change.kind.value in gatefile.events


def covers(gatefile: GateFile, branch: str, *, default_branch: str, protected: Collection[str]) -> bool:
    """Whether a branch is among `on.branches` (left out: the default and the protected branches)."""
    branch = branch.removeprefix("refs/heads/")
    if gatefile.branches is None:
        return branch == default_branch or branch in protected
    return any(branch_matches(pattern, branch) for pattern in gatefile.branches)
