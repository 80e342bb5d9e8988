"""Composition root: settings and registries become the services of a running program.

Here, once, concrete things are named; everything else takes what it needs as an argument.
"""

import asyncio
import contextlib
import os
import socket
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import structlog

from app.catalogue import catalogue
from app.dashboard import AppSetup, Links, States, StoreReads, Surroundings
from app.engine import (
    AuditSigner,
    Clock,
    Dispatch,
    EmbeddedDispatch,
    Engine,
    FleetDispatch,
    Inbox,
    Keep,
    Options,
    PageLink,
    Quotas,
    Role,
    Services,
    StoredApp,
    SystemClock,
    Uploads,
    Vault,
)
from app.executors import (
    BASIC,
    JOB_UID,
    CacheLimits,
    Caches,
    Executor,
    GitWorkspaces,
    LogLimits,
    ReportReader,
    Rules,
    SandboxExecutor,
    Toolbox,
    WorkspaceLimits,
    group_path,
)
from app.forges import (
    AppCredentials,
    Forge,
    GitHubForge,
    GitHubIntake,
    IdentityTokens,
    Intake,
    Issuer,
)
from app.model import Misconfigured, Outage, Repository
from app.settings import Settings, make_data_dir, secret_keys
from app.store import Database, ensure_schema, only_process, time_of
from app.telemetry import register_secret

LOG = structlog.get_logger(__name__)
CREDENTIAL_SECONDS = 5.0
"""How often a process of a fleet looks whether a GitHub App was set up by another."""


class Credentials:
    """The GitHub App's credentials that count now: the environment's, else the stored ones."""

    def __init__(self, settings: Settings) -> None:
        self._app: AppCredentials | None = None
        self._secret = ""
        self.from_environment = settings.github is not None
        if settings.github is not None:
            self._take(
                settings.github.app_id,
                settings.github.private_key.get_secret_value(),
                settings.github.webhook_secret.get_secret_value(),
            )

    def use(self, app: StoredApp | None) -> None:
        """Take over a stored app, unless the environment names one."""
        known = self._app is not None and app is not None and self._app.private_key == app.private_key
        if app is not None and not known and not self.from_environment:
            self._take(app.app_id, app.private_key, app.webhook_secret)

    def app(self) -> AppCredentials | None:
        """What to act as; None before set-up."""
        return self._app

    def app_id(self) -> int:
        """The app's id; 0 before set-up."""
        return 0 if self._app is None else self._app.app_id

    def secrets(self) -> tuple[str, ...]:
        """Webhook secrets that deliveries may be signed with."""
        return (self._secret,) if self._secret else ()

    def _take(self, app_id: int, private_key: str, webhook_secret: str) -> None:
        register_secret(private_key)
        register_secret(webhook_secret)
        self._app = AppCredentials(app_id=app_id, private_key=private_key)
        self._secret = webhook_secret


