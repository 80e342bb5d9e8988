"""Trying the hostile set on this machine, at start: what an executor really gives, not what it should.

A small world of things worth attacking is made outside (`probe_world`); the set runs inside real attempts,
in parallel, in about a second; what it reports and what can be seen from outside become one cell each.
Every cell is required for untrusted changes.
"""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from app.executors.launcher import Bind
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

_WITHIN = (
    "read_shadow service_environment key_file other_workspace_read other_workspace_write shared_tree_write "
    "write_usr proc_sys_write loopback_tcp loopback_udp metadata_tcp metadata_udp unix_path unix_abstract "
    "user_namespace io_uring kernel_keys bpf userfault trace_service signal_service"
)
INSIDE = tuple(_WITHIN.split())
"""Attacks of which the set itself can tell how they ended."""
_STAY_SECONDS = (0.5, 4.0, 20.0)
LINKS = ("out/link.xml", "out/folder/key", "out/fifo.xml", "out/../key")
HOSTILE = Path(__file__).parent / "hostile.py"
_OUTSIDE = ("memory_one", "memory_tree", "forks", "fill_disk", "report_links", "outlive", "linger")
CELLS = (*INSIDE, *_OUTSIDE)

_GROUPS_MEND = (
    "let the service make control groups: run it as a systemd unit with Delegate=yes, or as root on a "
    "machine where /sys/fs/cgroup is writable"
)
_KERNEL_MEND = "the system call filter did not load: libseccomp and a kernel with seccomp are needed"
_MENDS = dict.fromkeys(("memory_one", "memory_tree", "forks", "outlive", "linger"), _GROUPS_MEND)
_MENDS |= dict.fromkeys(("io_uring", "kernel_keys", "bpf", "userfault"), _KERNEL_MEND)


