"""What people let pass: overrides of a head, waivers of a change."""

from sqlalchemy import Connection, select, update

from app.model import Override, Sha, Waiver
from app.store.session import Unit, pack, unpack
from app.store.tables_granted import change_waivers, overrides


def give_override(unit: Unit, change_id: int, head_sha: Sha, override: Override) -> None:
    """One person's word for a head; what they said of it before counts no more."""
    kept = unit.connection.execute(
        select(overrides.c.id, overrides.c.document).where(
            overrides.c.change_id == change_id, overrides.c.ended_at.is_(None)
        )
    ).all()
    same = [row.id for row in kept if unpack(Override, row.document).by == override.by]
    unit.connection.execute(update(overrides).where(overrides.c.id.in_(same)).values(ended_at=override.at))
    unit.connection.execute(
        overrides.insert().values(
            change_id=change_id, head_sha=head_sha, document=pack(override), at=override.at
        )
    )


def end_overrides(unit: Unit, change_id: int, now: float) -> int:
    """None is in force any more; gives how many were."""
    ended = unit.connection.execute(
        update(overrides)
        .where(overrides.c.change_id == change_id, overrides.c.ended_at.is_(None))
        .values(ended_at=now)
    )
    return int(ended.rowcount)


def overrides_in_force(connection: Connection, change_id: int, head_sha: Sha) -> tuple[Override, ...]:
    """Overrides of a head of a change, in the order they were given."""
    rows = connection.execute(
        select(overrides.c.document)
        .where(
            overrides.c.change_id == change_id,
            overrides.c.head_sha == head_sha,
            overrides.c.ended_at.is_(None),
        )
        .order_by(overrides.c.id)
    )
    return tuple(unpack(Override, row.document) for row in rows)


def grant_waiver(unit: Unit, change_id: int, waiver: Waiver, now: float) -> None:
    """A waiver for this change alone."""
    unit.connection.execute(
        change_waivers.insert().values(change_id=change_id, document=pack(waiver), at=now)
    )


def waivers_granted(connection: Connection, change_id: int) -> tuple[Waiver, ...]:
    """The waivers granted to a change by comment, expired ones too, oldest first."""
    rows = connection.execute(
        select(change_waivers.c.document)
        .where(change_waivers.c.change_id == change_id)
        .order_by(change_waivers.c.id)
    )
    return tuple(unpack(Waiver, row.document) for row in rows)
