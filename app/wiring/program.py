"""A program from its start to its end."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager

import msgspec
import structlog

from app.dashboard import AppSetup, Links, StoreReads, Surroundings
from app.engine import Engine, Inbox, Role, Services, SharedClock, Uploads, Vault
from app.forges import IdentityTokens, Intake
from app.model import Misconfigured, Outage
from app.settings import Settings
from app.store import Database, ensure_schema, only_process, only_user, time_of
from app.wiring.credentials import Credentials

LOG = structlog.get_logger(__name__)


class Program(msgspec.Struct, kw_only=True):
    """A program ready to run: `running()` starts it and stops it. Every `credential_seconds` a process of a
    fleet looks whether a GitHub App was set up by another.
    """

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
    credential_seconds: float = 5.0

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
                await self._read_clock()
            if role.checks:
                await self._probe()
            await self.engine.start()
            stack.push_async_callback(self.engine.stop)
            if role.web:
                self.setup_token = await self.setup.new_token()
                await stack.enter_async_context(self.inbox)
            if not settings.on_sqlite:
                for for_ever in (self._refresh_credentials, self._follow_clock):
                    stack.callback(asyncio.create_task(for_ever()).cancel)
            yield

    def _alone(self) -> AbstractContextManager[None]:
        if self.settings.on_sqlite:
            url = self.settings.database.get_secret_value()
            return only_user(url, hint="stop it first; more than one process needs PostgreSQL")
        place = self.settings.data_dir / "process.lock"
        return only_process(place, hint="give each process a PORTCULLIS_DATA_DIR of its own")

    async def _read_clock(self) -> None:
        """Set our clock by the database's: its time halfway between asking and the answer."""
        clock = self.services.clock
        if not isinstance(clock, SharedClock):  # one turned by hand
            return
        asked = time.monotonic()
        there = await self.database.read(time_of)
        took = time.monotonic() - asked
        if took > self.services.options.lease / 6:  # too vague
            return
        behind = clock.tell(there + took / 2)
        if abs(behind) > took + 1:
            LOG.warning("the clock was set by the database's", behind=round(behind, 1))

    async def _follow_clock(self) -> None:
        """Read the database's clock as long as we run: clocks drift, and machines sleep."""
        while True:
            await asyncio.sleep(self.services.options.lease / 3)
            try:
                await self._read_clock()
            except Outage:
                continue
            except Exception:
                LOG.exception("reading the database's clock crashed; it is tried again")

    async def _probe(self) -> None:
        report = await self.services.executor.probe()
        if not report.safe_for_untrusted:
            missing = ", ".join(cell.name for cell in report.protections if not cell.held)
            self.services.untrusted_refused = f"not protected against: {missing}"
            LOG.error("untrusted changes are refused on this machine", unprotected=missing)

    async def _refresh_credentials(self) -> None:
        """Take over an app that another process's set-up page stored."""
        refused = ""
        while True:
            await asyncio.sleep(self.credential_seconds)
            try:
                self.credentials.use(await self.database.read(self.vault.load_app))
            except Outage:
                continue
            except Misconfigured as problem:  # while keys are changed: said once, looked at again
                if problem.message != refused:
                    LOG.error("the stored app is not used", reason=problem.message, hint=problem.hint)  # noqa: TRY400 - no bug
                refused = problem.message
            except Exception:
                LOG.exception("looking for the stored app crashed; it is tried again")
            else:
                refused = ""