class Program(msgspec.Struct, kw_only=True):
    """A program ready to run: `running()` starts it and stops it."""

    settings: Settings
    database: Database
    services: Services
    engine: Engine
    inbox: Inbox
    intakes: dict[str, Intake]
    identities: IdentityTokens
    uploads: Uploads
    links: Links
    reads: StoreReads
    setup: AppSetup
    vault: Vault
    credentials: Credentials
    surroundings: Surroundings
    setup_token: str = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Take the one place, bring the schema up, start what works; the reverse at the end."""
        settings, role = self.settings, self.services.role
        if settings.on_sqlite and role is not Role.ALL:
            raise Misconfigured(
                "more than one process needs PostgreSQL",
                hint="set PORTCULLIS_DATABASE_URL to a PostgreSQL database, or run `portcullis serve` alone",
            )
        ensure_schema(settings.database.get_secret_value(), embedded=settings.on_sqlite)
        async with AsyncExitStack() as stack:
            stack.callback(self.database.close)
            stack.push_async_callback(self.identities.close)
            stack.enter_context(self._alone())
            self.credentials.use(await self.database.read(self.vault.load_app))
            if not settings.on_sqlite:
                await self._compare_clocks()
            if role.checks:
                await self._probe()
            await self.engine.start()
            stack.push_async_callback(self.engine.stop)
            if role.web:
                self.setup_token = await self.setup.new_token()
                await stack.enter_async_context(self.inbox)
            if not settings.on_sqlite:
                refreshing = asyncio.create_task(self._refresh_credentials())
                stack.callback(refreshing.cancel)
            yield

    def _alone(self) -> AbstractContextManager[None]:
        if self.settings.on_sqlite:
            place = Path(f"{self.database.engine.url.database}.lock")
            return only_process(place, hint="stop it first; more than one process needs PostgreSQL")
        place = self.settings.data_dir / "process.lock"
        return only_process(place, hint="give each process a PORTCULLIS_DATA_DIR of its own")

    async def _compare_clocks(self) -> None:
        """Leases are times of day: who lives in another time would take what others hold."""
        there = await self.database.read(time_of)
        apart, most = abs(time.time() - there), self.services.options.lease / 3
        if apart > most:
            raise Misconfigured(
                f"this machine's clock is {apart:.0f} s off the database's, at most {most:.0f} s will do",
                hint="have both set by NTP, or make PORTCULLIS_WORKER_TIMEOUT longer",
            )

    async def _probe(self) -> None:
        report = await self.services.executor.probe()
        if not report.safe_for_untrusted:
            missing = ", ".join(cell.name for cell in report.protections if not cell.held)
            self.services.untrusted_refused = f"not protected against: {missing}"
            LOG.error("untrusted changes are refused on this machine", unprotected=missing)

    async def _refresh_credentials(self) -> None:
        """Take over an app that another process's set-up page stored."""
        while True:
            await asyncio.sleep(CREDENTIAL_SECONDS)
            with contextlib.suppress(Outage):
                self.credentials.use(await self.database.read(self.vault.load_app))


def workspaces(settings: Settings) -> GitWorkspaces:
    """Mirrors and source trees beneath the data directory."""
    limits = WorkspaceLimits(
        changed_files=settings.max_changed_files, changed_bytes=int(settings.max_change_bytes)
    )
    loopback = settings.github_api_url.startswith(("http://127.0.0.1", "http://localhost", "http://[::1]"))
    return GitWorkspaces(settings.data_dir / "mirrors", limits=limits, allow_http=loopback)


def toolbox(settings: Settings, group: str = BASIC) -> Toolbox:
    """A group of the presets' pinned tools, as the installed package or the checkout pins them."""
    package = Path(__file__).resolve().parent
    installed = package / "toolbox"
    locks = installed if installed.exists() else package.parent / "deploy" / "toolbox"
    npm = locks / group
    return Toolbox(
        group_path(settings.toolbox_dir, group), locks / f"{group}.txt", npm=npm if npm.is_dir() else None
    )


def executor(settings: Settings, *, root: Path | None = None) -> SandboxExecutor:
    """What runs checks. A toolbox that is installed later is seen by the checks that begin then."""
    return SandboxExecutor(
        root or settings.data_dir / "sandbox",
        store=settings.artifacts_dir,
        toolbox=settings.toolbox_dir,
        toolchains=settings.toolchains,
        log_limits=LogLimits(most=int(settings.max_log_bytes)),
        egress=egress(settings),
        caches=Caches(
            settings.data_dir / "caches",
            limits=CacheLimits(
                entry_bytes=int(settings.max_cache_entry),
                total_bytes=int(settings.max_caches),
                unused=settings.keep_caches.total_seconds(),
            ),
            owner=JOB_UID if os.geteuid() == 0 else None,
        ),
    )


def egress(settings: Settings) -> Rules:
    """Where checks with network may go: never to us."""
    return Rules(
        hosts=settings.egress_hosts,
        ports=settings.egress_ports,
        allowed=settings.egress_allowed,
        denied=settings.egress_denied,
        own=(urlsplit(settings.base_url).hostname or "",),
    )


