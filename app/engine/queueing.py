"""Queueing attempts: who comes before whom."""

from app.engine.services import Services
from app.model import Change, ChangeKind, Run
from app.store import Unit, baselines, checks

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
    attempt_id = checks.queue_attempt(unit, check, not_before=now + delay, priority=priority, now=now)
    if delay:
        unit.wake_later("attempt", attempt_id, now + delay)
    else:
        unit.wake("attempt", attempt_id, priority)
