"""`SandboxExecutor`: each attempt in its own namespaces, control group and sized, vanishing disk.

What holds it: bubblewrap (namespaces, no network, no capabilities, seccomp), a control group joined
before the first instruction, one sized tmpfs for all it writes over a read-only source tree. As root
the check runs under an own uid. What a missing protection costs: see `probe`.
"""

import time
from pathlib import Path

import msgspec

from app.executors.cgroup import Group
from app.executors.egress import Egress
from app.executors.launcher import Bind, Layout
from app.executors.local import LocalExecutor
from app.executors.logs import Log
from app.executors.platform import platform_of
from app.executors.protocol import AttemptSpec
from app.executors.supervise import Supervisor
from app.executors.view import make_layout, write_facts
from app.model import CheckSpec


class SandboxExecutor(LocalExecutor):
    """Runs attempts in bubblewrap, on the programs of this machine (see `LocalExecutor`)."""

    name = "sandbox"
    mend = (
        "bubblewrap must be able to make user namespaces: install bubblewrap 0.8 or newer; in a container "
        "start it with seccomp=unconfined and systempaths=unconfined, or run the worker outside of "
        "containers; on Ubuntu permit bwrap in AppArmor"
    )

    @property
    def platform(self) -> str:
        """See `Executor.platform`."""
        return platform_of(self.given, time.monotonic())

    def refused(self, check: CheckSpec) -> str:
        """See `LocalExecutor.refused`."""
        if not check.image:
            return ""
        return (
            f"image {check.image}: checks run in the sandbox here, on the machine's own programs; leave "
            "`image` out, or ask the operator for PORTCULLIS_EXECUTOR=container"
        )

    def begin(
        self, spec: AttemptSpec, place: Path, group: Group, extra: tuple[Bind, ...], cached: Path | None
    ) -> Layout:
        """See `LocalExecutor.begin`."""
        group.destroy_now()
        group.create(spec.check.resources)
        write_facts(spec, place)
        return make_layout(spec, place, self.given, extra, tuple(group.joins), cached)

    def supervise(
        self, spec: AttemptSpec, layout: Layout, group: Group, log: Log, grace: float, egress: Egress | None
    ) -> Supervisor:
        """See `LocalExecutor.supervise`."""
        if egress is not None:
            layout = msgspec.structs.replace(layout, listen=egress.inner)
        return Supervisor(layout, group, log, timeout=spec.check.timeout, grace=grace, egress=egress)
