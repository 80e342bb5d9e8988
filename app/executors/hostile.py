"""The hostile set: what the probe runs inside the sandbox. Standard library only; imports nothing of ours.

Called as `python -I hostile.py WORLD attack…` where WORLD is JSON about what lies outside (see
`probe_world.World`). Prints one JSON object per attack: {"name", "open", "detail"}; `open` means the attack
succeeded. Run without a sandbox it shows that the attacks themselves work (the tests do).
"""

import contextlib
import ctypes
import errno
import json
import mmap
import os
import platform
import signal
import socket
import sys
import time
from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True)
_NEW_USER = 0x10000000
_X86 = platform.machine() == "x86_64"
_IO_URING_SETUP, _PTRACE = 425, 101 if _X86 else 117
_KEYCTL, _BPF, _USERFAULTFD = (250, 321, 323) if _X86 else (219, 280, 282)
_ATTACH, _TIMEOUT = 16, 0.5
_METADATA = "169.254.169.254"


def _read(path: str) -> str:
    return f"read {len(Path(path).read_bytes())} bytes"


def _call(number: int, *arguments: int) -> str:
    """A system call; raises OSError if it fails."""
    result = _LIBC.syscall(number, *map(ctypes.c_long, arguments))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return f"gave {result}"


def read_shadow(_world: dict[str, str]) -> str:
    """Password hashes of the host."""
    return _read("/etc/shadow")


def service_environment(world: dict[str, str]) -> str:
    """The environment of a process outside."""
    for place in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if world["secret"].encode() in place.read_bytes():
                return f"found in {place}"
    raise PermissionError("not found")


def key_file(world: dict[str, str]) -> str:
    """A key that only the service may read."""
    return _read(world["key"])


def other_workspace_read(world: dict[str, str]) -> str:
    """Source of another change."""
    return _read(world["other"])


def other_workspace_write(world: dict[str, str]) -> str:
    """Write into another change's source."""
    Path(world["other"]).write_text("changed")
    return "written"


def shared_tree_write(world: dict[str, str]) -> str:
    """Write into the source tree that other checks share, past our own view of it."""
    (Path(world["tree"]) / "planted").write_text("changed")
    return "written"


def write_usr(_world: dict[str, str]) -> str:
    """Replace a program of the host."""
    Path("/usr/bin/portcullis-probe").write_text("")
    return "written"


def proc_sys_write(_world: dict[str, str]) -> str:
    """Change a kernel setting."""
    place = Path("/proc/sys/kernel/core_pattern")
    place.write_text(place.read_text())
    return "written"


def _tcp(host: str, port: int) -> str:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.settimeout(_TIMEOUT)
        try:
            sock.connect((host, port))
        except TimeoutError:
            return "routed, no answer"
        return "connected"


def loopback_tcp(world: dict[str, str]) -> str:
    """A service that listens on the host's loopback."""
    return _tcp("127.0.0.1", int(world["tcp"]))


def loopback_udp(world: dict[str, str]) -> str:
    """The same by UDP, with its answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(_TIMEOUT)
        sock.sendto(b"ping", ("127.0.0.1", int(world["udp"])))
        return f"answered {sock.recv(16)!r}"


def metadata_tcp(_world: dict[str, str]) -> str:
    """The cloud's metadata service, which gives credentials."""
    return _tcp(_METADATA, 80)


