"""The REST face as an ASGI application: who asks, faults, limits, pages, ETags; then the endpoints."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from app.practice.access import BadCredentials, Caller, Suspended, caller_of
from app.practice.changes import Forbidden
from app.practice.forge import PracticeForge
from app.practice.posts import Invalid
from app.practice.state import App, Repository
from app.practice.traffic import Fault, Seen
from app.practice.world import NotThere, World

_HOUR = 3600.0


@dataclass(kw_only=True)
class Reply:
    """An endpoint's answer; `items` is cut into pages (inside `envelope` if GitHub wraps the list), those of
    the page are shown in `shape`.
    """

    status: int = 200
    body: Any = None
    items: Sequence[Any] | None = None
    envelope: str = ""
    shape: Callable[[Any], Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None


class Moved(Exception):
    """The repository was renamed: the answer points to its id."""

    def __init__(self, repository_id: int) -> None:
        super().__init__(repository_id)
        self.repository_id = repository_id


class Refusal(Exception):
    """An endpoint answers with an error."""

    def __init__(self, status: int, message: str, errors: list[Any] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.errors = status, message, errors


class Ask:
    """One request as endpoints see it."""

    def __init__(self, forge: PracticeForge, request: Request, caller: Caller, body: Any) -> None:  # noqa: ANN401 - any JSON
        self.forge = forge
        self.world: World = forge.world
        self.request = request
        self.caller = caller
        self.body = body
        self.at: dict[str, Any] = request.path_params

    @property
    def query(self) -> dict[str, str]:
        """Query parameters."""
        return dict(self.request.query_params)

    def app(self) -> App:
        """The app that asks as itself; 401 for anybody else."""
        if self.caller.app is None or self.caller.installation is not None:
            raise Refusal(401, "A JSON web token could not be decoded")
        return self.caller.app

    def acting_app(self) -> App:
        """The app behind an installation; only apps may write checks."""
        if self.caller.app is None or self.caller.installation is None:
            raise Refusal(403, "You must authenticate via a GitHub App.")
        return self.caller.app

    def login(self) -> str:
        """Who acts: the app's bot or the person."""
        if self.caller.app is not None:
            return self.caller.app.bot.login
        if self.caller.person is None:
            raise Refusal(401, "Requires authentication")
        return self.caller.person.login

    def repository(self) -> Repository:
        """The repository of the path; hidden ones are not there."""
        repo = self.world.repository(f"{self.at['owner']}/{self.at['repo']}")
        if not self.caller.sees(self.world, repo):
            raise NotThere("hidden")
        if f"{self.at['owner']}/{self.at['repo']}".lower() != repo.full_name.lower():
            raise Moved(repo.id)
        return repo

    def fields(self) -> dict[str, Any]:
        """The body as an object."""
        if not isinstance(self.body, dict):
            raise Refusal(400, "Body should be a JSON object")
        return self.body


