"""Runs: one judging of one head each."""

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, func, or_, select, update

from app.model import (
    Comparison,
    Plan,
    Repository,
    Run,
    RunFacts,
    RunStatus,
    Sha,
    Verdict,
    VerdictState,
)
from app.store.projects import lock_repository
from app.store.session import Unit, pack, squeeze, unpack, unpack_shared
from app.store.tables import installations, repositories, runs

LIVE = [status.value for status in RunStatus if status.live]


def open_run(
    unit: Unit,
    *,
    repository_id: int,
    change_id: int,
    head_sha: Sha,
    base_ref: str,
    now: float,
    fresh: bool = False,
) -> int:
    """A new run for a head against a target; gives its id. The caller supersedes the older ones. In a
    `fresh` one no earlier result serves.
    """
    connection = unit.connection
    n = connection.execute(select(func.max(runs.c.n)).where(runs.c.change_id == change_id)).scalar()
    result = connection.execute(
        runs.insert()
        .values(
            repository_id=repository_id,
            change_id=change_id,
            head_sha=head_sha,
            n=(n or 0) + 1,
            status=RunStatus.NEW.value,
            facts=squeeze(RunFacts(base_ref=base_ref, fresh=fresh)),
            opened_at=now,
            touched_at=now,
            wake_at=now,
        )
        .returning(runs.c.id)
    )
    return int(result.scalar_one())


def _run(row: Row[Any]) -> Run:
    return Run(
        id=row.id,
        repository_id=row.repository_id,
        change_id=row.change_id,
        head_sha=Sha(row.head_sha),
        base_sha=Sha(row.base_sha),
        tested_sha=Sha(row.tested_sha),
        policy_sha=Sha(row.policy_sha),
        n=row.n,
        status=RunStatus(row.status),
        trusted=bool(row.trusted),
        plan=None if row.plan is None else unpack_shared(Plan, row.plan),
        comparison=None if row.comparison is None else unpack_shared(Comparison, row.comparison),
        facts=RunFacts() if row.facts is None else unpack(RunFacts, row.facts),
        verdict=None if row.verdict is None else unpack_shared(Verdict, row.verdict),
        opened_at=row.opened_at,
        settled_at=row.settled_at,
        touched_at=row.touched_at,
        wake_at=row.wake_at,
        crashes=row.crashes,
        error=row.error,
        spent=row.spent,
        saved=row.saved,
    )


def load_run(connection: Connection, run_id: int) -> Run | None:
    """A run by id."""
    row = connection.execute(select(runs).where(runs.c.id == run_id)).first()
    return None if row is None else _run(row)


def hold_run(unit: Unit, run_id: int, now: float) -> bool:
    """Lock a run's repository and row until the transaction ends: the first statement of every decision
    (what a head shows is computed from several runs). False where there is no such run.
    """
    repository = select(runs.c.repository_id).where(runs.c.id == run_id).scalar_subquery()
    lock_repository(unit, repository)
    touched = unit.connection.execute(update(runs).where(runs.c.id == run_id).values(touched_at=now))
    return bool(touched.rowcount)


