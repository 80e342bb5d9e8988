"""A run as the one value that everybody renders, read from the tables."""

import msgspec
from sqlalchemy import Connection

from app import publish
from app.engine.services import PageLink
from app.model import Judgement, Repository, Run, RunStatus, Verdict, VerdictState
from app.store import changes, checks, projects, records, troubles, verdicts

_USUAL_FOR = 10
"""Checks of a pending verdict whose usual duration is told."""
UNPREPARED = Verdict(state=VerdictState.PENDING, reason="reading the gate file and the change")


def judgement_of(connection: Connection, run: Run, page_link: PageLink) -> Judgement:
    """The judgement of a run as it stands; pending until it was prepared."""
    repository = projects.load_repository(connection, run.repository_id)
    change = changes.load_change(connection, run.change_id).change
    recorded = verdicts.load_verdict(connection, run.id)
    return Judgement(
        run_id=run.id,
        repository=repository,
        change=msgspec.structs.replace(change, head_sha=run.head_sha),
        verdict=run.verdict or _unprepared(run),
        plan=run.plan,
        evidence=None if recorded is None else recorded.evidence,
        diagnostics=run.facts.diagnostics,
        head_diagnostics=run.facts.head_diagnostics,
        notes=(*run.facts.notes, *_contested(connection, run), *_refused(connection, repository)),
        title_note=run.facts.title_note,
        opened_at=run.opened_at,
        settled_at=run.settled_at,
        page_url=page_link(run.id, repository),
        usual=_usual(connection, run),
        spent=run.spent,
        saved=run.saved,
        superseded=run.status is RunStatus.SUPERSEDED or (run.status is RunStatus.CLOSED and _undecided(run)),
    )


def _unprepared(run: Run) -> Verdict:
    """Pending, and why for so long where that is known."""
    if not run.error:
        return UNPREPARED
    return msgspec.structs.replace(UNPREPARED, reason=f"{UNPREPARED.reason}; the last try: {run.error}")


def _refused(connection: Connection, repository: Repository) -> tuple[str, ...]:
    """What the forge refuses us there: whoever waits for a verdict should know whom to ask."""
    return tuple(
        publish.notices.refused_by_forge(trouble.says, trouble.mend)
        for trouble in troubles.all_of(connection, "refused")
        if trouble.subject == repository.full_name
    )


def _usual(connection: Connection, run: Run) -> dict[str, float]:
    if not run.status.live or run.verdict is None or run.verdict.state is not VerdictState.PENDING:
        return {}
    return checks.usual_seconds(connection, run.repository_id, run.verdict.waits_for[:_USUAL_FOR])


def _undecided(run: Run) -> bool:
    return run.verdict is None or run.verdict.state is VerdictState.PENDING


def _contested(connection: Connection, run: Run) -> tuple[str, ...]:
    """Notes on others who posted under our name: such a result is not ours, and is not read."""
    posters = {
        post.poster: post.name
        for post in records.posts_on(connection, run.repository_id, run.head_sha)
        if post.name.casefold() == publish.NAME.casefold()
    }
    return tuple(publish.notices.foreign_post(name, poster) for poster, name in sorted(posters.items()))
