"""Where tests were seen to pass and fail for the same code: one row per (repository, test, tree)."""

from collections.abc import Collection

import msgspec
from sqlalchemy import Connection, or_, select

from app.store.projects import insert
from app.store.session import Unit
from app.store.tables_evidence import flaky_tests

MOST = 10_000
"""Rows of one repository: beyond, the oldest go."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One time that a test (by its hash) was seen to be flaky. One that is not `trusted` was seen in a change
    of somebody who may not write, and speaks for its own tree alone.
    """

    test: str
    tree: str
    trusted: bool
    origin: str
    at: float


def keep_seen(unit: Unit, repository_id: int, seen: tuple[Seen, ...], *, most: int = MOST) -> None:
    """Keep what was seen, each test once per tree: what somebody trusted saw stays so. Of the repository's
    rows the newest `most` stay.
    """
    for one in seen:
        values = {"origin": one.origin, "at": one.at, "trusted": one.trusted}
        statement = insert(unit.connection, flaky_tests).values(
            repository_id=repository_id, test=one.test, tested_tree=one.tree, **values
        )
        unit.connection.execute(
            statement.on_conflict_do_update(
                index_elements=["repository_id", "test", "tested_tree"],
                set_=values | {"trusted": or_(flaky_tests.c.trusted, statement.excluded.trusted)},
            )
        )
    if seen:
        _hold_limit(unit, repository_id, most)


def _hold_limit(unit: Unit, repository_id: int, most: int) -> None:
    newest_first = (flaky_tests.c.at.desc(), flaky_tests.c.id.desc())
    own = select(flaky_tests.c.id).where(flaky_tests.c.repository_id == repository_id)
    # SQLite knows no OFFSET without a LIMIT
    beyond = own.order_by(*newest_first).offset(most).limit(MOST)
    unit.connection.execute(flaky_tests.delete().where(flaky_tests.c.id.in_(beyond)))


def seen_of(
    connection: Connection, repository_id: int, tests: Collection[str], tree: str, since: float
) -> tuple[Seen, ...]:
    """What was seen of these tests since then, and of any test on this tree; oldest first."""
    rows = connection.execute(
        select(flaky_tests)
        .where(
            flaky_tests.c.repository_id == repository_id,
            flaky_tests.c.at >= since,
            or_(
                flaky_tests.c.tested_tree == tree,
                flaky_tests.c.test.in_(tests) & flaky_tests.c.trusted.is_(True),
            ),
        )
        .order_by(flaky_tests.c.at, flaky_tests.c.id)
    )
    return tuple(
        Seen(test=row.test, tree=row.tested_tree, trusted=row.trusted, origin=row.origin, at=row.at)
        for row in rows
    )
