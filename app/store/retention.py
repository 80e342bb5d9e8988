"""What is kept no longer: old rows that nothing rests on, removed in small batches. Verdicts, what they rest
on, and the audit trail stay.
"""

import math
from collections.abc import Collection, Sequence

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, and_, exists, func, select

from app.model import BaselineState, ChangeKind, ChangeState
from app.store.attempts import OPEN
from app.store.runs import LIVE
from app.store.session import Unit
from app.store.tables import changes, deliveries, runs
from app.store.tables_checks import artifacts, attempts, checks, log_chunks
from app.store.tables_evidence import baselines, evidence, flaky_tests
from app.store.tables_forge import posts


def prune_deliveries(unit: Unit, before: float, limit: int) -> int:
    """Deliveries that were worked off; gives how many."""
    old = (
        select(deliveries.c.id)
        .where(deliveries.c.status.in_(("done", "ignored")), deliveries.c.received_at < before)
        .limit(limit)
    )
    return unit.connection.execute(deliveries.delete().where(deliveries.c.id.in_(old))).rowcount


def prune_logs(unit: Unit, before: float, limit: int) -> int:
    """The output of the `limit` oldest attempts that have some, where they ended before; gives how many."""
    oldest = select(log_chunks.c.attempt_id).distinct().order_by(log_chunks.c.attempt_id).limit(limit)
    ended = unit.connection.execute(
        select(attempts.c.id).where(attempts.c.id.in_(oldest), attempts.c.ended_at < before)
    )
    ids = [row.id for row in ended]
    if ids:
        unit.connection.execute(log_chunks.delete().where(log_chunks.c.attempt_id.in_(ids)))
    return len(ids)


class OldArtifact(msgspec.Struct, frozen=True, kw_only=True):
    """A kept file: `stored` is where, `path` its path beneath `out/`."""

    id: int
    path: str
    stored: str
    size: int


def old_artifacts(
    connection: Connection, before: float, after: int, limit: int, repository_id: int | None = None
) -> tuple[OldArtifact, ...]:
    """The oldest artifacts (of one repository) that no live run's check may still be given, where their
    attempts ended before, behind the row `after`. Their files go first.
    """
    one = artifacts.alias()
    needed = (
        select(checks.c.id)
        .join(runs, runs.c.id == checks.c.run_id)
        .join(attempts, and_(attempts.c.check_id == checks.c.id, attempts.c.n == checks.c.attempt))
        .where(attempts.c.id == one.c.attempt_id, runs.c.status.in_(LIVE))
        .correlate(one)
    )
    reused = _reused_by_live(one.c.attempt_id).correlate(one)
    oldest = (
        select(one.c.id)
        .where(one.c.id > after, ~needed.exists(), ~reused.exists())
        .order_by(one.c.id)
        .limit(limit)
    )
    if repository_id is not None:
        oldest = (
            oldest.join(attempts, attempts.c.id == one.c.attempt_id)
            .join(runs, runs.c.id == attempts.c.run_id)
            .where(runs.c.repository_id == repository_id)
        )
    rows = connection.execute(
        select(artifacts.c.id, artifacts.c.path, artifacts.c.stored, artifacts.c.size)
        .join(attempts, attempts.c.id == artifacts.c.attempt_id)
        .where(artifacts.c.id.in_(oldest), attempts.c.ended_at < before)
        .order_by(artifacts.c.id)
    )
    return tuple(OldArtifact(id=row.id, path=row.path, stored=row.stored, size=row.size) for row in rows)


def crowding_artifacts(connection: Connection, most: int, after: int, limit: int) -> tuple[OldArtifact, ...]:
    """Where the artifacts of all take more than `most` bytes: the oldest of the repository that holds most of
    runs that are over, which no live run's check may still be given, behind the row `after`, as many as are
    too much.
    """
    size = func.sum(artifacts.c.size)
    over = (connection.execute(select(size)).scalar_one() or 0) - most
    if over <= 0:
        return ()
    holder = connection.execute(
        select(runs.c.repository_id)
        .join(attempts, attempts.c.run_id == runs.c.id)
        .join(artifacts, artifacts.c.attempt_id == attempts.c.id)
        .where(runs.c.status.not_in(LIVE))
        .group_by(runs.c.repository_id)
        .order_by(size.desc(), runs.c.repository_id)
        .limit(1)
    ).scalar()
    found = []
    for one in old_artifacts(connection, math.inf, after, limit, holder):
        if over <= 0:
            break
        found.append(one)
        over -= one.size
    return tuple(found)