class Probed(Protocol):
    """What a probe needs of an executor."""

    name: str
    root: Path
    mend: str

    @property
    def programs(self) -> tuple[Bind, ...]:
        """What must be bound so that our interpreter runs inside."""
        ...

    async def attempt(
        self,
        spec: AttemptSpec,
        log: LogSink,
        extra: tuple[Bind, ...] = (),
        *,
        grace: float | None = None,
    ) -> AttemptOutcome:
        """Run without asking for a probe first."""
        ...


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt of the probe: its outcome and what the set said, by attack."""

    outcome: AttemptOutcome
    said: dict[str, tuple[bool, str]]


def interpreter() -> tuple[str, tuple[Bind, ...]]:
    """Our Python by its real path, and what must be seen of it if it is not beneath /usr."""
    program = os.path.realpath(sys.executable)
    prefix = Path(sys.base_prefix).resolve()
    if prefix.is_relative_to("/usr"):
        return program, ()
    return program, (Bind(source=prefix, at=str(prefix)),)


async def probe(executor: Probed) -> ProbeReport:
    """Try everything; gives the report, raises nothing for what is missing."""
    try:
        async with world(executor.root) as outside:
            cells = await _cells(executor, outside)
    except (PortcullisError, OSError) as error:
        mend = error.hint if isinstance(error, PortcullisError) else ""
        return _report(executor, _refused(str(error), mend), usable=False)
    return _report(executor, cells, usable=not all(cell.detail.startswith("no sandbox") for cell in cells))


def _report(executor: Probed, cells: tuple[Protection, ...], *, usable: bool) -> ProbeReport:
    cells = tuple(
        cell if cell.held or cell.mend else msgspec.structs.replace(cell, mend=executor.mend)
        for cell in cells
    )
    return ProbeReport(
        executor=executor.name,
        usable=usable,
        safe_for_untrusted=usable and all(cell.held for cell in cells),
        protections=cells,
    )


def _refused(why: str, mend: str = "") -> tuple[Protection, ...]:
    return tuple(Protection(name=name, held=False, detail=f"no sandbox: {why}", mend=mend) for name in CELLS)


async def _cells(executor: Probed, outside: World) -> tuple[Protection, ...]:
    groups = (
        INSIDE,
        ["memory_one"],
        ["memory_tree"],
        ["forks", "fill_disk", "report_links"],
        ["outlive", "linger"],
    )
    answers = await asyncio.gather(
        *(_try(executor, outside, number, names) for number, names in enumerate(groups)),
        return_exceptions=True,  # none is left behind at its work where another cannot begin
    )
    tried = [answered(answer) for answer in answers]
    inside = tried[0]
    if inside.outcome.ended is Ended.SETUP_ERROR:
        return _refused(inside.outcome.detail)
    cells = [said(inside, name) for name in groups[0]]
    cells += [memory(tried[1], "memory_one"), memory(tried[2], "memory_tree")]
    cells += [said(tried[3], "forks"), said(tried[3], "fill_disk"), links(tried[3], outside)]
    cells += _survivors(tried[4], outside)
    if await asyncio.to_thread(os.listdir, outside.tree):
        tree = _cell("shared_tree_write", "a check wrote into the shared tree", held=False)
        cells = [tree if cell.name == tree.name else cell for cell in cells]
    return tuple(cells)


def answered(answer: Tried | BaseException) -> Tried:
    """What was tried. Raises what kept it from being tried."""
    if isinstance(answer, BaseException):
        raise answer
    return answer


async def _try(executor: Probed, outside: World, number: int, names: Sequence[str]) -> Tried:
    """Run some attacks in one attempt. Those that stay until they are ended are given longer, should the
    machine be too busy to begin them in time.
    """
    tried = None
    for seconds in _STAY_SECONDS if "linger" in names else (20.0,):
        tried = await _attack(executor, outside, number, names, seconds)
        if names[0] in tried.said:
            break
    assert tried is not None  # noqa: S101 - there is a first time
    return tried


async def _attack(
    executor: Probed, outside: World, number: int, names: Iterable[str], seconds: float
) -> Tried:
    program, _ = interpreter()
    text = HOSTILE.read_text()
    told = json.dumps(msgspec.to_builtins(outside))
    said = bytearray()

    async def listen(chunk: LogChunk) -> None:
        said.extend(chunk.data)

    spec = AttemptSpec(
        attempt_id=f"probe-{os.getpid()}-{number}",
        tree=Path(outside.tree),
        check=CheckSpec(
            id="probe",
            key="probe",
            argv=(program, "-I", "-c", text, told, *names),
            timeout=seconds,
            resources=LIMITS,
            reports=tuple(ReportSpec(path=path) for path in LINKS if "report_links" in names),
        ),
    )
    outcome = await executor.attempt(spec, listen, executor.programs, grace=0.1)
    return Tried(outcome=outcome, said=parse(bytes(said)))


def parse(said: bytes) -> dict[str, tuple[bool, str]]:
    """Whether each attack succeeded, and what it says, by its name; other output is left out."""
    found: dict[str, tuple[bool, str]] = {}
    for line in said.splitlines():
        with contextlib.suppress(ValueError, KeyError, TypeError):
            answer = json.loads(line)
            found[str(answer["name"])] = (bool(answer["open"]), str(answer["detail"]))
    return found


def _cell(name: str, detail: str, *, held: bool) -> Protection:
    return Protection(name=name, held=held, detail=detail, mend="" if held else _MENDS.get(name, ""))


def said(tried: Tried, name: str) -> Protection:
    """A cell that the set itself can tell; silence is not a protection."""
    if name not in tried.said:
        outcome = tried.outcome
        return _cell(name, f"not tried: {outcome.ended} {outcome.detail}".strip(), held=False)
    is_open, detail = tried.said[name]
    return _cell(name, detail, held=not is_open)


def memory(tried: Tried, name: str) -> Protection:
    """The cell of an attack that must end by its memory."""
    is_open, detail = tried.said.get(name, (False, tried.outcome.detail))
    return _cell(name, detail, held=not is_open and tried.outcome.ended is Ended.OUT_OF_MEMORY)


def links(tried: Tried, outside: World) -> Protection:
    """The cell of reports that lead elsewhere: none may have been read."""
    followed = [file.path for file in tried.outcome.files if not file.problem]
    leaked = any(outside.secret.encode() in file.content for file in tried.outcome.files)
    made = "report_links" in tried.said
    detail = f"followed {followed}" if followed else "; ".join(file.problem for file in tried.outcome.files)
    return _cell("report_links", detail, held=made and not followed and not leaked)


def _survivors(tried: Tried, outside: World) -> list[Protection]:
    alive = [place for place in Path("/proc").glob("[0-9]*/cmdline") if _names(place, outside.daemon)]
    ended = tried.outcome.ended
    daemon = "its daemon lives on" if alive else "killed with the check"
    return [
        _cell("outlive", daemon, held="outlive" in tried.said and not alive),
        _cell("linger", f"ended: {ended}", held=ended is Ended.TIMED_OUT and not alive),
    ]


def _names(place: Path, marker: str) -> bool:
    try:
        return marker.encode() in place.read_bytes()
    except OSError:
        return False
