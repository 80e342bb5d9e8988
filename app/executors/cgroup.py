"""Control groups of checks: memory, processes, processor time, and killing all at once.

Works on cgroup v2 alone, on v1, and on hybrid machines (limits in v1, `cgroup.kill` in v2). Groups are
made beneath the group this process is in, so whatever limits us limits our checks too; on v2 the
process first moves itself to a leaf, `supervisor` (v2 forbids processes beside child groups).
"""

import asyncio
import contextlib
import os
import re
import signal
import time
from pathlib import Path

from app.executors.hierarchies import LEAF, PROCESS, V2_CONTROLLERS, Hierarchy, content, hierarchies
from app.model import Resources

_PERIOD = 100_000
_OWN_PROCESSES = 4
_FILES = {
    "memory": ("memory.max", "memory.limit_in_bytes"),
    "pids": ("pids.max",),
    "cpu": ("cpu.max", "cpu.cfs_quota_us"),
    "kill": ("cgroup.kill", "freezer.state"),
}
"""What a group can do → the files of both versions that do it."""


def _write(path: Path, value: str) -> bool:
    try:
        path.write_text(value)
    except OSError:
        return False
    return True


class Cgroups:
    """The groups of one owner (an executor's directory): `prefix` names them all.

    `limits` says which of memory, pids, cpu and kill really work here.
    """

    def __init__(self, prefix: str, process: Path = PROCESS) -> None:
        self.prefix = prefix
        self.hierarchies = hierarchies(process)
        for hierarchy in self.hierarchies:
            if hierarchy.version == 2:  # noqa: PLR2004 - cgroup v2
                self._delegate(hierarchy)
        self.limits, self._held = self._usable()

    def _delegate(self, hierarchy: Hierarchy) -> None:
        """Pass the controllers on to child groups, moving ourselves to a leaf if v2 asks for it."""
        wanted = [name for name in V2_CONTROLLERS if name in hierarchy.controllers]
        if not wanted:
            return
        control = hierarchy.place / "cgroup.subtree_control"
        line = " ".join(f"+{name}" for name in wanted)
        if set(wanted) <= set(content(control).split()) or _write(control, line):
            return
        leaf = hierarchy.place / LEAF
        with contextlib.suppress(OSError):
            leaf.mkdir(exist_ok=True)
        # Only ourselves: where others share our group, it was not delegated to us, and the probe says so.
        _write(leaf / "cgroup.procs", str(os.getpid()))
        _write(control, line)

    def _usable(self) -> tuple[frozenset[str], frozenset[str]]:
        """What a group made here has, and the files of limits that it takes: made, written and removed at
        once. Hierarchies that let us make none are left out from then on.
        """
        usable: set[str] = set()
        held: set[str] = set()
        able = []
        for hierarchy in self.hierarchies:
            place = hierarchy.place / f"{self.prefix}-try-{os.getpid()}"
            try:
                place.mkdir()
            except OSError:
                continue
            able.append(hierarchy)
            held |= _set(place, Resources())
            for name, files in _FILES.items():
                if any(file in held or ((place / file).exists() and name == "kill") for file in files):
                    usable.add(name)
            with contextlib.suppress(OSError):
                place.rmdir()
        self.hierarchies = able
        return frozenset(usable), frozenset(held)

    def group(self, name: str) -> "Group":
        """The group of one attempt; `create` makes it."""
        places = [hierarchy.place / f"{self.prefix}-{name}" for hierarchy in self.hierarchies]
        return Group(places, self._held)

    def sweep(self) -> int:
        """Kill and remove every group of this owner; gives how many."""
        names = {
            re.sub(re.escape(self.prefix) + "-", "", place.name, count=1)
            for hierarchy in self.hierarchies
            for place in hierarchy.place.glob(f"{self.prefix}-*")
        }
        for name in names:
            self.group(name).destroy_now()
        return len(names)


def descendants(pid: int) -> set[int]:
    """All processes beneath one, as /proc tells now."""
    found: set[int] = set()
    waiting = [pid]
    while waiting:
        at = waiting.pop()
        children = {int(child) for child in content(Path(f"/proc/{at}/task/{at}/children")).split()}
        waiting += children - found
        found |= children
    return found