def metadata_udp(_world: dict[str, str]) -> str:
    """The same address by UDP: whether there is a way at all."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        return f"sent {sock.sendto(b'x', (_METADATA, 53))}"


def _unix(address: str) -> str:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(_TIMEOUT)
        sock.connect(address)
        return "connected"


def unix_path(world: dict[str, str]) -> str:
    """A socket file anyone may write to (a database, a container engine)."""
    return _unix(world["unix"])


def unix_abstract(world: dict[str, str]) -> str:
    """A socket without a file."""
    return _unix("\0" + world["abstract"])


def user_namespace(_world: dict[str, str]) -> str:
    """A namespace of its own: the way to most kernel holes."""
    child = os.fork()
    if child == 0:
        os._exit(0 if _LIBC.unshare(_NEW_USER) == 0 else 1)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
        return "made"
    raise PermissionError("refused")


def io_uring(_world: dict[str, str]) -> str:
    """Input and output that no filter of system calls sees."""
    parameters = mmap.mmap(-1, 4096)
    return _call(_IO_URING_SETUP, 4, ctypes.addressof(ctypes.c_char.from_buffer(parameters)))


def kernel_keys(_world: dict[str, str]) -> str:
    """Kernel keyrings, which namespaces do not separate."""
    return _call(_KEYCTL, 0, -3, 1)


def bpf(_world: dict[str, str]) -> str:
    """Programs in the kernel. A bad argument would mean that the call itself is let through."""
    try:
        return _call(_BPF, 0, 0, 0)
    except OSError as error:
        if error.errno in {errno.EINVAL, errno.EFAULT, errno.E2BIG}:
            return "let through"
        raise


def userfault(_world: dict[str, str]) -> str:
    """Pausing the kernel at a page: a tool of most exploits."""
    return _call(_USERFAULTFD, 1)


def trace_service(world: dict[str, str]) -> str:
    """Attach to a process outside."""
    return _call(_PTRACE, _ATTACH, int(world["pid"]), 0, 0)


def signal_service(world: dict[str, str]) -> str:
    """Stop a process outside."""
    os.kill(int(world["pid"]), signal.SIGCONT)
    return "signalled"


def memory_one(world: dict[str, str]) -> str:
    """One process takes all it can."""
    taken = bytearray(int(world["bytes"]))
    taken[::4096] = b"x" * len(taken[::4096])
    return f"took {len(taken)} bytes"


def memory_tree(world: dict[str, str]) -> str:
    """Four children take a share each, which no limit per process sees; all at the same time."""
    share = int(world["bytes"]) // 4
    children = []
    for _ in range(4):
        child = os.fork()
        if child == 0:
            taken = bytearray(share)
            taken[::4096] = b"x" * len(taken[::4096])
            time.sleep(0.3)
            os._exit(0)
        children.append(child)
    if all(os.waitpid(child, 0)[1] == 0 for child in children):
        return f"took {share * 4} bytes"
    raise MemoryError("a child was killed")


def forks(world: dict[str, str]) -> str:
    """As many processes as can be."""
    wanted = int(world["forks"])
    children = []
    try:
        for _ in range(wanted):
            child = os.fork()
            if child == 0:
                time.sleep(30)
                os._exit(0)
            children.append(child)
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
    return f"made {len(children)}"


def fill_disk(world: dict[str, str]) -> str:
    """Many files, each small, in every place that can be written to."""
    wanted = int(world["disk"])
    written = 0
    block = b"x" * (1 << 20)
    places = [Path(place) for place in (".", "out", "/tmp", os.environ.get("HOME", "/"))]  # noqa: S108
    for place in places:
        with contextlib.suppress(OSError):
            for number in range(2 * wanted // len(block)):
                (place / f"fill{number}").write_bytes(block)
                written += len(block)
    for place in places:
        for file in place.glob("fill*"):
            file.unlink()
    if written <= wanted:
        raise OSError(errno.ENOSPC, f"no more after {written} bytes")
    return f"wrote {written} bytes"


def outlive(world: dict[str, str]) -> str:
    """A daemon of its own session that ignores TERM; whether it lives is seen from outside."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            os.execv("/bin/sh", [world["daemon"], "-c", 'trap "" TERM; sleep 60; :'])  # noqa: S606 - the attack
        os._exit(0)
    raise PermissionError("started; to be looked for outside")


def linger(_world: dict[str, str]) -> str:
    """Ignore TERM and stay."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(60)
    return "stayed"


def report_links(world: dict[str, str]) -> str:
    """Reports that are links out, a pipe, a linked folder."""
    out = Path("out")
    (out / "link.xml").symlink_to(world["key"])
    (out / "folder").symlink_to(Path(world["key"]).parent)
    os.mkfifo(out / "fifo.xml")
    raise PermissionError("made; the reader decides")


def flood_log(_world: dict[str, str]) -> str:
    """Output without end."""
    block = b"y\n" * 32768
    while True:
        os.write(1, block)


def _attack(name: str, world: dict[str, str]) -> dict[str, object]:
    try:
        return {"name": name, "open": True, "detail": globals()[name](world)}
    except (OSError, MemoryError, ValueError) as error:
        return {"name": name, "open": False, "detail": str(error)[:200]}


def main(arguments: list[str]) -> None:
    """Make every named attack, in order."""
    world = json.loads(arguments[0])
    for name in arguments[1:]:
        sys.stdout.write(json.dumps(_attack(name, world)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