def lock_run(unit: Unit, run_id: int, now: float) -> Run | None:
    """A run as it is once it is held."""
    return load_run(unit.connection, run_id) if hold_run(unit, run_id, now) else None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Whose a run is: `active` when it exists and its repository is still ours to judge."""

    repository: Repository
    active: bool


_NOBODYS = pack(
    Repository(
        forge="",
        forge_id=0,
        full_name="nobody/nothing",
        installation_id=0,
        default_branch="main",
        private=True,
        clone_url="https://nowhere.example/nobody/nothing.git",
    )
)


def standing_of(connection: Connection, run_id: int) -> Standing:
    """Whose a run is. One statement and one small document for every id, of a run or of none: how long it
    takes must not tell which private runs there are.
    """
    row = connection.execute(
        select(repositories.c.document, repositories.c.status, installations.c.status.label("installation"))
        .select_from(runs)
        .join(repositories, repositories.c.id == runs.c.repository_id)
        .outerjoin(
            installations,
            (installations.c.forge == repositories.c.forge)
            & (installations.c.installation_id == repositories.c.installation_id),
        )
        .where(runs.c.id == run_id)
    ).first()
    repository = unpack(Repository, _NOBODYS if row is None else row.document)
    active = row is not None and row.status == "active" and row.installation in {None, "active"}
    return Standing(repository=repository, active=active)


def latest_run(connection: Connection, change_id: int) -> Run | None:
    """The newest run of a change, terminal or not."""
    row = connection.execute(
        select(runs).where(runs.c.change_id == change_id).order_by(runs.c.n.desc()).limit(1)
    ).first()
    return None if row is None else _run(row)


def live_runs(connection: Connection, change_id: int) -> tuple[Run, ...]:
    """Runs of a change that may still change, newest first."""
    rows = connection.execute(
        select(runs).where(runs.c.change_id == change_id, runs.c.status.in_(LIVE)).order_by(runs.c.n.desc())
    )
    return tuple(_run(row) for row in rows)


def end_run(unit: Unit, run_id: int, status: RunStatus, now: float) -> bool:
    """Supersede or close a run; false if it had ended already."""
    result = unit.connection.execute(
        update(runs)
        .where(runs.c.id == run_id, runs.c.status.in_(LIVE))
        .values(status=status.value, settled_at=func.coalesce(runs.c.settled_at, now), wake_at=None)
    )
    return bool(result.rowcount)


def save_preparation(unit: Unit, run: Run, gate_text: bytes | None) -> bool:
    """Keep what preparing found; false when the run ended meanwhile."""
    result = unit.connection.execute(
        update(runs)
        .where(runs.c.id == run.id, runs.c.status.in_(LIVE))
        .values(
            base_sha=run.base_sha,
            tested_sha=run.tested_sha,
            policy_sha=run.policy_sha,
            status=run.status.value,
            trusted=run.trusted,
            plan=None if run.plan is None else squeeze(run.plan),
            comparison=None if run.comparison is None else squeeze(run.comparison),
            gate_text=None if gate_text is None else squeeze(gate_text.decode("utf-8", "replace")),
            facts=squeeze(run.facts),
            error="",
            wake_at=None,
        )
    )
    return bool(result.rowcount)


def wake_run(unit: Unit, run_id: int, now: float) -> None:
    """Have a run decided again, by this process or by the next: its row says so until it was."""
    unit.connection.execute(
        update(runs).where(runs.c.id == run_id, runs.c.status.in_(LIVE)).values(wake_at=now)
    )
    unit.wake("run", run_id)


def wake_run_at(unit: Unit, run_id: int, at: float | None) -> None:
    """When a run is to be looked at again even if nothing happens."""
    unit.connection.execute(update(runs).where(runs.c.id == run_id).values(wake_at=at))


def postpone_run(unit: Unit, run_id: int, at: float, error: str, *, crashed: bool) -> int:
    """Preparing failed for now; gives how often it crashed."""
    unit.connection.execute(
        update(runs)
        .where(runs.c.id == run_id)
        .values(wake_at=at, error=error, crashes=runs.c.crashes + (1 if crashed else 0))
    )
    return int(unit.connection.execute(select(runs.c.crashes).where(runs.c.id == run_id)).scalar_one())


def runs_to_wake(connection: Connection, now: float, untouched_since: float) -> tuple[int, ...]:
    """Runs that are due, or undone and forgotten; a new one that was put off waits for its time."""
    rows = connection.execute(
        select(runs.c.id).where(
            runs.c.status.in_(LIVE),
            or_(
                runs.c.wake_at <= now,
                (runs.c.touched_at < untouched_since)
                & or_(
                    (runs.c.status == RunStatus.NEW.value) & runs.c.wake_at.is_(None),
                    (runs.c.status != RunStatus.NEW.value) & (runs.c.state == VerdictState.PENDING.value),
                ),
            ),
        )
    )
    return tuple(row.id for row in rows)


def runs_of_repository(connection: Connection, repository_id: int) -> tuple[int, ...]:
    """Ids of all live runs of a repository."""
    rows = connection.execute(
        select(runs.c.id).where(runs.c.repository_id == repository_id, runs.c.status.in_(LIVE))
    )
    return tuple(row.id for row in rows)


def save_facts(unit: Unit, run_id: int, facts: RunFacts) -> None:
    """What is said beside a verdict changed, nothing it rests on."""
    unit.connection.execute(update(runs).where(runs.c.id == run_id).values(facts=squeeze(facts)))