def _reused_by_live(attempt_id: ColumnElement[int]) -> Select[int]:
    """Checks of live runs that an attempt's result serves."""
    return (
        select(checks.c.id)
        .join(runs, runs.c.id == checks.c.run_id)
        .where(checks.c.reused_attempt == attempt_id, runs.c.status.in_(LIVE))
    )


def without_artifacts(connection: Connection, ids: Collection[int]) -> set[int]:
    """Which of these attempts are over, or unknown, and keep no artifact."""
    keeps = exists().where(artifacts.c.attempt_id == attempts.c.id)
    rows = connection.execute(
        select(attempts.c.id).where(attempts.c.id.in_(ids), keeps | attempts.c.status.in_(OPEN))
    )
    return set(ids) - {row.id for row in rows}


def forget_artifacts(unit: Unit, ids: Sequence[int]) -> None:
    """Rows whose files are gone."""
    unit.connection.execute(artifacts.delete().where(artifacts.c.id.in_(ids)))


def prune_baselines(unit: Unit, before: float, limit: int) -> int:
    """What was once asked of a base that no live run is compared with any more; gives how many."""
    compared = exists().where(
        and_(
            runs.c.repository_id == baselines.c.repository_id,
            runs.c.base_sha == baselines.c.base_sha,
            runs.c.status.in_(LIVE),
        )
    )
    old = (
        select(baselines.c.id)
        .where(baselines.c.at < before, baselines.c.state != BaselineState.OUTSTANDING.value, ~compared)
        .limit(limit)
    )
    return unit.connection.execute(baselines.delete().where(baselines.c.id.in_(old))).rowcount


def prune_evidence(unit: Unit, before: float, limit: int) -> int:
    """Evidence that no verdict on record, no baseline and no live run's check rests on; gives how many."""
    of_base = exists().where(baselines.c.evidence_id == evidence.c.id)
    of_check = exists().where(
        and_(checks.c.evidence_id == evidence.c.id, runs.c.id == checks.c.run_id, runs.c.status.in_(LIVE))
    )
    old = (
        select(evidence.c.id)
        .where(evidence.c.kept.is_(False), evidence.c.at < before, ~of_base, ~of_check)
        .limit(limit)
    )
    return unit.connection.execute(evidence.delete().where(evidence.c.id.in_(old))).rowcount


def prune_posts(unit: Unit, before: float, limit: int) -> int:
    """What others posted on heads that no live run judges (read anew, should one come back); gives how
    many.
    """
    judged = exists().where(
        and_(
            runs.c.repository_id == posts.c.repository_id,
            runs.c.head_sha == posts.c.sha,
            runs.c.status.in_(LIVE),
        )
    )
    old = select(posts.c.id).where(posts.c.seen_at < before, ~judged).limit(limit)
    return unit.connection.execute(posts.delete().where(posts.c.id.in_(old))).rowcount


def prune_flaky(unit: Unit, before: float, limit: int) -> int:
    """Where tests were seen to be flaky longer ago than anybody asks; gives how many."""
    old = select(flaky_tests.c.id).where(flaky_tests.c.at < before).limit(limit)
    return unit.connection.execute(flaky_tests.delete().where(flaky_tests.c.id.in_(old))).rowcount


def prune_base_runs(unit: Unit, before: float, limit: int) -> int:
    """Base runs that ended, with their attempts, once no artifact of theirs is kept and no live run's check
    rests on one of them; gives how many.
    """
    keeps = exists().where(
        and_(
            artifacts.c.attempt_id == attempts.c.id,
            attempts.c.run_id == runs.c.id,
            runs.c.change_id == changes.c.id,
        )
    )
    of_base, live = runs.alias(), runs.alias()
    serves = exists().where(
        and_(
            of_base.c.change_id == changes.c.id,
            attempts.c.run_id == of_base.c.id,
            checks.c.reused_attempt == attempts.c.id,
            live.c.id == checks.c.run_id,
            live.c.status.in_(LIVE),
        )
    )
    old = (
        select(changes.c.id)
        .where(
            changes.c.kind == ChangeKind.BASE.value,
            changes.c.state == ChangeState.CLOSED.value,
            changes.c.seen_at < before,
            ~keeps,
            ~serves,
        )
        .limit(limit)
    )
    return unit.connection.execute(changes.delete().where(changes.c.id.in_(old))).rowcount
