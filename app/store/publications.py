"""What each forge should show, and what it was last seen to show."""

import hashlib
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Table, or_, select, update

from app.model import Publication, Sha, StickyComment
from app.store.projects import insert
from app.store.session import Unit, pack, squeeze, unpack
from app.store.tables import comments, publications

MOVING = {"started_at", "completed_at"}


class PublicationRow(msgspec.Struct, frozen=True, kw_only=True):
    """One wanted publication. `due` = the forge does not show it yet as far as we know."""

    id: int
    repository_id: int
    wanted: Publication
    wanted_hash: str
    posted_hash: str
    known_id: int | None
    revision: int
    attempts: int
    lease_until: float
    error: str

    @property
    def due(self) -> bool:
        """Whether there is something to post."""
        return self.wanted_hash != self.posted_hash


class CommentRow(msgspec.Struct, frozen=True, kw_only=True):
    """One wanted sticky comment."""

    id: int
    repository_id: int
    wanted: StickyComment
    wanted_hash: str
    posted_hash: str
    known_id: int | None
    attempts: int

    @property
    def due(self) -> bool:
        """Whether there is something to post."""
        return self.wanted_hash != self.posted_hash


def _hash(publication: Publication | StickyComment) -> str:
    """Identity of what people see: times of day do not make it another one."""
    if isinstance(publication, Publication):
        publication = msgspec.structs.replace(publication, started_at="", completed_at="")
    return hashlib.sha256(pack(publication)).hexdigest()


def _publication(row: Row[Any]) -> PublicationRow:
    return PublicationRow(
        id=row.id,
        repository_id=row.repository_id,
        wanted=unpack(Publication, row.wanted),
        wanted_hash=row.wanted_hash,
        posted_hash=row.posted_hash,
        known_id=row.known_id,
        revision=row.revision,
        attempts=row.attempts,
        lease_until=row.lease_until,
        error=row.error,
    )


def _want(
    unit: Unit, table: Table, where: dict[str, object], wanted: Publication | StickyComment, now: float
) -> int | None:
    digest = _hash(wanted)
    match = [table.c[name] == value for name, value in where.items()]
    known = unit.connection.execute(
        select(table.c.id, table.c.wanted_hash, table.c.posted_hash).where(*match)
    ).first()
    if known is not None and known.wanted_hash == digest:
        return None if known.posted_hash == digest else int(known.id)
    values: dict[str, object] = {
        "wanted": squeeze(wanted),
        "wanted_hash": digest,
        "wake_at": now,
        "attempts": 0,
    }
    statement = insert(unit.connection, table).values(**where, **values)
    if "revision" in table.c:
        values["revision"] = table.c.revision + 1
    statement = statement.on_conflict_do_update(index_elements=list(where), set_=values)
    return int(unit.connection.execute(statement.returning(table.c.id)).scalar_one())


def want_publication(unit: Unit, repository_id: int, wanted: Publication, now: float) -> int | None:
    """Say what should be shown; gives the row to post, None when the forge shows it already."""
    where: dict[str, object] = {
        "repository_id": repository_id,
        "head_sha": wanted.head_sha,
        "name": wanted.name,
    }
    return _want(unit, publications, where, wanted, now)


def want_comment(unit: Unit, repository_id: int, wanted: StickyComment, now: float) -> int | None:
    """Say what the sticky comment should read; gives the row to post, None when nothing changes."""
    where: dict[str, object] = {"repository_id": repository_id, "number": wanted.number}
    return _want(unit, comments, where, wanted, now)


def find_publication(
    connection: Connection, repository_id: int, head_sha: Sha, name: str
) -> PublicationRow | None:
    """What is wanted under a name on a head, if anything."""
    row = connection.execute(
        select(publications).where(
            publications.c.repository_id == repository_id,
            publications.c.head_sha == head_sha,
            publications.c.name == name,
        )
    ).first()
    return None if row is None else _publication(row)


def publications_on(connection: Connection, repository_id: int, head_sha: Sha) -> tuple[PublicationRow, ...]:
    """All that is wanted on a head."""
    rows = connection.execute(
        select(publications).where(
            publications.c.repository_id == repository_id, publications.c.head_sha == head_sha
        )
    )
    return tuple(_publication(row) for row in rows)


