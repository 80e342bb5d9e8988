"""Queueing attempts: who comes before whom."""

from app.engine.services import Services
from app.model import Change, ChangeKind, CheckRow, Repository, Run
from app.store import Asking, Unit, attempts, baselines, checks, projects

AHEAD = -1
"""The priority of what nobody waits for."""


def priority_of(change: Change, *, trusted: bool) -> int:
    """Merge groups before trusted before untrusted changes."""
    return 2 if change.kind is ChangeKind.MERGE_GROUP else int(trusted)


def queue(unit: Unit, services: Services, run: Run, change: Change, check_id: int, delay: float = 0) -> None:
    """Queue a check's current attempt; a base run is as urgent as whoever waits for it."""
    now = services.clock.now()
    if change.kind is ChangeKind.BASE:
        asked = baselines.outstanding(unit.connection, run.id)
        priority = max((row.priority for row in asked), default=AHEAD)
    else:
        priority = priority_of(change, trusted=run.trusted)
    check = checks.load_check(unit.connection, check_id)
    whose = _whose(projects.load_repository(unit.connection, run.repository_id), run, change, check)
    not_before = now + delay if delay else 0.0  # at once is at once by every worker's clock
    attempt_id = attempts.queue_attempt(unit, check, whose, not_before=not_before, priority=priority, now=now)
    if delay:
        unit.wake_later("attempt", attempt_id, not_before)
    else:
        unit.wake("attempt", attempt_id, priority)


def _whose(repository: Repository, run: Run, change: Change, check: CheckRow) -> Asking:
    owner = f"{repository.forge}:{repository.full_name.partition('/')[0]}"
    return Asking(
        repository_id=run.repository_id,
        owner=owner,
        author="" if run.trusted or change.kind is ChangeKind.BASE else change.author.login,
        group=_group(run, check, owner),
    )


def _group(run: Run, check: CheckRow, owner: str) -> str:
    """What it shares with others, by a name that is the same on every worker; '' = nothing."""
    specs = run.plan.checks if run.plan is not None else ()
    shared = next((spec.concurrency for spec in specs if spec.key == check.result.key), None)
    if shared is None:
        return ""
    within = owner if shared.scope == "owner" else str(run.repository_id)
    return f"{within}#{shared.group}"
