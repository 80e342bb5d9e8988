"""`ContainerExecutor`: each attempt in a container of docker or podman, on the programs of an image.

What holds it: the engine's namespaces without network, no capabilities, a read-only image, our own filter of
system calls, one sized tmpfs of this machine for all it writes (`container_stage`), and a control group of
ours, whatever the engine's are: its first process waits for our word, so that nothing of the check runs
before the supervisor has moved it there. The engine must be on this machine, and this process root.
"""

import asyncio
import contextlib
import os
import re
import resource
import shutil
import sys
import time
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Unpack

import msgspec

from app.executors import container_stage, launcher, seccomp
from app.executors.cgroup import Group, descendants
from app.executors.container_engine import ATTEMPT, OWNER, Ending, Engine, Image
from app.executors.egress import LISTEN, Egress
from app.executors.launcher import HOME, TEMPORARY, WORKSPACE, Bind, Layout
from app.executors.local import CannotBeginError, LocalExecutor, LocalKeywords
from app.executors.logs import Log
from app.executors.platform import named, tools
from app.executors.protocol import AttemptSpec
from app.executors.supervise import Supervisor
from app.executors.trees import JOB_UID
from app.executors.view import make_layout, write_facts
from app.model import CheckSpec, Misconfigured, Outage

_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@+-]{0,254}\Z")
_PROGRAMS = ("/usr", "/bin", "/sbin", "/lib", "/lib64")
_MOST_OF_ONE_UID = 1 << 15
_INIT = 1
"""Processes of a container that are not the check's."""
_END_SECONDS, _AGAIN_SECONDS = 30.0, 0.5
_ENGINES_OWN = ("container", "HOSTNAME")
"""Variables that engines set in every container, besides proxies of their own configuration."""
_PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy")
_PASSWD = (
    f"root:x:0:0:root:/root:/bin/sh\njob:x:{JOB_UID}:{JOB_UID}:job:{HOME}:/bin/sh\n"
    "nobody:x:65534:65534:nobody:/:/bin/false\n"
)
_GROUP = f"root:x:0:\njob:x:{JOB_UID}:\nnogroup:x:65534:\n"


class ContainerExecutor(LocalExecutor):
    """Runs attempts in containers (see `LocalExecutor`). `image` is that of checks which name none; others
    must match one of the globs `images`.
    """

    name = "container"
    mend = (
        "the engine must be docker or podman on this machine, allowed to start containers without network; "
        "run the worker as root"
    )

    def __init__(
        self,
        root: Path,
        *,
        engine: str,
        image: str,
        images: Iterable[str] = (),
        **more: Unpack[LocalKeywords],
    ) -> None:
        super().__init__(root, **more)
        self.engine = Engine(engine)
        self.image = image
        self.images = tuple(images)

    @property
    def programs(self) -> tuple[Bind, ...]:
        """See `LocalExecutor.programs`: an image may have other libraries than our interpreter needs."""
        ours = tuple(Bind(source=Path(path), at=path) for path in _PROGRAMS if Path(path).exists())
        return (*ours, *super().programs)

    @property
    def platform(self) -> str:
        """See `Executor.platform`. A check's own image is part of its definition."""
        return named("container", [self.image, *tools(self.given, time.monotonic())])

    def refused(self, check: CheckSpec) -> str:
        """See `LocalExecutor.refused`."""
        if not check.image or check.image == self.image:
            return ""
        if not _REFERENCE.match(check.image):
            return f"image {check.image!r} is no image's name"
        if any(fnmatchcase(check.image, pattern) for pattern in self.images):
            return ""
        return (
            f"image {check.image} is not among those allowed here; ask the operator to add it to "
            "PORTCULLIS_IMAGES, or leave `image` out"
        )

    def begin(
        self, spec: AttemptSpec, place: Path, group: Group, extra: tuple[Bind, ...], cached: Path | None
    ) -> Layout:
        """See `LocalExecutor.begin`."""
        if not self.as_root:
            raise Misconfigured(
                "containers need a worker that is root",
                hint="run it as root, or set PORTCULLIS_EXECUTOR=sandbox",
            )
        if not (spec.check.image or self.image):
            raise Misconfigured("there is no image to run checks in", hint="set PORTCULLIS_IMAGE")
        self.remove(group, place)
        group.create(spec.check.resources)
        write_facts(spec, place)
        (place / "facts" / "passwd").write_text(_PASSWD)
        (place / "facts" / "group").write_text(_GROUP)
        (place / "seccomp.json").write_bytes(seccomp.profile())
        image = self.engine.image(spec.check.image or self.image)
        (place / "image.json").write_bytes(msgspec.json.encode(image))
        given = msgspec.structs.replace(self.given, path=image.path or self.given.path)
        layout = make_layout(spec, place, given, extra, (), cached)
        try:
            container_stage.make(layout, len(image.volumes))
        except OSError as error:
            raise CannotBeginError(str(error)) from error
        return layout

    def supervise(
        self, spec: AttemptSpec, layout: Layout, group: Group, log: Log, grace: float, egress: Egress | None
    ) -> Supervisor:
        """See `LocalExecutor.supervise`."""
        name = self.container(layout.place)
        image = msgspec.json.decode((layout.place / "image.json").read_bytes(), type=Image)
        labels = {OWNER: self.owner, ATTEMPT: spec.attempt_id}
        command = _command(self.engine, name, image, spec.check, layout, labels)
        container = Container(self.engine, name, command)
        return ContainerSupervisor(
            container, layout, group, log, timeout=spec.check.timeout, grace=grace, egress=egress
        )

    def container(self, place: Path) -> str:
        """The name of an attempt's container."""
        return f"{self.owner}-{place.name}"

    def remove(self, group: Group, place: Path) -> None:
        """See `LocalExecutor.remove`. A directory in which something is still mounted stays."""
        group.destroy_now()
        with contextlib.suppress(Misconfigured, Outage):
            self.engine.remove(self.container(place))
        if container_stage.unmount(place):
            shutil.rmtree(place, ignore_errors=True)

    def sweep_more(self) -> int:
        """See `LocalExecutor.sweep_more`: containers with our label whose directory is gone."""
        try:
            return sum(self.engine.remove(container) for container in self.engine.owned(self.owner))
        except (Misconfigured, Outage):
            return 0  # without an engine there are no containers; the probe says so