def options(settings: Settings) -> Options:
    """The engine's limits."""
    return Options(
        lease=settings.worker_timeout.total_seconds(),
        quotas=Quotas(
            repository=settings.checks_per_repository,
            owner=settings.checks_per_owner,
            untrusted_author=settings.checks_per_untrusted_author,
        ),
        parallel_checks=settings.parallel_checks,
        max_timeout=settings.max_check_timeout.total_seconds(),
        max_memory=int(settings.max_check_memory),
        trusted_apps=settings.trusted_apps,
        upload_retention=settings.upload_retention.total_seconds(),
        max_upload_bytes=int(settings.max_upload_bytes),
        keep=Keep(
            deliveries=settings.keep_deliveries.total_seconds(),
            logs=settings.keep_logs.total_seconds(),
            artifacts=settings.keep_artifacts.total_seconds(),
            evidence=settings.keep_evidence.total_seconds(),
        ),
    )


def identity_tokens(settings: Settings, now: Callable[[], float]) -> IdentityTokens:
    """Whose CI jobs are believed."""
    github = Issuer(url=settings.github_issuer, forge="github")
    gitlab = (Issuer(url=url, forge="gitlab") for url in settings.gitlab_oidc_issuers)
    return IdentityTokens((github, *gitlab), audience=settings.base_url, now=now)


def build(
    settings: Settings,
    *,
    role: Role = Role.ALL,
    clock: Clock | None = None,
    runner: Executor | None = None,
) -> Program:
    """Everything of one process, not yet started. `clock` and `runner` are given by scenarios."""
    make_data_dir(settings)
    keys = secret_keys(settings)
    for key in keys:
        register_secret(key)
    clock = clock or SystemClock()
    database = Database(settings.database.get_secret_value())
    links, vault, credentials = Links(*keys), Vault(*keys), Credentials(settings)

    def page_link(run_id: int, repository: Repository) -> str:
        return links.run_url(settings.base_url, run_id, clock.now(), private=repository.private)

    services = _services(
        settings, database, credentials, clock, page_link, runner or executor(settings), role
    )
    identities = identity_tokens(settings, clock.now)
    reads = StoreReads(database, page_link)
    setup = AppSetup(
        database,
        vault,
        States(keys[0]),
        api_url=settings.github_api_url,
        public_url=settings.base_url,
        configured=credentials.from_environment,
        now=clock.now,
        changed=credentials.use,
    )
    return Program(
        settings=settings,
        database=database,
        services=services,
        engine=Engine(services),
        inbox=Inbox(database, clock),
        intakes=dict(services.intakes),
        identities=identities,
        uploads=Uploads(services, identities),
        links=links,
        reads=reads,
        setup=setup,
        vault=vault,
        credentials=credentials,
        surroundings=Surroundings(reads=reads, setup=setup, links=links, now=clock.now),
    )


def _services(
    settings: Settings,
    database: Database,
    credentials: Credentials,
    clock: Clock,
    page_link: PageLink,
    runner: Executor,
    role: Role,
) -> Services:
    """What the engine works with."""

    async def pause(seconds: float) -> None:
        await clock.sleep_until(clock.now() + seconds)

    forge: Forge = GitHubForge(credentials.app, api_url=settings.github_api_url, now=clock.now, pause=pause)
    chosen = options(settings)
    widths = {"attempt": chosen.parallel_checks, "run": 1024}
    dispatch: Dispatch = EmbeddedDispatch(clock, widths)
    if not database.is_sqlite:
        dispatch = FleetDispatch(clock, database, widths, sign_of_life=chosen.lease / 5)
    return Services(
        database=database,
        forges={forge.kind: forge},
        intakes={"github": GitHubIntake(credentials.secrets)},
        workspaces=workspaces(settings),
        executor=runner,
        reader=ReportReader(),
        catalogue=catalogue(),
        page_link=page_link,
        clock=clock,
        dispatch=dispatch,
        worker=f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}",
        role=role,
        own_app=credentials.app_id,
        signer=AuditSigner(secret_keys(settings)[0]),
        options=chosen,
    )
