"""One way to call git: an environment made from nothing, safe switches, limits on time and bytes.

Git never runs inside a tree that others wrote: every call names `--git-dir` and a scratch directory
as its place. Credentials travel in the environment (`GIT_CONFIG_*`), never in arguments, addresses
or configuration, and are cut out of every message.
"""

import asyncio
import base64
import contextlib
import os
import re
import signal
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from app.executors.object_reader import ObjectFacts, ObjectReader, ReaderEnded
from app.model import AuthorFault, Misconfigured, Outage, Sha

# Objects of real, old projects break these rules harmlessly; everything else fsck knows stays fatal.
_TOLERATED = (
    "badTimezone",
    "missingSpaceBeforeDate",
    "zeroPaddedFilemode",
    "missingEmail",
    "missingNameBeforeEmail",
    "multipleAuthors",
)

_SAFE = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.protectHFS=true",
    "core.protectNTFS=true",
    "core.attributesFile=/dev/null",
    "safe.bareRepository=explicit",
    "submodule.recurse=false",
    "credential.helper=",
    "gc.auto=0",
    "maintenance.auto=false",
    "fetch.fsckObjects=true",
    *(f"fetch.fsck.{name}=ignore" for name in _TOLERATED),
    "http.followRedirects=false",
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=30",
    "diff.renames=true",
    "diff.renameLimit=2000",
)
_SWITCHES = tuple(part for setting in _SAFE for part in ("-c", setting))

_BROKEN = re.compile(
    rb"is corrupt|inflate: data stream|unable to unpack"
    rb"|packfile .* (?:cannot|is far too short|does not match)"
    rb"|missing (?:blob|tree|commit)|unable to read (?:tree|sha1|[0-9a-f]{40})|loose object"
    rb"|could not parse|not a git repository|object file .* is empty|failed to read object",
    re.IGNORECASE,
)
_MOST_ERROR = 64 * 1024
_CHUNK = 256 * 1024


class GitFailed(Exception):
    """Git ended with a code the caller did not expect. `error` is its cleaned standard error."""

    def __init__(self, command: str, code: int, error: bytes, output: bytes = b"") -> None:
        self.command = command
        self.code = code
        self.error = error
        self.output = output
        super().__init__(f"git {command} ended with {code}: {self.text}")

    @property
    def text(self) -> str:
        """The message for people: the last lines that git itself marked, or all of it, shortened."""
        lines = self.error.decode("utf-8", "replace").replace("\r", "\n").splitlines()
        said = [line for line in lines if line.startswith(("fatal:", "error:", "remote:"))] or lines
        return "; ".join(line.strip() for line in said[-3:])[:500]

    @property
    def broken(self) -> bool:
        """Whether the message tells of a damaged object store."""
        return _BROKEN.search(self.error) is not None


class Transport(msgspec.Struct, frozen=True, kw_only=True):
    """Which addresses may be fetched: HTTPS of these hosts (None: of all), the others only where their owner
    says so.
    """

    allow_local: bool = False
    allow_http: bool = False
    hosts: Collection[str] | None = None

    def protocol(self, url: str) -> str:
        """The git protocol of an address. Raises Misconfigured for one that is not allowed."""
        parts = urlsplit(url)
        if self.hosts is not None and parts.hostname is not None and parts.hostname not in self.hosts:
            raise Misconfigured(
                f"the clone address is at {parts.hostname}, which is not the forge's host",
                hint="the forge must be connected by the address of the server that its repositories are on",
            )
        if parts.scheme == "https" and parts.hostname and not parts.username and not parts.password:
            return "https"
        if parts.scheme == "http" and self.allow_http and parts.hostname in {"127.0.0.1", "::1", "localhost"}:
            return "http"
        if self.allow_local and (parts.scheme == "file" or (not parts.scheme and url.startswith("/"))):
            return "file"
        shown = parts._replace(netloc=parts.hostname or "", query="", fragment="").geturl()
        raise Misconfigured(
            f"the clone address {shown!r} is not allowed",
            hint="only https:// addresses without a user name or password are fetched",
        )


