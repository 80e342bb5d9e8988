"""Evidence of successes that may serve again: for which inputs, made where, by whom."""

from collections import Counter
from collections.abc import Collection
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select

from app.model import Earlier, Inputs
from app.store.session import unpack
from app.store.tables import evidence
from app.store.tables_checks import artifacts


class EvidenceSource(StrEnum):
    """Who made it. A change's own may rest on what it changed (a check may look at changed files only), and
    on its author's word: only a base run's may speak for a tree that others are compared with.
    """

    CHANGE = "change"
    BASE = "base"


class Serves(msgspec.Struct, frozen=True, kw_only=True):
    """Of evidence of a success that may serve again: what it came to, and for what else it holds.

    `change_id` is the change whose run made it, `trusted` whether its head was; `platform` is what it ran on.
    """

    earlier: Earlier
    change_id: int
    trusted: bool
    inputs: Inputs
    platform: str


class Reusable(msgspec.Struct, frozen=True, kw_only=True):
    """Evidence that may serve again, as found."""

    definition: str
    base_tree: str
    tested_tree: str
    source: EvidenceSource
    serves: Serves


def find_reusable(
    connection: Connection, repository_id: int, files: Collection[str], platform: str, since: float
) -> tuple[Reusable, ...]:
    """Evidence of successes on these inputs (`Inputs.files`) and this platform, newest first; `since` is the
    oldest that counts (epoch seconds). Left out is what kept artifacts that are gone. For whom it may serve
    is the caller's to decide.
    """
    columns = [column for column in evidence.c if column.name != "body"]
    rows = connection.execute(
        select(*columns)
        .where(
            evidence.c.repository_id == repository_id,
            evidence.c.inputs.in_(files),
            evidence.c.earlier.is_not(None),
            evidence.c.platform == platform,
            evidence.c.at >= since,
        )
        .order_by(evidence.c.id.desc())
    )
    found = [_reusable(row) for row in rows]
    there = _artifacts_there(connection, [one.serves.earlier for one in found])
    return tuple(one for one in found if one.serves.earlier.artifacts == there[one.serves.earlier.attempt])


def _reusable(row: Row[Any]) -> Reusable:
    earlier = unpack(Earlier, row.earlier)
    return Reusable(
        definition=row.definition,
        base_tree=row.base_tree,
        tested_tree=row.tested_tree,
        source=EvidenceSource(row.source),
        serves=Serves(
            earlier=msgspec.structs.replace(earlier, evidence=row.id, origin=row.origin),
            change_id=row.change_id or 0,
            trusted=bool(row.trusted),
            inputs=Inputs(files=row.inputs, changed=row.changed),
            platform=row.platform,
        ),
    )


def _artifacts_there(connection: Connection, earlier: Collection[Earlier]) -> Counter[int]:
    """How many artifacts of each attempt are kept still."""
    ids = [one.attempt for one in earlier if one.artifacts]
    if not ids:
        return Counter()
    rows = connection.execute(select(artifacts.c.attempt_id).where(artifacts.c.attempt_id.in_(ids)))
    return Counter(row.attempt_id for row in rows)
