"""Where a check stands that others run, by what they posted or uploaded: pure decisions."""

from collections.abc import Mapping
from typing import Final

import msgspec

from app.engine.conclude import conclude_reports
from app.engine.external import standing
from app.engine.uploaded import came_not, gather, uploaders, waits_for
from app.model import Change, ChangeKind, CheckRow, CheckSpec, Conclusion, ExternalPosted, Status, Upload

READING_SECONDS: Final = 60.0
"""After so long, reports that are being read are asked for again: whoever read them may have stopped."""


class Elsewhere(msgspec.Struct, frozen=True, kw_only=True):
    """`fields` of its CheckResult as they are now, what its uploads were `read` into, whether they are still
    `to_read`, and when (epoch seconds) it is to be looked at again even if nothing comes.
    """

    fields: Mapping[str, object]
    read: int | None = None
    to_read: bool = False
    wake_at: float | None = None


def by_posts(spec: CheckSpec, row: CheckRow, posts: tuple[ExternalPosted, ...], now: float) -> Elsewhere:
    """Waits for a check run or commit status; what never came or never ended has timed out."""
    found = standing(spec, posts)
    note = f"; ignored: also posted by {', '.join(found.ignored)}" if found.ignored else ""
    if found.status == "completed":
        return Elsewhere(
            fields={
                "status": Status.COMPLETED,
                "conclusion": found.conclusion,
                "reason": f"{found.word}{note}",
                "external_url": found.url,
            }
        )
    deadline = row.result.since + spec.timeout  # since planning: attempts are never counted here
    if row.result.conclusion is Conclusion.TIMED_OUT and found.status == "absent":
        return Elsewhere(fields={})
    if now >= deadline:
        word = "has not started" if found.status == "absent" else "has not ended"
        return Elsewhere(
            fields={
                "status": Status.COMPLETED,
                "conclusion": Conclusion.TIMED_OUT,
                "reason": f"{word} within {spec.timeout / 60:g} min{note}",
                "external_url": found.url,
            }
        )
    started = "runs elsewhere" if found.status == "running" else "not started yet"
    return Elsewhere(
        fields={
            "status": Status.WAITING,
            "conclusion": None,
            "reason": f"{started}{note}",
            "external_url": found.url,
        },
        wake_at=deadline,
    )


def by_uploads(
    spec: CheckSpec,
    row: CheckRow,
    uploads: tuple[Upload, ...],
    change: Change,
    *,
    head_sha: str,
    now: float,
) -> Elsewhere:
    """Waits for its reports on a head; once all are there they are read, and again whenever one changes. On
    base nobody waits: what is not there is not there.
    """
    found, reading = gather(spec, uploads, change), row.reading
    if found.digest and reading is not None and reading.digest == found.digest:
        conclusion, reason = conclude_reports(spec, reading)
        return Elsewhere(
            fields={
                "status": Status.COMPLETED,
                "conclusion": conclusion,
                "reason": reason,
                "delivered": reading.delivered,
                "origin": uploaders(found),
            },
            read=reading.evidence_id,
        )
    undecided = {
        "status": Status.WAITING,
        "conclusion": None,
        "delivered": (),
        "origin": uploaders(found),
    }
    if found.digest:
        return Elsewhere(
            fields={**undecided, "reason": "its reports are being read"},
            to_read=True,
            wake_at=now + READING_SECONDS,
        )
    deadline = row.result.since + spec.timeout
    on_base = change.kind is ChangeKind.BASE
    if on_base or now >= deadline:
        ended = {"status": Status.COMPLETED, "conclusion": Conclusion.TIMED_OUT}
        reason = came_not(spec, found, within=0.0 if on_base else spec.timeout)
        return Elsewhere(fields={**undecided, **ended, "reason": reason})
    reason = waits_for(spec, found, head_sha)
    return Elsewhere(fields={**undecided, "reason": reason}, wake_at=deadline)
