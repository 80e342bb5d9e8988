"""One connection to one GitHub (github.com or GitHub Enterprise Server)."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

from app.forges.connection import AccountProvider, Connection, Means
from app.forges.github.auth import AppCredentials, CredentialsProvider
from app.forges.github.client import Client
from app.forges.github.elsewhere import Elsewhere
from app.forges.github.hooks import Hooks
from app.forges.github.limits import Limits
from app.forges.github.manifest import check_app
from app.forges.github.reads import Reads
from app.forges.github.texts import ANNOTATIONS_PER_REQUEST, COMMENT_LIMIT, STATUS_LIMIT, TEXT_LIMIT
from app.forges.github.writes import Writes
from app.forges.protocol import Ledger
from app.forges.values import Capabilities, Complaint, Hooked, Rate

GITHUB_CAPABILITIES = Capabilities(
    check_runs=True,
    action_required=True,
    delivery_log=True,
    app=True,
    annotations_per_request=ANNOTATIONS_PER_REQUEST,
    text_limit=TEXT_LIMIT,
    comment_limit=COMMENT_LIMIT,
    status_description_limit=STATUS_LIMIT,
)


class GitHubForge(Reads, Writes, Elsewhere, Hooks):
    """Implements Forge. `api_url` is https://api.github.com or `https://HOST/api/v3`.

    `credentials` is asked at every call, so an app set up while the service runs is used at once.
    `ledger` is what all processes of a fleet write down together, None where there is one. `now` gives epoch
    seconds; `pause` waits seconds (both turned by hand in tests).
    """

    kind = "github"
    capabilities = GITHUB_CAPABILITIES

    def __init__(
        self,
        credentials: CredentialsProvider,
        *,
        api_url: str = "https://api.github.com",
        limits: Limits | None = None,
        ledger: Ledger | None = None,
        now: Callable[[], float] = time.time,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._credentials = credentials
        client = Client(credentials, api_url=api_url, limits=limits, ledger=ledger, now=now, pause=pause)
        Reads.__init__(self, client)
        Writes.__init__(self, client)
        Elsewhere.__init__(self, client)
        Hooks.__init__(self, client)

    async def start(self) -> None:
        """Open clients. Idempotent."""
        await self._client.start()

    async def close(self) -> None:
        """Close clients. Idempotent."""
        await self._client.close()

    @property
    def own_id(self) -> int:
        """The app's id; 0 before it is set up."""
        app = self._credentials()
        return 0 if app is None else app.app_id

    async def hook(self, _url: str) -> Hooked:
        """Nothing: the app's webhook was told by its manifest."""
        return Hooked()

    async def complaints(self, _url: str) -> tuple[Complaint, ...]:
        """The permissions and events that the live app lacks."""
        live = await self.whoami()
        page = str(live.get("html_url") or "the app's page on GitHub")
        mend = f"change it on {page} (settings, permissions & events), then accept it in each installation"
        return tuple(
            Complaint(
                says=f"{problem.what} {problem.name}: {problem.found}, needs {problem.needed}", mend=mend
            )
            for problem in check_app(live)
        )

    @property
    def requests(self) -> Counter[str]:
        """How many requests of each kind were sent, redirects and retries included."""
        return self._client.requests

    def spent(self) -> Mapping[tuple[int, str], int]:
        """How many requests were sent since the last call of this, by installation and purpose."""
        return self._client.spent()

    @property
    def rates(self) -> Mapping[int, Rate]:
        """Primary rate limits as last told, by installation id (0 = the app)."""
        return self._client.rates

    @property
    def clock_skew(self) -> float:
        """Seconds GitHub's clock is ahead of ours, as far as it was noticed."""
        return self._client.keyring.skew


def connect_github(connection: Connection, account: AccountProvider, means: Means) -> GitHubForge:
    """A connection as its app: the account's id and private key."""

    def credentials() -> AppCredentials | None:
        found = account()
        return None if found is None else AppCredentials(app_id=found.id, private_key=found.secret)

    return GitHubForge(
        credentials, api_url=connection.url, ledger=means.ledger, now=means.now, pause=means.pause
    )
