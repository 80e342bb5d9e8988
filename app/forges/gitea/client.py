"""The client of Gitea's and Forgejo's REST API: one account's token, pages by number, what refusals mean."""

from collections.abc import AsyncIterator, Mapping
from typing import Final, TypeVar

import msgspec

from app.forges.connection import AccountProvider, Connection, Means
from app.forges.gitea.views import INSTALLATION, Place, User
from app.forges.importance import Importance
from app.forges.rest.calls import Call, next_link, segments
from app.forges.rest.client import RestClient
from app.forges.rest.limits import Limits
from app.forges.values import Gone
from app.model import Misconfigured, Outage, PortcullisError, Repository

T = TypeVar("T")
PER_PAGE: Final = 50
"""What a server gives at most, unless its owner says otherwise (`MAX_RESPONSE_ITEMS`)."""
_PAGES: Final = 1000
_LONGEST: Final = 300


class Refused(Misconfigured):
    """The forge understood the request and will never accept it as it is."""


class _Problem(msgspec.Struct, kw_only=True):
    message: str = ""


class _Gitea:
    """Implements Dialect."""

    headers: Mapping[str, str] = {}
    rate_prefix = "x-ratelimit-"

    def __init__(self, title: str, account: AccountProvider) -> None:
        self.title = title
        self.address_hint = f"connect {title} by the address that it answers itself"
        self._account = account

    async def bearer(self, _who: int) -> str:
        """The account's token. Raises Misconfigured where there is none."""
        found = self._account()
        if found is None or not found.secret:
            raise Misconfigured(f"{self.title} is not connected", hint="portcullis forges add")
        return found.secret

    def renewed(self, _who: int, _headers: Mapping[str, str], token: str) -> bool:
        """Whether the token was changed meanwhile."""
        found = self._account()
        return found is not None and found.secret != token

    def secrets(self) -> tuple[str, ...]:
        """The token and the webhooks' secret."""
        found = self._account()
        return () if found is None else (found.secret, found.webhook_secret)

    def message_of(self, content: bytes) -> str:
        """The forge's sentence, on one line."""
        try:
            text = msgspec.json.decode(content, type=_Problem).message
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return ""
        return " ".join(text.split())[:_LONGEST]

    def too_fast(self, status: int, _headers: Mapping[str, str], _message: str) -> bool:
        """Whether an answer is a rate limit: the forge has none, a proxy in front may."""
        return status == 429  # noqa: PLR2004 - HTTP's own number

    def explain(self, kind: str, status: int, message: str, _headers: Mapping[str, str]) -> PortcullisError:
        """What a refusal means."""
        title, said = self.title, f" ({message})" if message else ""
        match status:
            case 401:
                return Misconfigured(
                    f"{kind}: {title} does not accept our token{said}",
                    hint="make a new one and give it to `portcullis forges add`, or to the environment",
                )
            case 403:
                return Misconfigured(
                    f"{kind}: {title} refuses{said}",
                    hint="the token needs the scopes write:repository, write:issue, read:organization and "
                    "read:user, its account the right to administer the repository",
                )
            case 404 | 410:
                return Gone(f"{kind}: not on {title}, or hidden from our account{said}")
            case 423:
                return Gone(f"{kind}: the repository is archived{said}")
            case 409:
                return Outage(f"{kind}: {title} is busy with this{said}")
            case 400 | 405 | 413 | 422:
                return Refused(f"{kind}: {title} does not accept this{said}")
            case _:
                return Misconfigured(f"{kind}: unexpected answer {status}{said}")


class Client(RestClient):
    """Speaks to one Gitea or Forgejo as one account."""

    def __init__(self, title: str, connection: Connection, account: AccountProvider, means: Means) -> None:
        self.url, self.kind, self.title = connection.url.rstrip("/"), connection.kind, title
        self._account = account
        self._own: User | None = None
        super().__init__(
            _Gitea(title, account),
            api_url=f"{self.url}/api/v1",
            limits=Limits(),
            ledger=means.ledger,
            now=means.now,
            pause=means.pause,
        )

    @property
    def own_id(self) -> int:
        """Our account's id, as stored or as the forge told; 0 before."""
        found = self._account()
        return (found.id if found is not None else 0) or (self._own.id if self._own is not None else 0)

    async def token(self) -> str:
        """The account's token. Raises Misconfigured where there is none."""
        return await self._dialect.bearer(INSTALLATION)

    @property
    def place(self) -> Place:
        """What views need to know of where we are."""
        return Place(url=self.url, kind=self.kind, own_id=self.own_id)

    async def own(self) -> User:
        """Our account, asked for once."""
        if self._own is None:
            self._own = (await self.send(Call(kind="user", who=INSTALLATION, path="/user"))).read(User)
        return self._own

    async def known_place(self) -> Place:
        """The place, once it is known who we are: what we write must not look like somebody's."""
        if not self.own_id:
            await self.own()
        return self.place

    async def get(self, call: Call, shape: type[T]) -> T:
        """The answer as `shape`."""
        return (await self.send(call)).read(shape)

    async def pages(self, call: Call, shape: type[T]) -> AsyncIterator[T]:
        """All pages of a list, by number: links are those of ROOT_URL, not of the address we ask."""
        for number in range(1, _PAGES + 1):
            params = {"limit": PER_PAGE, **call.params, "page": number}
            answer = await self.send(msgspec.structs.replace(call, params=params))
            yield answer.read(shape)
            if next_link(answer.link) is None:
                return
        raise Outage(f"{call.kind}: the list of {self.title} does not end after {_PAGES} pages")


def on(
    repository: Repository,
    kind: str,
    path: str,
    *,
    method: str = "GET",
    params: Mapping[str, str | int] | None = None,
    body: Mapping[str, object] | None = None,
    content: bool = False,
    once: bool = False,
    fleeting: bool = False,
    importance: Importance = Importance.VERDICT,
) -> Call:
    """A request beneath `/repos/OWNER/NAME`."""
    return Call(
        kind=kind,
        who=INSTALLATION,
        method=method,
        path=f"/repos/{segments(repository.full_name)}{path}",
        params=params or {},
        body=body,
        content=content,
        once=once,
        fleeting=fleeting,
        importance=importance,
    )
