"""The target moved (gate-file.md section 2): which open changes that concerns, and how."""

import msgspec

from app.engine import rules
from app.engine.gates import Reading, gate_state, read_gate
from app.engine.missed import look_again
from app.engine.opening import PORTCULLIS, accept_change, start_run, stop_judging
from app.engine.prepare import looks_reverting, with_operator_limits
from app.engine.publishing import republish
from app.engine.services import Services
from app.forges import Gone
from app.model import (
    Actor,
    Change,
    ChangeKind,
    CheckSpec,
    Misconfigured,
    Outage,
    Repository,
    Run,
    RunStatus,
    Sha,
)
from app.plan import GateFile, compile_plan
from app.store import Unit, changes, checks, projects, runs, wakes


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """A branch as it is now."""

    repository_id: int
    repository: Repository
    name: str
    tip: Sha
    reading: Reading


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
    forge = services.forges[repository.forge]

    async def credential() -> str:
        return await forge.git_credential(repository)

    known = await services.database.read(lambda c: projects.branch(c, repository_id, name))
    tip = known[0] if known is not None else Sha("")
    fetched = await services.workspaces.fetch(
        repository,
        base_ref=name,
        head_refspec=f"refs/heads/{name}",
        head_sha=tip,
        credential=credential,
    )
    if fetched.base_sha is None:
        return None
    reading = await read_gate(services, repository, fetched.base_sha, name)
    return Moved(
        repository_id=repository_id,
        repository=repository,
        name=name,
        tip=fetched.base_sha,
        reading=reading,
    )


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What was read of a change's newest run: which one it was, the paths of its tested tree (for
    matrices), how many commits of the target it was not merged with, and whether it is a revert (None:
    the gate file does not ask).
    """

    run_id: int | None
    status: RunStatus | None
    tree_paths: tuple[str, ...] = ()
    behind: int = 0
    reverts: bool | None = None


async def _see(services: Services, moved: Moved, change_id: int) -> Seen:
    run = await services.database.read(lambda c: runs.latest_run(c, change_id))
    if run is None:
        return Seen(run_id=None, status=None)
    spaces, behind = services.workspaces, 0
    paths: tuple[str, ...] = ()
    reverts: bool | None = None
    if run.status is RunStatus.PLANNED and run.tested_sha:
        entries = await spaces.entries(moved.repository, run.tested_sha)
        paths = tuple(entry.path for entry in entries)
        if b"pr.reverts" in moved.reading.text and run.comparison is not None:
            reverts = await looks_reverting(spaces, moved.repository, run.comparison)
    if run.base_sha and run.base_sha != moved.tip:
        behind = len(await spaces.commits(moved.repository, run.base_sha, moved.tip))
    return Seen(run_id=run.id, status=run.status, tree_paths=paths, behind=behind, reverts=reverts)


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
    current = True
    for row in changes.open_changes(unit.connection, moved.repository_id, moved.name):
        run = runs.latest_run(unit.connection, row.id)
        if run is None or not run.status.live or row.change.kind is not ChangeKind.PULL_REQUEST:
            continue
        known = seen.get(row.id)
        if known is None or (known.run_id, known.status) != (run.id, run.status):
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
        notes=(note,) if note else (),
        title_note=moved.reading.note if moved.reading.state == "older" else "",
        diagnostics=moved.reading.diagnostics,
        reverts=run.facts.reverts if seen.reverts is None else seen.reverts,
    )
    if run.plan.gate_hash == gatefile.gate_hash:
        runs.save_facts(unit, run.id, facts)
        if facts.title_note != run.facts.title_note:
            republish(unit, services, row.repository_id, run.head_sha)
        return
    run = msgspec.structs.replace(run, facts=facts, policy_sha=moved.reading.policy_sha)
    _replan(unit, services, run, gatefile, moved.reading.text, seen.tree_paths)


def _replan(
    unit: Unit,
    services: Services,
    run: Run,
    gatefile: GateFile,
    text: bytes,
    tree_paths: tuple[str, ...],
) -> None:
    """A changed gate file moves policy_sha only: evidence of unchanged checks stays, others run."""
    plan = with_operator_limits(
        services,
        compile_plan(gatefile, comparison=run.comparison, tree_paths=tree_paths, policy_sha=run.policy_sha),
    )
    old = {spec.key: _meaning(spec) for spec in run.plan.checks} if run.plan is not None else {}
    same = {spec.key: spec for spec in plan.checks if old.get(spec.key) == _meaning(spec)}
    now = services.clock.now()
    for check in checks.load_checks(unit.connection, run.id):
        if check.result.key not in same:
            for attempt_id in checks.cancel_attempts(unit, run.id, now, check.id):
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
    runs.wake_run(unit, run.id, now)


def _meaning(spec: CheckSpec) -> tuple[object, ...]:
    """What running a check means, and what its end does: a tool's findings are a success only where an
    item of the gate judges them.
    """
    with_secrets = spec.findings_succeed and spec.secrets_judged
    return spec.definition, spec.findings_succeed, with_secrets, spec.produces


def _open_push(unit: Unit, services: Services, moved: Moved) -> None:
    """A base run on the pushed commit, where the gate file asks for them."""
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


async def read_repository(services: Services, repository_id: int) -> None:
    """The handler of ('repository', id): read it and its open pull requests as they are now.

    Every so often (`reread_every`) it heals what deliveries should have told and did not: new and closed
    pull requests, pushes, labels; and it wakes what is read apart: reviews, comments, others' posts.
    """
    active = await services.database.read(lambda c: projects.is_active(c, repository_id))
    if not active:
        return
    repository = await services.database.read(lambda c: projects.load_repository(c, repository_id))
    forge = services.forges[repository.forge]
    again = services.clock.now() + services.options.reread_every
    try:
        now = await forge.get_repository(repository)
        found = await forge.open_changes(now)
    except Gone:
        await services.database.run(lambda unit: _lose(unit, services, repository_id, repository))
        return
    except Misconfigured:  # refused, and said so by whoever handles this key: no reason to ask each minute
        await services.database.run(lambda unit: projects.wake_repository(unit, repository_id, again))
        raise
    await services.database.run(lambda unit: _take_over(unit, services, repository_id, now, found, again))


def _lose(unit: Unit, services: Services, repository_id: int, repository: Repository) -> None:
    """Deleted, or out of our reach: nothing of it is judged or shown any more."""
    projects.remove_repository(unit, repository.forge, repository.forge_id)
    stop_judging(unit, services, repository_id)


def _take_over(
    unit: Unit,
    services: Services,
    repository_id: int,
    repository: Repository,
    found: tuple[Change, ...],
    again: float,
) -> None:
    """Accept the repository and what is open now; look again at what was known."""
    projects.upsert_repository(unit, repository, services.clock.now())
    projects.lock_repository(unit, repository_id)
    open_keys = {change.key for change in found}
    before = changes.open_changes(unit.connection, repository_id)
    for change in found:
        known = changes.find_change(unit.connection, repository_id, change.key)
        pusher: Actor | None = None
        if known is not None:
            pusher = changes.pusher_of(unit.connection, known.id, change.head_sha)
        told = msgspec.structs.replace(change, pusher=pusher)
        accept_change(unit, services, repository_id, told, actor=change.author)
    for row in before:
        if row.change.kind is not ChangeKind.PULL_REQUEST:
            continue
        if row.change.key in open_keys:
            look_again(unit, row.id)
        else:
            wakes.want(unit, "change", row.id, services.clock.now())
    projects.wake_repository(unit, repository_id, again)


async def read_installation(services: Services, row_id: int) -> None:
    """The handler of ('installation', row id): read all its repositories."""
    found = await services.database.read(lambda c: projects.load_installation(c, row_id))
    forge, installation_id, status = found
    if status != "active":
        return
    repositories = await services.forges[forge].installation_repositories(installation_id)

    def write(unit: Unit) -> None:
        now = services.clock.now()
        for repository in sorted(repositories, key=lambda repository: repository.forge_id):
            repository_id = projects.upsert_repository(unit, repository, now)
            projects.wake_repository(unit, repository_id, now)
            unit.wake("repository", repository_id)

    await services.database.run(write)
