"""Git over HTTP, as git itself speaks it: `upload-pack` and `receive-pack` in stateless mode.

Protocol: git's own Documentation/gitprotocol-http. Access as on GitHub: anybody reads what is public,
a token is the password of any user name, pushing needs write.
"""

import asyncio
import gzip
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from app.practice.access import BadCredentials, Caller, Suspended, caller_of
from app.practice.forge import PracticeForge
from app.practice.git import environment
from app.practice.state import Repository
from app.practice.world import NotThere

_SERVICES = frozenset({"git-upload-pack", "git-receive-pack"})
_CHUNK = 64 * 1024
_CHALLENGE = {"www-authenticate": 'Basic realm="GitHub"'}


class SmartHttp:
    """Serves fetches and pushes of the forge's repositories."""

    def __init__(self, forge: PracticeForge) -> None:
        self._forge = forge

    async def refs(self, request: Request) -> Response:
        """`GET /{owner}/{repo}.git/info/refs?service=…`."""
        service = request.query_params.get("service", "")
        if service not in _SERVICES:
            return PlainTextResponse("Please upgrade your git client.", status_code=403)
        found = self._open(request, service)
        if isinstance(found, Response):
            return found
        repo, _ = found
        line = f"# service={service}\n"
        head = f"{len(line) + 4:04x}{line}0000".encode()
        process = await self._start(request, repo, service, "--advertise-refs")
        out, _ = await process.communicate(b"")
        return Response(
            head + out,
            media_type=f"application/x-{service}-advertisement",
            headers={"cache-control": "no-cache"},
        )

    async def service(self, request: Request) -> Response:
        """`POST /{owner}/{repo}.git/git-upload-pack` (or `receive-pack`)."""
        service = request.url.path.rpartition("/")[2]
        found = self._open(request, service)
        if isinstance(found, Response):
            return found
        repo, caller = found
        body = await request.body()
        if request.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        process = await self._start(request, repo, service)
        if service == "git-receive-pack":
            return await self._receive(process, body, repo, caller)
        return StreamingResponse(
            _stream(process, body),
            media_type=f"application/x-{service}-result",
            headers={"cache-control": "no-cache"},
        )

    def _open(self, request: Request, service: str) -> tuple[Repository, Caller] | Response:
        """The repository and who asks, or the refusal git understands."""
        world = self._forge.world
        name = f"{request.path_params['owner']}/{request.path_params['repo'].removesuffix('.git')}"
        try:
            caller = caller_of(world, request.headers.get("authorization", ""))
            repo = world.repository(name)
        except (BadCredentials, Suspended):
            return PlainTextResponse("Invalid credentials", status_code=401, headers=_CHALLENGE)
        except NotThere:
            return PlainTextResponse("Repository not found.", status_code=404)
        if not caller.sees(world, repo) or (
            caller.installation is not None
            and not (caller.reaches(world, repo) and caller.holds("contents", "read"))
        ):
            nobody = caller == Caller()
            return PlainTextResponse(
                "Repository not found.",
                status_code=401 if nobody else 404,
                headers=_CHALLENGE if nobody else {},
            )
        if service == "git-receive-pack":
            if caller.person is None:
                return PlainTextResponse("Authentication needed", status_code=401, headers=_CHALLENGE)
            if not world.allows(repo, caller.person.login, "write"):
                return PlainTextResponse("Permission denied", status_code=403)
        return repo, caller

    async def _start(
        self, request: Request, repo: Repository, service: str, *options: str
    ) -> asyncio.subprocess.Process:
        env = environment(repo.directory)
        if protocol := request.headers.get("git-protocol"):
            env["GIT_PROTOCOL"] = protocol
        return await asyncio.create_subprocess_exec(
            "git", service.removeprefix("git-"), "--stateless-rpc", *options, str(repo.directory),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            env=env,
        )  # fmt: skip

    async def _receive(
        self, process: asyncio.subprocess.Process, body: bytes, repo: Repository, caller: Caller
    ) -> Response:
        """A push: what moved is told afterwards, as if done on the forge itself."""
        git = repo.git
        before = await git.branches()
        out, _ = await process.communicate(body)
        after = await git.branches()
        who = caller.person.login if caller.person is not None else repo.owner
        for name in sorted(before.keys() | after.keys()):
            await self._forge.pushed(who, repo, f"refs/heads/{name}", before.get(name), after.get(name))
        return Response(out, media_type="application/x-git-receive-pack-result")


async def _stream(process: asyncio.subprocess.Process, body: bytes) -> AsyncIterator[bytes]:
    stdin, stdout = process.stdin, process.stdout
    if stdin is None or stdout is None:
        raise RuntimeError("git was started without pipes")

    async def feed() -> None:
        stdin.write(body)
        await stdin.drain()
        stdin.close()

    feeding = asyncio.create_task(feed())
    try:
        while chunk := await stdout.read(_CHUNK):
            yield chunk
    finally:
        if process.returncode is None and not stdout.at_eof():
            process.kill()
        await asyncio.gather(feeding, return_exceptions=True)
        await process.wait()
