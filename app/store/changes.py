"""Changes: pull requests, merge groups, pushes, and facts about people on them."""

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, func, select, update

from app.model import Actor, Change, ChangeKind, ChangeState, People, Readable, Sha
from app.store.projects import insert
from app.store.session import Unit, pack, unpack
from app.store.tables import approvals_to_test, changes, pushers

_NEXT = 0.001
"""Seconds by which what is told later within one moment is newer."""


class ChangeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A change and what was remembered about it."""

    id: int
    repository_id: int
    change: Change
    ai_authored: bool
    people: People | None
    people_at: float
    people_wanted: bool


def upsert_change(unit: Unit, repository_id: int, change: Change, now: float) -> int:
    """Record a change as it is now; gives its row id."""
    values = {
        "kind": change.kind.value,
        "number": change.number,
        "state": change.state.value,
        "base_ref": change.base_ref,
        "head_sha": change.head_sha,
        "document": pack(change),
        "seen_at": now,
    }
    statement = insert(unit.connection, changes).values(repository_id=repository_id, key=change.key, **values)
    statement = statement.on_conflict_do_update(index_elements=["repository_id", "key"], set_=values)
    return int(unit.connection.execute(statement.returning(changes.c.id)).scalar_one())


def _row(row: Row[Any]) -> ChangeRow:
    return ChangeRow(
        id=row.id,
        repository_id=row.repository_id,
        change=unpack(Change, row.document),
        ai_authored=bool(row.ai_authored),
        people=None if row.people is None else unpack(People, row.people),
        people_at=row.people_at,
        people_wanted=bool(row.people_wanted),
    )


def load_change(connection: Connection, change_id: int) -> ChangeRow:
    """A change by row id."""
    return _row(connection.execute(select(changes).where(changes.c.id == change_id)).one())


def find_change(connection: Connection, repository_id: int, key: str) -> ChangeRow | None:
    """A change by its key in a repository."""
    row = connection.execute(
        select(changes).where(changes.c.repository_id == repository_id, changes.c.key == key)
    ).first()
    return None if row is None else _row(row)


def open_changes_with_head(
    connection: Connection, repository_id: int, head_sha: Sha
) -> tuple[ChangeRow, ...]:
    """Open changes to be judged whose head is this SHA, oldest first."""
    rows = connection.execute(
        select(changes)
        .where(
            changes.c.repository_id == repository_id,
            changes.c.head_sha == head_sha,
            changes.c.state == ChangeState.OPEN.value,
            changes.c.kind != ChangeKind.BASE.value,
        )
        .order_by(changes.c.id)
    )
    return tuple(_row(row) for row in rows)


def open_changes(
    connection: Connection, repository_id: int, base_ref: str | None = None
) -> tuple[ChangeRow, ...]:
    """Open changes of a repository to be judged, of one target branch if given."""
    statement = select(changes).where(
        changes.c.repository_id == repository_id,
        changes.c.state == ChangeState.OPEN.value,
        changes.c.kind != ChangeKind.BASE.value,
    )
    if base_ref is not None:
        statement = statement.where(changes.c.base_ref == base_ref)
    return tuple(_row(row) for row in connection.execute(statement.order_by(changes.c.id)))


def begin_people(unit: Unit, change_id: int) -> None:
    """Facts about people are being read: what was known counts no more, and whoever wants them read from
    now on is heard after this reading.
    """
    unread = People(state=Readable.LATER, unreadable="being read")
    unit.connection.execute(
        update(changes).where(changes.c.id == change_id).values(people=pack(unread), people_wanted=False)
    )


def remember_people(unit: Unit, change_id: int, people: People, now: float) -> None:
    """Facts about people as just read (`begin_people` came before)."""
    unit.connection.execute(
        update(changes).where(changes.c.id == change_id).values(people=pack(people), people_at=now)
    )


def want_people(unit: Unit, change_id: int) -> None:
    """Facts about people are to be read again before the next verdict."""
    unit.connection.execute(update(changes).where(changes.c.id == change_id).values(people_wanted=True))


def mark_ai_authored(unit: Unit, change_id: int) -> None:
    """Once seen as machine-written, a change stays so."""
    unit.connection.execute(update(changes).where(changes.c.id == change_id).values(ai_authored=True))


def approve_to_test(unit: Unit, change_id: int, head_sha: Sha, login: str, now: float) -> None:
    """`ok-to-test` names this head."""
    statement = insert(unit.connection, approvals_to_test).values(
        change_id=change_id, head_sha=head_sha, login=login, at=now
    )
    unit.connection.execute(statement.on_conflict_do_nothing(index_elements=["change_id", "head_sha"]))


def approved_to_test(connection: Connection, change_id: int, head_sha: Sha) -> bool:
    """Whether somebody with write said `ok-to-test` for this head."""
    row = connection.execute(
        select(approvals_to_test.c.id).where(
            approvals_to_test.c.change_id == change_id, approvals_to_test.c.head_sha == head_sha
        )
    ).first()
    return row is not None


def remember_pusher(unit: Unit, change_id: int, head_sha: Sha, actor: Actor, now: float) -> None:
    """Who brought a head: only its delivery tells, and the first one to tell counts. What is told last is the
    newest, also within one moment.
    """
    others = (pushers.c.change_id == change_id) & (pushers.c.head_sha != head_sha)
    newest = unit.connection.execute(select(func.max(pushers.c.told_at)).where(others)).scalar()
    if newest is not None:
        now = max(now, newest + _NEXT)
    statement = insert(unit.connection, pushers).values(
        change_id=change_id, head_sha=head_sha, actor=pack(actor), told_at=now
    )
    unit.connection.execute(
        statement.on_conflict_do_update(index_elements=["change_id", "head_sha"], set_={"told_at": now})
    )


def heads_told(connection: Connection, change_id: int) -> tuple[tuple[Sha, float], ...]:
    """The heads that deliveries told of and when they last did (epoch seconds), the newest last."""
    rows = connection.execute(
        select(pushers.c.head_sha, pushers.c.told_at)
        .where(pushers.c.change_id == change_id)
        .order_by(pushers.c.told_at, pushers.c.id)
    )
    return tuple((Sha(row.head_sha), row.told_at) for row in rows)


def pusher_of(connection: Connection, change_id: int, head_sha: Sha) -> Actor | None:
    """Who brought a head; None if no delivery told (then the head is untrusted)."""
    row = connection.execute(
        select(pushers.c.actor).where(pushers.c.change_id == change_id, pushers.c.head_sha == head_sha)
    ).first()
    return None if row is None else unpack(Actor, row.actor)


def pushers_of(connection: Connection, change_id: int) -> tuple[str, ...]:
    """Lower-case logins of all who were seen to push to a change."""
    rows = connection.execute(select(pushers.c.actor).where(pushers.c.change_id == change_id))
    return tuple(sorted({unpack(Actor, row.actor).login.lower() for row in rows}))
