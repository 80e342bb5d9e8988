"""The target moved (gate-file.md section 2): which open changes that concerns, and how."""

import asyncio
from typing import Final

import msgspec
import structlog

from app.engine import rules
from app.engine.asked import with_asked
from app.engine.base_runs import Base
from app.engine.base_settling import fill_ahead
from app.engine.fetching import bring, bring_tested, fetch
from app.engine.gates import Reading, gate_state, read_gate
from app.engine.missed import awaited_posts
from app.engine.opening import PORTCULLIS, accept_change, start_run
from app.engine.prepare import is_gated, with_operator_limits
from app.engine.publishing import republish
from app.engine.services import Services
from app.model import (
    AuthorFault,
    Change,
    ChangeKind,
    CheckSpec,
    Comparison,
    Outage,
    Plan,
    Repository,
    Run,
    RunFacts,
    RunStatus,
    Sha,
)
from app.plan import GateFile, compile_plan
from app.store import Unit, attempts, changes, checks, elsewhere, projects, runs

LOG = structlog.get_logger(__name__)
AT_ONCE: Final = 20
"""Changes that one transaction takes over: a branch may have hundreds open, and others write too."""


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """A branch as it is now; `base` where the gate file judges its changes: what they are compared with."""

    repository_id: int
    repository: Repository
    name: str
    tip: Sha
    reading: Reading
    base: Base | None = None


async def look_at_branch(services: Services, branch_id: int) -> None:
    """The handler of ('branch', row id): a gated branch was pushed to."""
    repository_id, name = await services.database.read(lambda c: projects.load_branch(c, branch_id))
    active = await services.database.read(lambda c: projects.is_active(c, repository_id))
    if not active:
        return
    repository = await services.database.read(lambda c: projects.load_repository(c, repository_id))
    moved = await _read(services, repository_id, repository, name)
    if moved is None:
        return
    platform = await asyncio.to_thread(lambda: services.executor.platform)
    await services.database.run(lambda unit: _know(unit, services, moved, platform))
    open_on_it = await services.database.read(lambda c: changes.open_changes(c, repository_id, name))
    ids = [row.id for row in open_on_it if row.change.kind is ChangeKind.PULL_REQUEST]
    current = True
    for first in range(0, len(ids), AT_ONCE):
        seen = {one: await _see(services, moved, one) for one in ids[first : first + AT_ONCE]}

        def apply(unit: Unit, seen: dict[int, Seen] = seen) -> bool:
            return _apply(unit, services, moved, seen)

        current = await services.database.run(apply) and current
    if not current:
        raise Outage(f"runs moved while {name} was looked at")


async def _read(services: Services, repository_id: int, repository: Repository, name: str) -> Moved | None:
    known = await services.database.read(lambda c: projects.branch(c, repository_id, name))
    tip = known[0] if known is not None else Sha("")
    fetched = await fetch(
        services, repository, base_ref=name, head_refspec=f"refs/heads/{name}", head_sha=tip
    )
    if fetched.base_sha is None:
        return None
    reading = await read_gate(services, repository, fetched.base_sha, name)
    moved = Moved(
        repository_id=repository_id,
        repository=repository,
        name=name,
        tip=fetched.base_sha,
        reading=reading,
    )
    return msgspec.structs.replace(moved, base=await _base(services, moved))


