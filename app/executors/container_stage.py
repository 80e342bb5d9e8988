"""What a container's check may write: one sized tmpfs of this machine, with the view of the tree in it.

Made here and bound into the container, since no engine bounds all writable places of a container together.
Everything beneath `Layout.place`; `unmount` before that directory is removed.
"""

import os
import re
import subprocess
from pathlib import Path

from app.executors.launcher import Layout
from app.executors.trees import JOB_UID
from app.model import Misconfigured

STAGE = "stage"
IN = "in"
_WRITABLE = ("u", "k", "m", "out", "home", "tmp")
_OCTAL = re.compile(rb"\\([0-3][0-7]{2})")
_SPECIAL = set(":,\\\n")
"""What would have to be escaped in the options of an overlay; a tree of such a path is copied."""


def make(layout: Layout, volumes: int) -> Path:
    """Mount and fill it; gives its path. `volumes` more folders are for the disks that an image wants.

    Raises Misconfigured where nothing may be mounted, OSError where the tree does not fit.
    """
    stage = layout.place / STAGE
    stage.mkdir()
    inodes = max(10_000, layout.disk >> 12)
    options = f"size={layout.disk},nr_inodes={inodes},mode=0755,nosuid,nodev"
    if (said := _run("mount", "-t", "tmpfs", "-o", options, "portcullis", str(stage))) is not None:
        raise Misconfigured(
            f"what a container may write cannot be mounted: {said}",
            hint="run the worker as root, on the machine of the container engine",
        )
    for name in (*_WRITABLE, *(f"v{number}" for number in range(volumes))):
        (stage / name).mkdir()
        os.chown(stage / name, JOB_UID, JOB_UID)
    if layout.copy or not _overlay(layout, stage):
        _copy(layout, stage)
    for path in layout.clear:
        _remove(stage / "m", path)
    for name in ("out", "in"):
        (stage / "m" / name).mkdir()
    inputs = layout.place / IN
    inputs.mkdir(mode=0o755)
    for bind in layout.inputs:
        (inputs / Path(bind.at).name).mkdir()
    return stage


def unmount(place: Path) -> bool:
    """Unmount all beneath a directory; gives whether nothing is left there."""
    for _ in range(3):
        mounted = _mounted(place)
        if not mounted:
            return True
        for path in reversed(mounted):
            _run("umount", "--lazy", path)
    return False


def _mounted(place: Path) -> list[str]:
    """What is mounted beneath it, in the order it was."""
    points = mount_points(Path("/proc/self/mountinfo").read_bytes())
    return [point for point in points if Path(point).is_relative_to(place)]


def mount_points(mountinfo: bytes) -> list[str]:
    """The fifth field of each line (proc(5)), where the kernel writes some bytes as a backslash and three
    octal digits.
    """
    fields = [line.split()[4] for line in mountinfo.split(b"\n") if line]
    return [os.fsdecode(_OCTAL.sub(lambda found: bytes([int(found[1], 8)]), field)) for field in fields]


def _overlay(layout: Layout, stage: Path) -> bool:
    """Lay the view over the tree; false where that cannot be done."""
    lower = [*(str(over.source) for over in reversed(layout.above)), str(layout.tree)]
    if _SPECIAL & set("".join(lower) + str(stage)):
        return False
    options = f"nosuid,nodev,lowerdir={':'.join(lower)},upperdir={stage}/u,workdir={stage}/k"
    return _run("mount", "-t", "overlay", "-o", options, "view", str(stage / "m")) is None


def _copy(layout: Layout, stage: Path) -> None:
    """The view as a copy, as `launcher` makes it."""
    view = stage / "m"
    copy = ("cp", "-a", "--no-preserve=ownership", "--remove-destination")
    _must(*copy, f"{layout.tree}/.", str(view))
    for over in layout.above:
        for path in over.hidden:
            _remove(view, path)
        _must(*copy, f"{over.source}/.", str(view))
    _must("chown", "-hR", f"{JOB_UID}:{JOB_UID}", str(view))


def _remove(view: Path, path: str) -> None:
    """Remove a path of the view, unless a link is on the way to it, which would lead out of the view. Nothing
    changes the view meanwhile.
    """
    if not any((view / parent).is_symlink() for parent in Path(path).parents):
        _must("rm", "-rf", "--", str(view / path))


def _must(*command: str) -> None:
    """Run it; raises OSError with what it said."""
    if (said := _run(*command)) is not None:
        raise OSError(said)


def _run(*command: str) -> str | None:
    """Run it; gives what it complained about, None where it went well."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return done.stderr.decode("utf-8", "replace").strip()[-500:] if done.returncode else None
