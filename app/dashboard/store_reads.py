"""What the pages read, from the store."""

import msgspec
from sqlalchemy import Connection

from app.dashboard.protocol import ArtifactView, AttemptView, LogPart, RunPage, Visibility
from app.engine import PageLink, Recomputed, judgement_of, recompute
from app.model import Attempt, CheckRow, Judgement, VerdictState
from app.store import Database, attempts, checks, records, runs


class StoreReads:
    """Implements Reads over the database."""

    def __init__(self, database: Database, page_link: PageLink) -> None:
        self._database = database
        self._page_link = page_link

    async def visibility(self, run_id: int) -> Visibility:
        """See Reads. One small read, the same for every id."""
        standing = await self._database.read(lambda connection: runs.standing_of(connection, run_id))
        if not standing.active:
            return Visibility.HIDDEN
        return Visibility.BY_LINK if standing.repository.private else Visibility.PUBLIC

    async def judgement(self, run_id: int) -> Judgement | None:
        """A run as everybody renders it."""

        def read(connection: Connection) -> Judgement | None:
            run = runs.load_run(connection, run_id)
            return None if run is None else judgement_of(connection, run, self._page_link)

        return await self._database.read(read)

    async def explain(self, run_id: int) -> Recomputed | None:
        """The run's latest verdict, judged again from its stored inputs."""
        return await self._database.read(lambda connection: recompute(connection, run_id, self._page_link))

    async def run_page(self, run_id: int) -> RunPage | None:
        """See Reads."""
        return await self._database.read(lambda connection: self._run_page(connection, run_id))

    def _run_page(self, connection: Connection, run_id: int) -> RunPage | None:
        run = runs.load_run(connection, run_id)
        if run is None:
            return None
        rows = {row.id: row for row in checks.load_checks(connection, run_id)}
        tried = tuple(
            _attempt(attempt, rows[attempt.check_id].result.key, records.log_size(connection, attempt.id))
            for attempt in attempts.attempts_of_run(connection, run_id)
            if attempt.check_id in rows
        )
        made_by = {row: key for key, row in checks.current_attempts(connection, run_id).items()}
        for one in rows.values():
            if one.result.reused is not None:
                made_by[one.result.reused.attempt] = one.result.key
        artifacts = tuple(
            ArtifactView(check=made_by[attempt_id], path=path, size=size)
            for attempt_id, path, size, _ in records.artifacts_of(connection, tuple(made_by))
        )
        latest = runs.latest_run(connection, run.change_id)
        judged = [
            entry for entry in records.audit_of_run(connection, run_id) if entry.verb.startswith("verdict.")
        ]
        return RunPage(
            judgement=_as_it_stands(judgement_of(connection, run, self._page_link), tuple(rows.values())),
            attempts=tried,
            artifacts=artifacts,
            judged_at=judged[-1].at if judged else None,
            newer=latest.id if latest is not None and latest.id != run.id else None,
        )

    async def log(self, attempt_id: int, offset: int, limit: int) -> tuple[LogPart, ...]:
        """See Reads."""

        def read(connection: Connection) -> tuple[LogPart, ...]:
            parts: list[LogPart] = []
            size = 0
            for start, data in records.read_log_from(connection, attempt_id, offset):
                skip = max(0, offset - start)
                parts.append(LogPart(offset=start + skip, data=data[skip:]))
                size += len(data) - skip
                if size >= limit:
                    break
            return tuple(parts)

        return await self._database.read(read)


def _as_it_stands(judgement: Judgement, rows: tuple[CheckRow, ...]) -> Judgement:
    """While a verdict is pending its checks are shown as they are now, not as when it was last computed."""
    evidence = judgement.evidence
    if evidence is None or judgement.superseded or judgement.verdict.state is not VerdictState.PENDING:
        return judgement
    now = msgspec.structs.replace(evidence, checks=tuple(row.result for row in rows))
    return msgspec.structs.replace(judgement, evidence=now)


def _attempt(attempt: Attempt, key: str, log_size: int) -> AttemptView:
    ending = attempt.ending
    view = AttemptView(
        id=attempt.id,
        check=key,
        n=attempt.n,
        status=attempt.status,
        queued_at=attempt.queued_at,
        started_at=attempt.started_at,
        ended_at=attempt.ended_at,
        log_bytes=log_size,
    )
    if ending is None:
        return view
    return msgspec.structs.replace(
        view,
        conclusion=ending.conclusion,
        reason=ending.reason,
        log_bytes=max(log_size, ending.log_bytes),
        log_dropped=ending.log_dropped,
    )
