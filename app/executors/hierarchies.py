"""Where this process may make control groups and what they may limit there: cgroup v2, v1, both at once."""

import os
from pathlib import Path, PurePosixPath

import msgspec

V2_CONTROLLERS = ("memory", "pids", "cpu")
LEAF = "supervisor"
"""The group that we move to where v2 forbids processes beside child groups."""


class Hierarchy(msgspec.Struct, frozen=True, kw_only=True):
    """A mounted hierarchy: our own group's directory and what it can do."""

    place: Path
    controllers: frozenset[str]
    version: int


PROCESS = Path("/proc/self")
"""Where the kernel says what is mounted and which groups a process, here this one, is in."""


def _mounts(process: Path) -> list[tuple[str, str, str, set[str]]]:
    """(mount root, mount point, file system, its options) of every cgroup mount."""
    found = []
    for line in (process / "mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        fields, kind = before.split(), after.split()
        if kind and kind[0] in {"cgroup", "cgroup2"}:
            found.append((fields[3], fields[4], kind[0], set(kind[2].split(","))))
    return found


def _own_paths(process: Path) -> dict[str, str]:
    """Controller (or `` for v2) → our group's path in its hierarchy."""
    paths = {}
    for line in (process / "cgroup").read_text().splitlines():
        _, names, path = line.split(":", 2)
        for name in names.split(","):
            paths[name] = path
    return paths


def _beneath(mount_root: str, point: str, path: str) -> Path:
    """Our group's directory. In a container without a namespace of its own the mount shows a part only."""
    beneath = PurePosixPath(path).is_relative_to(mount_root)
    return (Path(point) / (os.path.relpath(path, mount_root) if beneath else ".")).resolve()


def hierarchies(process: Path = PROCESS) -> list[Hierarchy]:
    """The hierarchies in which this process may make groups, each with what it may limit there."""
    own = _own_paths(process)
    found: dict[Path, Hierarchy] = {}
    for root, point, kind, options in _mounts(process):
        if kind == "cgroup2":
            place = _beneath(root, point, own.get("", "/"))
            if place.name == LEAF:
                place = place.parent
            offered = content(place / "cgroup.controllers").split()
            names = frozenset(name for name in V2_CONTROLLERS if name in offered)
            if (place / "cgroup.kill").exists() or not (place / "cgroup.type").exists():
                names |= {"kill"}
            version = 2
        else:
            names = frozenset(options & {"memory", "pids", "cpu", "freezer"})
            if not names:
                continue
            place = _beneath(root, point, own.get(min(names), "/"))
            version = 1
        if os.access(place, os.W_OK | os.X_OK):
            found.setdefault(place, Hierarchy(place=place, controllers=names, version=version))
    return list(found.values())


def content(path: Path) -> str:
    """The text of one of the kernel's files; '' where it cannot be read."""
    try:
        return path.read_text()
    except OSError:
        return ""
