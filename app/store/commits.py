"""Runs by the commits they are about."""

from sqlalchemy import Connection, select

from app.model import ChangeKind, RunFacts, RunStatus, Sha
from app.store.runs import LIVE
from app.store.session import unpack
from app.store.tables import changes, runs


def heads_of_change(connection: Connection, change_id: int) -> frozenset[Sha]:
    """All heads of a change that runs were opened for."""
    rows = connection.execute(select(runs.c.head_sha).where(runs.c.change_id == change_id).distinct())
    return frozenset(Sha(row.head_sha) for row in rows)


def live_runs_on(connection: Connection, repository_id: int, head_sha: Sha) -> tuple[int, ...]:
    """Ids of live runs that judge a head."""
    rows = connection.execute(
        select(runs.c.id)
        .join(changes, changes.c.id == runs.c.change_id)
        .where(
            runs.c.repository_id == repository_id,
            runs.c.head_sha == head_sha,
            runs.c.status.in_(LIVE),
            changes.c.kind != ChangeKind.BASE.value,
        )
    )
    return tuple(row.id for row in rows)


def has_other_changes(connection: Connection, repository_id: int, head_sha: Sha) -> bool:
    """Whether more than one open change has this head."""
    return len(live_runs_on(connection, repository_id, head_sha)) > 1


def live_runs_against(connection: Connection, repository_id: int, base_sha: Sha) -> tuple[int, ...]:
    """Ids of live runs that are compared with a commit of their target."""
    rows = connection.execute(
        select(runs.c.id).where(
            runs.c.repository_id == repository_id, runs.c.base_sha == base_sha, runs.c.status.in_(LIVE)
        )
    )
    return tuple(row.id for row in rows)


def commits_needed(connection: Connection, repository_id: int) -> frozenset[Sha]:
    """The commits that live runs of a repository are about."""
    columns = (runs.c.head_sha, runs.c.base_sha, runs.c.tested_sha)
    rows = connection.execute(
        select(*columns).where(runs.c.repository_id == repository_id, runs.c.status.in_(LIVE))
    )
    return frozenset(Sha(sha) for row in rows for sha in row if sha)


def targets_of_head(connection: Connection, repository_id: int, head_sha: Sha) -> frozenset[str]:
    """Target branches that any run on a head was opened against, runs shown as neutral left out."""
    rows = connection.execute(
        select(runs.c.facts)
        .join(changes, changes.c.id == runs.c.change_id)
        .where(
            runs.c.repository_id == repository_id,
            runs.c.head_sha == head_sha,
            changes.c.kind != ChangeKind.BASE.value,
        )
    )
    facts = [unpack(RunFacts, row.facts) for row in rows if row.facts is not None]
    return frozenset(one.base_ref for one in facts if not one.neutral)


def last_settled_head(connection: Connection, repository_id: int, base_ref: str) -> Sha | None:
    """The head of the newest pull request on a branch that was judged to its end; None where none was."""
    row = connection.execute(
        select(runs.c.head_sha)
        .join(changes, changes.c.id == runs.c.change_id)
        .where(
            runs.c.repository_id == repository_id,
            runs.c.settled_at.is_not(None),
            runs.c.status == RunStatus.PLANNED.value,
            changes.c.kind == ChangeKind.PULL_REQUEST.value,
            changes.c.base_ref == base_ref,
        )
        .order_by(runs.c.id.desc())
        .limit(1)
    ).first()
    return None if row is None else Sha(row.head_sha)
