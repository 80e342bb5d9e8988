"""The state of the practice forge: accounts, apps, repositories, and what was asked of it."""

import itertools
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from app.practice.state import (
    LEVELS,
    AccessToken,
    Account,
    App,
    CheckSuite,
    Installation,
    MergeGroup,
    Repository,
    Team,
)
from app.practice.traffic import Delivery, Fault, Seen

_HOUR = 3600.0


class NotThere(LookupError):
    """Nobody and nothing of that name."""


class World:
    """Everything there is. `root` holds the git repositories; `clock` gives epoch seconds; `url` is
    where the forge is served (set by `serving`).
    """

    def __init__(self, root: Path, *, clock: Callable[[], float] = time.time) -> None:
        self.root = root
        self.clock = clock
        self.url = "http://practice.invalid"
        self.accounts: dict[str, Account] = {}
        self.teams: dict[tuple[str, str], Team] = {}
        self.apps: dict[int, App] = {}
        self.installations: dict[int, Installation] = {}
        self.tokens: dict[str, AccessToken] = {}
        self.repositories: dict[int, Repository] = {}
        self.merge_groups: list[MergeGroup] = []
        self.manifest_codes: dict[str, int] = {}
        self.deliveries: dict[int, Delivery] = {}
        self.faults: list[Fault] = []
        self.requests: deque[Seen] = deque(maxlen=20_000)
        self.rate_limit = 5000
        self.rate_used: dict[int, int] = {}
        self.rate_reset = 0.0
        self._ids = itertools.count(1001)

    def new_id(self) -> int:
        """An id never given before."""
        return next(self._ids)

    def stamp(self, at: float | None = None) -> str:
        """Now (or `at`) as GitHub writes times: whole seconds, UTC."""
        return datetime.fromtimestamp(self.clock() if at is None else at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    @property
    def api_url(self) -> str:
        """Where the REST face is, as on GitHub Enterprise Server."""
        return f"{self.url}/api/v3"

    # Accounts

    def add_user(self, login: str) -> Account:
        """A person, with a personal token (`.token`) for git and the API."""
        return self._add_account(login, "User")

    def add_organization(self, login: str) -> Account:
        """An organisation."""
        return self._add_account(login, "Organization")

    def _add_account(self, login: str, type_: str) -> Account:
        if login.lower() in self.accounts:
            raise ValueError(f"there is already an account {login!r}")
        account = Account(id=self.new_id(), login=login, type=type_, token=f"ghp_{secrets.token_hex(18)}")
        self.accounts[login.lower()] = account
        return account

    def account(self, login: str) -> Account:
        """An account by login. Raises NotThere."""
        try:
            return self.accounts[login.lower()]
        except KeyError:
            raise NotThere(f"no account {login!r}") from None

    def add_team(self, organization: str, slug: str, *members: str, parent: str | None = None) -> Team:
        """A team; its members include those of the teams nested in it."""
        team = Team(
            id=self.new_id(),
            organization=organization,
            slug=slug,
            members={member.lower() for member in members},
            parent=parent,
        )
        self.teams[organization.lower(), slug.lower()] = team
        return team

    def team_members(self, organization: str, slug: str) -> list[Account]:
        """Members, nested teams included. Raises NotThere."""
        team = self.teams.get((organization.lower(), slug.lower()))
        if team is None:
            raise NotThere(f"no team {slug!r}")
        logins = set(team.members)
        for child in self.teams.values():
            if child.organization == team.organization and child.parent == team.slug:
                logins |= {member.login.lower() for member in self.team_members(organization, child.slug)}
        return [self.account(login) for login in sorted(logins)]

    # Repositories

    async def add_repository(self, full_name: str, *, private: bool = False) -> Repository:
        """An empty repository; its owner has admin."""
        owner, _, name = full_name.partition("/")
        number = self.new_id()
        now = self.stamp()
        repository = Repository(
            id=number,
            owner=self.account(owner).login,
            name=name,
            directory=self.root / f"{number}.git",
            private=private,
            permissions={owner.lower(): "admin"},
            created_at=now,
            pushed_at=now,
        )
        await repository.git.init(repository.default_branch)
        self.repositories[number] = repository
        return repository

    def repository(self, full_name: str) -> Repository:
        """A repository by its present or a former name. Raises NotThere."""
        wanted = full_name.lower()
        for repository in self.repositories.values():
            if repository.full_name.lower() == wanted:
                return repository
        for repository in self.repositories.values():
            if wanted in repository.old_names:
                return repository
        raise NotThere(f"no repository {full_name!r}")

    def permission(self, repository: Repository, login: str) -> str:
        """A person's permission: granted, else read on public repositories, else none."""
        granted = repository.permissions.get(login.lower(), "none")
        return granted if granted != "none" or repository.private else "read"

    def allows(self, repository: Repository, login: str, level: str) -> bool:
        """Whether a person has at least `level`."""
        return LEVELS.index(self.permission(repository, login)) >= LEVELS.index(level)

    # Apps

    def add_app(
        self,
        slug: str,
        *,
        owner: str,
        webhook_url: str = "",
        webhook_secret: str = "",
        permissions: dict[str, str] | None = None,
        events: list[str] | None = None,
        key: rsa.RSAPrivateKey | None = None,
    ) -> App:
        """A GitHub App with a key pair of its own."""
        key = key or rsa.generate_private_key(public_exponent=65537, key_size=2048)
        bot = Account(id=self.new_id(), login=f"{slug}[bot]", type="Bot")
        app = App(
            id=self.new_id(),
            slug=slug,
            name=slug.replace("-", " ").title(),
            owner=owner,
            private_key=key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            ).decode(),
            public_key=key.public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
            .decode(),
            bot=bot,
            webhook_url=webhook_url,
            webhook_secret=webhook_secret,
            permissions=dict(permissions or {}),
            events=list(events or []),
            client_id=f"Iv1.{secrets.token_hex(8)}",
            hook_id=self.new_id(),
            created_at=self.stamp(),
        )
        self.apps[app.id] = app
        self.accounts[bot.login.lower()] = bot
        return app

    def app(self, slug: str) -> App:
        """An app by slug. Raises NotThere."""
        for app in self.apps.values():
            if app.slug == slug:
                return app
        raise NotThere(f"no app {slug!r}")

    def new_token(
        self,
        installation: Installation,
        permissions: dict[str, str] | None = None,
        repositories: set[int] | None = None,
    ) -> AccessToken:
        """A fresh installation token, valid for an hour; narrower than the installation if asked."""
        token = AccessToken(
            token=f"ghs_{secrets.token_hex(18)}",
            installation_id=installation.id,
            expires=self.clock() + _HOUR,
            permissions=installation.permissions if permissions is None else permissions,
            repositories=repositories,
        )
        self.tokens[token.token] = token
        return token

    def reaches(self, installation: Installation, repository: Repository) -> bool:
        """Whether an installation gives access to a repository."""
        if installation.account.lower() != repository.owner.lower():
            return False
        return installation.repositories is None or repository.id in installation.repositories

    def installed_on(self, repository: Repository) -> Iterator[tuple[App, Installation]]:
        """The apps that hear of a repository."""
        for installation in list(self.installations.values()):
            if installation.suspended_at is None and self.reaches(installation, repository):
                yield self.apps[installation.app_id], installation

    def installed_repositories(self, installation: Installation) -> list[Repository]:
        """The repositories an installation gives access to."""
        return [each for each in self.repositories.values() if self.reaches(installation, each)]

    # Checks

    def suite(self, repository: Repository, app: App, sha: str, branch: str | None = None) -> CheckSuite:
        """The app's one suite for a SHA, made when first needed."""
        for suite in repository.suites.values():
            if suite.app_id == app.id and suite.head_sha == sha:
                return suite
        now = self.stamp()
        suite = CheckSuite(
            id=self.new_id(), app_id=app.id, head_sha=sha, head_branch=branch, created_at=now, updated_at=now
        )
        repository.suites[suite.id] = suite
        return suite

    def take_fault(self, method: str, path: str) -> Fault | None:
        """The fault whose turn it is, used up by one."""
        for fault in self.faults:
            if fault.matches(method, path):
                fault.times -= 1
                if not fault.times:
                    with suppress(ValueError):
                        self.faults.remove(fault)
                return fault
        return None
