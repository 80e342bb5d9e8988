"""The target moved (gate-file.md section 2): which open changes that concerns, and how."""

import msgspec

from app.engine import rules
from app.engine.asked import with_asked
from app.engine.base_runs import Base
from app.engine.base_settling import fill_ahead
from app.engine.fetching import fetch
from app.engine.gates import Reading, gate_state, read_gate
from app.engine.missed import awaited_posts
from app.engine.opening import PORTCULLIS, accept_change, start_run
from app.engine.prepare import is_gated, with_operator_limits
from app.engine.publishing import republish
from app.engine.services import Services
from app.model import (
    Change,
    ChangeKind,
    CheckSpec,
    Outage,
    Plan,
    Repository,
    Run,
    RunFacts,
    RunStatus,
    Sha,
)
from app.plan import compile_plan
from app.store import Unit, attempts, changes, checks, projects, runs


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
    open_on_it = await services.database.read(lambda c: changes.open_changes(c, repository_id, name))
    seen = {row.id: await _see(services, moved, row.id) for row in open_on_it}
    if not await services.database.run(lambda unit: _apply(unit, services, moved, seen)):
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
    and the facts with those which that one asks for.
    """

    run_id: int | None = None
    status: RunStatus | None = None
    gate_hash: str = ""
    behind: int = 0
    plan: Plan | None = None
    facts: RunFacts = RunFacts()


async def _see(services: Services, moved: Moved, change_id: int) -> Seen:
    run = await services.database.read(lambda c: runs.latest_run(c, change_id))
    if run is None:
        return Seen()
    spaces, behind, plan, facts = services.workspaces, 0, None, run.facts
    gatefile, comparison, planned = moved.reading.gatefile, run.comparison, _gate_hash(run)
    if run.base_sha and run.base_sha != moved.tip:
        behind = len(await spaces.commits(moved.repository, run.base_sha, moved.tip))
    if gatefile is not None and comparison is not None and planned not in {"", gatefile.gate_hash}:
        entries = await spaces.entries(moved.repository, comparison.tested_sha)
        plan = compile_plan(
            gatefile,
            comparison=comparison,
            tree_paths=tuple(entry.path for entry in entries),
            policy_sha=moved.reading.policy_sha,
        )
        plan = with_operator_limits(services, plan)
        facts = await with_asked(spaces, moved.repository, plan, comparison, facts)
    return Seen(run_id=run.id, status=run.status, gate_hash=planned, behind=behind, plan=plan, facts=facts)


def _gate_hash(run: Run) -> str:
    """The gate file that a run was planned by; '' = it was not."""
    return "" if run.plan is None else run.plan.gate_hash


def _apply(unit: Unit, services: Services, moved: Moved, seen: dict[int, Seen]) -> bool:
    """Take the branch over as it is now; false if a run moved meanwhile: then it is looked at again."""
    projects.lock_repository(unit, moved.repository_id)
    now = services.clock.now()
    gatefile = moved.reading.gatefile
    gate = gate_state(moved.reading)
    gate_hash = gatefile.gate_hash if gatefile is not None else ""
    projects.know_branch(unit, moved.repository_id, moved.name, moved.tip, gate, gate_hash, now)
    if gatefile is not None and "push" in gatefile.events:
        _open_push(unit, services, moved)
    if moved.base is not None:
        fill_ahead(unit, services, moved.base)
    current = True
    for row in changes.open_changes(unit.connection, moved.repository_id, moved.name):
        run = runs.latest_run(unit.connection, row.id)
        if run is None or not run.status.live or row.change.kind is not ChangeKind.PULL_REQUEST:
            continue
        known = seen.get(row.id)
        now_as = (run.id, run.status, _gate_hash(run))
        if known is None or (known.run_id, known.status, known.gate_hash) != now_as:
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
    if most is not None and behind > most:
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


def _replan(
    unit: Unit,
    services: Services,
    run: Run,
    plan: Plan,
    text: bytes,
) -> None:
    """A changed gate file moves policy_sha only: evidence of unchanged checks stays, others run."""
    old = {spec.key: _meaning(spec) for spec in run.plan.checks} if run.plan is not None else {}
    same = {spec.key: spec for spec in plan.checks if old.get(spec.key) == _meaning(spec)}
    now = services.clock.now()
    for check in checks.load_checks(unit.connection, run.id):
        if check.result.key not in same:
            for attempt_id in attempts.cancel_attempts(unit, run.id, now, check.id):
                unit.wake("stop", attempt_id)
            checks.drop_check(unit, check.id)
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
