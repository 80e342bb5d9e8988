"""A program from its start to its end."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager

import msgspec
import structlog

from app.dashboard import AppSetup, Links, StoreReads, Surroundings
from app.engine import Engine, Inbox, Role, Services, SharedClock, Uploads, Vault
from app.forges import IdentityTokens
from app.model import Misconfigured, Outage
from app.settings import Settings
from app.store import Database, Unit, chores, ensure_schema, only_process, only_user, time_of
from app.wiring.connections import Connections

LOG = structlog.get_logger(__name__)


class Program(msgspec.Struct, kw_only=True):
    """A program ready to run: `running()` starts it and stops it. Every `credential_seconds` it looks whether
    another process set up a GitHub App, or added or removed a forge.
    """

    settings: Settings
    database: Database
    services: Services
    engine: Engine
    inbox: Inbox
    identities: IdentityTokens
    uploads: Uploads
    links: Links
    reads: StoreReads
    setup: AppSetup
    vault: Vault
    connections: Connections
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
            await self._connect()
            if not settings.on_sqlite:
                await self._read_clock()
            if role.checks:
                await self._probe()
            await self.engine.start()
            stack.push_async_callback(self.engine.stop)
            if role.web:
                self.setup_token = await self.setup.new_token()
                await stack.enter_async_context(self.inbox)
            stack.callback(asyncio.create_task(self._follow_connections()).cancel)
            if not settings.on_sqlite:
                stack.callback(asyncio.create_task(self._follow_clock()).cancel)
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

    async def _connect(self) -> bool:
        """Take over the app and the forges that are stored; whether any is new. Raises Misconfigured."""
        self.connections.use_app(await self.database.read(self.vault.load_app))
        known = set(self.connections.forges)
        for left in self.connections.use(await self.database.read(self.vault.load_connections)):
            await left.close()
        added = set(self.connections.forges) - known
        for name in added:
            await self.connections.forges[name].start()
        return bool(added)

    def _read_installations(self, unit: Unit) -> None:
        """What a new forge lets us judge is not waited for until a webhook tells."""
        chores.begin(unit, ("installations",), self.services.clock.now())

    async def _follow_connections(self) -> None:
        """Take over what another process stored, for as long as we run."""
        refused = ""
        while True:
            await asyncio.sleep(self.credential_seconds)
            try:
                if await self._connect():
                    await self.database.run(self._read_installations)
            except Outage:
                continue
            except Misconfigured as problem:  # while keys are changed: said once, looked at again
                if problem.message != refused:
                    LOG.error("stored forges are not used", reason=problem.message, hint=problem.hint)  # noqa: TRY400 - no bug
                refused = problem.message
            except Exception:
                LOG.exception("looking for stored forges crashed; it is tried again")
            else:
                refused = ""
