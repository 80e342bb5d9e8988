"""Running again: the failed checks, one check, or everything at the newest tip."""

import msgspec

from app.engine.missed import awaited_posts
from app.engine.opening import start_run
from app.engine.services import Services
from app.engine.starting import ask_again
from app.model import Actor, CheckRow, Conclusion, Run, RunStatus, Status
from app.store import Unit, changes, checks, runs

LEFT_AS_IS = {Conclusion.SUCCESS, Conclusion.NOT_NEEDED, Conclusion.SKIPPED}


def rerun(
    unit: Unit,
    services: Services,
    run: Run,
    *,
    failed_only: bool = False,
    check: str = "",
    actor: Actor,
) -> dict[str, str]:
    """Run again what was asked; gives why not, by key, of those checks that cannot be.

    Everything means a new run at the target's newest tip (gate-file.md section 2, `recheck`); failed or
    named checks run again on the commit this run tested. Skipped ones follow their blockers by themselves.
    """
    now = services.clock.now()
    locked = runs.lock_run(unit, run.id, now)
    if locked is None or not locked.status.live:
        return {}
    if locked.status is RunStatus.PLANNED and (failed_only or check):
        rows = checks.load_checks(unit.connection, run.id)
        wanted = [row for row in rows if _asked(row, failed_only=failed_only, check=check)]
        if wanted:
            return _again(unit, locked, wanted, now)
        if check:
            return {}
    change = changes.load_change(unit.connection, run.change_id)
    start_run(unit, services, run.repository_id, run.change_id, change.change, actor=actor, fresh=True)
    return {}


def _again(unit: Unit, run: Run, wanted: list[CheckRow], now: float) -> dict[str, str]:
    """Set checks back; those that others run are asked for there."""
    elsewhere = {spec.key: spec for spec in awaited_posts(run.plan)}
    refused: dict[str, str] = {}
    for row in wanted:
        key = row.result.key
        why = ask_again(unit, run, elsewhere[key], now) if key in elsewhere else ""
        if why:
            refused[key] = why
        else:
            checks.save_check(unit, _set_back(row, now))
    runs.wake_run(unit, run.id, now)
    return refused


def knows_check(unit: Unit, run: Run, check: str) -> bool:
    """Whether a run has a check of this id or key."""
    return any(
        check in {row.result.id, row.result.key} for row in checks.load_checks(unit.connection, run.id)
    )


def _asked(row: CheckRow, *, failed_only: bool, check: str) -> bool:
    if row.result.status is not Status.COMPLETED:
        return False
    if check:
        return check in {row.result.id, row.result.key}
    return failed_only and row.result.conclusion not in LEFT_AS_IS


def _set_back(row: CheckRow, now: float) -> CheckRow:
    result = msgspec.structs.replace(
        row.result,
        status=Status.WAITING,
        conclusion=None,
        reason="to run again",
        blocked_by="",
        seconds=None,
        exit_code=None,
        outputs={},
        delivered=(),
        flaky=False,
        reused=None,
        fresh=True,
        since=now,
    )
    return msgspec.structs.replace(row, result=result, retries=0, crashes=0, evidence_id=None)
