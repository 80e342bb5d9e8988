"""What a service may leave on its machine and must not: processes, directories, mounts, control groups."""

import hashlib
import os
from pathlib import Path


def sleepers(mark: str) -> list[int]:
    """Processes whose command line holds a mark."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            words = (place / "cmdline").read_bytes()
        except OSError:
            continue
        if mark.encode() in words and int(place.name) != os.getpid():
            found.append(int(place.name))
    return found


def orphans(root: Path) -> list[str]:
    """Processes that work beneath a directory and have lost whoever started them, by their command lines."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            words = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            parent = (place / "stat").read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue
        if f"{root}/" in words and parent == "1":
            found.append(f"{place.name} ({words[:200]})")
    return found


def left_behind(data: Path) -> list[str]:
    """Directories, mounts and control groups of the attempts of a data directory."""
    sandbox = data / "sandbox"
    attempts = sandbox / "attempts"
    found = [str(place) for place in attempts.iterdir()] if attempts.exists() else []
    found += [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if f"{data}/" in line]
    owner = "portcullis-" + hashlib.sha256(str(sandbox.resolve()).encode()).hexdigest()[:10]
    found += [
        folder
        for folder, _, _ in os.walk("/sys/fs/cgroup")
        if Path(folder).name.startswith(owner) and "-try-" not in folder
    ]
    return found