Handler = Callable[[Ask], Awaitable[Reply]]


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One operation. `needs` = (permission, level) an installation must hold."""

    method: str
    path: str
    handler: Handler
    needs: tuple[str, str] | None = None


class Api:
    """Serves the endpoints beneath `prefix`. The names of the headers that tell the rate limit begin with
    `limits`; who asks too often is answered `too_many`; each refusal carries `about`. `paging` is the
    parameter for a page's size and the largest, `root_url` where links lead ('' = where it was asked).
    """

    prefix = "/api/v3"
    limits = "x-ratelimit-"
    too_many = (403, "API rate limit exceeded for installation.")
    about: Mapping[str, str] = {"documentation_url": "https://docs.github.com/rest"}
    etags = True
    paging = ("per_page", 100)
    root_url = ""

    def __init__(self, forge: PracticeForge) -> None:
        self._forge = forge
        self._world = forge.world
        self._previous: dict[tuple[str, str], Reply] = {}

    def routes(self, endpoints: Sequence[Endpoint]) -> list[Route]:
        """Starlette routes; one per path, so that a wrong method is 404 as on GitHub."""
        return [
            Route(self.prefix + each.path, self._serve(each), methods=[each.method]) for each in endpoints
        ]

    def _serve(self, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
        async def serve(request: Request) -> Response:
            return await self._answer(endpoint, request)

        return serve

    async def _answer(self, endpoint: Endpoint, request: Request) -> Response:
        path = request.url.path.removeprefix(self.prefix)
        raw = await request.body()
        try:
            body = json.loads(raw) if raw else None
        except ValueError:
            body = None
        seen = Seen(
            method=request.method, path=path, query=dict(request.query_params), body=body, caller="",
            accept=request.headers.get("accept", ""),
        )  # fmt: skip
        self._world.requests.append(seen)
        fault = self._world.take_fault(request.method, path)
        if fault is not None and fault.delay:
            await asyncio.sleep(fault.delay)
        if fault is not None and fault.until is not None:
            await fault.until.wait()
        if fault is not None and (fault.status or fault.drop) and not fault.done:
            return self._broken(seen, fault)
        reply = await self._reply(endpoint, request, seen, body)
        if fault is not None and fault.done:
            return self._broken(seen, fault)
        if request.method == "GET" and reply.status < 300:  # noqa: PLR2004 - HTTP's own number
            key = (seen.caller, str(request.url))
            if fault is not None and fault.stale:
                reply = self._previous.get(key, reply)
            self._previous[key] = reply
        return self._render(request, seen, reply)

    def _broken(self, seen: Seen, fault: Fault) -> Response:
        if fault.drop:
            raise ClientDisconnect  # the server closes without an answer
        seen.status, seen.answer = fault.status, {"message": fault.message}
        return _json(fault.status, {"message": fault.message}, {**self._limits(0), **fault.headers})

    async def _reply(self, endpoint: Endpoint, request: Request, seen: Seen, body: Any) -> Reply:  # noqa: ANN401 - any JSON
        try:
            caller = caller_of(self._world, request.headers.get("authorization", ""))
            seen.caller = caller.name
            self._spend(caller)
            ask = Ask(self._forge, request, caller, body)
            self._require(endpoint, ask)
            return await endpoint.handler(ask)
        except _Lacking as refusal:
            accepted = {"x-accepted-github-permissions": refusal.accepted}
            return Reply(status=403, body={"message": refusal.message, **self.about}, headers=accepted)
        except Refusal as refusal:
            errors = {"errors": refusal.errors} if refusal.errors else {}
            return Reply(status=refusal.status, body={"message": refusal.message, **errors, **self.about})
        except Moved as moved:
            return self._moved(request, moved.repository_id)
        except BadCredentials as problem:
            return Reply(status=401, body={"message": str(problem), **self.about})
        except (Suspended, Forbidden) as problem:
            return Reply(status=403, body={"message": str(problem), **self.about})
        except (NotThere, KeyError):
            return Reply(status=404, body={"message": "Not Found", **self.about})
        except Invalid as problem:
            return Reply(status=422, body={"message": str(problem), **self.about})

    def _moved(self, request: Request, repository_id: int) -> Reply:
        """301 for reads, 307 for writes: docs.github.com "Follow redirects"."""
        rest = request.url.path.removeprefix(self.prefix).split("/", 4)[4:]
        url = "/".join([f"{self._world.api_url}/repositories/{repository_id}", *rest])
        if request.url.query:
            url += f"?{request.url.query}"
        return Reply(
            status=301 if request.method == "GET" else 307,
            body={"message": "Moved Permanently", "url": url, **self.about},
            headers={"location": url},
        )

    def _require(self, endpoint: Endpoint, ask: Ask) -> None:
        if endpoint.needs is None:
            return
        permission, level = endpoint.needs
        if "owner" in ask.at:
            repo = ask.repository()
            installed = ask.caller.installation is not None
            if installed and level != "read" and not ask.caller.reaches(self._world, repo):
                raise NotThere("not installed there")
            if repo.archived and level != "read":
                raise Refusal(403, "Repository was archived so is read-only.")
        if not ask.caller.holds(permission, level) and (level != "read" or ask.caller.installation):
            raise _Lacking(permission, level)

    def _spend(self, caller: Caller) -> None:
        """Count against the hourly limit, which starts anew when its hour is over."""
        now = self._world.clock()
        if now >= self._world.rate_reset:
            self._world.rate_reset, self._world.rate_used = now + _HOUR, {}
        who = caller.installation.id if caller.installation is not None else 0
        used = self._world.rate_used.get(who, 0) + 1
        if used > self._world.rate_limit:
            raise Refusal(*self.too_many)
        self._world.rate_used[who] = used

    def _limits(self, who: int) -> dict[str, str]:
        used = self._world.rate_used.get(who, 0)
        return {
            f"{self.limits}limit": str(self._world.rate_limit),
            f"{self.limits}remaining": str(max(0, self._world.rate_limit - used)),
            f"{self.limits}used": str(used),
            f"{self.limits}reset": str(int(self._world.rate_reset)),
            f"{self.limits}resource": "core",
        }

    def _render(self, request: Request, seen: Seen, reply: Reply) -> Response:
        who = int(seen.caller.split()[1]) if seen.caller.startswith("installation ") else 0
        headers = {**self._limits(who), **reply.headers}
        body = reply.body
        if reply.items is not None:
            body, link = self._page(request, reply)
            if link:
                headers["link"] = link
        seen.status, seen.answer = reply.status, body
        if reply.status == 204:  # noqa: PLR2004 - HTTP's own number
            return Response(status_code=204, headers=headers)
        content = reply.raw if reply.raw is not None else json.dumps(body).encode()
        if self.etags and request.method == "GET" and reply.status == 200:  # noqa: PLR2004 - HTTP's own number
            # GitHub's differ from token to token, so an installation's from hour to hour
            asked = request.headers.get("authorization", "").encode()
            etag = f'W/"{hashlib.sha256(asked + content).hexdigest()}"'
            headers["etag"] = etag
            if request.headers.get("if-none-match") == etag:
                self._world.rate_used[who] = max(0, self._world.rate_used.get(who, 1) - 1)
                seen.status, seen.answer = 304, None
                return Response(status_code=304, headers={**headers, **self._limits(who)})
        kind = "application/json; charset=utf-8" if reply.raw is None else "application/octet-stream"
        return Response(content, status_code=reply.status, headers=headers, media_type=kind)

    def _page(self, request: Request, reply: Reply) -> tuple[Any, str]:
        """One page of a list and its Link header."""
        items = list(reply.items or ())
        name, most = self.paging
        size = min(_number(request.query_params.get(name, ""), 30), most)
        page = _number(request.query_params.get("page", ""), 1)
        last = max(1, -(-len(items) // size))
        links = {"prev": page - 1, "next": page + 1, "first": 1, "last": last}
        if page >= last:
            links = {name: target for name, target in links.items() if name not in {"next", "last"}}
        if page <= 1:
            links = {name: target for name, target in links.items() if name not in {"prev", "first"}}
        link = ", ".join(f'<{self._link(request, target)}>; rel="{rel}"' for rel, target in links.items())
        cut = items[(page - 1) * size : page * size]
        if reply.shape is not None:
            cut = [reply.shape(item) for item in cut]
        return ({"total_count": len(items), reply.envelope: cut} if reply.envelope else cut), link

    def _link(self, request: Request, page: int) -> str:
        url = request.url.include_query_params(page=page)
        return str(url) if not self.root_url else f"{self.root_url}{url.path}?{url.query}"


class _Lacking(Refusal):
    """An installation lacks a permission."""

    def __init__(self, permission: str, level: str) -> None:
        super().__init__(403, "Resource not accessible by integration")
        self.accepted = f"{permission}={level}"


def _json(status: int, body: Any, headers: dict[str, str]) -> Response:  # noqa: ANN401 - any JSON
    return Response(json.dumps(body), status_code=status, headers=headers, media_type="application/json")


def _number(text: str, fallback: int) -> int:
    return int(text) if text.isdigit() and int(text) else fallback