def claim(unit: Unit, table: Table, row_id: int, worker: str, lease_until: float, now: float) -> bool:
    """Take the row's lease, unless another worker holds it."""
    result = unit.connection.execute(
        update(table)
        .where(table.c.id == row_id, or_(table.c.lease_until < now, table.c.worker == worker))
        .values(worker=worker, lease_until=lease_until)
    )
    return bool(result.rowcount)


def claim_publication(
    unit: Unit, row_id: int, worker: str, lease_until: float, now: float
) -> PublicationRow | None:
    """The row under our lease, None if another worker has it."""
    if not claim(unit, publications, row_id, worker, lease_until, now):
        return None
    return _publication(
        unit.connection.execute(select(publications).where(publications.c.id == row_id)).one()
    )


def claim_comment(unit: Unit, row_id: int, worker: str, lease_until: float, now: float) -> CommentRow | None:
    """The row under our lease, None if another worker has it."""
    if not claim(unit, comments, row_id, worker, lease_until, now):
        return None
    row = unit.connection.execute(select(comments).where(comments.c.id == row_id)).one()
    return CommentRow(
        id=row.id,
        repository_id=row.repository_id,
        wanted=unpack(StickyComment, row.wanted),
        wanted_hash=row.wanted_hash,
        posted_hash=row.posted_hash,
        known_id=row.known_id,
        attempts=row.attempts,
    )


def _posted(
    unit: Unit, table: Table, row_id: int, digest: str, known_id: int, extra: dict[str, object]
) -> bool:
    unit.connection.execute(
        update(table)
        .where(table.c.id == row_id)
        .values(posted_hash=digest, known_id=known_id, lease_until=0.0, attempts=0, error="", **extra)
    )
    settled = unit.connection.execute(
        update(table)
        .where(table.c.id == row_id, table.c.wanted_hash == table.c.posted_hash)
        .values(wake_at=None)
    )
    return bool(settled.rowcount)


def posted_publication(unit: Unit, row: PublicationRow, known_id: int, now: float) -> bool:
    """The forge shows what the row wanted; false when more is wanted by now."""
    return _posted(unit, publications, row.id, row.wanted_hash, known_id, {"posted_at": now})


def posted_comment(unit: Unit, row: CommentRow, known_id: int) -> bool:
    """The forge shows the comment; false when another text is wanted by now."""
    return _posted(unit, comments, row.id, row.wanted_hash, known_id, {})


def postpone_publication(unit: Unit, row_id: int, wake_at: float | None, error: str) -> None:
    """Posting failed; try again at `wake_at` (None: never)."""
    _postpone(unit, publications, row_id, wake_at, error)


def postpone_comment(unit: Unit, row_id: int, wake_at: float | None, error: str) -> None:
    """Posting failed; try again at `wake_at` (None: never)."""
    _postpone(unit, comments, row_id, wake_at, error)


def _postpone(unit: Unit, table: Table, row_id: int, wake_at: float | None, error: str) -> None:
    unit.connection.execute(
        update(table)
        .where(table.c.id == row_id)
        .values(wake_at=wake_at, error=error, lease_until=0.0, attempts=table.c.attempts + 1)
    )


def forget_posted(unit: Unit, repository_id: int, head_sha: Sha, name: str, now: float) -> int | None:
    """The forge does not show what we posted (any more): post it again; gives the row."""
    return unit.connection.execute(
        update(publications)
        .where(
            publications.c.repository_id == repository_id,
            publications.c.head_sha == head_sha,
            publications.c.name == name,
        )
        .values(posted_hash="", known_id=None, wake_at=now)
        .returning(publications.c.id)
    ).scalar()


def publications_to_do(connection: Connection, now: float) -> tuple[int, ...]:
    """Publications that are due."""
    rows = connection.execute(select(publications.c.id).where(publications.c.wake_at <= now))
    return tuple(row.id for row in rows)


def comments_to_do(connection: Connection, now: float) -> tuple[int, ...]:
    """Sticky comments that are due."""
    rows = connection.execute(select(comments.c.id).where(comments.c.wake_at <= now))
    return tuple(row.id for row in rows)