class Container:
    """One attempt's container: the command that runs it, and what is known of its end."""

    def __init__(self, engine: Engine, name: str, command: list[str]) -> None:
        self.engine = engine
        self.name = name
        self.command = command
        self.first = 0
        self.ending: Ending | None = None

    def seize(self, group: Group) -> bool:
        """Move its processes into the group, while they wait; gives whether they are there."""
        with contextlib.suppress(Outage):
            self.first = self.engine.process(self.name)
        return self.first > 0 and all(group.join(pid) for pid in (self.first, *descendants(self.first)))

    def kill(self) -> None:
        """Kill all of it."""
        with contextlib.suppress(Outage):
            self.engine.kill(self.name)

    def look(self) -> None:
        """Remember how it ended."""
        with contextlib.suppress(Outage):
            self.ending = self.ending or self.engine.ending(self.name)


class ContainerSupervisor(Supervisor):
    """Watches the engine's client; the container itself is asked for and killed through the engine."""

    environment: Mapping[str, str] = os.environ
    hint = "install docker or podman"

    def __init__(self, container: Container, *arguments: Any, **more: Any) -> None:  # noqa: ANN401 - Supervisor's
        super().__init__(*arguments, **more)
        self.container = container

    def _write_plan(self) -> list[str]:
        return self.container.command

    def _join(self, pid: int) -> bool:
        """The client is not the check's."""
        del pid
        return True

    async def _hold(self, pid: int) -> bool:
        seized = await asyncio.to_thread(self.container.seize, self.group)
        return seized and await super()._hold(pid)

    def _open_stage(self, pid: int) -> None:
        del pid
        self.stage = os.open(
            self.layout.place / container_stage.STAGE, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        )
        self.out = os.open("out", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self.stage)

    async def _open_exit(self, egress: Egress) -> str:
        """Make the proxy's socket in the container's namespace, then start it."""
        listen = self.layout.place / launcher.LISTEN
        listen.write_text(LISTEN)
        made = await asyncio.create_subprocess_exec(
            *("nsenter", "--target", str(self.container.first), "--net", "--"),
            *(sys.executable, "-I", "-S", str(listen), str(egress.inner), "/bin/true"),
            stdin=asyncio.subprocess.DEVNULL,
            pass_fds=[egress.inner],
            env=Supervisor.environment,
        )
        if await made.wait():
            return "its socket could not be made in the container's namespace"
        return await super()._open_exit(egress)

    async def _terminate(self, process: asyncio.subprocess.Process, exited: asyncio.Task[int]) -> None:
        del process
        self.group.terminate(spare=self.container.first)
        await asyncio.wait({exited}, timeout=self.grace)

    async def _kill(self, process: asyncio.subprocess.Process) -> None:
        """Kill the container; its client then ends by itself, with what the check said last."""
        await self.group.kill()
        exited = asyncio.ensure_future(process.wait())
        until = time.monotonic() + _END_SECONDS
        await asyncio.wait({exited}, timeout=_AGAIN_SECONDS if self.container.first else 0)
        while not exited.done() and time.monotonic() < until:
            await asyncio.to_thread(self.container.kill)  # in vain while the client is still making it
            await asyncio.wait({exited}, timeout=_AGAIN_SECONDS)
        exited.cancel()
        await asyncio.to_thread(self.container.look)
        await super()._kill(process)

    def _code(self, code: int) -> int:
        """The engine's word: a client's exit code may be its own fault."""
        del code
        return -1 if self.container.ending is None else self.container.ending.code

    def _out_of_memory(self) -> bool:
        ending = self.container.ending
        return super()._out_of_memory() or (ending is not None and ending.out_of_memory)


