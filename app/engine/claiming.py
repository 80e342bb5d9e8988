"""Claim an attempt, with all that it concerns."""

from typing import Final

import msgspec
from sqlalchemy import Connection

from app.engine.able import leaves_untrusted
from app.engine.admission import begins_at, choose, share_of
from app.engine.base_settling import drop_unwanted
from app.engine.earlier import given_to
from app.engine.services import Services
from app.model import (
    Attempt,
    AttemptStatus,
    ChangeKind,
    CheckRow,
    CheckSpec,
    Comparison,
    Repository,
    Run,
    Status,
)
from app.store import Unit, admission, attempts, changes, checks, projects, runs

HAND_ON_SECONDS: Final = (1.0, 3.0)
"""After how long a worker offers again what it left to others: at least, at most."""
SOON: Final = 10.0
"""Seconds ahead in which what is not due yet is waited for: its wake-up may have come by a faster clock."""


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """All that one attempt concerns. `given` are the attempts whose artifacts it is given, by key."""

    attempt: Attempt
    check: CheckRow
    spec: CheckSpec
    run: Run
    comparison: Comparison
    change: changes.ChangeRow
    repository: Repository
    failed_before: frozenset[str]
    given: dict[str, int]

    @property
    def on_base(self) -> bool:
        """Whether this is a base run's."""
        return self.change.change.kind is ChangeKind.BASE


def claim_next(unit: Unit, services: Services, offered: int, lease: float, now: float) -> Work | None:
    """Take the attempt whose turn it is until `lease` (epoch seconds); None when none may start now. Then the
    place that was `offered` (an attempt's id) is offered again, if this worker leaves work to others: it may
    have been offered to nobody else. So is what will be due soon.
    """
    connection = unit.connection
    admission.alone(unit)
    leaves = leaves_untrusted(connection, services)
    waiting = list(admission.first_waiting(connection, now, trusted_only=leaves))
    running, turns = admission.running(connection), admission.turns_of(connection, tuple(waiting))
    busy: list[admission.Waiting] = []
    for candidates, waits in ((waiting, False), (busy, True)):
        while (one := choose(candidates, running, turns, services.options.quotas)) is not None:
            candidates.remove(one)
            # All others wait for us: whose repository is being decided on comes when nothing else does.
            if not waits and not projects.lock_if_free(unit, one.repository_id):
                busy.append(one)
                continue
            work = claim_work(unit, services, one.attempt_id, lease, now)
            if work is not None:
                admission.had_turn(unit, one, now, begins_at(one, turns), share_of(one))
                return work
    if leaves and admission.first_waiting(connection, now):
        unit.wake_later("attempt", offered, now + _hand_on_after(connection, offered, now))
    for attempt_id, at in admission.next_due(connection, now, now + SOON):
        unit.wake_later("attempt", attempt_id, at)
    return None


def _hand_on_after(connection: Connection, offered: int, now: float) -> float:
    """Seconds: as long as it has waited already, so that each time doubles."""
    least, most = HAND_ON_SECONDS
    attempt = attempts.load_attempt(connection, offered)
    return least if attempt is None else min(max(now - attempt.queued_at, least), most)


def claim_work(unit: Unit, services: Services, attempt_id: int, lease: float, now: float) -> Work | None:
    """Take an attempt until `lease` (epoch seconds); None when another has it or nobody wants it any more."""
    connection = unit.connection
    run_id = attempts.run_of_attempt(connection, attempt_id)
    if run_id is None:
        return None
    run = runs.lock_run(unit, run_id, now)  # before the attempt's row: every decision locks in this order
    if not attempts.claim_attempt(unit, attempt_id, services.worker, lease, now):
        return None
    work = _load(connection, attempt_id, run)
    if work is not None and work.on_base and work.spec not in _still_wanted(unit, work):
        runs.wake_run(unit, run_id, now)  # which ends it, if nothing is left
        return None
    if work is not None:
        result = msgspec.structs.replace(work.check.result, status=Status.RUNNING, since=now)
        checks.save_check(unit, msgspec.structs.replace(work.check, result=result))
    return work


def _still_wanted(unit: Unit, work: Work) -> tuple[CheckSpec, ...]:
    """The checks of a base run that somebody still waits for."""
    plan = drop_unwanted(unit, work.run).plan
    return () if plan is None else plan.checks


def _load(connection: Connection, attempt_id: int, run: Run | None) -> Work | None:
    attempt = attempts.load_attempt(connection, attempt_id)
    if attempt is None or run is None or run.plan is None or run.comparison is None:
        return None
    check = checks.load_check(connection, attempt.check_id)
    earlier = [
        other.ending.failed_tests
        for other in (attempts.attempts_of_check(connection, check.id) if check.retries else ())
        if other.n < attempt.n
        and other.ending is not None
        and other.status is AttemptStatus.COMPLETED  # one that was lost says nothing of the tests
    ]
    spec = next(spec for spec in run.plan.checks if spec.key == check.result.key)
    results = (
        {row.result.key: row.result for row in checks.load_checks(connection, run.id)} if spec.needs else {}
    )
    return Work(
        attempt=attempt,
        check=check,
        spec=spec,
        run=run,
        comparison=run.comparison,
        change=changes.load_change(connection, run.change_id),
        repository=projects.load_repository(connection, run.repository_id),
        failed_before=frozenset(name for names in earlier[-check.retries :] for name in names),
        given=given_to(spec, run.plan, results, checks.current_attempts(connection, run.id)),
    )
