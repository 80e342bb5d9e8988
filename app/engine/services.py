"""What the engine works with: everything outside is given here, once, by the composition root."""

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from app.engine.admission import Quotas
from app.engine.clock import Clock
from app.engine.dispatch import Dispatch
from app.engine.roles import Role
from app.engine.vault import AuditSigner
from app.executors import Executor, ReportReader, Workspaces
from app.forges import Forge, Intake
from app.model import Repository
from app.plan import Catalogue
from app.store import Database

PageLink = Callable[[int, Repository], str]
"""(run id, repository) → the address of the run's page; '' where there is none."""


class Keep(msgspec.Struct, frozen=True, kw_only=True):
    """For how many seconds what nothing rests on is kept: deliveries that were worked off, the output of
    attempts, their artifacts; evidence that no verdict used, base runs and what they were asked for.
    `artifact_bytes` is the room for all artifacts.
    """

    deliveries: float = 30 * 86_400.0
    logs: float = 90 * 86_400.0
    artifacts: float = 30 * 86_400.0
    evidence: float = 90 * 86_400.0
    artifact_bytes: int = 20 << 30


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Limits and habits of the engine. Times in seconds, `max_memory` and `max_upload_bytes` (of one
    repository, compressed) in bytes.
    """

    gate_path: str = ".portcullis.yml"
    name: str = "portcullis"
    lease: float = 30.0
    sweep_every: float = 60.0
    reread_every: float = 1500.0
    pending_refresh: float = 15.0
    parallel_checks: int = 2
    history_limit: int = 1000
    max_timeout: float = 6 * 3600.0
    max_memory: int = 8 << 30
    trusted_apps: tuple[str, ...] = ()
    upload_retention: float = 30 * 86400.0
    max_upload_bytes: int = 4 << 30
    quotas: Quotas = Quotas()
    keep: Keep = Keep()


class Services(msgspec.Struct, kw_only=True):
    """The engine's surroundings. `worker` is unique to each start of a process. `running` holds the attempts
    that this process runs, by id. `plain` remembers which of its posts are in progress and without
    annotations (publication row → id on the forge): they may be updated without being looked at. `preparing`
    lets few changes be merged and compared at once, so that in a burst the first are judged while the last
    still wait. `artifacts` is where the executor keeps them, a directory for each attempt, by its id.
    `short_of_room` says why this machine's disk has no room for another attempt; '' if it has. `teams` are
    the members of teams as lately read: (forge, installation, team) → (when, logins). `forges` and `intakes`
    are by name; connections come and go while the process runs.
    """

    database: Database
    forges: Mapping[str, Forge]
    intakes: Mapping[str, Intake]
    workspaces: Workspaces
    executor: Executor
    reader: ReportReader
    catalogue: Catalogue
    page_link: PageLink
    clock: Clock
    dispatch: Dispatch
    worker: str
    role: Role = Role.ALL
    running: dict[int, asyncio.Task[None]] = msgspec.field(default_factory=dict)
    signer: AuditSigner | None = None
    untrusted_refused: str = ""
    artifacts: Path | None = None
    short_of_room: Callable[[], str] = lambda: ""
    plain: dict[int, int] = msgspec.field(default_factory=dict)
    preparing: asyncio.Semaphore = msgspec.field(
        default_factory=lambda: asyncio.Semaphore(2 * (os.cpu_count() or 1))
    )
    teams: dict[tuple[str, int, str], tuple[float, tuple[str, ...]]] = msgspec.field(default_factory=dict)
    options: Options = Options()
