"""What runs came to: each verdict with all that it was given on."""

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select, update

from app.model import (
    Baseline,
    Evidence,
    Run,
    Sha,
    Verdict,
    VerdictState,
)
from app.store.evidence import keep_for_record, with_reports, without_reports
from app.store.session import Unit, squeeze, unpack
from app.store.tables import runs, verdicts


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict as recorded, with all its inputs: equal inputs give it again. `subject` is what a merge
    group copied from (None: its change had no verdict).
    """

    verdict: Verdict
    evidence: Evidence
    subject: Verdict | None = None


def save_verdict(unit: Unit, run: Run, verdict: Verdict, now: float) -> None:
    """Keep a verdict as the run's latest; what was waited for before is forgotten with it.

    Pending ones replace each other: the record keeps what was decided, not what was waited for.
    """
    settled = None if verdict.state is VerdictState.PENDING else now
    unit.connection.execute(
        update(runs)
        .where(runs.c.id == run.id)
        .values(verdict=squeeze(verdict), state=verdict.state.value, settled_at=settled)
    )
    pending = VerdictState.PENDING.value
    unit.connection.execute(verdicts.delete().where(verdicts.c.run_id == run.id, verdicts.c.state == pending))


def record_verdict(
    unit: Unit, run: Run, recorded: Recorded, evidence_ids: tuple[int, ...], now: float
) -> None:
    """Keep a verdict as the run's latest and, with all its inputs, in the record of verdicts.

    `evidence_ids` are the rows of its own reports; what it rests on is never pruned once it is decided.
    """
    verdict = recorded.verdict
    save_verdict(unit, run, verdict, now)
    unit.connection.execute(
        verdicts.insert().values(
            run_id=run.id,
            at=now,
            state=verdict.state.value,
            rules_version=verdict.rules_version,
            inputs=squeeze(without_reports(recorded.evidence)),
            evidence_ids=",".join(map(str, evidence_ids)),
            verdict=squeeze(verdict),
            subject=None if recorded.subject is None else squeeze(recorded.subject),
        )
    )
    if verdict.state is not VerdictState.PENDING:
        of_base = (one.evidence_id for one in recorded.evidence.baselines if one.evidence_id)
        keep_for_record(unit, (*evidence_ids, *of_base))


def recorded_baselines(connection: Connection, run_id: int) -> tuple[Baseline, ...]:
    """What the newest recorded verdict of a run was compared with, without the reports."""
    inputs = connection.execute(
        select(verdicts.c.inputs).where(verdicts.c.run_id == run_id).order_by(verdicts.c.id.desc()).limit(1)
    ).scalar()
    return () if inputs is None else unpack(Evidence, inputs).baselines


def load_verdict(connection: Connection, run_id: int) -> Recorded | None:
    """The newest recorded verdict of a run, all its inputs with their reports."""
    row = connection.execute(
        select(verdicts).where(verdicts.c.run_id == run_id).order_by(verdicts.c.id.desc()).limit(1)
    ).first()
    return None if row is None else _recorded(connection, row)


def verdict_at(connection: Connection, change_id: int, head_sha: Sha, at: float) -> Recorded | None:
    """What was last decided of a head of a change at a moment, with all its inputs."""
    row = connection.execute(
        select(verdicts)
        .join(runs, runs.c.id == verdicts.c.run_id)
        .where(
            runs.c.change_id == change_id,
            runs.c.head_sha == head_sha,
            verdicts.c.state != VerdictState.PENDING.value,
            verdicts.c.at <= at,
        )
        .order_by(verdicts.c.id.desc())
        .limit(1)
    ).first()
    return None if row is None else _recorded(connection, row)


def _recorded(connection: Connection, row: Row[Any]) -> Recorded:
    ids = tuple(int(part) for part in row.evidence_ids.split(",") if part)
    return Recorded(
        verdict=unpack(Verdict, row.verdict),
        evidence=with_reports(connection, unpack(Evidence, row.inputs), ids),
        subject=None if row.subject is None else unpack(Verdict, row.subject),
    )