def _mounts(layout: Layout, image: Image) -> list[str]:
    """What the container sees of this machine, as the engine's options."""
    stage, facts = layout.place / container_stage.STAGE, layout.place / "facts"
    writable = [
        (stage / "m", WORKSPACE),
        (stage / "out", f"{WORKSPACE}/out"),
        (stage / "home", HOME),
        (stage / "tmp", TEMPORARY),
        (stage / "tmp", f"/var{TEMPORARY}"),
    ]
    ours = {at for _, at in writable}
    writable += [
        (stage / f"v{number}", at) for number, at in enumerate(image.volumes) if at.rstrip("/") not in ours
    ]
    seen = {f"{WORKSPACE}/in": layout.place / container_stage.IN}
    seen |= {f"/etc/{name}": facts / name for name in ("passwd", "group")}
    seen |= {bind.at: bind.source for bind in (*layout.binds, *layout.inputs)}
    options = [_mount(source, at) for source, at in writable]
    return options + [f"{_mount(source, at)},readonly" for at, source in seen.items()]


def _mount(source: Path, at: str) -> str:
    """The engines read this option as a line of CSV."""
    fields = (f"source={source}", f"target={at}")
    quoted = ('"' + field.replace('"', '""') + '"' if set(field) & set(',"') else field for field in fields)
    return f"--mount=type=bind,{','.join(quoted)}"


def _limits(check: CheckSpec, shm: int) -> list[str]:
    limits = check.resources
    options = [
        f"--memory={limits.memory}",
        f"--memory-swap={limits.memory}",
        f"--pids-limit={limits.pids + _INIT}",
        f"--cpus={limits.cpus:g}",
        "--ulimit=core=0:0",
        "--ulimit=nofile=4096:4096",
        f"--shm-size={shm}",
    ]
    _, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    most = _MOST_OF_ONE_UID if hard == resource.RLIM_INFINITY else min(hard, _MOST_OF_ONE_UID)
    return [*options, f"--ulimit=nproc={most}:{most}"]  # without, some engines try to raise it


def _command(
    engine: Engine, name: str, image: Image, check: CheckSpec, layout: Layout, labels: Mapping[str, str]
) -> list[str]:
    """What runs the container, attached."""
    command = [engine.program, "run", "--interactive", f"--name={name}", "--init", "--pull=never"]
    command += [f"--label={key}={value}" for key, value in labels.items()]
    command += ["--network=none", "--hostname=check", "--ipc=private", "--cgroupns=private", "--read-only"]
    command += ["--cap-drop=all", "--security-opt=no-new-privileges", "--security-opt=label=disable"]
    command += [f"--security-opt=seccomp={layout.place / 'seccomp.json'}", f"--user={JOB_UID}:{JOB_UID}"]
    command += ["--log-driver=none", "--workdir=/", *_limits(check, layout.shm), *_mounts(layout, image)]
    if engine.is_podman:
        command += ["--read-only-tmpfs=false", "--http-proxy=false"]
    command += [f"--env={key}={value}" for key, value in layout.environment.items()]
    return [*command, "--entrypoint=/bin/sh", image.digest, *_steps(layout)]


def _steps(layout: Layout) -> list[str]:
    """What the first shell does: wait for our word, give the setup pipe up, become the check."""
    proxies = {name for lower in _PROXIES for name in (lower, lower.upper())}
    unset = sorted({*_ENGINES_OWN, *proxies} - layout.environment.keys())
    steps = (
        "echo mounted >&2; read -r go || exit 125; exec </dev/null; "
        f"unset {' '.join(unset)}; echo started >&2; "
        'exec 2>&1; cd -- "$0" || exit 127; exec "$@"'
    )
    return ["-c", steps, launcher.inside(layout.workdir), *layout.argv]
