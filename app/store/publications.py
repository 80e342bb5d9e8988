"""What each forge should show, and what it was last seen to show."""

import hashlib
import secrets
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Table, or_, select, update

from app.model import CommitStatus, Publication, Sha, StickyComment
from app.store.projects import insert
from app.store.session import Unit, pack, squeeze, unpack
from app.store.tables_forge import comments, publications


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A row of desired state. `due` = the forge does not show it yet as far as we know; `fresh` =
    nothing was ever tried for it; `kept` = whoever claimed it now was also the last to claim it.
    """

    id: int
    repository_id: int
    wanted: Publication | CommitStatus | StickyComment
    wanted_hash: str
    posted_hash: str
    known_id: int | None
    attempts: int
    posted_at: float | None
    wake_at: float | None
    fresh: bool = False
    kept: bool = False

    @property
    def due(self) -> bool:
        """Whether there is something to post."""
        return self.wanted_hash != self.posted_hash


def _hash(wanted: Publication | CommitStatus | StickyComment) -> str:
    """Identity of what people see: times of day do not make it another one."""
    if isinstance(wanted, Publication):
        wanted = msgspec.structs.replace(wanted, started_at="", completed_at="")
    return hashlib.sha256(pack(wanted)).hexdigest()


def _publication(row: Row[Any]) -> Wanted:
    if row.kind == "status":
        return _wanted(row, unpack(CommitStatus, row.wanted), row.posted_at)
    return _wanted(row, unpack(Publication, row.wanted), row.posted_at)


def _comment(row: Row[Any]) -> Wanted:
    return _wanted(row, unpack(StickyComment, row.wanted), None)


def _wanted(
    row: Row[Any], wanted: Publication | CommitStatus | StickyComment, posted_at: float | None
) -> Wanted:
    return Wanted(
        id=row.id,
        repository_id=row.repository_id,
        wanted=wanted,
        wanted_hash=row.wanted_hash,
        posted_hash=row.posted_hash,
        known_id=row.known_id,
        attempts=row.attempts,
        posted_at=posted_at,
        wake_at=row.wake_at,
    )


def _want(
    unit: Unit,
    table: Table,
    where: dict[str, object],
    wanted: Publication | CommitStatus | StickyComment,
    wake_at: float,
) -> int | None:
    digest = _hash(wanted)
    columns = (table.c.id, table.c.wanted_hash, table.c.posted_hash)
    match = [table.c[name] == value for name, value in where.items()]
    known = unit.connection.execute(select(*columns).where(*match)).first()
    if known is not None and known.wanted_hash == digest:
        return None if known.posted_hash == digest else int(known.id)
    values: dict[str, object] = {
        "wanted": squeeze(wanted),
        "wanted_hash": digest,
        "wake_at": wake_at,
        "attempts": 0,
    }
    statement = insert(unit.connection, table).values(**where, **values)
    statement = statement.on_conflict_do_update(index_elements=list(where), set_=values)
    return int(unit.connection.execute(statement.returning(table.c.id)).scalar_one())


def want_publication(
    unit: Unit, repository_id: int, wanted: Publication | CommitStatus, wake_at: float
) -> int | None:
    """Say what should be shown from `wake_at` on; gives the row, None when the forge shows it already."""
    status = isinstance(wanted, CommitStatus)
    where: dict[str, object] = {
        "repository_id": repository_id,
        "head_sha": wanted.sha if isinstance(wanted, CommitStatus) else wanted.head_sha,
        "kind": "status" if status else "check_run",
        "name": wanted.context if isinstance(wanted, CommitStatus) else wanted.name,
    }
    return _want(unit, publications, where, wanted, wake_at)


def want_comment(unit: Unit, repository_id: int, wanted: StickyComment, wake_at: float) -> int | None:
    """Say what the sticky comment should read; gives the row, None when nothing changes."""
    where: dict[str, object] = {"repository_id": repository_id, "number": wanted.number}
    return _want(unit, comments, where, wanted, wake_at)


def publications_on(connection: Connection, repository_id: int, head_sha: Sha) -> tuple[Wanted, ...]:
    """All that is wanted on a head, our comments aside."""
    rows = connection.execute(
        select(publications).where(
            publications.c.repository_id == repository_id, publications.c.head_sha == head_sha
        )
    )
    return tuple(_publication(row) for row in rows)


def find_publication(connection: Connection, repository_id: int, head_sha: Sha, name: str) -> Wanted | None:
    """The check run of a name on a head, if one was ever wanted."""
    row = connection.execute(
        select(publications).where(
            publications.c.repository_id == repository_id,
            publications.c.head_sha == head_sha,
            publications.c.kind == "check_run",
            publications.c.name == name,
        )
    ).first()
    return None if row is None else _publication(row)


def find_comment(connection: Connection, repository_id: int, number: int) -> Wanted | None:
    """The sticky comment of a pull request, if one was ever wanted."""
    row = connection.execute(
        select(comments).where(comments.c.repository_id == repository_id, comments.c.number == number)
    ).first()
    return None if row is None else _comment(row)


def _claim(
    unit: Unit, table: Table, row_id: int, worker: str, lease_until: float, now: float
) -> tuple[Row[Any], bool, bool] | None:
    """The row under our lease, whether nobody ever held it, whether we held it last; None while another
    worker does.
    """
    before = unit.connection.execute(select(table.c.worker).where(table.c.id == row_id)).scalar()
    taken = unit.connection.execute(
        update(table)
        .where(table.c.id == row_id, or_(table.c.lease_until < now, table.c.worker == worker))
        .values(worker=worker, lease_until=lease_until)
    )
    if not taken.rowcount:
        return None
    row = unit.connection.execute(select(table).where(table.c.id == row_id)).one()
    return row, not before, before == worker


def claim_publication(unit: Unit, row_id: int, worker: str, lease_until: float, now: float) -> Wanted | None:
    """The row under our lease, None if another worker has it."""
    row = _claim(unit, publications, row_id, worker, lease_until, now)
    return None if row is None else msgspec.structs.replace(_publication(row[0]), fresh=row[1], kept=row[2])


def claim_comment(unit: Unit, row_id: int, worker: str, lease_until: float, now: float) -> Wanted | None:
    """The row under our lease, None if another worker has it."""
    row = _claim(unit, comments, row_id, worker, lease_until, now)
    return None if row is None else msgspec.structs.replace(_comment(row[0]), fresh=row[1])


def _posted(
    unit: Unit, table: Table, row: Wanted, worker: str, known_id: int | None, now: float, **extra: object
) -> bool:
    """Keep what was posted under a lease. Where the row was claimed or forgotten meanwhile, somebody else's
    post may have come before or after ours: nobody knows then what the forge shows, nor by which object.
    """
    values = {"posted_hash": row.wanted_hash, "known_id": known_id, "attempts": 0, "error": "", **extra}
    held = unit.connection.execute(
        update(table)
        .where(table.c.id == row.id, table.c.worker == worker, table.c.posted_hash == row.posted_hash)
        .values(lease_until=0.0, **values)
    )
    if not held.rowcount:
        unknown = {"posted_hash": f"unknown-{secrets.token_hex(8)}", "known_id": None, "wake_at": now}
        unit.connection.execute(update(table).where(table.c.id == row.id).values(**unknown))
        return False
    settled = unit.connection.execute(
        update(table)
        .where(table.c.id == row.id, table.c.wanted_hash == table.c.posted_hash)
        .values(wake_at=None)
    )
    return bool(settled.rowcount)


def posted_publication(unit: Unit, row: Wanted, worker: str, known_id: int | None, now: float) -> bool:
    """The forge shows what the row wanted; false when something is to be posted all the same: another thing
    is wanted by now, or the row was not this worker's alone.
    """
    return _posted(unit, publications, row, worker, known_id, now, posted_at=now)


def posted_comment(unit: Unit, row: Wanted, worker: str, known_id: int, now: float) -> bool:
    """The forge shows the comment; false when it is to be posted all the same, likewise."""
    return _posted(unit, comments, row, worker, known_id, now)


def postpone_publication(unit: Unit, row_id: int, worker: str, wake_at: float | None, error: str) -> None:
    """Posting failed; try again at `wake_at` (None: never), unless another worker has it by now."""
    _postpone(unit, publications, row_id, worker, wake_at, error)


def postpone_comment(unit: Unit, row_id: int, worker: str, wake_at: float | None, error: str) -> None:
    """Posting failed; try again at `wake_at` (None: never), unless another worker has it by now."""
    _postpone(unit, comments, row_id, worker, wake_at, error)


def _postpone(unit: Unit, table: Table, row_id: int, worker: str, wake_at: float | None, error: str) -> None:
    unit.connection.execute(
        update(table)
        .where(table.c.id == row_id, table.c.worker == worker)
        .values(wake_at=wake_at, error=error, lease_until=0.0, attempts=table.c.attempts + 1)
    )


def forget_posted(unit: Unit, repository_id: int, head_sha: Sha, now: float) -> tuple[int, ...]:
    """The forge may not show what we posted on a head (any more): post again; gives the rows."""
    rows = unit.connection.execute(
        update(publications)
        .where(publications.c.repository_id == repository_id, publications.c.head_sha == head_sha)
        .values(posted_hash="", wake_at=now)
        .returning(publications.c.id)
    )
    return tuple(row.id for row in rows)


def publications_to_do(connection: Connection, now: float) -> tuple[int, ...]:
    """Publications that are due."""
    rows = connection.execute(select(publications.c.id).where(publications.c.wake_at <= now))
    return tuple(row.id for row in rows)


def comments_to_do(connection: Connection, now: float) -> tuple[int, ...]:
    """Sticky comments that are due."""
    rows = connection.execute(select(comments.c.id).where(comments.c.wake_at <= now))
    return tuple(row.id for row in rows)


def release_leases(unit: Unit, alive: str) -> None:
    """All other workers are gone: what they held may be taken at once."""
    for table in (publications, comments):
        unit.connection.execute(
            update(table).where(table.c.worker != alive, table.c.lease_until > 0).values(lease_until=0.0)
        )


def stop_posting(unit: Unit, repository_id: int) -> None:
    """The repository is not ours to post to any more: nothing is due there."""
    for table in (publications, comments):
        unit.connection.execute(
            update(table).where(table.c.repository_id == repository_id).values(wake_at=None)
        )
