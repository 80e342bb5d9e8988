"""What the forge should show on a head: computed from its open changes' newest runs, then compared."""

from collections.abc import Sequence

from sqlalchemy import Connection

from app import publish
from app.engine.judging import UNPREPARED, judgement_of
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
from app.store import Unit, changes, commits, projects, publications, records, runs, unpack

SHOWN = {RunStatus.NEW, RunStatus.PLANNED, RunStatus.REFUSED}


def republish(
    unit: Unit, services: Services, repository_id: int, head_sha: Sha, *, answered: bool = False
) -> None:
    """Recompute all that is wanted on a head and wake the posting of what differs. `answered` = somebody
    waits for the comment: a command was given.
    """
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
        _want_all(unit, services, repository_id, judgements, now, answered=answered)
        return
    existing = publications.publications_on(connection, repository_id, head_sha)
    neutral = next((run for run in newest if run.status is RunStatus.NEUTRAL), None)
    if neutral is not None and not _judged_elsewhere(connection, neutral):
        _want_neutral(unit, services, neutral, existing, now)
        return
    _conclude_others(unit, repository_id, existing, (), now)


def _judged_elsewhere(connection: Connection, run: Run) -> bool:
    """Whether the head was to be judged against another target: neutral would then replace what that gate
    said, and forges take neutral for success. Whoever retargets a change must not get that.
    """
    target = run.facts.base_ref
    return bool(commits.targets_of_head(connection, run.repository_id, run.head_sha) - {target})


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
    unit: Unit,
    services: Services,
    repository_id: int,
    judgements: list[Judgement],
    now: float,
    *,
    answered: bool,
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
                answer
                for text in reversed(found)
                for answer in unpack(list[publish.CommandAnswer], text.encode())
            )
    existing = publications.publications_on(connection, repository_id, judgements[0].change.head_sha)
    context = publish.Context(
        now=now,
        name=services.options.name,
        answers=answers,
        commented=frozenset(commented),
        published=frozenset(row.wanted.name for row in existing if isinstance(row.wanted, Publication)),
        statuses=frozenset(row.wanted.context for row in existing if isinstance(row.wanted, CommitStatus)),
    )
    everything = publish.desired_state(judgements, context)
    if not any(judgement.verdict == UNPREPARED for judgement in judgements):
        _conclude_others(unit, repository_id, existing, everything, now)
    repository = projects.load_repository(connection, repository_id)
    shows_runs = services.forges[repository.forge].capabilities.check_runs
    for wanted in everything:
        if isinstance(wanted, CommitStatus) and not shows_runs:
            continue  # there the verdict is a commit status already
        if isinstance(wanted, StickyComment):
            pending = any(
                judgement.change.number == wanted.number and judgement.settled_at is None
                for judgement in judgements
            )
            _want_comment(unit, services, repository_id, wanted, patient=pending and not answered, now=now)
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
    patient: bool,
    now: float,
) -> None:
    """A comment that would only say "judging" waits a little: most verdicts are there before. One that is
    already due, an answer say, is not put off by what is said after it.
    """
    wake_at = now
    if patient:
        known = publications.find_comment(unit.connection, repository_id, wanted.number)
        due = known.wake_at if known is not None and known.due else None
        later = now + services.options.pending_refresh
        wake_at = later if due is None else min(due, later)
    row_id = publications.want_comment(unit, repository_id, wanted, wake_at)
    _wake(unit, "comment", row_id, wake_at, now)


def _wake(unit: Unit, kind: str, row_id: int | None, wake_at: float, now: float) -> None:
    if row_id is None:
        return
    if wake_at <= now:
        unit.wake(kind, row_id)
    else:
        unit.wake_later(kind, row_id, wake_at)


def _want_neutral(
    unit: Unit, services: Services, run: Run, existing: tuple[publications.Wanted, ...], now: float
) -> None:
    """First gate file: neutral with its diagnostics. Gate file removed: neutral where we had posted."""
    judgement = judgement_of(unit.connection, run, services.page_link)
    base_ref, name = judgement.change.base_ref, services.options.name
    wanted: list[Publication | CommitStatus] = []
    if run.facts.neutral == "first":
        first = publish.first_gate_file(
            head_sha=run.head_sha,
            path=services.options.gate_path,
            base_ref=base_ref,
            diagnostics=run.facts.head_diagnostics,
            run_id=run.id,
            page_url=judgement.page_url,
            name=name,
            now=now,
        )
        wanted.append(first)
    for row in existing:
        if isinstance(row.wanted, CommitStatus):
            wanted.append(publish.removed_status(row.wanted, base_ref))
        elif isinstance(row.wanted, Publication) and not (wanted and row.wanted.name == name):
            removed = publish.gate_file_removed(
                head_sha=run.head_sha,
                base_ref=base_ref,
                run_id=run.id,
                page_url=judgement.page_url,
                name=row.wanted.name,
                now=now,
            )
            wanted.append(removed)
    _want(unit, run.repository_id, wanted, now)


def _want(unit: Unit, repository_id: int, wanted: Sequence[Publication | CommitStatus], now: float) -> None:
    for each in wanted:
        row_id = publications.want_publication(unit, repository_id, each, now)
        _wake(unit, "publication", row_id, now, now)


def _conclude_others(
    unit: Unit,
    repository_id: int,
    existing: tuple[publications.Wanted, ...],
    wanted: Sequence[publish.Wanted],
    now: float,
) -> None:
    """Nothing of ours stays in progress on a head that nobody, or no gate file, asks for any more."""
    asked = {_identity(each) for each in wanted}
    left = [row.wanted for row in existing if _identity(row.wanted) not in asked]
    closed = any(_is_closed(unit, row.wanted) for row in existing)
    reason: publish.Ending = "withdrawn" if wanted else "closed" if closed else "superseded"
    concluded: list[Publication | CommitStatus] = []
    for posted in left:
        if isinstance(posted, CommitStatus) and posted.state == "pending":
            concluded.append(publish.cancelled_status(posted, reason))
        elif isinstance(posted, Publication) and posted.status is not CheckRunStatus.COMPLETED:
            concluded.append(publish.cancelled(posted, reason, now=now))
    _want(unit, repository_id, concluded, now)


def _identity(wanted: publish.Wanted) -> tuple[str, str]:
    match wanted:
        case Publication():
            return "check_run", wanted.name
        case CommitStatus():
            return "status", wanted.context
        case StickyComment():
            return "comment", str(wanted.number)


def _is_closed(unit: Unit, posted: publish.Wanted) -> bool:
    if not isinstance(posted, Publication):
        return False
    run = runs.load_run(unit.connection, int(posted.external_id.partition(":")[0] or 0))
    return run is not None and run.status is RunStatus.CLOSED
