"""Taking in uploaded reports: who uploads, what may be uploaded, kept before it is acknowledged."""

import asyncio
import hashlib
import os
import re
import secrets
from typing import Final, Literal

import msgspec
import structlog
from sqlalchemy import Connection

from app.engine.sent import Sender, Sent, UploadRefused, Why, as_job, checked
from app.engine.services import Services
from app.engine.uploaded import declared
from app.engine.uploads import reads_uploads
from app.executors import Collected, read_reports
from app.forges import Identity, IdentityTokens
from app.model import (
    TOKEN_KEY,
    Actor,
    ActorKind,
    AuditEntry,
    CheckSpec,
    ReportSpec,
    Repository,
    Sha,
    Upload,
    Uploader,
)
from app.store import Unit, commits, projects, records, runs, tokens, uploads

LOG = structlog.get_logger(__name__)
TOKEN_PREFIX: Final = "pct_"  # noqa: S105 - what tokens begin with, so that scanners know them
_TOKEN: Final = re.compile(rf"{TOKEN_PREFIX}[A-Za-z0-9_-]{{43}}")
MAX_FILES_ON_HEAD: Final = 2_000
MAX_BYTES_ON_HEAD: Final = 1 << 30
"""Uploaded files of one head, and their bytes as they are read: beyond, nothing new is kept."""
TOUCH_SECONDS: Final = 60.0


class TakenFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file as it was taken in. `problem` says why it cannot be read: a check that declares it fails."""

    path: str
    size: int
    outcome: Literal["stored", "replaced", "unchanged"]
    problem: str = ""


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """The answer. `checks` are the checks that wait for this name on this head, `notes` sentences on what
    nobody waits for.
    """

    repository: str
    head_sha: str
    name: str
    uploader: str
    files: tuple[TakenFile, ...]
    checks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def new_token() -> str:
    """A repository token: 256 random bits. Only its hash is ever kept."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """What is kept of a token. It is random enough for a plain hash."""
    return hashlib.sha256(token.encode()).hexdigest()


class Uploads:
    """The intake of uploaded reports."""

    def __init__(self, services: Services, identities: IdentityTokens) -> None:
        self._services = services
        self._identities = identities
        # checks have their reports read by the same process: of its children some are always left to them
        self._looks = asyncio.Semaphore(max(1, (os.cpu_count() or 1) // 2))

    async def identify(self, token: str) -> Sender:
        """Who holds this token. Raises UploadRefused for nobody we believe, Outage where that cannot be told
        for now.
        """
        if token.startswith(TOKEN_PREFIX):
            return await self._by_token(token)
        identity = await self._identities.identify(token)

        def find(connection: Connection) -> tuple[int, Repository] | None:
            found = projects.find_active(connection, identity.forge, identity.forge_id)
            return None if found is None else (found, projects.load_repository(connection, found))

        known = await self._services.database.read(find)
        if known is None:
            raise UploadRefused(
                Why.ABSENT,
                "the token's repository is not judged here",
                hint="upload from the repository that the pull request targets; a fork's jobs cannot",
            )
        repository_id, repository = known
        uploader = _speaks(identity, repository.default_branch)
        return Sender(repository_id=repository_id, repository=identity.repository, uploader=uploader)

    async def _by_token(self, token: str) -> Sender:
        if not _TOKEN.fullmatch(token):
            raise UploadRefused(
                Why.UNKNOWN,
                "this is not a whole repository token",
                hint="store it again as portcullis tokens create printed it, without blanks or line ends",
            )
        digest, now = token_hash(token), self._services.clock.now()

        def find(connection: Connection) -> tuple[tokens.TokenRow, Repository] | None:
            row = tokens.find_token(connection, digest)
            if row is None or not row.works(now) or not projects.is_active(connection, row.repository_id):
                return None
            return row, projects.load_repository(connection, row.repository_id)

        found = await self._services.database.read(find)
        if found is None:
            raise UploadRefused(
                Why.UNKNOWN,
                "this token was never given, is revoked or has expired",
                hint="portcullis tokens list shows which work; create makes a new one",
            )
        row, repository = found
        if row.used_at is None or now - row.used_at > TOUCH_SECONDS:
            await self._services.database.run(lambda unit: tokens.touch_token(unit, row.id, now))
        return Sender(
            repository_id=row.repository_id,
            repository=repository.full_name,
            uploader=Uploader(key=f"{TOKEN_KEY}{row.name}", says=f"token {row.name}"),
        )

    async def accept(self, sender: Sender, sent: Sent) -> Taken:
        """Keep the files and wake the runs that wait for them. Raises UploadRefused where nothing was kept,
        Outage where that cannot be done for now.
        """
        head_sha = checked(sender, sent)
        sender = msgspec.structs.replace(sender, uploader=as_job(sender.uploader, sent.job))
        files = [(path, content, hashlib.sha256(content).hexdigest()) for path, content in sent.files]
        specs = await self._services.database.read(
            lambda c: _waiting(c, sender.repository_id, head_sha, sent.name)
        )
        problems = await asyncio.gather(*(self._problem(specs, path, content) for path, content, _ in files))
        bodies = [await asyncio.to_thread(uploads.compress, content) for _, content, _ in files]
        now = self._services.clock.now()
        found = [
            Upload(
                name=sent.name,
                path=path,
                head_sha=head_sha,
                uploader=sender.uploader,
                digest=digest,
                size=len(content),
                root=sent.root,
                at=now,
            )
            for path, content, digest in files
        ]
        outcomes = await self._services.database.run(lambda unit: self._keep(unit, sender, found, bodies))
        return Taken(
            repository=sender.repository,
            head_sha=head_sha,
            name=sent.name,
            uploader=sender.uploader.says,
            files=tuple(
                TakenFile(path=upload.path, size=upload.size, outcome=outcome, problem=problem)
                for upload, outcome, problem in zip(found, outcomes, problems, strict=True)
            ),
            checks=tuple(dict.fromkeys(spec.key for spec in specs or ())),
            notes=_notes(specs, sent),
        )

    async def _problem(self, specs: tuple[CheckSpec, ...] | None, path: str, content: bytes) -> str:
        """Why a file cannot be read as what it is declared as, or as any format where nobody waits yet."""
        found = next((one for spec in specs or () if (one := declared(spec, path)) is not None), None)
        report = msgspec.structs.replace(found or ReportSpec(path=path), path=path, optional=False)
        check = CheckSpec(id="upload", key="upload", reports=(report,))
        collected = Collected(declared=path, path=path, content=content)
        async with self._looks:
            read = await read_reports(check, (collected,), reader=self._services.reader)
        return "; ".join(read.problems)

    def _keep(
        self, unit: Unit, sender: Sender, found: list[Upload], bodies: list[bytes]
    ) -> list[Literal["stored", "replaced", "unchanged"]]:
        """All files or none, with the audit entry and the wake-ups, in one transaction."""
        now, head_sha = self._services.clock.now(), found[0].head_sha
        projects.lock_repository(unit, sender.repository_id)
        self._hold_limits(unit, sender, found, sum(map(len, bodies)))
        outcomes: list[Literal["stored", "replaced", "unchanged"]] = []
        for upload, body in zip(found, bodies, strict=True):
            outcome = uploads.keep_upload(unit, sender.repository_id, upload, body)
            if outcome == "taken":
                raise UploadRefused(
                    Why.TAKEN,
                    f"this CI run has uploaded another {upload.path} as {upload.name} already",
                    hint="two jobs wrote one name: tell them apart by --job, or their files by --prefix",
                )
            outcomes.append(outcome)
        if set(outcomes) != {"unchanged"}:
            _audit(unit, sender, found, now)
            judged = commits.live_runs_on(unit.connection, sender.repository_id, head_sha)
            compared = commits.live_runs_against(unit.connection, sender.repository_id, head_sha)
            for run_id in (*judged, *compared):
                runs.wake_run(unit, run_id, now)
        return outcomes

    def _hold_limits(self, unit: Unit, sender: Sender, found: list[Upload], more: int) -> None:
        """Raises UploadRefused where too much is kept already; `more` are the bytes as they would be kept."""
        connection, repository_id = unit.connection, sender.repository_id
        there = uploads.uploads_on(connection, repository_id, found[0].head_sha)
        if len(there) > MAX_FILES_ON_HEAD:
            raise UploadRefused(
                Why.FULL,
                f"more than {MAX_FILES_ON_HEAD} files were uploaded for this head",
                hint="upload what the check declares, and shards under the same names with --job",
            )
        # by what names a row: a replaced file counts as it will be
        sizes = {(one.name, one.path, one.uploader.key): one.size for one in (*there, *found)}
        if sum(sizes.values()) > MAX_BYTES_ON_HEAD:
            most = MAX_BYTES_ON_HEAD >> 20
            raise UploadRefused(
                Why.FULL,
                f"more than {most} MiB would be uploaded for this head",
                hint="upload reports only, and let their tools report less",
            )
        if uploads.bytes_of(connection, repository_id) + more > self._services.options.max_upload_bytes:
            raise UploadRefused(
                Why.FULL,
                f"the uploads of {sender.repository} take all the room they may",
                hint="old ones are removed after PORTCULLIS_UPLOAD_RETENTION; upload reports only",
            )


def _speaks(identity: Identity, default_branch: str) -> Uploader:
    """For which heads a job may speak: any, where its workflow is the default branch's whatever the change
    holds. Whoever may write to some branch can have such an event run that branch's workflow.
    """
    uploader = identity.uploader
    on_default = uploader.ref == f"refs/heads/{default_branch}"
    sha = Sha("") if identity.vouches and on_default else uploader.sha
    return msgspec.structs.replace(uploader, on_default=on_default, sha=sha)


def _waiting(
    connection: Connection, repository_id: int, head_sha: Sha, name: str
) -> tuple[CheckSpec, ...] | None:
    """The checks that wait for this upload on this head; None while no run of it was planned."""
    live = [
        runs.load_run(connection, one) for one in commits.live_runs_on(connection, repository_id, head_sha)
    ]
    plans = [run.plan for run in live if run is not None and run.plan is not None]
    if not plans:
        return None
    return tuple(
        spec
        for plan in plans
        for spec in plan.checks
        if reads_uploads(spec) and spec.external is not None and spec.external.upload == name
    )


def _notes(specs: tuple[CheckSpec, ...] | None, sent: Sent) -> tuple[str, ...]:
    if specs is None:
        return ("no change with this head is judged yet; it is kept until then",)
    if not specs:
        return (f"no check of this head waits for an upload named {sent.name}",)
    loose = [path for path, _ in sent.files if not any(declared(spec, path) for spec in specs)]
    return tuple(f"{path} matches no report that the check declares: it is not read" for path in loose)


def _audit(unit: Unit, sender: Sender, found: list[Upload], now: float) -> None:
    records.append_audit(
        unit,
        AuditEntry(
            at=now,
            actor=Actor(login=sender.uploader.key[:255], kind=ActorKind.APP),
            verb="report.uploaded",
            repository=sender.repository,
            details={
                "head_sha": found[0].head_sha,
                "name": found[0].name,
                "files": ", ".join(upload.path for upload in found)[:1000],
                "bytes": sum(upload.size for upload in found),
                "uploader": sender.uploader.says,
            },
        ),
    )
    LOG.info("reports were uploaded", name=found[0].name, files=len(found), repository=sender.repository)
