"""The toolbox: the tools of presets, pinned with hashes, in one directory that checks see read-only.

It is a virtual environment made where it stays, because its scripts name their interpreter by path:
`<path>-<hash of lock and interpreter>`, to which `path` is a link that is switched at the end. So an
installation is there whole or not at all, and checks that run meanwhile keep the one they began with.
"""

import asyncio
import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import msgspec

from app.model import Misconfigured, Outage

_COMPLETE = "portcullis-complete"
_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)
_INSTALL_SECONDS = 900.0


class ToolboxStatus(msgspec.Struct, frozen=True, kw_only=True):
    """`installed`: one is there; `current`: it is the lock's. `path` is where its `bin` lies ('' if none);
    `tools` are the pinned names and versions of the lock.
    """

    installed: bool
    current: bool
    path: str = ""
    tools: dict[str, str] = {}


class Toolbox:
    """The toolbox at `path` as `lock` (a requirements file with hashes) describes it.

    `environment` is what the installer sees (default: ours; it says where packages come from).
    """

    def __init__(self, path: Path, lock: Path, *, environment: Mapping[str, str] | None = None) -> None:
        self.path = path.absolute()
        self.lock = lock
        self.environment = dict(os.environ if environment is None else environment)

    def _wanted(self) -> Path:
        """Where the lock's toolbox belongs. Raises Misconfigured if the lock cannot be read."""
        try:
            content = self.lock.read_bytes()
        except OSError as error:
            raise Misconfigured(f"cannot read the toolbox lock {self.lock}: {error.strerror}") from error
        marks = (content, sys.version.encode(), os.fsencode(os.path.realpath(sys.executable)))
        return self.path.with_name(
            f"{self.path.name}-{hashlib.sha256(bytes(1).join(marks)).hexdigest()[:12]}"
        )

    def status(self) -> ToolboxStatus:
        """What is there now."""
        wanted = self._wanted()
        there = self.path.resolve() if self.path.exists() else None
        installed = there is not None and (there / _COMPLETE).exists()
        return ToolboxStatus(
            installed=installed,
            current=installed and there == wanted.resolve(),
            path=str(there) if installed else "",
            tools=dict(_PIN.findall(self.lock.read_text())),
        )

    async def install(self) -> ToolboxStatus:
        """Make the lock's toolbox if it is not there. Repeating it costs nothing.

        Raises Outage where packages cannot be fetched, Misconfigured where one has another hash.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        async with self._locked():
            if not self.status().current:
                await self._make(self._wanted())
        return self.status()

    @contextlib.asynccontextmanager
    async def _locked(self) -> AsyncIterator[None]:
        handle = os.open(self.path.with_name(f".{self.path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            await asyncio.to_thread(fcntl.flock, handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    async def _make(self, place: Path) -> None:
        if not (place / _COMPLETE).exists():
            await asyncio.to_thread(shutil.rmtree, place, ignore_errors=True)
            for line in self._commands(place):
                await self._run(line)
            (place / _COMPLETE).write_text("")
        before = self.path.resolve() if self.path.is_symlink() else None
        fresh = self.path.with_name(f".{self.path.name}.new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(place.name)
        fresh.replace(self.path)
        for old in self.path.parent.glob(f"{self.path.name}-*"):
            if old not in {place, before}:  # checks may still run with the one before
                await asyncio.to_thread(shutil.rmtree, old, ignore_errors=True)

    def _commands(self, place: Path) -> list[list[str]]:
        python = os.path.realpath(sys.executable)
        inside = str(place / "bin" / "python")
        pins = ("--require-hashes", "-r", str(self.lock))
        uv = shutil.which("uv", path=self.environment.get("PATH"))
        if uv is not None:
            return [
                [uv, "venv", "--quiet", "--python", python, str(place)],
                [uv, "pip", "install", "--quiet", "--python", inside, "--link-mode", "copy", *pins],
            ]
        return [
            [python, "-m", "venv", str(place)],
            [inside, "-m", "pip", "install", "--quiet", *pins],
        ]

    async def _run(self, line: list[str]) -> None:
        environment = {key: value for key, value in self.environment.items() if key != "VIRTUAL_ENV"}
        process = await asyncio.create_subprocess_exec(
            *line,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(_INSTALL_SECONDS):
                _, error = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            text = error.decode("utf-8", "replace").strip()[-800:]
            if "hash" in text.lower():
                raise Misconfigured(f"the toolbox is refused: {text}", hint=f"make {self.lock} anew")
            raise Outage(f"the toolbox cannot be installed: {text}")


def visible(toolbox: Path) -> tuple[Path, ...]:
    """What a check must see to use the toolbox: itself by its real path, and its interpreter where that
    does not lie beneath /usr.
    """
    real = toolbox.resolve()
    if not real.is_dir():
        return ()
    found = [real]
    config = real / "pyvenv.cfg"
    text = config.read_text() if config.is_file() else ""
    home = re.search(r"^home *= *(.+)$", text, re.MULTILINE)
    if home is not None:
        prefix = Path(home.group(1).strip()).resolve().parent
        if not prefix.is_relative_to("/usr") and prefix != Path("/"):
            found.append(prefix)
    return tuple(found)
