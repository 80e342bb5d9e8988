"""`Containers`: each attempt in a container of docker or podman, on the programs of an image.

What holds it: the engine's namespaces without network, no capabilities, a read-only image, our own filter of
system calls, one sized tmpfs of this machine for all it writes (`container_stage`), and a control group of
ours, whatever the engine's are: its first process waits for our word, so that nothing of the check runs
before the supervisor has moved it there. The engine must be on this machine, and this process root.
"""

import contextlib
import re
import shutil
import time
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from app.executors import container_stage, seccomp
from app.executors.attempting import CannotBeginError
from app.executors.cgroup import Group
from app.executors.container_command import command
from app.executors.container_engine import ATTEMPT, OWNER, Engine, Image
from app.executors.container_supervisor import Container, ContainerSupervisor
from app.executors.egress import Egress
from app.executors.kind import Work
from app.executors.launcher import HOME, Bind, Layout
from app.executors.logs import Log
from app.executors.platform import named, tools
from app.executors.probe import interpreter
from app.executors.supervise import Supervisor
from app.executors.trees import JOB_UID
from app.executors.view import Given, make_layout, write_facts
from app.model import CheckSpec, Misconfigured, Outage

_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@+-]{0,254}\Z")
_PROGRAMS = ("/usr", "/bin", "/sbin", "/lib", "/lib64")
_PASSWD = (
    f"root:x:0:0:root:/root:/bin/sh\njob:x:{JOB_UID}:{JOB_UID}:job:{HOME}:/bin/sh\n"
    "nobody:x:65534:65534:nobody:/:/bin/false\n"
)
_GROUP = f"root:x:0:\njob:x:{JOB_UID}:\nnogroup:x:65534:\n"


class Images:
    """Which images checks may name: globs, and that of checks which name none."""

    def __init__(self, usual: str, allowed: Iterable[str] = ()) -> None:
        self.usual = usual
        self.allowed = tuple(allowed)

    def refused(self, check: CheckSpec) -> str:
        """See `Kind.refused`."""
        if not check.image or check.image == self.usual:
            return ""
        if not _REFERENCE.match(check.image):
            return f"image {check.image!r} is no image's name"
        if any(fnmatchcase(check.image, pattern) for pattern in self.allowed):
            return ""
        return (
            f"image {check.image} is not among those allowed here; ask the operator to add it to "
            "PORTCULLIS_IMAGES, or leave `image` out"
        )

    def of(self, check: CheckSpec) -> str:
        """The image that a check runs in. Raises Misconfigured where there is none."""
        if not (check.image or self.usual):
            raise Misconfigured("there is no image to run checks in", hint="set PORTCULLIS_IMAGE")
        return check.image or self.usual


class Containers:
    """Holds attempts in containers (see `Kind`)."""

    name = "container"
    mend = (
        "the engine must be docker or podman on this machine, allowed to start containers without network; "
        "run the worker as root"
    )

    def __init__(self, engine: str, images: Images) -> None:
        self.engine = Engine(engine)
        self.images = images

    @property
    def programs(self) -> tuple[Bind, ...]:
        """See `Kind.programs`: an image may have other libraries than our interpreter needs."""
        ours = tuple(Bind(source=Path(path), at=path) for path in _PROGRAMS if Path(path).exists())
        return (*ours, *interpreter()[1])

    def platform(self, given: Given) -> str:
        """See `Kind.platform`. A check's own image is part of its definition."""
        return named("container", [self.images.usual, *tools(given, time.monotonic())])

    def refused(self, check: CheckSpec) -> str:
        """See `Kind.refused`."""
        return self.images.refused(check)

    def begin(self, work: Work, extra: tuple[Bind, ...], cached: Path | None) -> Layout:
        """See `Kind.begin`."""
        if not work.given.root:
            raise Misconfigured(
                "containers need a worker that is root",
                hint="run it as root, or set PORTCULLIS_EXECUTOR=sandbox",
            )
        spec, place = work.spec, work.place
        reference = self.images.of(spec.check)
        self.remove(work.owner, work.group, place)
        work.group.create(spec.check.resources)
        write_facts(spec, place)
        (place / "facts" / "passwd").write_text(_PASSWD)
        (place / "facts" / "group").write_text(_GROUP)
        (place / "seccomp.json").write_bytes(seccomp.profile())
        image = self.engine.image(reference)
        (place / "image.json").write_bytes(msgspec.json.encode(image))
        given = msgspec.structs.replace(work.given, path=image.path or work.given.path)
        layout = make_layout(spec, place, given, extra, (), cached)
        try:
            container_stage.make(layout, len(image.volumes))
        except OSError as error:
            raise CannotBeginError(str(error)) from error
        return layout

    def supervise(
        self, work: Work, layout: Layout, log: Log, grace: float, egress: Egress | None
    ) -> Supervisor:
        """See `Kind.supervise`."""
        check = work.spec.check
        name = container_name(work.owner, layout.place)
        image = msgspec.json.decode((layout.place / "image.json").read_bytes(), type=Image)
        labels = {OWNER: work.owner, ATTEMPT: work.spec.attempt_id}
        container = Container(self.engine, name, command(self.engine, name, image, check, layout, labels))
        return ContainerSupervisor(
            container, layout, work.group, log, timeout=check.timeout, grace=grace, egress=egress
        )

    def remove(self, owner: str, group: Group, place: Path) -> None:
        """See `Kind.remove`. A directory in which something is still mounted stays."""
        group.destroy_now()
        with contextlib.suppress(Misconfigured, Outage):
            self.engine.remove(container_name(owner, place))
        if container_stage.unmount(place):
            shutil.rmtree(place, ignore_errors=True)

    def sweep(self, owner: str) -> int:
        """See `Kind.sweep`: containers with our label whose directory is gone."""
        try:
            return sum(self.engine.remove(container) for container in self.engine.owned(owner))
        except (Misconfigured, Outage):
            return 0  # without an engine there are no containers; the probe says so


def container_name(owner: str, place: Path) -> str:
    """The name of an attempt's container."""
    return f"{owner}-{place.name}"
