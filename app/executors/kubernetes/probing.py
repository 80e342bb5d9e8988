"""Trying the hostile set in the cluster: what its nodes, its runtime and its network really give."""

import asyncio
import json
import os
from pathlib import Path
from typing import Final, Protocol

import msgspec

from app.executors import probe as trying
from app.executors.kubernetes.cluster import connected
from app.executors.kubernetes.manifest import Options
from app.executors.probe_world import LIMITS, World, world
from app.executors.protocol import (
    AttemptOutcome,
    AttemptSpec,
    Ended,
    LogChunk,
    LogSink,
    ProbeReport,
    Protection,
)
from app.model import CheckSpec, PortcullisError, ReportSpec

_NETWORK: Final = ("cluster_api", "cluster_metadata", "cluster_names")
_SET: Final = trying.HOSTILE.with_name("hostile_cluster.py")
_GROUPS: Final = (
    # Of the metadata service more is asked below than whether a packet can be sent.
    (*(name for name in trying.INSIDE if not name.startswith("metadata")), *_NETWORK, "service_token"),
    ("memory_one",),
    ("memory_tree",),
    ("forks", "fill_disk", "report_links"),
    ("outlive", "linger"),
)
CELLS: Final = tuple(name for group in _GROUPS for name in group)
_NETWORK_MEND = (
    "the cluster's network must enforce NetworkPolicy, as Calico, Cilium, kube-router and most clouds' do; "
    "flannel alone does not"
)
_RUNTIME_MEND = (
    "the runtime's own seccomp profile lets this through: newer containerd and CRI-O refuse it; else name a "
    "stricter profile of your nodes in PORTCULLIS_KUBERNETES_SECCOMP, or a sandboxed runtime (gVisor, Kata) "
    "in PORTCULLIS_KUBERNETES_RUNTIME_CLASS"
)
_MENDS: Final = {
    **dict.fromkeys(_NETWORK, _NETWORK_MEND),
    **dict.fromkeys(("user_namespace", "io_uring", "kernel_keys", "bpf", "userfault"), _RUNTIME_MEND),
}
MEND: Final = "see deploy/kubernetes-jobs: what the cluster must offer, and what this service may do in it"


class Probed(Protocol):
    """What a probe needs of the executor."""

    name: str
    root: Path
    options: Options
    config: Path | None

    async def attempt(
        self, spec: AttemptSpec, log: LogSink, *, image: str = "", grace: float | None = None
    ) -> AttemptOutcome:
        """Run without asking for a probe first."""
        ...


async def probe(executor: Probed) -> ProbeReport:
    """Try everything in pods of our own image; gives the report, raises nothing for what is missing."""
    try:
        async with connected(executor.config, executor.options.namespace) as cluster:
            api = cluster.address
        async with world(executor.root) as outside:
            told: dict[str, str] = {**msgspec.to_builtins(outside), "api": api}
            cells = await _cells(executor, outside, told)
    except (PortcullisError, OSError) as error:
        mend = error.hint if isinstance(error, PortcullisError) else ""
        refused = (_cell(name, f"no pod: {error}", mend or MEND, held=False) for name in CELLS)
        return _report(executor, tuple(refused), usable=False)
    return _report(executor, cells, usable=True)


def _report(executor: Probed, cells: tuple[Protection, ...], *, usable: bool) -> ProbeReport:
    return ProbeReport(
        executor=executor.name,
        usable=usable,
        safe_for_untrusted=usable and all(cell.held for cell in cells),
        protections=cells,
    )


async def _cells(executor: Probed, outside: World, told: dict[str, str]) -> tuple[Protection, ...]:
    answers = await asyncio.gather(
        *(_try(executor, told, number, names) for number, names in enumerate(_GROUPS)),
        return_exceptions=True,  # none is left behind at its work where another cannot begin
    )
    inside, one, tree, amounts, stay = (trying.answered(answer) for answer in answers)
    cells = [trying.said(inside, name) for name in _GROUPS[0]]
    cells += [trying.memory(one, "memory_one"), trying.memory(tree, "memory_tree")]
    cells += [
        trying.said(amounts, "forks"),
        trying.said(amounts, "fill_disk"),
        trying.links(amounts, outside),
    ]
    ended = stay.outcome.ended
    # What outlives its pod is seen by nobody here: the node says that the pod is gone when all in it is.
    cells.append(_cell("outlive", f"ended: {ended}", MEND, held="outlive" in stay.said))
    cells.append(_cell("linger", f"ended: {ended}", MEND, held=ended is Ended.TIMED_OUT))
    return tuple(
        msgspec.structs.replace(cell, mend=_MENDS.get(cell.name, MEND)) if not cell.held else cell
        for cell in cells
    )


def _cell(name: str, detail: str, mend: str, *, held: bool) -> Protection:
    return Protection(name=name, held=held, detail=detail, mend="" if held else mend)


async def _try(executor: Probed, told: dict[str, str], number: int, names: tuple[str, ...]) -> trying.Tried:
    text = _SET.read_text() + trying.HOSTILE.read_text()
    said = bytearray()

    async def listen(chunk: LogChunk) -> None:
        said.extend(chunk.data)

    spec = AttemptSpec(
        attempt_id=f"probe-{os.getpid()}-{number}",
        tree=Path(told["tree"]),
        check=CheckSpec(
            id="probe",
            key="probe",
            argv=("python3", "-I", "-c", text, json.dumps(told), *names),
            timeout=10.0 if "linger" in names else 60.0,
            resources=LIMITS,
            reports=tuple(ReportSpec(path=path) for path in trying.LINKS if "report_links" in names),
        ),
    )
    outcome = await executor.attempt(spec, listen, image=executor.options.helper, grace=1.0)
    return trying.Tried(outcome=outcome, said=trying.parse(bytes(said)))
