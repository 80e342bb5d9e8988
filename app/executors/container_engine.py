"""The command line of docker or podman: images, containers by label, how one ended. Blocking calls."""

import subprocess
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import msgspec

from app.model import Misconfigured, Outage

OWNER, ATTEMPT = "portcullis.owner", "portcullis.attempt"
"""Labels of a container: whose it is, and which attempt's."""
_QUICK, _PULL = 60.0, 900.0
_MOST_SAID = 500
_HINT = "install docker or podman, or set PORTCULLIS_EXECUTOR=sandbox"


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """An image that is here: its digest, its PATH ('' = none set), and where it wants disks of its own."""

    digest: str
    path: str = ""
    volumes: tuple[str, ...] = ()


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How a container ended, as the engine saw it."""

    code: int
    out_of_memory: bool


class _Config(msgspec.Struct, rename="pascal"):
    env: list[str] | None = None
    volumes: dict[str, object] | None = None


_NAMES = {"status": "Status", "pid": "Pid", "code": "ExitCode", "out_of_memory": "OOMKilled"}


class _State(msgspec.Struct, rename=_NAMES):
    status: str = ""
    pid: int = 0
    code: int = 0
    out_of_memory: bool = False


class _Inspected(msgspec.Struct, rename="pascal"):
    """What we read of the answers to `image inspect` and `container inspect`."""

    id: str = ""
    config: _Config | None = None
    state: _State = msgspec.field(default_factory=_State)


class Engine:
    """A container engine of this machine, by its program (`podman`, `docker`, or a path)."""

    def __init__(self, program: str) -> None:
        self.program = program

    @cached_property
    def is_podman(self) -> bool:
        """Whether it is podman, under whatever name."""
        return "podman" in self._told("--version").lower()

    def image(self, reference: str) -> Image:
        """An image, fetched where it is not here yet. Raises Outage where it cannot be."""
        found = self._ask("image", "inspect", reference)
        if found is None:
            self._told("pull", "--quiet", reference, seconds=_PULL)
            found = self._ask("image", "inspect", reference)
        if found is None:
            raise Outage(f"the image {reference} is not there although it was fetched")
        config = found.config or _Config()
        environment = dict(entry.partition("=")[::2] for entry in config.env or ())
        return Image(
            digest=found.id, path=environment.get("PATH", ""), volumes=tuple(sorted(config.volumes or ()))
        )

    def process(self, name: str) -> int:
        """The first process of a running container, as this machine numbers it; 0 where there is none."""
        found = self._ask("container", "inspect", name)
        return 0 if found is None else found.state.pid

    def ending(self, name: str) -> Ending | None:
        """How a container ended; None where it runs, never began, or is gone."""
        found = self._ask("container", "inspect", name)
        if found is None or found.state.status not in {"exited", "stopped", "dead"}:
            return None
        return Ending(code=found.state.code, out_of_memory=found.state.out_of_memory)

    def kill(self, name: str) -> None:
        """Kill all of a container, if it runs."""
        self._call("kill", "--signal=KILL", name)

    def remove(self, name: str) -> bool:
        """Kill and remove a container; gives whether it is gone."""
        self._call("rm", "--force", "--volumes", name)
        return self._ask("container", "inspect", name) is None

    def owned(self, owner: str) -> list[str]:
        """The containers with this owner's label, running or not, by id."""
        return self._told("ps", "--all", "--quiet", f"--filter=label={OWNER}={owner}").split()

    def _ask(self, *words: str) -> _Inspected | None:
        """What the engine knows of one thing; None where there is no such thing."""
        done = self._call(*words)
        if done.returncode:
            return None
        try:
            return msgspec.json.decode(done.stdout, type=list[_Inspected])[0]
        except (msgspec.MsgspecError, IndexError) as error:
            raise Outage(f"{Path(self.program).name} {words[0]}: an answer we do not understand") from error

    def _told(self, *words: str, seconds: float = _QUICK) -> str:
        """What a command prints. Raises Outage where it fails."""
        done = self._call(*words, seconds=seconds)
        if done.returncode:
            raise Outage(f"{Path(self.program).name} {words[0]}: {done.stderr.strip()[-_MOST_SAID:]}")
        return done.stdout

    def _call(self, *words: str, seconds: float = _QUICK) -> subprocess.CompletedProcess[str]:
        command: Sequence[str] = (self.program, *words)
        try:
            return subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=seconds,
                check=False,
            )
        except FileNotFoundError as error:
            raise Misconfigured(f"there is no container engine {self.program!r}", hint=_HINT) from error
        except subprocess.TimeoutExpired as error:
            raise Outage(f"{Path(self.program).name} {words[0]}: no answer in {seconds:g} s") from error
