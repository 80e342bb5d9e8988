"""Read the reports that CI uploaded for a run's head, once all are there, and keep what they say."""

from pathlib import Path

import msgspec
import structlog
from sqlalchemy import Connection

from app.engine.conclude import read_into
from app.engine.fetching import bring_tested
from app.engine.flaky import remember_flaky
from app.engine.services import Services
from app.engine.uploaded import Gathered, gather, uploaders
from app.executors import Collected, CollectLimits, ReportsRead, read_reports
from app.model import (
    AuthorFault,
    ChangeKind,
    CheckEvidence,
    CheckRow,
    CheckSpec,
    Comparison,
    Repository,
    Run,
    RunStatus,
    UploadReading,
)
from app.store import EvidenceSource, Unit, changes, checks, keep_evidence, projects, runs, uploads

LOG = structlog.get_logger(__name__)
SANDBOX_ROOT = "/workspace"


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """The uploads of one run's checks that were not read yet, by check key."""

    run: Run
    comparison: Comparison
    repository: Repository
    base_ref: str
    unread: dict[str, tuple[CheckSpec, Gathered]]


def reads_uploads(spec: CheckSpec) -> bool:
    """Whether a check waits for uploaded reports."""
    return spec.external is not None and bool(spec.external.upload)


async def read_uploads(services: Services, run_id: int) -> None:
    """The handler of ('uploads', run id): read what its checks wait for, each set of files once."""
    work = await services.database.read(lambda c: _load(c, run_id))
    if work is None or not work.unread:
        return
    structlog.contextvars.bind_contextvars(run=run_id, repository=work.repository.full_name)
    try:
        await bring_tested(services, work.repository, work.run, work.base_ref)
        async with services.workspaces.checkout(work.repository, work.run.tested_sha) as tree:
            for key, (spec, found) in work.unread.items():
                read = await _read(services, spec, found, tree)
                if read is not None:
                    await _store(services, work, key, read, found)
    except AuthorFault as fault:  # a tree that is too large to read reports beside
        for key, (spec, found) in work.unread.items():
            nothing = CheckEvidence(key=spec.key)
            told = read_into(nothing, ReportsRead(problems=(fault.message,)), found.digest)
            await _store(services, work, key, (told, nothing), found)


async def _store(
    services: Services, work: Work, key: str, read: tuple[UploadReading, CheckEvidence], found: Gathered
) -> None:
    await services.database.run(lambda unit: _keep(unit, services, work, key, *read, found))


def _load(connection: Connection, run_id: int) -> Work | None:
    run = runs.load_run(connection, run_id)
    if run is None or run.status is not RunStatus.PLANNED or run.plan is None or run.comparison is None:
        return None
    rows = {row.result.key: row for row in checks.load_checks(connection, run_id)}
    change = changes.load_change(connection, run.change_id).change
    there = uploads.uploads_on(connection, run.repository_id, run.head_sha)
    unread = {
        spec.key: (spec, found)
        for spec in run.plan.checks
        if reads_uploads(spec)
        and (found := gather(spec, there, change)).digest
        and not _is_read(rows[spec.key], found)
    }
    return Work(
        run=run,
        comparison=run.comparison,
        repository=projects.load_repository(connection, run.repository_id),
        base_ref=change.base_ref,
        unread=unread,
    )


def _is_read(row: CheckRow, found: Gathered) -> bool:
    return row.reading is not None and row.reading.digest == found.digest


async def _read(
    services: Services, spec: CheckSpec, found: Gathered, tree: Path
) -> tuple[UploadReading, CheckEvidence] | None:
    """All files of one check, by the process that reads hostile bytes; None where one was replaced or removed
    meanwhile: then others are to be read. Together they may be as large as a check's own.
    """
    size, most = sum(upload.size for _, upload in found.files), CollectLimits().reports
    if size > most:
        why = (
            f"its {len(found.files)} files have {size >> 20} MiB together, at most {most >> 20} MiB are read"
        )
        nothing = CheckEvidence(key=spec.key)
        return read_into(nothing, ReportsRead(problems=(why,)), found.digest), nothing
    files = []
    for report, upload in found.files:
        content = await services.database.read(lambda c, one=upload: uploads.read_upload(c, one))  # type: ignore[misc]
        if content is None:
            LOG.info("an upload changed while it was read", check=spec.key, path=upload.path)
            return None
        files.append(Collected(declared=report.path, path=upload.path, content=content))
    roots = dict.fromkeys((SANDBOX_ROOT, *(upload.root for _, upload in found.files if upload.root)))
    read = await read_reports(spec, tuple(files), reader=services.reader, tree=tree, roots=tuple(roots))
    evidence = CheckEvidence(key=spec.key, reports=read.contents)
    return read_into(evidence, read, found.digest), evidence


def _keep(
    unit: Unit,
    services: Services,
    work: Work,
    key: str,
    reading: UploadReading,
    evidence: CheckEvidence,
    found: Gathered,
) -> None:
    """Keep a reading with its evidence and let the run be decided, in one transaction. Should the files have
    changed meanwhile, the decision asks for another reading.
    """
    now = services.clock.now()
    run = runs.lock_run(unit, work.run.id, now)
    if run is None or run.status is not RunStatus.PLANNED or run.plan is None:
        return
    spec = work.unread[key][0]
    rows = {row.result.key: row for row in checks.load_checks(unit.connection, run.id)}
    if spec not in run.plan.checks or key not in rows:
        return  # the gate file changed meanwhile
    if evidence.reports:
        change = changes.load_change(unit.connection, run.change_id).change
        on_base = change.kind is ChangeKind.BASE
        origin = f"{change.title if on_base else f'run {run.id}'}, {key} {uploaders(found)}"
        remember_flaky(unit, run, spec, work.comparison.tested_tree, origin, evidence, now)
        evidence_id = keep_evidence(
            unit,
            repository_id=run.repository_id,
            definition=spec.definition,
            base_tree=work.comparison.base_tree,
            tested_tree=work.comparison.tested_tree,
            source=EvidenceSource.BASE if on_base else EvidenceSource.CHANGE,
            origin=origin,
            body=evidence,
            now=now,
        )
        reading = msgspec.structs.replace(reading, evidence_id=evidence_id)
    checks.save_check(unit, msgspec.structs.replace(rows[key], reading=reading))
    runs.wake_run(unit, run.id, now)
    LOG.info("uploaded reports were read", check=key, files=len(found.files), problems=len(reading.problems))