def _limits(resources: Resources) -> dict[str, str]:
    """File → value, of both versions."""
    quota = int(resources.cpus * _PERIOD)
    return {
        "memory.max": str(resources.memory),
        "memory.swap.max": "0",
        "memory.oom.group": "1",
        "memory.limit_in_bytes": str(resources.memory),
        "memory.memsw.limit_in_bytes": str(resources.memory),
        "pids.max": str(resources.pids + _OWN_PROCESSES),
        "cpu.max": f"{quota} {_PERIOD}",
        "cpu.cfs_period_us": str(_PERIOD),
        "cpu.cfs_quota_us": str(quota),
    }


def _set(place: Path, resources: Resources) -> set[str]:
    """Set the limits of a group; gives the files that took theirs."""
    there = {file.name for file in place.iterdir()}
    return {
        file for file, value in _limits(resources).items() if file in there and _write(place / file, value)
    }


class Group:
    """One attempt's group, a directory in each hierarchy. `held` are the files of limits that groups take
    here.
    """

    def __init__(self, places: list[Path], held: frozenset[str] = frozenset()) -> None:
        self.places = places
        self._held = held

    def create(self, resources: Resources) -> None:
        """Make the directories and set the limits. Raises OSError where that fails: nothing runs without a
        limit that this machine holds.
        """
        for place in self.places:
            place.mkdir()
            left = self._held - _set(place, resources)
            if refused := [file for file in sorted(left) if (place / file).exists()]:
                raise OSError(f"the control group took no {', '.join(refused)}")

    @property
    def joins(self) -> list[str]:
        """The files a process writes its id to, to be in this group."""
        return [str(place / "cgroup.procs") for place in self.places]

    def join(self, pid: int) -> bool:
        """Move a process here; gives whether it is in every one of the directories now."""
        return all(_write(Path(file), str(pid)) for file in self.joins)

    def pids(self) -> set[int]:
        """Every process in it."""
        found: set[int] = set()
        for place in self.places:
            found.update(int(pid) for pid in content(place / "cgroup.procs").split())
        return found

    def out_of_memory(self) -> bool:
        """Whether the kernel killed a process here for its memory."""
        for place in self.places:
            for file in ("memory.events", "memory.oom_control"):
                for line in content(place / file).splitlines():
                    name, _, count = line.partition(" ")
                    if name == "oom_kill" and count.strip() != "0":
                        return True
        return False

    def pids_limited(self) -> bool:
        """Whether a fork was refused here for the number of processes."""
        return any(
            line.startswith("max ") and line.split()[1] != "0"
            for place in self.places
            for line in content(place / "pids.events").splitlines()
        )

    def terminate(self, spare: int) -> None:
        """TERM to every process but `spare` (without groups: to all its descendants)."""
        for pid in (self.pids() or descendants(spare)) - {spare}:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGTERM)

    def _kill_once(self) -> None:
        """KILL to all: by cgroup.kill, or frozen first, so that none can fork away meanwhile."""
        if any(_write(place / "cgroup.kill", "1") for place in self.places):
            return
        frozen = [place / "freezer.state" for place in self.places if (place / "freezer.state").exists()]
        for file in frozen:
            _write(file, "FROZEN")
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        for file in frozen:
            _write(file, "THAWED")

    async def kill(self, seconds: float = 10.0) -> bool:
        """Kill all and wait until none is left; gives whether that was reached."""
        until = time.monotonic() + seconds
        pause = 0.001
        while self.pids():
            self._kill_once()
            await asyncio.sleep(pause)
            pause = min(pause * 2, 0.05)
            if time.monotonic() > until:
                return False
        return True

    def destroy_now(self) -> None:
        """Kill all and remove the directories, waiting at most ten seconds; for sweeps and at the end."""
        until = time.monotonic() + 10
        for place in self.places:
            while place.exists():
                try:
                    place.rmdir()
                except OSError:
                    self._kill_once()
                    if time.monotonic() > until:
                        break
                    time.sleep(0.002)
