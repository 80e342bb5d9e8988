"""Where a check stands that others run, by what they posted or uploaded: pure decisions."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from app.engine.conclude import conclude_reports
from app.engine.external import MEANINGS, Standing, standing
from app.engine.uploaded import came_not, gather, uploaders, waits_for
from app.model import (
    Change,
    ChangeKind,
    CheckRow,
    CheckSpec,
    Conclusion,
    ExternalPosted,
    Pace,
    StartRequest,
    Status,
    Upload,
)
from app.publish import figures

READING_SECONDS: Final = 60.0
"""After so long, reports that are being read are asked for again: whoever read them may have stopped."""
LATE: Final = 600.0
"""Seconds after which it is said that something has not started, where nothing is known of what is usual."""
LEAST_LATE: Final = 120.0
LATE_TIMES: Final = 5
"""Where it is: so many times what is usual, but no less than so many seconds."""
UNTRUSTED: Final = "needs ok-to-test: for an untrusted change no workflow is started"


class Elsewhere(msgspec.Struct, frozen=True, kw_only=True):
    """`fields` of its CheckResult as they are now, what its uploads were `read` into, whether they are still
    `to_read`, and when (epoch seconds) it is to be looked at again even if nothing comes. `start`: it is to
    be asked for; `took` is how long it was on its way, once it has ended.
    """

    fields: Mapping[str, object]
    read: int | None = None
    to_read: bool = False
    wake_at: float | None = None
    start: bool = False
    took: Pace | None = None


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about a check that others run, beside their posts: what was asked of them, what is usual
    there, whether the change is trusted, and whether another open one has its head too.
    """

    request: StartRequest | None = None
    pace: Pace | None = None
    trusted: bool = False
    shared: bool = False


def by_posts(
    spec: CheckSpec, row: CheckRow, posts: tuple[ExternalPosted, ...], known: Known, now: float
) -> Elsewhere:
    """Waits for a check run, a commit status or a workflow; what never came or never ended has timed out."""
    request = known.request
    asked = request if request is not None and not request.refused else None
    again = asked.posts if asked is not None else ()
    found = standing(spec, posts, again, shared=known.shared)
    note = _note(spec, found, request)
    if found.status == "completed":
        return Elsewhere(
            fields={
                "status": Status.COMPLETED,
                "conclusion": found.conclusion,
                "reason": f"{_ended(found)}{note}",
                "external_url": found.url,
            },
            took=_took(row, found.post, asked),
        )
    triggers = found.status == "absent" and spec.external is not None and spec.external.trigger
    if triggers and request is None and known.trusted:
        return _begins(found, note, now + spec.timeout)
    since = row.result.since if request is None else max(row.result.since, request.at)
    deadline = since + spec.timeout  # since planning, or since it was asked for
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
    reason, look_at = _progress(found, since, known, now)
    if triggers and request is None:
        reason = UNTRUSTED
    return Elsewhere(
        fields={
            "status": Status.WAITING,
            "conclusion": None,
            "reason": f"{reason}{note}",
            "external_url": found.url,
        },
        wake_at=min(deadline, look_at),
    )


def _begins(found: Standing, note: str, deadline: float) -> Elsewhere:
    """It is its turn, and nobody was asked for it yet: however long it was held."""
    fields = {
        "status": Status.WAITING,
        "conclusion": None,
        "reason": f"not started yet{note}",
        "external_url": found.url,
    }
    return Elsewhere(fields=fields, wake_at=deadline, start=True)


def _ended(found: Standing) -> str:
    if found.conclusion is Conclusion.SUCCESS or found.word not in MEANINGS:
        return found.word
    return f"{found.word}: {MEANINGS[found.word]}"


def _note(spec: CheckSpec, found: Standing, request: StartRequest | None) -> str:
    parts = []
    if spec.self_reported:
        parts.append("self-reported: this change edits what it runs")
    if found.ignored:
        parts.append(f"ignored: also posted by {', '.join(found.ignored)}")
    if request is not None and request.refused:
        what = "run again" if request.again else "started"
        parts.append(f"could not be {what}: {request.refused}")
    return "".join(f"; {part}" for part in parts)


def _progress(found: Standing, since: float, known: Known, now: float) -> tuple[str, float]:
    """How far it is, and when that is to be told anew: what takes much longer than usual is said once."""
    pace, request = known.pace, known.request
    if found.status == "running":
        return "runs elsewhere", math.inf
    again = request is not None and request.again and not request.refused
    word = "asked to run again, not started" if again else "not started"
    word = "queued elsewhere" if found.status == "queued" else word
    usual = f" (usually starts in {figures.roughly(pace.begins)})" if pace is not None else ""
    late = LATE if pace is None else max(LEAST_LATE, LATE_TIMES * pace.begins)
    at = since + late
    if now >= at:
        return f"{word} after {figures.roughly(late)}{usual}", math.inf
    yet = "" if found.status == "queued" else " yet"
    return f"{word}{yet}{usual}", at


def _took(row: CheckRow, post: ExternalPosted | None, asked: StartRequest | None) -> Pace | None:
    """How long it took to begin and to end, where that has just become known and can be told."""
    if post is None or row.result.status is Status.COMPLETED:
        return None
    try:
        began, ended = (datetime.fromisoformat(at).timestamp() for at in (post.started_at, post.at))
    except ValueError:
        return None
    since = row.result.since if asked is None else asked.at
    return Pace(begins=max(0.0, began - since), takes=max(0.0, ended - began))


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
