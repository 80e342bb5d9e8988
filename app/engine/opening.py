"""Opening, superseding and closing runs: one transaction per fact, its wake-ups with it."""

from typing import Final

import msgspec

from app.engine.publishing import republish
from app.engine.services import Services
from app.model import (
    Actor,
    ActorKind,
    AuditEntry,
    Change,
    ChangeState,
    Repository,
    Run,
    RunStatus,
    Sha,
)
from app.store import (
    Unit,
    attempts,
    changes,
    checks,
    chores,
    granted,
    projects,
    publications,
    records,
    runs,
    wakes,
)

REST: Final = 60.0
"""Seconds for which a repository that was just read rests, whatever deliveries say of it."""
PORTCULLIS = Actor(login="portcullis", kind=ActorKind.APP)


class NotOurs(Exception):
    """A delivery of a repository that is not judged any more, as far as is known; the text says so."""


def know_repository(unit: Unit, services: Services, repository: Repository, *, rest: float = REST) -> int:
    """The row of a repository that a delivery named, locked until the transaction ends. Raises NotOurs.

    Where the delivery says otherwise than is known, one of the two is late: the forge is asked, unless it was
    within `rest` seconds.
    """
    now = services.clock.now()
    heard = projects.hear_of_repository(unit, repository, now)
    if heard.removed or heard.moved:
        _ask_installation(unit, repository, now)
    if heard.removed:
        raise NotOurs(f"{repository.full_name} was removed; whether it is back is asked")
    if heard.differs:
        at = projects.read_soon(unit, heard.id, now, services.options.reread_every, rest)
        unit.wake_later("repository", heard.id, at)
    return heard.id


def _ask_installation(unit: Unit, repository: Repository, now: float) -> None:
    """Have all be read that the installation lets us judge; one that is not known is looked for."""
    row_id = projects.find_installation(unit.connection, repository.forge, repository.installation_id)
    if row_id is None:
        chores.begin(unit, ("installations",), now)
    else:
        wakes.want(unit, "installation", row_id, now)


def accept_change(unit: Unit, services: Services, repository_id: int, change: Change, *, actor: Actor) -> int:
    """Take over a change as it is now: open, supersede or close runs as that asks. Gives its row id."""
    now = services.clock.now()
    known = changes.find_change(unit.connection, repository_id, change.key)
    change_id = changes.upsert_change(unit, repository_id, change, now)
    if change.state is not ChangeState.OPEN:
        close_runs(unit, services, repository_id, change_id, actor=actor)
        return change_id
    live = runs.live_runs(unit.connection, change_id)
    current = next((run for run in live if run.head_sha == change.head_sha), None)
    retargeted = known is not None and known.change.base_ref != change.base_ref
    if current is None or retargeted:
        start_run(unit, services, repository_id, change_id, change, actor=actor)
    elif known is None or known.change != change:
        runs.wake_run(unit, current.id, now)
    return change_id


def start_run(
    unit: Unit,
    services: Services,
    repository_id: int,
    change_id: int,
    change: Change,
    *,
    actor: Actor,
    fresh: bool = False,
) -> int:
    """Open a run on the change's head; all older ones are superseded. Gives its id. In a `fresh` one no
    earlier result serves.
    """
    connection = unit.connection
    now = services.clock.now()
    older = runs.live_runs(connection, change_id)
    before = runs.latest_run(connection, change_id)
    if before is not None and (before.head_sha, before.facts.base_ref) != (change.head_sha, change.base_ref):
        granted.end_overrides(unit, change_id, now)  # a push or another target ends them for good
    run_id = runs.open_run(
        unit,
        repository_id=repository_id,
        change_id=change_id,
        head_sha=change.head_sha,
        base_ref=change.base_ref,
        now=now,
        fresh=fresh,
    )
    _audit(unit, services, "run.opened", actor, repository_id, change, run_id)
    for run in older:
        end(unit, services, run, RunStatus.SUPERSEDED)
    for head in {run.head_sha for run in older} - {change.head_sha}:
        republish(unit, services, repository_id, head)
    branch = projects.branch(connection, repository_id, change.base_ref)
    if branch is not None and branch[1] in {"present", "pushes"}:
        republish(unit, services, repository_id, change.head_sha)
    unit.wake("run", run_id)
    return run_id


def close_runs(unit: Unit, services: Services, repository_id: int, change_id: int, *, actor: Actor) -> None:
    """The change asks for nothing any more: end its runs, conclude what is still in progress."""
    heads: set[Sha] = set()
    for run in runs.live_runs(unit.connection, change_id):
        end(unit, services, run, RunStatus.CLOSED)
        change = changes.load_change(unit.connection, change_id).change
        _audit(unit, services, "run.closed", actor, repository_id, change, run.id)
        heads.add(run.head_sha)
    for head in heads:
        republish(unit, services, repository_id, head)


def stop_judging(unit: Unit, services: Services, repository_id: int) -> None:
    """We may not post there any more: end the runs, want nothing."""
    projects.lock_repository(unit, repository_id)
    for run_id in runs.runs_of_repository(unit.connection, repository_id):
        run = runs.load_run(unit.connection, run_id)
        if run is not None:
            change = changes.load_change(unit.connection, run.change_id)
            closed = msgspec.structs.replace(change.change, state=ChangeState.CLOSED)
            changes.upsert_change(unit, repository_id, closed, services.clock.now())
            close_runs(unit, services, repository_id, run.change_id, actor=change.change.author)
    publications.stop_posting(unit, repository_id)


def end(unit: Unit, services: Services, run: Run, status: RunStatus) -> None:
    """Supersede or close one run: its attempts are cancelled, wherever they are."""
    now = services.clock.now()
    if runs.end_run(unit, run.id, status, now):
        for attempt_id in attempts.cancel_attempts(unit, run.id, now):
            unit.wake("stop", attempt_id)
        checks.count_cost(unit, run.id)


def _audit(
    unit: Unit,
    services: Services,
    verb: str,
    actor: Actor,
    repository_id: int,
    change: Change,
    run_id: int,
) -> None:
    repository = projects.load_repository(unit.connection, repository_id)
    records.append_audit(
        unit,
        AuditEntry(
            at=services.clock.now(),
            actor=actor,
            verb=verb,
            repository=repository.full_name,
            change=change.key,
            run=run_id,
            details={"head_sha": change.head_sha, "base_ref": change.base_ref},
        ),
    )