async def _base(services: Services, moved: Moved) -> Base | None:
    """The tip as what changes are compared with: its tree, and the plan of its own gate file."""
    gatefile, repository, tip = moved.reading.gatefile, moved.repository, moved.tip
    forge = services.forges[repository.forge]
    if gatefile is None or not await is_gated(forge, repository, gatefile, moved.name):
        return None
    merged = await services.workspaces.merge(repository, tip, tip)
    entries = await services.workspaces.entries(repository, tip)
    plan = compile_plan(
        gatefile,
        comparison=None,
        tree_paths=tuple(entry.path for entry in entries),
        policy_sha=moved.reading.policy_sha,
    )
    return Base(
        repository_id=moved.repository_id,
        ref=moved.name,
        sha=tip,
        tree=merged.tested_tree,
        plan=with_operator_limits(services, plan),
    )


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What was read of a change's newest run: which one it was, how many commits of the target it was not
    merged with, and where its plan (`gate_hash`) is another gate file's: the plan by the file as it is now,
    and the facts with those which that one asks for. `lost`: what it was planned with is nowhere any more.
    """

    run_id: int | None = None
    status: RunStatus | None = None
    gate_hash: str = ""
    behind: int = 0
    plan: Plan | None = None
    facts: RunFacts = RunFacts()
    lost: bool = False


async def _see(services: Services, moved: Moved, change_id: int) -> Seen:
    run = await services.database.read(lambda c: runs.latest_run(c, change_id))
    if run is None:
        return Seen()
    gatefile, planned = moved.reading.gatefile, _gate_hash(run)
    seen = Seen(run_id=run.id, status=run.status, gate_hash=planned, facts=run.facts)
    if run.status is not RunStatus.PLANNED or gatefile is None:
        return seen
    try:
        seen = msgspec.structs.replace(seen, behind=await _behind(services, moved, run))
        if run.comparison is not None and planned not in {"", gatefile.gate_hash}:
            return await _plan_anew(services, moved, gatefile, run, run.comparison, seen)
    except (AuthorFault, Outage) as problem:
        LOG.warning("a change is prepared anew", run=run.id, reason=problem.message)
        return msgspec.structs.replace(seen, lost=True)
    return seen


async def _behind(services: Services, moved: Moved, run: Run) -> int:
    """How many commits of the target a run was not merged with. Raises AuthorFault, Outage."""
    if run.base_sha == moved.tip:
        return 0
    await bring(services, moved.repository, moved.name, run.base_sha)
    return len(await services.workspaces.commits(moved.repository, run.base_sha, moved.tip))


async def _plan_anew(
    services: Services, moved: Moved, gatefile: GateFile, run: Run, comparison: Comparison, seen: Seen
) -> Seen:
    """What a changed gate file means for a change, on the commit that was tested. Raises AuthorFault,
    Outage.
    """
    spaces, repository, policy_sha = services.workspaces, moved.repository, moved.reading.policy_sha
    await bring_tested(services, repository, run, moved.name)
    entries = await spaces.entries(repository, run.tested_sha)

    def compiled() -> Plan:
        paths = tuple(entry.path for entry in entries)
        return compile_plan(gatefile, comparison=comparison, tree_paths=paths, policy_sha=policy_sha)

    plan = with_operator_limits(services, await asyncio.to_thread(compiled))
    facts = await with_asked(spaces, repository, plan, comparison, run.facts)
    return msgspec.structs.replace(seen, plan=plan, facts=facts)


def _gate_hash(run: Run) -> str:
    """The gate file that a run was planned by; '' = it was not."""
    return "" if run.plan is None else run.plan.gate_hash


def _know(unit: Unit, services: Services, moved: Moved, platform: str) -> None:
    """Take over what the branch itself has become."""
    projects.lock_repository(unit, moved.repository_id)
    gatefile = moved.reading.gatefile
    gate = gate_state(moved.reading)
    gate_hash = gatefile.gate_hash if gatefile is not None else ""
    now = services.clock.now()
    projects.know_branch(unit, moved.repository_id, moved.name, moved.tip, gate, gate_hash, now)
    if gatefile is not None and "push" in gatefile.events:
        _open_push(unit, services, moved)
    if moved.base is not None:
        fill_ahead(unit, services, moved.base, platform)


def _apply(unit: Unit, services: Services, moved: Moved, seen: dict[int, Seen]) -> bool:
    """Have these changes follow the branch; false if a run moved meanwhile: then it is looked at again."""
    projects.lock_repository(unit, moved.repository_id)
    current = True
    for change_id, known in seen.items():
        row = changes.load_change(unit.connection, change_id)
        run = runs.latest_run(unit.connection, change_id)
        if run is None or not run.status.live or row.change.base_ref != moved.name:
            continue
        now_as = (run.id, run.status, _gate_hash(run))
        if (known.run_id, known.status, known.gate_hash) != now_as:
            # a new run, or one just planned by what the branch said before
            current = current and run.status is RunStatus.NEW
            continue
        _look_at(unit, services, moved, row, run, known)
    return current


def _look_at(
    unit: Unit,
    services: Services,
    moved: Moved,
    row: changes.ChangeRow,
    run: Run,
    seen: Seen,
) -> None:
    """Same resolved file: the verdict stays. A changed one re-judges; what had no plan starts anew."""
    gatefile, behind = moved.reading.gatefile, seen.behind
    if run.status is RunStatus.NEW:
        return  # whoever prepares it compares the tip it read with the one known here
    if run.status is not RunStatus.PLANNED or run.plan is None or gatefile is None:
        gone = run.status is RunStatus.NEUTRAL and moved.reading.state == "absent"
        if not gone:
            start_run(unit, services, row.repository_id, row.id, row.change, actor=PORTCULLIS)
        return
    most = gatefile.settings.max_behind
    if seen.lost or (most is not None and behind > most):
        start_run(unit, services, row.repository_id, row.id, row.change, actor=PORTCULLIS)
        return
    commits = "commit" if behind == 1 else "commits"
    note = f"judged on {moved.name}@{run.base_sha[:7]}, {behind} {commits} behind" if behind else ""
    facts = msgspec.structs.replace(
        run.facts,
        reverts=seen.facts.reverts,
        configuring=seen.facts.configuring,
        notes=(note,) if note else (),
        title_note=moved.reading.note if moved.reading.state == "older" else "",
        diagnostics=moved.reading.diagnostics,
    )
    if seen.plan is None:
        runs.save_facts(unit, run.id, facts)
        if facts.title_note != run.facts.title_note:
            republish(unit, services, row.repository_id, run.head_sha)
        return
    run = msgspec.structs.replace(run, facts=facts, policy_sha=moved.reading.policy_sha)
    _replan(unit, services, run, seen.plan, moved.reading.text)


def _replan(unit: Unit, services: Services, run: Run, plan: Plan, text: bytes) -> None:
    """A changed gate file moves policy_sha only: evidence of unchanged checks stays, others run."""
    old = {spec.key: _meaning(spec) for spec in run.plan.checks} if run.plan is not None else {}
    same = {spec.key: spec for spec in plan.checks if old.get(spec.key) == _meaning(spec)}
    now = services.clock.now()
    for check in checks.load_checks(unit.connection, run.id):
        if check.result.key not in same:
            for attempt_id in attempts.cancel_attempts(unit, run.id, now, check.id):
                unit.wake("stop", attempt_id)
            checks.drop_check(unit, check.id)
            elsewhere.forget(unit, run.id, check.result.key)
            continue
        required = same[check.result.key].required
        if check.result.required is not required:
            result = msgspec.structs.replace(check.result, required=required)
            checks.save_check(unit, msgspec.structs.replace(check, result=result))
    runs.save_preparation(unit, msgspec.structs.replace(run, plan=plan), text)
    checks.insert_checks(unit, run.id, rules.first_results(plan, now))
    changes.want_people(unit, run.change_id)
    if awaited_posts(plan):
        unit.wake("posts", run.id)  # those that no check waited for were not kept
    runs.wake_run(unit, run.id, now)


def _meaning(spec: CheckSpec) -> tuple[object, ...]:
    """What running a check means, and what its end does: a tool's findings are a success only where an
    item of the gate judges them.
    """
    with_secrets = spec.findings_succeed and spec.secrets_judged
    return spec.definition, spec.findings_succeed, with_secrets, spec.produces


def _open_push(unit: Unit, services: Services, moved: Moved) -> None:
    """The push is judged, where the gate file asks for that."""
    key = f"push-{moved.name}"
    known = changes.find_change(unit.connection, moved.repository_id, key)
    before = known.change.head_sha if known is not None else None
    if before == moved.tip:
        return
    change = Change(
        kind=ChangeKind.PUSH,
        key=key,
        title=f"push to {moved.name}",
        base_ref=moved.name,
        base_tip=moved.tip,
        head_ref=moved.name,
        head_sha=moved.tip,
        before=before,
        author=PORTCULLIS,
    )
    accept_change(unit, services, moved.repository_id, change, actor=PORTCULLIS)
