"""Evidence whose inputs are known: successes that may serve again, and what speaks against them."""

from collections import Counter
from collections.abc import Collection
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select

from app.model import Earlier, Inputs
from app.store.session import unpack
from app.store.tables_checks import artifacts
from app.store.tables_evidence import evidence


class EvidenceSource(StrEnum):
    """Who made it. A change's own may rest on what it changed (a check may look at changed files only), and
    on its author's word: only a base run's may speak for a tree that others are compared with.
    """

    CHANGE = "change"
    BASE = "base"


class Serves(msgspec.Struct, frozen=True, kw_only=True):
    """Of evidence whose inputs are known: what it came to, and for what else that holds.

    `earlier` is None where these inputs were seen to fail: then no success on them serves. `change_id` is the
    change whose run made it, `trusted` whether its head was; `platform` is what it ran on.
    """

    earlier: Earlier | None
    change_id: int
    trusted: bool
    inputs: Inputs
    platform: str


class Reusable(msgspec.Struct, frozen=True, kw_only=True):
    """Evidence that may serve again, or that speaks against it, as found."""

    definition: str
    base_tree: str
    tested_tree: str
    source: EvidenceSource
    serves: Serves


def find_reusable(
    connection: Connection, repository_id: int, files: Collection[str], platform: str, since: float
) -> tuple[Reusable, ...]:
    """Evidence on these inputs (`Inputs.files`) and this platform, successes and failures, newest first;
    `since` is the oldest that counts (epoch seconds). Left out are successes whose artifacts are gone. For
    whom it counts is the caller's to decide.
    """
    columns = [column for column in evidence.c if column.name != "body"]
    rows = connection.execute(
        select(*columns)
        .where(
            evidence.c.repository_id == repository_id,
            evidence.c.inputs.in_(files),
            evidence.c.inputs != "",
            evidence.c.platform == platform,
            evidence.c.at >= since,
        )
        .order_by(evidence.c.id.desc())
    )
    found = [_reusable(row) for row in rows]
    there = _artifacts_there(connection, [one.serves.earlier for one in found if one.serves.earlier])
    return tuple(one for one in found if _whole(one.serves.earlier, there))


def _whole(earlier: Earlier | None, there: Counter[int]) -> bool:
    return earlier is None or earlier.artifacts == there[earlier.attempt]


def _reusable(row: Row[Any]) -> Reusable:
    earlier = None if row.earlier is None else unpack(Earlier, row.earlier)
    if earlier is not None:
        earlier = msgspec.structs.replace(earlier, evidence=row.id, origin=row.origin)
    return Reusable(
        definition=row.definition,
        base_tree=row.base_tree,
        tested_tree=row.tested_tree,
        source=EvidenceSource(row.source),
        serves=Serves(
            earlier=earlier,
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
