"""Base runs: checks of a target's commit itself, whose evidence changes on that commit are compared with.

A run of an internal change per commit (`base-<sha>`), never judged nor published. What was asked of it are
the rows of `store.baselines`: by pushes to gated branches, ahead of any change, or by a run that has
delivered something to compare. It ends when all is made, so that it costs no sweep anything.
"""

from collections.abc import Mapping

import msgspec

from app.engine import rules
from app.engine.base_plan import join, on_base, with_itself
from app.engine.opening import PORTCULLIS
from app.engine.services import Services
from app.model import AuditEntry, Change, ChangeKind, CheckSpec, Plan, Run, RunStatus, Sha, Status
from app.policy import pending_verdict
from app.store import Unit, attempts, baselines, changes, checks, projects, records, runs, verdicts


class Base(msgspec.Struct, frozen=True, kw_only=True):
    """A commit that others are compared with, and the plan of its branch's gate file.

    `trusted` is false where the commit may hold what is not on the branch yet (a queue's group on another).
    """

    repository_id: int
    ref: str
    sha: Sha
    tree: Sha
    plan: Plan
    trusted: bool = True

    @property
    def name(self) -> str:
        """The commit for people: `main@abc1234`."""
        return name_of(self.ref, self.sha)


def name_of(ref: str, sha: Sha) -> str:
    """A branch's commit for people."""
    return f"{ref}@{sha[:7]}"


def ask(
    unit: Unit,
    services: Services,
    base: Base,
    keys: tuple[str, ...],
    *,
    priority: int,
    ahead: bool = False,
    digests: Mapping[str, str] | None = None,
) -> dict[str, int]:
    """Have these checks run on base, by a run that is under way if they fit in; gives the rows that tell of
    it, by key. `digests` name the uploads that are to be read.
    """
    now = services.clock.now()
    more = on_base(base.plan, keys)
    run = _room(unit, base, more, keys) or _open(unit, services, base, more)
    checks.insert_checks(
        unit, run.id, rules.first_results(msgspec.structs.replace(base.plan, checks=more), now)
    )
    definitions = {spec.key: spec.definition for spec in more}
    rows = {
        key: baselines.ask(
            unit,
            repository_id=base.repository_id,
            tree=base.tree,
            definition=definitions[key],
            base_sha=base.sha,
            key=key,
            run_id=run.id,
            ahead=ahead,
            priority=priority,
            digest=(digests or {}).get(key, ""),
            now=now,
        )
        for key in keys
    }
    hurry(unit, run.id, priority)
    runs.wake_run(unit, run.id, now)
    return rows


def hurry(unit: Unit, run_id: int, priority: int) -> None:
    """Somebody this urgent waits for a base run."""
    for attempt_id in attempts.hurry_attempts(unit, run_id, priority):
        unit.wake("attempt", attempt_id, priority)
    baselines.hurry(unit, run_id, priority)


def _room(unit: Unit, base: Base, more: tuple[CheckSpec, ...], keys: tuple[str, ...]) -> Run | None:
    """A run of this commit that is under way and takes these checks too: none of `keys` has ended in it."""
    change = changes.find_change(unit.connection, base.repository_id, _key(base.sha))
    if change is None or (change.change.base_ref != base.ref and any(spec.external for spec in more)):
        return None  # whose uploads speak for a commit depends on the branch
    for run in runs.live_runs(unit.connection, change.id):
        plan = run.plan
        joined = join(plan.checks, more) if plan is not None else None
        if plan is None or joined is None or _ended(unit, run) & set(keys):
            continue
        plan = msgspec.structs.replace(plan, checks=joined)
        planned = msgspec.structs.replace(run, plan=plan)
        runs.save_preparation(unit, planned, None)
        return planned
    return None


def _ended(unit: Unit, run: Run) -> set[str]:
    rows = checks.load_checks(unit.connection, run.id)
    return {row.result.key for row in rows if row.result.status is Status.COMPLETED}


def _key(sha: Sha) -> str:
    return f"base-{sha}"


def _open(unit: Unit, services: Services, base: Base, specs: tuple[CheckSpec, ...]) -> Run:
    """A new run of the commit: planned at once, for there is nothing to merge and nobody to ask."""
    now = services.clock.now()
    change = Change(
        kind=ChangeKind.BASE,
        key=_key(base.sha),
        title=f"base run of {base.name}",
        base_ref=base.ref,
        base_tip=base.sha,
        head_ref=base.ref,
        head_sha=base.sha,
        author=PORTCULLIS,
    )
    change_id = changes.upsert_change(unit, base.repository_id, change, now)
    run_id = runs.open_run(
        unit,
        repository_id=base.repository_id,
        change_id=change_id,
        head_sha=base.sha,
        base_ref=base.ref,
        now=now,
    )
    run = _planned(run_id, change_id, base, specs, now)
    runs.save_preparation(unit, run, None)
    verdicts.save_verdict(
        unit, run, pending_verdict("a base run: others are compared with it, it is not judged"), now
    )
    repository = projects.load_repository(unit.connection, base.repository_id)
    entry = AuditEntry(
        at=now,
        actor=PORTCULLIS,
        verb="run.opened",
        repository=repository.full_name,
        change=change.key,
        run=run_id,
        details={"head_sha": base.sha, "base_ref": base.ref},
    )
    records.append_audit(unit, entry)
    return run


def _planned(run_id: int, change_id: int, base: Base, specs: tuple[CheckSpec, ...], now: float) -> Run:
    return Run(
        id=run_id,
        repository_id=base.repository_id,
        change_id=change_id,
        head_sha=base.sha,
        base_sha=base.sha,
        tested_sha=base.sha,
        policy_sha=Sha(base.plan.policy_sha),
        status=RunStatus.PLANNED,
        trusted=base.trusted,
        plan=Plan(
            path=base.plan.path,
            policy_sha=base.plan.policy_sha,
            gate_hash=base.plan.gate_hash,
            checks=specs,
        ),
        comparison=with_itself(base.sha, base.tree),
        opened_at=now,
    )
