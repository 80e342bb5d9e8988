"""The hash chain over the audit trail: entries are appended freely and sealed in order soon after."""

import msgspec
from sqlalchemy import Connection, func, select, update

from app.model import AuditHead, AuditLink, link_hash
from app.store.session import Unit
from app.store.tables_audit import audit, audit_heads


def last_link(connection: Connection) -> tuple[int, str]:
    """(place, hash) of the newest sealed entry; (0, '') where there is none."""
    row = connection.execute(
        select(audit.c.seq, audit.c.hash)
        .where(audit.c.seq.is_not(None))
        .order_by(audit.c.seq.desc())
        .limit(1)
    ).first()
    return (0, "") if row is None else (row.seq, row.hash)


def seal(unit: Unit, limit: int) -> int:
    """Give the oldest entries without a place the next ones; gives how many. Two at once: one of them fails,
    since a place is unique.
    """
    seq, previous = last_link(unit.connection)
    rows = unit.connection.execute(
        select(audit.c.id, audit.c.entry).where(audit.c.seq.is_(None)).order_by(audit.c.id).limit(limit)
    ).all()
    for row in rows:
        seq += 1
        previous = link_hash(previous, seq, row.entry)
        unit.connection.execute(
            update(audit).where(audit.c.id == row.id, audit.c.seq.is_(None)).values(seq=seq, hash=previous)
        )
    return len(rows)


def links(connection: Connection, after: int, limit: int) -> tuple[AuditLink, ...]:
    """Sealed entries in their order, those behind a place. `previous` is what the row before says."""
    rows = connection.execute(
        select(audit.c.seq, audit.c.hash, audit.c.entry)
        .where(audit.c.seq >= after)
        .order_by(audit.c.seq)
        .limit(limit + 1)
    ).all()
    previous = ""
    found = []
    for row in rows:
        if row.seq > after:
            found.append(
                AuditLink(seq=row.seq, previous=previous, entry=msgspec.Raw(row.entry), hash=row.hash)
            )
        previous = row.hash
    return tuple(found[:limit])


def unsealed(connection: Connection) -> int:
    """How many entries have no place yet."""
    return connection.execute(select(func.count()).where(audit.c.seq.is_(None))).scalar_one()


def save_head(unit: Unit, head: AuditHead) -> None:
    """Keep a day's head; the one that is there stays."""
    known = select(audit_heads.c.day).where(audit_heads.c.day == head.day)
    if unit.connection.execute(known).first() is None:
        unit.connection.execute(audit_heads.insert().values(**msgspec.structs.asdict(head)))


def heads(connection: Connection) -> tuple[AuditHead, ...]:
    """All daily heads, oldest first."""
    rows = connection.execute(select(audit_heads).order_by(audit_heads.c.day))
    return tuple(
        AuditHead(day=row.day, seq=row.seq, hash=row.hash, key=row.key, signature=row.signature)
        for row in rows
    )


def last_day(connection: Connection) -> str:
    """The newest day that has a head; '' for none."""
    return connection.execute(select(func.max(audit_heads.c.day))).scalar() or ""
