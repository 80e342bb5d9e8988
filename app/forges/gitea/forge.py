"""One connection to one Gitea or Forgejo."""

from collections import Counter
from collections.abc import Mapping

from app.forges.connection import AccountProvider, Connection, Means
from app.forges.gitea.client import Client
from app.forges.gitea.elsewhere import Elsewhere
from app.forges.gitea.hooks import Hooks
from app.forges.gitea.people import PeopleReads
from app.forges.gitea.reads import Reads
from app.forges.gitea.writes import COMMENT_LIMIT, STATUS_LIMIT, Writes
from app.forges.values import Capabilities, Rate

GITEA_CAPABILITIES = Capabilities(
    check_runs=False,
    action_required=False,
    delivery_log=False,
    app=False,
    reread_every=300.0,  # it tells nobody that a review was dismissed, and delivers once
    annotations_per_request=0,
    text_limit=COMMENT_LIMIT,
    comment_limit=COMMENT_LIMIT,
    status_description_limit=STATUS_LIMIT,
)
_TITLES = {"gitea": "Gitea", "forgejo": "Forgejo"}


class GiteaForge(Reads, PeopleReads, Writes, Elsewhere, Hooks):
    """Implements Forge."""

    capabilities = GITEA_CAPABILITIES

    def __init__(self, connection: Connection, account: AccountProvider, means: Means) -> None:
        client = Client(_TITLES[connection.kind], connection, account, means)
        self.kind = connection.kind
        Reads.__init__(self, client)
        PeopleReads.__init__(self, client)
        Writes.__init__(self, client, self)
        Elsewhere.__init__(self, client)
        Hooks.__init__(self, client, account)

    async def start(self) -> None:
        """Open clients. Idempotent."""
        await self._client.start()

    async def close(self) -> None:
        """Close clients. Idempotent."""
        await self._client.close()

    @property
    def own_id(self) -> int:
        """Our account's id; 0 before the forge told it."""
        return self._client.own_id

    @property
    def requests(self) -> Counter[str]:
        """How many requests of each kind were sent, redirects and retries included."""
        return self._client.requests

    def spent(self) -> Mapping[tuple[int, str], int]:
        """How many requests were sent since the last call of this, by installation and purpose."""
        return self._client.spent()

    @property
    def rates(self) -> Mapping[int, Rate]:
        """The limits as last told: the forge has none, a proxy in front may."""
        return self._client.rates

    async def whoami(self) -> Mapping[str, object]:
        """The account itself: `slug` (its login), `id`, `html_url`."""
        own = await self._client.own()
        return {"slug": own.name, "id": own.id, "html_url": f"{self._client.url}/{own.name}"}
