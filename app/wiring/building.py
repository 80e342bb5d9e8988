"""All parts put together, none of them started."""

import os
import socket
import uuid

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
    PageLink,
    Role,
    Services,
    SharedClock,
    SharedLedger,
    SystemClock,
    Uploads,
    Vault,
)
from app.executors import Executor, ReportReader
from app.forges import Means
from app.model import Repository
from app.settings import Settings, make_data_dir, secret_keys
from app.store import Database
from app.telemetry import register_secret
from app.wiring.configured import executor, identity_tokens, options, short_of_room, workspaces
from app.wiring.connections import Connections
from app.wiring.program import Program


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
    database = Database(settings.database.get_secret_value())
    scrape = settings.metrics_token
    for secret in (*keys, database.password, scrape.get_secret_value() if scrape else ""):
        register_secret(secret)
    clock = clock or (SystemClock() if database.is_sqlite else SharedClock())
    links, vault = Links(*keys), Vault(*keys)

    async def pause(seconds: float) -> None:
        await clock.sleep_until(clock.now() + seconds)

    def means(name: str) -> Means:
        ledger = None if database.is_sqlite else SharedLedger(database, name)
        return Means(now=clock.now, pause=pause, ledger=ledger)

    connections = Connections(settings, means)

    def page_link(run_id: int, repository: Repository) -> str:
        return links.run_url(settings.base_url, run_id, clock.now(), private=repository.private)

    services = _services(
        settings, database, connections, clock, page_link, runner or executor(settings), role
    )
    identities = identity_tokens(settings, clock.now)
    reads = StoreReads(database, page_link)
    setup = AppSetup(
        database,
        vault,
        States(keys[0]),
        api_url=settings.github_api_url,
        public_url=settings.base_url,
        configured="github" in connections.from_environment,
        now=clock.now,
        changed=connections.use_app,
    )
    return Program(
        settings=settings,
        database=database,
        services=services,
        engine=Engine(services),
        inbox=Inbox(database, clock),
        identities=identities,
        uploads=Uploads(services, identities),
        links=links,
        reads=reads,
        setup=setup,
        vault=vault,
        connections=connections,
        surroundings=Surroundings(reads=reads, setup=setup, links=links, now=clock.now),
    )


def _services(
    settings: Settings,
    database: Database,
    connections: Connections,
    clock: Clock,
    page_link: PageLink,
    runner: Executor,
    role: Role,
) -> Services:
    """What the engine works with."""
    chosen = options(settings)
    widths = {"attempt": chosen.parallel_checks, "run": 1024}
    dispatch: Dispatch = EmbeddedDispatch(clock, widths)
    if not database.is_sqlite:
        dispatch = FleetDispatch(clock, database, widths, sign_of_life=chosen.lease / 5)
    return Services(
        database=database,
        forges=connections.forges,
        intakes=connections.intakes,
        workspaces=workspaces(settings, connections.hosts),
        executor=runner,
        reader=ReportReader(),
        catalogue=catalogue(),
        page_link=page_link,
        clock=clock,
        dispatch=dispatch,
        worker=f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}",
        role=role,
        signer=AuditSigner(secret_keys(settings)[0]),
        artifacts=settings.artifacts_dir,
        options=chosen,
        short_of_room=short_of_room(settings),
    )
