"""One connection to one GitLab (GitLab.com or self-managed)."""

from collections import Counter
from collections.abc import Mapping
from urllib.parse import urlsplit

from app.forges.connection import AccountProvider, Connection, Means
from app.forges.gitlab.client import Client
from app.forges.gitlab.deliveries import GitLabIntake
from app.forges.gitlab.elsewhere import Elsewhere
from app.forges.gitlab.hooks import Hooks
from app.forges.gitlab.people import People
from app.forges.gitlab.places import Places
from app.forges.gitlab.reads import Reads
from app.forges.gitlab.status_checks import StatusChecks
from app.forges.gitlab.texts import COMMENT_LIMIT, STATUS_LIMIT
from app.forges.gitlab.writes import Writes
from app.forges.values import Capabilities, Rate

GITLAB_CAPABILITIES = Capabilities(
    check_runs=False,
    app=False,
    delivery_log=False,
    head_ref="refs/merge-requests/{number}/head",
    action_required=False,
    annotations_per_request=0,
    text_limit=STATUS_LIMIT,
    comment_limit=COMMENT_LIMIT,
    status_description_limit=STATUS_LIMIT,
)


class GitLabForge(Reads, People, Writes, Elsewhere, Hooks):
    """Implements Forge. `url` is the address for people, which may lie beneath a path."""

    kind = "gitlab"
    capabilities = GITLAB_CAPABILITIES

    def __init__(self, account: AccountProvider, *, url: str, means: Means) -> None:
        client = Client(account, url=url, ledger=means.ledger, now=means.now, pause=means.pause)
        places = Places(client)
        self._account = account
        Reads.__init__(self, client, host_of(url))
        People.__init__(self, client)
        Writes.__init__(self, client, places, StatusChecks(client, places, means.now))
        Elsewhere.__init__(self, client, places)
        Hooks.__init__(self, client, self, self._webhook_secret)

    def _webhook_secret(self) -> str:
        account = self._account()
        return "" if account is None else account.webhook_secret

    async def start(self) -> None:
        """Open clients. Idempotent."""
        await self._client.start()

    async def close(self) -> None:
        """Close clients. Idempotent."""
        await self._client.close()

    @property
    def own_id(self) -> int:
        """The id of the token's account; 0 before it was asked."""
        account = self._account()
        return self._client.known_id or (0 if account is None else account.id)

    @property
    def requests(self) -> Counter[str]:
        """How many requests of each kind were sent, redirects and retries included."""
        return self._client.requests

    def spent(self) -> Mapping[tuple[int, str], int]:
        """How many requests were sent since the last call of this, by purpose."""
        return self._client.spent()

    @property
    def rates(self) -> Mapping[int, Rate]:
        """The rate limit as last told."""
        return self._client.rates


def host_of(url: str) -> str:
    """The host that people know a GitLab by."""
    return urlsplit(url).netloc or url


def connect_gitlab(connection: Connection, account: AccountProvider, means: Means) -> GitLabForge:
    """A connection by its access token."""
    return GitLabForge(account, url=connection.url, means=means)


def hear_gitlab(connection: Connection, account: AccountProvider, means: Means) -> GitLabIntake:
    """The intake of a connection: deliveries are proved by its webhook secret."""

    def secrets() -> tuple[str, ...]:
        found = account()
        return () if found is None else (found.webhook_secret,)

    return GitLabIntake(secrets, host=host_of(connection.url), now=means.now)
