"""`Sandbox`: each attempt in its own namespaces, control group and sized, vanishing disk.

What holds it: bubblewrap (namespaces, no network, no capabilities, seccomp), a control group joined
before the first instruction, one sized tmpfs for all it writes over a read-only source tree. As root
the check runs under an own uid. What a missing protection costs: see `probe`.
"""

import shutil
import time
from pathlib import Path

import msgspec

from app.executors.cgroup import Group
from app.executors.egress import Egress
from app.executors.kind import Work
from app.executors.launcher import Bind, Layout
from app.executors.logs import Log
from app.executors.platform import platform_of
from app.executors.probe import interpreter
from app.executors.supervise import Supervisor
from app.executors.view import Given, make_layout, write_facts
from app.model import CheckSpec


class Sandbox:
    """Holds attempts by bubblewrap, on the programs of this machine (see `Kind`)."""

    name = "sandbox"
    mend = (
        "bubblewrap must be able to make user namespaces: install bubblewrap 0.8 or newer; in a container "
        "start it with seccomp=unconfined and systempaths=unconfined, or run the worker outside of "
        "containers; on Ubuntu permit bwrap in AppArmor"
    )

    @property
    def programs(self) -> tuple[Bind, ...]:
        """See `Kind.programs`."""
        return interpreter()[1]

    def platform(self, given: Given) -> str:
        """See `Kind.platform`."""
        return platform_of(given, time.monotonic())

    def refused(self, check: CheckSpec) -> str:
        """See `Kind.refused`."""
        if not check.image:
            return ""
        return (
            f"image {check.image}: checks run in the sandbox here, on the machine's own programs; leave "
            "`image` out, or ask the operator for PORTCULLIS_EXECUTOR=container"
        )

    def begin(self, work: Work, extra: tuple[Bind, ...], cached: Path | None) -> Layout:
        """See `Kind.begin`."""
        work.group.destroy_now()
        work.group.create(work.spec.check.resources)
        write_facts(work.spec, work.place)
        return make_layout(work.spec, work.place, work.given, extra, tuple(work.group.joins), cached)

    def supervise(
        self, work: Work, layout: Layout, log: Log, grace: float, egress: Egress | None
    ) -> Supervisor:
        """See `Kind.supervise`."""
        if egress is not None:
            layout = msgspec.structs.replace(layout, listen=egress.inner)
        timeout = work.spec.check.timeout
        return Supervisor(layout, work.group, log, timeout=timeout, grace=grace, egress=egress)

    def remove(self, owner: str, group: Group, place: Path) -> None:
        """See `Kind.remove`."""
        del owner
        group.destroy_now()
        shutil.rmtree(place, ignore_errors=True)

    def sweep(self, owner: str) -> int:
        """See `Kind.sweep`: groups and directories are all there is."""
        del owner
        return 0
