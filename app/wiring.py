"""Composition root: settings and registries become the services of a running program.

Here, once, concrete things are named; everything else takes what it needs as an argument.
"""

import os
import socket
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec
import structlog

from app.catalogue import catalogue
from app.dashboard import AppSetup, Links, States, StoreReads, Surroundings
from app.engine import (
    Clock,
    EmbeddedDispatch,
    Engine,
    Inbox,
    Keep,
    Options,
    PageLink,
    Services,
    StoredApp,
    SystemClock,
    Uploads,
    Vault,
)
from app.executors import (
    BASIC,
    Executor,
    GitWorkspaces,
    LogLimits,
    ReportReader,
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
from app.model import Repository
from app.settings import Settings, make_data_dir, secret_key
from app.store import Database, ensure_schema, only_process
from app.telemetry import register_secret

LOG = structlog.get_logger(__name__)


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
        if app is not None and not self.from_environment:
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
        ensure_schema(self.settings.database.get_secret_value(), embedded=self.settings.on_sqlite)
        async with AsyncExitStack() as stack:
            stack.callback(self.database.close)
            stack.push_async_callback(self.identities.close)
            stack.enter_context(only_process(self.database))
            self.credentials.use(await self.database.read(self.vault.load_app))
            self.setup_token = await self.setup.new_token()
            report = await self.services.executor.probe()
            if not report.safe_for_untrusted:
                missing = ", ".join(cell.name for cell in report.protections if not cell.held)
                self.services.untrusted_refused = f"not protected against: {missing}"
                LOG.error("untrusted changes are refused on this machine", unprotected=missing)
            await self.engine.start()
            stack.push_async_callback(self.engine.stop)
            await stack.enter_async_context(self.inbox)
            yield


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
        store=settings.data_dir / "artifacts",
        toolbox=settings.toolbox_dir,
        toolchains=settings.toolchains,
        log_limits=LogLimits(most=int(settings.max_log_bytes)),
    )


def options(settings: Settings) -> Options:
    """The engine's limits."""
    return Options(
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
    clock: Clock | None = None,
    runner: Executor | None = None,
) -> Program:
    """Everything of one process, not yet started. `clock` and `runner` are given by scenarios."""
    make_data_dir(settings)
    key = secret_key(settings).get_secret_value()
    register_secret(key)
    clock = clock or SystemClock()
    database = Database(settings.database.get_secret_value())
    links, vault, credentials = Links(key), Vault(key), Credentials(settings)

    def page_link(run_id: int, repository: Repository) -> str:
        return links.run_url(settings.base_url, run_id, clock.now(), private=repository.private)

    services = _services(settings, database, credentials, clock, page_link, runner or executor(settings))
    identities = identity_tokens(settings, clock.now)
    reads = StoreReads(database, page_link)
    setup = AppSetup(
        database,
        vault,
        States(key),
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
) -> Services:
    """What the engine works with."""

    async def pause(seconds: float) -> None:
        await clock.sleep_until(clock.now() + seconds)

    forge: Forge = GitHubForge(credentials.app, api_url=settings.github_api_url, now=clock.now, pause=pause)
    chosen = options(settings)
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
        dispatch=EmbeddedDispatch(clock, {"attempt": chosen.parallel_checks, "run": 1024}),
        worker=f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}",
        own_app=credentials.app_id,
        options=chosen,
    )
