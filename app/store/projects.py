"""Installations, repositories and what is known of their branches."""

from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, ScalarSelect, Select, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from app.model import Repository, Sha
from app.store.session import Unit, pack, squeeze, unpack
from app.store.tables import branches, installations, repositories

T = TypeVar("T")


def insert(connection: Connection, table: Any) -> Any:  # noqa: ANN401 - either dialect's insert
    """An INSERT with ON CONFLICT for whichever database this is."""
    return (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(table)


def upsert_installation(
    unit: Unit, forge: str, installation_id: int, account: str, status: str, now: float
) -> int:
    """Record that an installation is active, suspended or removed; gives its row id."""
    statement = insert(unit.connection, installations).values(
        forge=forge, installation_id=installation_id, account=account, status=status, seen_at=now
    )
    statement = statement.on_conflict_do_update(
        index_elements=["forge", "installation_id"],
        set_={"account": account, "status": status, "seen_at": now},
    )
    return int(unit.connection.execute(statement.returning(installations.c.id)).scalar_one())


def find_installation(connection: Connection, forge: str, installation_id: int) -> int | None:
    """Row id of an installation, by the forge's id."""
    found = select(installations.c.id).where(
        installations.c.forge == forge, installations.c.installation_id == installation_id
    )
    return connection.execute(found).scalar()


def load_installation(connection: Connection, row_id: int) -> tuple[str, int, str]:
    """(forge, the forge's id, status) of an installation."""
    row = connection.execute(select(installations).where(installations.c.id == row_id)).one()
    return row.forge, row.installation_id, row.status


def upsert_repository(unit: Unit, repository: Repository, now: float) -> int:
    """Record a repository as active and as it is now; gives its row id. One never seen before is due to be
    read.
    """
    values = {
        "full_name": repository.full_name,
        "installation_id": repository.installation_id,
        "status": "active",
        "document": pack(repository),
        "seen_at": now,
    }
    known = unit.connection.execute(
        select(repositories.c.id, repositories.c.document, repositories.c.status).where(
            repositories.c.forge == repository.forge, repositories.c.forge_id == repository.forge_id
        )
    ).first()
    if known is not None and known.document == values["document"] and known.status == "active":
        return int(known.id)
    statement = insert(unit.connection, repositories).values(
        forge=repository.forge, forge_id=repository.forge_id, wake_at=now, **values
    )
    statement = statement.on_conflict_do_update(index_elements=["forge", "forge_id"], set_=values)
    return int(unit.connection.execute(statement.returning(repositories.c.id)).scalar_one())


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What a delivery named: a repository's row, whether it is `removed`, whether it is known otherwise than
    told (`differs`), and under another installation (`moved`).
    """

    id: int
    removed: bool = False
    differs: bool = False
    moved: bool = False


def hear_of_repository(unit: Unit, told: Repository, now: float) -> Heard:
    """Lock the row of a repository that a delivery named, until the transaction ends. Deliveries come late
    and again: one never seen before is recorded, a known one is only made more private.
    """
    found = select(repositories.c.id, repositories.c.document, repositories.c.status).where(
        repositories.c.forge == told.forge, repositories.c.forge_id == told.forge_id
    )
    if unit.connection.dialect.name != "sqlite":
        found = found.with_for_update(key_share=True)
    row = unit.connection.execute(found).first()
    if row is None:
        repository_id = upsert_repository(unit, told, now)
        lock_repository(unit, repository_id)
        return Heard(id=repository_id)
    known = unpack(Repository, row.document)
    if told.private and not known.private:
        values = {"document": pack(msgspec.structs.replace(known, private=True)), "seen_at": now}
        unit.connection.execute(update(repositories).where(repositories.c.id == row.id).values(**values))
    return Heard(
        id=row.id,
        removed=row.status != "active",
        differs=any(
            getattr(told, name) not in {"", getattr(known, name)}
            for name in ("full_name", "default_branch", "private")
        ),
        moved=told.installation_id not in {0, known.installation_id},
    )


def lock_repository(unit: Unit, repository_id: int | ScalarSelect[int]) -> None:
    """Let one transaction at a time change what a repository's heads show: the first lock of each that
    opens, ends or decides runs or wants publications. SQLite has one writer anyway.
    """
    if unit.connection.dialect.name != "sqlite":
        row = select(repositories.c.id).where(repositories.c.id == repository_id)
        unit.connection.execute(row.with_for_update(key_share=True))


def lock_if_free(unit: Unit, repository_id: int) -> bool:
    """Like `lock_repository`, but where another transaction has the lock it is not waited for: false."""
    if unit.connection.dialect.name == "sqlite":
        return True
    row = select(repositories.c.id).where(repositories.c.id == repository_id)
    return unit.connection.execute(row.with_for_update(key_share=True, skip_locked=True)).first() is not None


def remove_repository(unit: Unit, forge: str, forge_id: int) -> int | None:
    """The repository is not ours to judge any more; gives its row id if it was known."""
    return unit.connection.execute(
        update(repositories)
        .where(repositories.c.forge == forge, repositories.c.forge_id == forge_id)
        .values(status="removed", wake_at=None)
        .returning(repositories.c.id)
    ).scalar()


def repositories_of(connection: Connection, forge: str, installation_id: int) -> tuple[int, ...]:
    """Row ids of an installation's active repositories."""
    rows = connection.execute(
        select(repositories.c.id).where(
            repositories.c.forge == forge,
            repositories.c.installation_id == installation_id,
            repositories.c.status == "active",
        )
    )
    return tuple(row.id for row in rows)


def any_active(connection: Connection, forge: str) -> bool:
    """Whether anybody lets us judge anything on that forge."""
    return connection.execute(_judged().where(repositories.c.forge == forge).limit(1)).first() is not None


def load_repository(connection: Connection, repository_id: int) -> Repository:
    """A repository by row id."""
    row = connection.execute(select(repositories.c.document).where(repositories.c.id == repository_id)).one()
    return unpack(Repository, row.document)


def find_active(connection: Connection, forge: str, forge_id: int) -> int | None:
    """Row id of a repository that we judge, by the forge's id; None where we do not (or not any more)."""
    found = _judged().where(repositories.c.forge == forge, repositories.c.forge_id == forge_id)
    return connection.execute(found).scalar()


def find_named(connection: Connection, full_name: str) -> tuple[int, ...]:
    """Row ids of the repositories of this name (caseless) that we judge, of all forges."""
    found = _judged().where(func.lower(repositories.c.full_name) == full_name.lower())
    return tuple(connection.execute(found).scalars())


def is_active(connection: Connection, repository_id: int) -> bool:
    """Whether we still judge a repository: neither it nor its installation is gone or suspended."""
    return connection.execute(_judged().where(repositories.c.id == repository_id)).first() is not None


def _judged() -> Select[int]:
    """The ids of repositories that are active, as is their installation, where there is one."""
    with_installation = repositories.outerjoin(
        installations,
        (installations.c.forge == repositories.c.forge)
        & (installations.c.installation_id == repositories.c.installation_id),
    )
    active = func.coalesce(installations.c.status, "active") == "active"
    return (
        select(repositories.c.id)
        .select_from(with_installation)
        .where(repositories.c.status == "active", active)
    )


class InstallationRow(msgspec.Struct, frozen=True, kw_only=True):
    """An installation as known: `status` is active, suspended or removed, `seen_at` when that was told."""

    id: int
    installation_id: int
    account: str
    status: str
    seen_at: float


def installations_on(connection: Connection, forge: str) -> tuple[InstallationRow, ...]:
    """All installations on a forge that were ever known."""
    rows = connection.execute(
        select(installations).where(installations.c.forge == forge).order_by(installations.c.id)
    )
    return tuple(
        InstallationRow(
            id=row.id,
            installation_id=row.installation_id,
            account=row.account,
            status=row.status,
            seen_at=row.seen_at,
        )
        for row in rows
    )


def listing(connection: Connection, repository_id: int, kind: type[T]) -> T | None:
    """A repository's open changes as last listed; None before."""
    found = connection.execute(
        select(repositories.c.listing).where(repositories.c.id == repository_id)
    ).scalar()
    return None if found is None else unpack(kind, found)


def keep_listing(unit: Unit, repository_id: int, value: object) -> None:
    """Keep what was listed, to know the next time what was touched since."""
    unit.connection.execute(
        update(repositories).where(repositories.c.id == repository_id).values(listing=squeeze(value))
    )


def wake_all(unit: Unit, at: float, unless_after: float) -> None:
    """Have all repositories read from `at` on, except those whose next reading was put off beyond
    `unless_after`: they were read just now.
    """
    unit.connection.execute(
        update(repositories)
        .where(
            repositories.c.status == "active",
            repositories.c.wake_at > at,
            repositories.c.wake_at <= unless_after,
        )
        .values(wake_at=at)
    )


def active(connection: Connection) -> tuple[int, ...]:
    """Row ids of all repositories that we judge."""
    return tuple(connection.execute(_judged().order_by(repositories.c.id)).scalars())


def wake_repository(unit: Unit, repository_id: int, at: float | None) -> None:
    """When a repository's open changes are to be read again (None: not on its own)."""
    unit.connection.execute(update(repositories).where(repositories.c.id == repository_id).values(wake_at=at))


def read_soon(unit: Unit, repository_id: int, now: float, every: float, rest: float) -> float:
    """Have a repository's open changes read again, but not sooner than `rest` seconds after it was last read,
    as is done each `every` seconds; gives when.
    """
    planned = unit.connection.execute(
        select(repositories.c.wake_at).where(repositories.c.id == repository_id)
    ).scalar()
    at = now if planned is None else max(now, min(planned, planned - every + rest))
    wake_repository(unit, repository_id, at)
    return at


def repositories_to_read(connection: Connection, now: float) -> tuple[int, ...]:
    """Repositories whose open changes are due to be read."""
    rows = connection.execute(
        select(repositories.c.id).where(repositories.c.status == "active", repositories.c.wake_at <= now)
    )
    return tuple(row.id for row in rows)


def gated_branches(connection: Connection) -> tuple[tuple[int, str], ...]:
    """(repository row id, name) of the branches that have a gate file, of repositories that we judge."""
    rows = connection.execute(
        select(branches.c.repository_id, branches.c.name)
        .where(branches.c.repository_id.in_(_judged()), branches.c.gate.in_(("present", "pushes")))
        .order_by(branches.c.repository_id, branches.c.name)
    )
    return tuple((row.repository_id, row.name) for row in rows)


def know_branch(
    unit: Unit, repository_id: int, name: str, tip: Sha, gate: str, gate_hash: str, now: float
) -> None:
    """Remember a branch's tip and whether it has a gate file (`absent`, `present`, `pushes`, `unknown`)."""
    values = {"tip_sha": tip, "gate": gate, "gate_hash": gate_hash, "seen_at": now}
    statement = insert(unit.connection, branches).values(repository_id=repository_id, name=name, **values)
    unit.connection.execute(
        statement.on_conflict_do_update(index_elements=["repository_id", "name"], set_=values)
    )


def forget_gate(unit: Unit, repository_id: int, name: str) -> None:
    """A branch was deleted: whether it has a gate file is unknown until it is seen again."""
    unit.connection.execute(
        update(branches)
        .where(branches.c.repository_id == repository_id, branches.c.name == name)
        .values(gate="unknown", gate_hash="")
    )


def branch(connection: Connection, repository_id: int, name: str) -> tuple[Sha, str, str] | None:
    """(tip, gate state, gate hash) of a branch as last seen."""
    row = connection.execute(
        select(branches).where(branches.c.repository_id == repository_id, branches.c.name == name)
    ).first()
    return None if row is None else (Sha(row.tip_sha), row.gate, row.gate_hash)


def branch_id(connection: Connection, repository_id: int, name: str) -> int | None:
    """Row id of a branch."""
    return connection.execute(
        select(branches.c.id).where(branches.c.repository_id == repository_id, branches.c.name == name)
    ).scalar()


def load_branch(connection: Connection, row_id: int) -> tuple[int, str]:
    """(repository row id, name) of a branch."""
    row = connection.execute(select(branches).where(branches.c.id == row_id)).one()
    return row.repository_id, row.name
