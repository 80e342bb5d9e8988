"""A thin client of a forge's REST API: how often is asked, what is repeated, what is kept.

Nothing here knows what the requests mean, nor who asks: the dialect does.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

import httpx
import msgspec
import structlog

from app.forges.importance import writing_until
from app.forges.protocol import Ledger
from app.forges.rest.cache import EtagCache, Kept
from app.forges.rest.calls import Answer, Call, Lost, T, next_link
from app.forges.rest.circuits import Circuits
from app.forges.rest.dialect import Dialect
from app.forges.rest.limits import Budget, Limits, content_free_at, outage_until, retry_after
from app.forges.rest.redact import guard_http_log, redact
from app.forges.values import Rate
from app.model import Misconfigured, Outage

LOG = structlog.get_logger(__name__)
_PASSING: Final = frozenset({500, 502, 503, 504})
_TRIES: Final = 4
_PAUSE: Final = 10.0
_FIRST_PAUSE: Final = 0.2
_PATIENCE: Final = 2.0
"""Waits up to this many seconds happen here; longer ones are an Outage that names the time."""
_MOVED: Final = frozenset({301, 302, 307, 308})
_MOVED_WRITE: Final = frozenset({307, 308})
_REDIRECTS: Final = 3
_PAGES: Final = 1000


class RestClient:
    """Speaks to one forge. Safe for concurrent use in one event loop. `now` gives epoch seconds."""

    def __init__(
        self,
        dialect: Dialect,
        *,
        api_url: str,
        limits: Limits,
        ledger: Ledger | None = None,
        now: Callable[[], float] = time.time,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.api_url = api_url.rstrip("/")
        self._dialect = dialect
        self.requests: Counter[str] = Counter()
        self._limits = limits
        self._ledger = ledger
        self._now = now
        self._pause = pause
        self._spent: Counter[tuple[int, str]] = Counter()
        self._budgets: dict[int, Budget] = {}
        self.circuits = Circuits(now, dialect.title)
        self._cache = EtagCache()
        self._http: httpx.AsyncClient | None = None

    async def start(self) -> None:
        """Open the connection pool. Idempotent."""
        if self._http is None:
            guard_http_log()
            self._http = httpx.AsyncClient(
                timeout=httpx.Timeout(30.0, connect=5.0),
                limits=httpx.Limits(max_connections=40, max_keepalive_connections=20),
                headers={"user-agent": "portcullis", **self._dialect.headers},
            )

    async def close(self) -> None:
        """Close the pool. Idempotent."""
        http, self._http = self._http, None
        if http is not None:
            await http.aclose()

    def spent(self) -> Mapping[tuple[int, str], int]:
        """Requests by who asked and what for, since this was last asked."""
        spent, self._spent = self._spent, Counter()
        return spent

    @property
    def rates(self) -> Mapping[int, Rate]:
        """The primary limits as last told, by installation id (0 = the app)."""
        return {who: budget.rate for who, budget in self._budgets.items() if budget.rate is not None}

    async def pages(self, call: Call, shape: type[T]) -> AsyncIterator[T]:
        """All pages of a list, following Link. Raises Outage where it does not end."""
        params: Mapping[str, str | int] = {"per_page": 100, **call.params}
        current = msgspec.structs.replace(call, params=params)
        for _ in range(_PAGES):
            answer = await self.send(current)
            yield answer.read(shape)
            following = next_link(answer.link)
            if following is None:
                return
            current = msgspec.structs.replace(call, path=self._own_path(following), params={})
        raise Outage(f"{call.kind}: the list of {self._dialect.title} does not end after {_PAGES} pages")

    async def items(self, call: Call, shape: type[T]) -> list[T]:
        """All items of a list of `shape`, every page."""
        return [item async for page in self.pages(call, list[shape]) for item in page]  # type: ignore[valid-type]

    async def send(self, call: Call) -> Answer:
        """Send one request until it is answered. Raises the error its meaning calls for (`Outage`
        with `retry_at`, `Misconfigured`, `Gone`); `Lost` for a `once` call whose fate is unknown.
        """
        refreshed = False
        failure = ""
        for attempt in range(_TRIES):
            if attempt:
                await self._pause(_FIRST_PAUSE * 2.0 ** (attempt - 1) * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
            await self._dialect.bearer(
                call.who
            )  # a new one is asked for by itself, and asks for leave by itself
            await self._wait_for_budget(call)
            if call.write and self._now() > writing_until.get():
                raise Outage(f"{call.kind}: it took so long that another may have written it")
            self.circuits.ask_leave(call)  # what it refuses is not sent, and costs nothing
            self._budget(call.who).spend(write=call.write, content=call.content, now=self._now())
            kept = None if call.write or call.fleeting else self._cache.get(self._key(call))
            try:
                response, token = await self._exchange(call, kept)
                if response.status_code == httpx.codes.UNAUTHORIZED and not refreshed:
                    refreshed = True
                    if self._dialect.renewed(call.who, response.headers, token):
                        response, token = await self._exchange(call, kept)
            except httpx.TransportError as problem:
                self.circuits.failed(call)
                failure = type(problem).__name__
                self._lost(call, failure, sent=not isinstance(problem, httpx.ConnectError))
                continue
            if response.status_code in _PASSING:
                self.circuits.failed(call)
                failure = f"HTTP {response.status_code}"
                until = self._told_to_wait(call, response)
                self._lost(call, failure, sent=True)
                if until is not None:
                    raise outage_until(
                        f"{call.kind}: {self._dialect.title} asks to come back later ({failure})", until
                    )
                continue
            self.circuits.answered(call)
            return self._judge(call, response, kept)
        now = self._now()
        at = max(now + _PAUSE, self.circuits.free_at(call.who, now))
        raise outage_until(f"{call.kind}: {self._dialect.title} does not answer ({failure})", at)

    def _told_to_wait(self, call: Call, response: httpx.Response) -> float | None:
        """Until when the forge wants to be left alone (epoch seconds): nothing is sent before."""
        wait = retry_after(response.headers, self._now())
        if wait is None or wait <= _PATIENCE:
            return None
        until = self._now() + wait
        self._budget(call.who).close(until)
        return until

    def _lost(self, call: Call, failure: str, *, sent: bool) -> None:
        if call.once and sent:
            raise Lost(f"{call.kind}: {self._dialect.title} did not confirm ({failure})")

    async def _wait_for_budget(self, call: Call) -> None:
        budget = self._budget(call.who)
        while (now := self._now()) < (at := await self._free_at(call, budget, now)):
            if at > now + _PATIENCE:
                raise outage_until(f"{call.kind}: the rate limit of {self._dialect.title} is used up", at)
            await self._pause(at - now)

    async def _free_at(self, call: Call, budget: Budget, now: float) -> float:
        """When it may be sent (epoch seconds); where that is now, all processes know of it."""
        at = budget.free_at(write=call.write, content=call.content, now=now, worth=call.worth)
        if at > now or not call.content or self._ledger is None or not self._limits.content_per_hour:
            return at
        return await self._ledger.take(
            call.who, now, lambda spent: content_free_at(self._limits, spent, call.worth, now)
        )

    def _budget(self, who: int) -> Budget:
        return self._budgets.setdefault(who, Budget(self._limits, self._dialect.rate_prefix))

    async def _exchange(self, call: Call, kept: Kept | None) -> tuple[httpx.Response, str]:
        """One round trip, redirects on the same server followed. `kept` is offered for revalidation."""
        http = self._http
        if http is None:
            await self.start()
            return await self._exchange(call, kept)
        token = await self._dialect.bearer(call.who)
        headers = {"accept": call.accept}
        if token:
            headers["authorization"] = f"Bearer {token}"
        if etag := call.etag or (kept.etag if kept is not None else ""):
            headers["if-none-match"] = etag
        content = None
        if call.body is not None:
            content = msgspec.json.encode(call.body)
            headers["content-type"] = "application/json"
        path, params = call.path, dict(call.params)
        for hop in range(_REDIRECTS + 1):
            self.requests[call.kind] += 1
            self._spent[call.who, call.kind] += 1
            response = await http.request(
                call.method, self.api_url + path, params=params or None, headers=headers, content=content
            )
            target = response.headers.get("location", "")
            follow = response.status_code in (_MOVED_WRITE if call.write else _MOVED)
            if not target or not follow or hop == _REDIRECTS:
                return response, token
            path, params = self._own_path(target), {}
        raise AssertionError("unreachable: the last hop returns")

    def _key(self, call: Call) -> tuple[str, str]:
        query = "&".join(f"{name}={value}" for name, value in sorted(call.params.items()))
        return f"{call.who} {call.accept}", f"{call.path}?{query}"

    def _own_path(self, url: str) -> str:
        """The path and query of a link the forge gave. A token never follows one to another server."""
        if url.startswith(self.api_url + "/"):
            return url[len(self.api_url) :]
        parts, ours = urlsplit(url), urlsplit(self.api_url)
        if not parts.netloc and url.startswith(ours.path + "/"):
            return url[len(ours.path) :]
        raise Misconfigured(
            f"{self._dialect.title} points to another server ({redact(parts.netloc)})",
            hint=self._dialect.address_hint,
        )

    def _judge(self, call: Call, response: httpx.Response, kept: Kept | None) -> Answer:
        """A settled answer, or the error it means."""
        now, budget = self._now(), self._budget(call.who)
        headers, status = response.headers, response.status_code
        budget.learn(headers, now)
        if status == httpx.codes.NOT_MODIFIED and call.etag:
            return Answer(status=status, content=b"", etag=call.etag)
        if status == httpx.codes.NOT_MODIFIED and kept is not None:
            return Answer(status=200, content=kept.content, link=headers.get("link", kept.link))
        if 200 <= status < 300:  # noqa: PLR2004 - HTTP's own numbers
            budget.succeeded()
            link, etag = headers.get("link", ""), headers.get("etag", "")
            if etag and not call.write and not call.fleeting:
                self._cache.put(self._key(call), Kept(etag, response.content, link))
            return Answer(status=status, content=response.content, link=link, etag=etag)
        message = redact(self._dialect.message_of(response.content), *self._dialect.secrets())
        if self._dialect.too_fast(status, headers, message):
            until = budget.limited(headers, now)
            raise outage_until(f"{call.kind}: {self._dialect.title} asks to slow down ({message})", until)
        raise self._dialect.explain(call.kind, status, message, headers)
