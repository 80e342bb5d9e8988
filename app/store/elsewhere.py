"""Checks that other systems run: what we asked of them, and how long they usually take."""

from collections.abc import Collection
from statistics import median
from typing import Final

from sqlalchemy import Connection, delete, select, update

from app.model import Pace, StartRequest
from app.store import wakes
from app.store.projects import insert
from app.store.session import Unit, pack, unpack
from app.store.tables_elsewhere import paces, starts

SAMPLES: Final = 20
"""Times that are remembered of a check."""
LEAST: Final = 3
"""Times from which on something is usual."""


def ask(unit: Unit, run_id: int, request: StartRequest) -> None:
    """Have a check of a run started; whatever was asked for it before is replaced."""
    values = {"document": pack(request)}
    statement = insert(unit.connection, starts).values(run_id=run_id, key=request.key, **values)
    row_id = unit.connection.execute(
        statement.on_conflict_do_update(index_elements=["run_id", "key"], set_=values).returning(starts.c.id)
    ).scalar_one()
    wakes.want(unit, "start", row_id, request.at)


def forget(unit: Unit, run_id: int, key: str) -> None:
    """Nothing was asked for a check of a run: what was, was asked for another of its key."""
    unit.connection.execute(delete(starts).where(starts.c.run_id == run_id, starts.c.key == key))


def load_start(connection: Connection, row_id: int) -> tuple[int, StartRequest] | None:
    """(run id, request) by the row's id; None once the run is gone."""
    row = connection.execute(select(starts.c.run_id, starts.c.document).where(starts.c.id == row_id)).first()
    return None if row is None else (row.run_id, unpack(StartRequest, row.document))


def answer(unit: Unit, row_id: int, answered: StartRequest) -> None:
    """Keep what came of a request, unless another took its place meanwhile."""
    found = load_start(unit.connection, row_id)
    if found is not None and found[1].at == answered.at:
        unit.connection.execute(update(starts).where(starts.c.id == row_id).values(document=pack(answered)))


def starts_of(connection: Connection, run_id: int) -> dict[str, StartRequest]:
    """What was asked for the checks of a run, by key."""
    rows = connection.execute(select(starts.c.key, starts.c.document).where(starts.c.run_id == run_id))
    return {row.key: unpack(StartRequest, row.document) for row in rows}


def took(unit: Unit, repository_id: int, key: str, pace: Pace) -> None:
    """Remember how long a check took this time."""
    known = _samples(unit.connection, repository_id, (key,)).get(key, ())
    values = {"document": pack((*known, pace)[-SAMPLES:])}
    statement = insert(unit.connection, paces).values(repository_id=repository_id, key=key, **values)
    unit.connection.execute(
        statement.on_conflict_do_update(index_elements=["repository_id", "key"], set_=values)
    )


def usual_paces(connection: Connection, repository_id: int, keys: Collection[str]) -> dict[str, Pace]:
    """The median of each check's newest times, of those that were seen often enough."""
    return {
        key: Pace(begins=median(one.begins for one in seen), takes=median(one.takes for one in seen))
        for key, seen in _samples(connection, repository_id, keys).items()
        if len(seen) >= LEAST
    }


def _samples(
    connection: Connection, repository_id: int, keys: Collection[str]
) -> dict[str, tuple[Pace, ...]]:
    if not keys:
        return {}
    rows = connection.execute(
        select(paces.c.key, paces.c.document).where(
            paces.c.repository_id == repository_id, paces.c.key.in_(keys)
        )
    )
    return {row.key: unpack(tuple[Pace, ...], row.document) for row in rows}