def environment(home: Path, protocol: str = "none", **more: str) -> dict[str, str]:
    """Everything git may know, made from nothing."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home),
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "/bin/false",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_ALLOW_PROTOCOL": protocol,
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_PROTOCOL": "version=2",
        **more,
    }


def credential_environment(url: str, token: str) -> dict[str, str]:
    """A token as one HTTP header for exactly this server, by environment ('' = anonymous)."""
    if not token:
        return {}
    parts = urlsplit(url)
    value = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{parts.scheme}://{parts.netloc}/.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {value}",
    }


def scrub(text: bytes, token: str) -> bytes:
    """Text without the token, plain or as sent."""
    if not token:
        return text
    sent = base64.b64encode(f"x-access-token:{token}".encode())
    return text.replace(token.encode(), b"***").replace(sent, b"***")


class Git:
    """Runs git for one mirror. `home` is an empty directory, `seconds` and `most` default limits."""

    def __init__(
        self, git_dir: Path, home: Path, *, seconds: float = 120.0, most: int = 256 * 1024 * 1024
    ) -> None:
        self.git_dir = git_dir
        self.home = home
        self.seconds = seconds
        self.most = most
        self._reader = ObjectReader(git_dir, self._command(), environment(home), home)

    def _command(self) -> tuple[str, ...]:
        return ("git", f"--git-dir={self.git_dir}", *_SWITCHES)

    async def __call__(
        self,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        data: bytes | None = None,
        codes: Sequence[int] = (0,),
        seconds: float | None = None,
        file_bytes: int | None = None,
        token: str = "",
        most: int | None = None,
    ) -> bytes:
        """Run `git ARGUMENTS` and give its output.

        Raises GitFailed for a code not in `codes`, Outage after `seconds`, AuthorFault past `most`
        bytes of output. `file_bytes` limits each file git may write.
        """
        line = [*self._command(), *arguments]
        if file_bytes is not None:
            blocks = str(max(1, file_bytes // 512))
            line = ["/bin/sh", "-c", 'ulimit -f "$0" && exec "$@"', blocks, *line]
        process = await asyncio.create_subprocess_exec(
            *line,
            env=dict(env) if env is not None else environment(self.home),
            cwd=self.home,
            stdin=asyncio.subprocess.PIPE if data is not None else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(self.seconds if seconds is None else seconds):
                output, error = await _talk(process, data, self.most if most is None else most)
        except TimeoutError:
            raise Outage(f"git {arguments[0]} took longer than {seconds or self.seconds:.0f} s") from None
        finally:
            await _end(process)
        code = process.returncode if process.returncode is not None else -1
        if code not in codes:
            raise GitFailed(arguments[0], code, scrub(error, token), output)
        return output

    async def facts(self, *names: str) -> tuple[ObjectFacts | None, ...]:
        """The objects that these names mean (`<sha>^{commit}`, `<ref>^{tree}`, `<sha>:<path>`), None for
        what is not here. No process is started for it. Raises GitFailed, Outage.
        """
        try:
            return await self._reader.facts(names, self.seconds)
        except ReaderEnded as ended:
            raise GitFailed("cat-file", ended.code, ended.error) from ended

    async def content(self, sha: Sha) -> bytes:
        """The bytes of an object that is here; look at its size first. Raises as `facts`."""
        try:
            content = await self._reader.content(sha, self.seconds)
        except ReaderEnded as ended:
            raise GitFailed("cat-file", ended.code, ended.error) from ended
        if content is None:
            raise GitFailed("cat-file", 0, f"error: missing blob {sha}".encode())
        return content

    def close(self) -> None:
        """End what is kept running; a further question starts it again."""
        self._reader.close()


async def resolve(git: Git, *names: str) -> tuple[Sha | None, ...]:
    """The objects that these names mean, None for what is not here."""
    return tuple(None if found is None else found.sha for found in await git.facts(*names))


async def _talk(process: asyncio.subprocess.Process, data: bytes | None, most: int) -> tuple[bytes, bytes]:
    async with asyncio.TaskGroup() as group:
        output = group.create_task(_drain(process.stdout, most, lambda: _kill(process)))
        error = group.create_task(_drain(process.stderr, _MOST_ERROR, lambda: None))
        if data is not None:
            group.create_task(_feed(process.stdin, data))
    await process.wait()
    if len(output.result()) > most:
        raise AuthorFault(f"too large to judge: git gives more than {most >> 20} MiB")
    return output.result(), error.result()


async def _feed(stream: asyncio.StreamWriter | None, data: bytes) -> None:
    if stream is None:
        return
    # RuntimeError is what a loop says of a pipe that it has closed already.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError, RuntimeError):
        stream.write(data)
        await stream.drain()
    stream.close()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError, RuntimeError):
        await stream.wait_closed()


async def _drain(stream: asyncio.StreamReader | None, most: int, over: Callable[[], None]) -> bytes:
    """Read to the end, keeping little more than `most` bytes; `over` is called once past them."""
    parts: list[bytes] = []
    size = 0
    while stream is not None and (part := await stream.read(_CHUNK)):
        if size <= most:
            parts.append(part)
            size += len(part)
            if size > most:
                over()
    return b"".join(parts)


def _kill(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill git and its helpers where they still run (timeout, cancellation)."""
    if process.returncode is None:
        _kill(process)
        await asyncio.shield(process.wait())
    transport = getattr(process, "_transport", None)
    if transport is not None:  # closes the pipes of a process that was killed half read
        transport.close()
