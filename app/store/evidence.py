"""The one store of evidence: what checks, base runs and uploads delivered, by what it is evidence of.

Never shared across repositories. Baselines, carried-forward flags and re-judging are reads of it.
"""

from typing import cast

import msgspec
from sqlalchemy import Connection, select, update

from app.model import CheckEvidence, Evidence, ReportContent
from app.store.reusable import EvidenceSource, Serves
from app.store.session import Unit, decoded_in, pack, squeeze, unpack
from app.store.tables_evidence import evidence


def keep_evidence(
    unit: Unit,
    *,
    repository_id: int,
    definition: str,
    base_tree: str,
    tested_tree: str,
    source: EvidenceSource,
    origin: str,
    body: CheckEvidence,
    now: float,
    serves: Serves | None = None,
) -> int:
    """Put evidence into the store; gives its id. `origin` says for people where it came from."""
    values: dict[str, object] = {}
    if serves is not None:
        values = {
            "change_id": serves.change_id,
            "trusted": serves.trusted,
            "inputs": serves.inputs.files,
            "changed": serves.inputs.changed,
            "platform": serves.platform,
            "earlier": None if serves.earlier is None else pack(serves.earlier),
        }
    result = unit.connection.execute(
        evidence.insert()
        .values(
            repository_id=repository_id,
            definition=definition,
            base_tree=base_tree,
            tested_tree=tested_tree,
            source=source.value,
            origin=origin,
            body=squeeze(body),
            at=now,
            **values,
        )
        .returning(evidence.c.id)
    )
    return int(result.scalar_one())


def load_evidence(connection: Connection, ids: tuple[int, ...]) -> tuple[CheckEvidence, ...]:
    """Evidence by ids, in their order."""
    found = _decoded(connection, ids)
    return tuple(found[identifier].body for identifier in ids if identifier in found)


class _Decoded(msgspec.Struct, frozen=True):
    origin: str
    body: CheckEvidence


def _decoded(connection: Connection, ids: tuple[int, ...]) -> dict[int, _Decoded]:
    """Evidence by id. A decision reads the same rows several times, to judge, to compare and to show: within
    one transaction each is decoded once. What a row holds never changes.
    """
    known = cast("dict[int, _Decoded]", decoded_in(connection))
    wanted = [one for one in ids if one not in known]
    if wanted:
        columns = (evidence.c.id, evidence.c.origin, evidence.c.body)
        for row in connection.execute(select(*columns).where(evidence.c.id.in_(wanted))):
            known[row.id] = _Decoded(row.origin, unpack(CheckEvidence, row.body))
    return known


def earlier_evidence(
    connection: Connection, repository_id: int, tested_tree: str, definition: str, limit: int
) -> tuple[CheckEvidence, ...]:
    """The newest evidence of the same definition on the same tree, whoever made it."""
    rows = connection.execute(
        select(evidence.c.body)
        .where(
            evidence.c.repository_id == repository_id,
            evidence.c.tested_tree == tested_tree,
            evidence.c.definition == definition,
        )
        .order_by(evidence.c.id.desc())
        .limit(limit)
    )
    return tuple(unpack(CheckEvidence, row.body) for row in rows)


def load_reports(
    connection: Connection, ids: tuple[int, ...]
) -> dict[int, tuple[str, tuple[ReportContent, ...]]]:
    """(origin, reports) of evidence, by id."""
    found = _decoded(connection, ids)
    return {one: (found[one].origin, found[one].body.reports) for one in ids if one in found}


def keep_for_record(unit: Unit, ids: tuple[int, ...]) -> None:
    """A verdict on record rests on these: they are never pruned."""
    if ids:
        unit.connection.execute(
            update(evidence).where(evidence.c.id.in_(ids), evidence.c.kept.is_(False)).values(kept=True)
        )


def without_reports(whole: Evidence) -> Evidence:
    """The inputs of a verdict as they are stored beside it: reports are rows of this store."""
    return _replace(whole, (), {})


def with_reports(connection: Connection, stored: Evidence, ids: tuple[int, ...]) -> Evidence:
    """The inputs of a verdict whole again; `ids` are the change's own reports."""
    of_base = tuple(one.evidence_id for one in stored.baselines if one.evidence_id)
    reports = {row: found[1] for row, found in load_reports(connection, of_base).items()}
    return _replace(stored, load_evidence(connection, ids), reports)


def _replace(
    whole: Evidence, own: tuple[CheckEvidence, ...], of_base: dict[int, tuple[ReportContent, ...]]
) -> Evidence:
    baselines = tuple(
        msgspec.structs.replace(one, reports=of_base.get(one.evidence_id, ())) for one in whole.baselines
    )
    return msgspec.structs.replace(whole, reports=own, baselines=baselines)
