"""What the forge should show on a head: computed from its open changes' newest runs, then compared."""

import msgspec

from app import publish
from app.engine.judging import judgement_of
from app.engine.services import Services
from app.model import (
    CheckRunStatus,
    CommitStatus,
    Judgement,
    Publication,
    Run,
    RunStatus,
    Sha,
    StickyComment,
    Verdict,
    VerdictState,
)
from app.store import Unit, changes, publications, records, runs, unpack

SHOWN = {RunStatus.NEW, RunStatus.PLANNED, RunStatus.REFUSED}


def republish(unit: Unit, services: Services, repository_id: int, head_sha: Sha) -> None:
    """Recompute all that is wanted on a head and wake the posting of what differs."""
    connection = unit.connection
    now = services.clock.now()
    newest: list[Run] = []
    for row in changes.open_changes_with_head(connection, repository_id, head_sha):
        run = runs.latest_run(connection, row.id)
        if run is not None and run.head_sha == head_sha and run.status.live:
            newest.append(run)
    shown = [run for run in newest if run.status in SHOWN]
    if shown:
        judgements = [judgement_of(connection, run, services.page_link) for run in shown]
        _want_all(unit, services, repository_id, judgements, now)
        return
    existing = publications.publications_on(connection, repository_id, head_sha)
    neutral = next((run for run in newest if run.status is RunStatus.NEUTRAL), None)
    if neutral is not None:
        _want_neutral(unit, services, neutral, shown_before=bool(existing), now=now)
        return
    for posted in existing:
        _conclude(unit, repository_id, posted.wanted, now)


def progress_later(unit: Unit, services: Services, run: Run, verdict: Verdict) -> float | None:
    """When the progress of a run that still waits is to be said again; None = it may be said now.

    Rendering what will not be posted yet would be most of the work in a plan of many checks.
    """
    if verdict.state is not VerdictState.PENDING:
        return None
    found = publications.find_publication(
        unit.connection, run.repository_id, run.head_sha, services.options.name
    )
    if found is None or found.posted_at is None or not isinstance(found.wanted, Publication):
        return None
    at = found.posted_at + services.options.pending_refresh
    return at if found.wanted.status is CheckRunStatus.IN_PROGRESS and at > services.clock.now() else None


def _want_all(
    unit: Unit, services: Services, repository_id: int, judgements: list[Judgement], now: float
) -> None:
    connection = unit.connection
    answers, commented = {}, set()
    for judgement in judgements:
        number = judgement.change.number
        if number is None:
            continue
        if publications.find_comment(connection, repository_id, number) is not None:
            commented.add(judgement.change.key)
        found = records.last_answers(connection, repository_id, number, publish.SHOWN_ANSWERS)
        if found:
            answers[judgement.change.key] = tuple(
                unpack(publish.CommandAnswer, text.encode()) for text in reversed(found)
            )
    context = publish.Context(
        now=now, name=services.options.name, answers=answers, commented=frozenset(commented)
    )
    for wanted in publish.desired_state(judgements, context):
        if isinstance(wanted, StickyComment):
            pending = any(
                judgement.change.number == wanted.number and judgement.settled_at is None
                for judgement in judgements
            )
            _want_comment(unit, services, repository_id, wanted, pending=pending, now=now)
        else:
            _want_publication(unit, services, repository_id, wanted, now)


def _want_publication(
    unit: Unit,
    services: Services,
    repository_id: int,
    wanted: Publication | CommitStatus,
    now: float,
) -> None:
    """Verdicts are posted at once; the progress of a pending one only now and then (API thrift)."""
    wake_at = now
    pending = isinstance(wanted, Publication) and wanted.status is CheckRunStatus.IN_PROGRESS
    if pending and isinstance(wanted, Publication):
        for row in publications.publications_on(unit.connection, repository_id, wanted.head_sha):
            same = isinstance(row.wanted, Publication) and row.wanted.name == wanted.name
            if same and row.posted_at is not None and row.wanted.status is CheckRunStatus.IN_PROGRESS:  # type: ignore[union-attr]
                wake_at = max(now, row.posted_at + services.options.pending_refresh)
    row_id = publications.want_publication(unit, repository_id, wanted, wake_at)
    _wake(unit, "publication", row_id, wake_at, now)


def _want_comment(
    unit: Unit,
    services: Services,
    repository_id: int,
    wanted: StickyComment,
    *,
    pending: bool,
    now: float,
) -> None:
    """A comment that would only say "judging" waits a little: most verdicts are there before."""
    wake_at = now + services.options.pending_refresh if pending else now
    row_id = publications.want_comment(unit, repository_id, wanted, wake_at)
    _wake(unit, "comment", row_id, wake_at, now)


def _wake(unit: Unit, kind: str, row_id: int | None, wake_at: float, now: float) -> None:
    if row_id is None:
        return
    if wake_at <= now:
        unit.wake(kind, row_id)
    else:
        unit.wake_later(kind, row_id, wake_at)


def _want_neutral(unit: Unit, services: Services, run: Run, *, shown_before: bool, now: float) -> None:
    """First gate file: neutral with its diagnostics. Gate file removed: neutral where we had posted."""
    repository_row = run.repository_id
    judgement = judgement_of(unit.connection, run, services.page_link)
    change = judgement.change
    if run.facts.neutral == "first":
        wanted = publish.first_gate_file(
            head_sha=run.head_sha,
            path=services.options.gate_path,
            base_ref=change.base_ref,
            diagnostics=run.facts.head_diagnostics,
            run_id=run.id,
            page_url=judgement.page_url,
            name=services.options.name,
            now=now,
        )
    elif shown_before:
        wanted = publish.gate_file_removed(
            head_sha=run.head_sha,
            base_ref=change.base_ref,
            run_id=run.id,
            page_url=judgement.page_url,
            name=services.options.name,
            now=now,
        )
    else:
        return
    row_id = publications.want_publication(unit, repository_row, wanted, now)
    _wake(unit, "publication", row_id, now, now)


def _conclude(
    unit: Unit,
    repository_id: int,
    posted: Publication | CommitStatus | StickyComment,
    now: float,
) -> None:
    """No open change has this head any more: nothing of ours stays in progress on it."""
    if not isinstance(posted, Publication) or posted.status is CheckRunStatus.COMPLETED:
        return
    run_id = int(posted.external_id.partition(":")[0] or 0)
    run = runs.load_run(unit.connection, run_id)
    wanted = publish.cancelled(
        head_sha=posted.head_sha,
        closed=run is not None and run.status is RunStatus.CLOSED,
        run_id=run_id,
        page_url=posted.details_url,
        name=posted.name,
        now=now,
    )
    wanted = msgspec.structs.replace(wanted, external_id=posted.external_id)
    row_id = publications.want_publication(unit, repository_id, wanted, now)
    _wake(unit, "publication", row_id, now, now)
