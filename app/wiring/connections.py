"""The forges that a process is connected to: the environment's, and those that are stored."""

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar
from urllib.parse import urlsplit

import msgspec

from app.engine import StoredApp, StoredConnection
from app.forges import Account, AccountProvider, Connection, Forge, Intake, Means, entry_of
from app.model import Outage
from app.settings import Settings
from app.telemetry import register_secret

T = TypeVar("T")


class Door(msgspec.Struct, frozen=True, kw_only=True):
    """Where deliveries of a connection arrive: the name they are kept under, and who reads them."""

    forge: str
    intake: Intake


class Named(dict[str, T], Generic[T]):
    """By a connection's name. One that is not there may be so soon: another process knew of it first."""

    def __missing__(self, name: str) -> T:
        raise Outage(
            f"the forge {name!r} is not connected",
            hint="`portcullis forges list` shows those that are; add it again, or wait until it is forgotten",
        )


def from_environment(settings: Settings) -> tuple[tuple[Connection, Account | None], ...]:
    """The connections that the environment sets up. GitHub is always there: its app may come later."""
    github = settings.github
    app = None
    if github is not None:
        app = Account(
            id=github.app_id,
            secret=github.private_key.get_secret_value(),
            webhook_secret=github.webhook_secret.get_secret_value(),
        )
    found: list[tuple[Connection, Account | None]] = [
        (Connection(name="github", kind="github", url=settings.github_api_url), app)
    ]
    for kind, given in settings.by_token.items():
        account = Account(
            secret=given.token.get_secret_value(), webhook_secret=given.webhook_secret.get_secret_value()
        )
        found.append((Connection(name=kind, kind=kind, url=given.url), account))
    return tuple(found)


def clone_hosts(url: str) -> frozenset[str]:
    """The hosts that a forge's repositories are fetched from: its own, or that of which its API's is a
    subdomain (`api.github.com`, `api.SUBDOMAIN.ghe.com`).
    """
    host = urlsplit(url).hostname or ""
    return frozenset({host, host.removeprefix("api.")})


class Connections:
    """Live maps of all connections: they change in place while others hold them. `means` makes what a
    connection's client works with; `hosts` are those that repositories are fetched from.
    """

    def __init__(self, settings: Settings, means: Callable[[str], Means]) -> None:
        self._means = means
        self._accounts: dict[str, Account | None] = {}
        self._known: dict[str, Connection] = {}
        self.forges: Named[Forge] = Named()
        self.intakes: Named[Intake] = Named()
        self.doors: dict[str, Door] = {}
        self._stored: set[str] = set()
        self.hosts: set[str] = set()
        for connection, account in from_environment(settings):
            self._connect(connection, account)
        self.from_environment = frozenset(name for name, account in self._accounts.items() if account)

    def source(self, name: str) -> str:
        """Where a connection was set up."""
        if name in self.from_environment:
            return "the environment"
        return "portcullis forges add" if name in self._stored else "the set-up page"

    @property
    def all(self) -> tuple[Connection, ...]:
        """The connections as they are now."""
        return tuple(self._known.values())

    def account(self, name: str) -> Account | None:
        """Whom we act as on a connection."""
        return self._accounts.get(name)

    def use_app(self, app: StoredApp | None) -> None:
        """Take over the GitHub App that the set-up page stored, unless the environment names one."""
        if app is not None and "github" not in self.from_environment:
            secrets = Account(
                id=app.app_id, login=app.slug, secret=app.private_key, webhook_secret=app.webhook_secret
            )
            self._act_as("github", secrets)

    def use(self, stored: Iterable[StoredConnection]) -> tuple[Forge, ...]:
        """Take over what is stored now; gives the forges that are left, for the caller to close."""
        wanted = {each.connection.name: each for each in stored}
        left = [
            self._leave(name)
            for name, known in tuple(self._known.items())
            if name in self._stored and (name not in wanted or wanted[name].connection != known)
        ]
        for name, each in wanted.items():
            if name in self._known and name not in self._stored:
                continue  # the environment's
            if name not in self._known:
                self._connect(each.connection, each.account)
                self._stored.add(name)
            else:
                self._act_as(name, each.account)
        return tuple(left)

    def _connect(self, connection: Connection, account: Account | None) -> None:
        name = connection.name
        self._act_as(name, account)
        provider: AccountProvider = lambda: self._accounts.get(name)  # noqa: E731
        entry = entry_of(connection.kind)
        self._known[name] = connection
        means = self._means(name)
        self.forges[name] = entry.connect(connection, provider, means)
        self.intakes[name] = entry.intake(connection, provider, means)
        self.doors[connection.door] = Door(forge=name, intake=self.intakes[name])
        self._look_at_hosts()

    def _leave(self, name: str) -> Forge:
        connection = self._known.pop(name)
        self._stored.discard(name)
        self._accounts.pop(name, None)
        del self.doors[connection.door], self.intakes[name]
        self._look_at_hosts()
        return self.forges.pop(name)

    def _look_at_hosts(self) -> None:
        now = {host for connection in self._known.values() for host in clone_hosts(connection.url)}
        self.hosts |= now
        self.hosts &= now

    def _act_as(self, name: str, account: Account | None) -> None:
        if account is not None:
            register_secret(account.secret)
            register_secret(account.webhook_secret)
        self._accounts[name] = account
