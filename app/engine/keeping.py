"""What an attempt left, put into the store of evidence: what it shows, and for what else that holds."""

import msgspec

from app.engine.base_runs import name_of
from app.engine.claiming import Work
from app.engine.earlier import earlier_of, speaks_against
from app.engine.flaky import remember_flaky
from app.engine.reuse import subject_of
from app.engine.services import Services
from app.model import CheckEvidence, Ending
from app.store import EvidenceSource, Serves, Unit, attempts, keep_evidence


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """What an attempt came to and left. `platform` is what it began on, `same` whether it still ran on that
    when it ended.
    """

    ending: Ending
    evidence: CheckEvidence
    outputs: dict[str, str | int | float | bool]
    platform: str
    same: bool


def keep(unit: Unit, services: Services, work: Work, left: Left) -> int | None:
    """Keep what an attempt delivered; gives the evidence's id, None where there is no report."""
    now, evidence = services.clock.now(), left.evidence
    serves = _serves(unit, work, left, now)
    if serves is None and not evidence.reports:
        return None
    source = EvidenceSource.BASE if work.on_base else EvidenceSource.CHANGE
    where = name_of(work.change.change.base_ref, work.run.base_sha)
    own = f"run {work.run.id}, attempt {work.attempt.id} of {work.spec.key}"
    origin = f"base run of {where}" if work.on_base else own
    remember_flaky(unit, work.run, work.spec, work.comparison.tested_tree, origin, evidence, now)
    evidence_id = keep_evidence(
        unit,
        repository_id=work.run.repository_id,
        definition=work.spec.definition,
        base_tree=work.comparison.base_tree,
        tested_tree=work.comparison.tested_tree,
        source=source,
        origin=origin,
        body=evidence,
        now=now,
        serves=serves,
    )
    return evidence_id if evidence.reports else None


def _serves(unit: Unit, work: Work, left: Left, now: float) -> Serves | None:
    """For what a success may serve again, or whose successes a failure speaks against (a merge group's: those
    of the change it carries); None for what is neither, and where its inputs are not known.
    """
    inputs, run = work.check.inputs, work.run
    if inputs is None or not inputs.files:
        return None
    against = speaks_against(left.ending, left.evidence)
    earlier = None
    if left.same and not attempts.tried_before(unit.connection, work.attempt):
        earlier = earlier_of(work.attempt.id, left.ending, left.evidence, left.outputs, work.given, now)
    if earlier is None and not against:
        return None
    return Serves(
        earlier=earlier,
        change_id=subject_of(unit.connection, run, work.change.change) if against else run.change_id,
        trusted=run.trusted,
        inputs=inputs,
        platform=left.platform,
    )
