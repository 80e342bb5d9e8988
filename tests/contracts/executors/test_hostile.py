"""The hostile set: none of it succeeds inside, and what we try it with works outside."""

import ast
import asyncio
import json
import os
import sys
from pathlib import Path

import msgspec
import pytest

from app.executors import Ended
from app.executors import hostile as hostile_file
from app.executors.launcher import Bind
from app.executors.probe import CELLS, probe
from app.executors.probe_world import world
from app.executors.protocol import AttemptOutcome, AttemptSpec, LogChunk
from app.model import ReportSpec, Resources
from tests.contracts.executors.conftest import ON_THIS_MACHINE, Local, Run, python
from tests.support.prerequisites import missing

pytestmark = pytest.mark.sandbox
HOSTILE = Path(hostile_file.__file__).read_text()


@ON_THIS_MACHINE
async def test_the_probe_holds_every_cell_and_is_fast(executor: Local):
    report = await executor.probe()
    assert [cell.name for cell in report.protections] == list(CELLS)
    assert {cell.name: cell.detail for cell in report.protections if not cell.held} == {}
    assert report.usable
    assert report.safe_for_untrusted


OPEN_OUTSIDE = [
    "service_environment",
    "key_file",
    "other_workspace_read",
    "other_workspace_write",
    "shared_tree_write",
    "loopback_tcp",
    "loopback_udp",
    "unix_path",
    "unix_abstract",
    "signal_service",
]


async def test_outside_of_a_sandbox_the_attacks_work(tmp_path: Path):
    """So that a cell that holds, holds because of the sandbox."""
    async with world(tmp_path) as outside:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-c",
            HOSTILE,
            json.dumps(msgspec.to_builtins(outside)),
            *OPEN_OUTSIDE,
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await process.communicate()
    found = {answer["name"]: answer["open"] for answer in map(json.loads, output.splitlines())}
    assert found == dict.fromkeys(OPEN_OUTSIDE, True)


async def test_an_executor_that_protects_nothing_is_found_out(tmp_path: Path):
    """The probe against a back-end that runs checks plainly: every cell it can open is open."""

    class Plain:
        name = "plain"
        root = tmp_path
        mend = "run checks elsewhere"
        programs = ()

        async def attempt(
            self, spec: AttemptSpec, log, extra: tuple[Bind, ...] = (), *, grace: float | None = None
        ):
            names = [name for name in spec.check.argv[5:] if name in {*OPEN_OUTSIDE, "report_links"}]
            (spec.tree / "out").mkdir(exist_ok=True)
            process = await asyncio.create_subprocess_exec(
                *spec.check.argv[:5], *names, cwd=spec.tree, stdout=asyncio.subprocess.PIPE
            )
            output, _ = await process.communicate()
            await log(LogChunk(seq=0, offset=0, t_ms=0, data=output))
            return AttemptOutcome(ended=Ended.EXITED, exit_code=process.returncode)

    report = await probe(Plain())
    cells = {cell.name: cell for cell in report.protections}
    assert not report.safe_for_untrusted
    assert all(not cells[name].held for name in OPEN_OUTSIDE)
    assert all(cell.mend for cell in report.protections if not cell.held)
    assert not cells["memory_one"].held, "what was not tried does not hold"


_ENGINES = {"sandbox": set(), "container": {"run", "sys"}}
"""What an engine puts into every container."""


@ON_THIS_MACHINE
async def test_files_of_the_host_are_not_there(executor: Local, run: Run, tmp_path: Path):
    (tmp_path / "key").write_text("key")
    places = [
        "/etc/shadow",
        "/root",
        "/home/runner",
        "/var/run",
        "/run/podman",
        "/run/docker.sock",
        "/sys",
        str(tmp_path),
        "/proc/kcore",
        "/boot",
    ]
    _, log = await run(
        "".join(f"cat {place}/* {place} 2>/dev/null | head -c 20 || true; " for place in places) + "ls /"
    )
    shown = set(log.split())
    assert "key" not in log
    assert (
        shown
        <= {
            "bin",
            "dev",
            "etc",
            "home",
            "lib",
            "lib32",
            "lib64",
            "libx32",
            "portcullis",
            "proc",
            "root",
            "sbin",
            "tmp",
            "usr",
            "var",
            "workspace",
        }
        | set(Path(sys.base_prefix).parts[1:2])
        | _ENGINES[executor.name]
    )
    _, log = await run("ls -A /etc /home /var")
    assert "shadow" not in log
    assert "ssh" not in log


@ON_THIS_MACHINE
async def test_other_attempts_cannot_be_seen_or_reached(run: Run):
    hold = "echo secret-of-a > /tmp/s; echo secret-of-a > out/s; echo secret-of-a > /dev/shm/s; sleep 1"
    look = "sleep 0.4; cat /tmp/s out/s /dev/shm/s; ps -e -o args || cat /proc/[0-9]*/cmdline; ls /proc | grep -c '^[0-9]' || true"
    (_, _), (_, log) = await asyncio.gather(run(hold, attempt_id="a"), run(look + "|| true", attempt_id="b"))
    assert "secret-of-a" not in log
    assert "sleep 1" not in log.replace("\0", " ")


@ON_THIS_MACHINE
async def test_no_descriptor_of_ours_is_inherited(run: Run):
    _, log = await run("ls -l /proc/self/fd /proc/$$/fd")
    targets = {line.split(" -> ")[1] for line in log.splitlines() if " -> " in line}
    assert all(t.startswith(("pipe:", "/dev/null", "/proc/", "/portcullis/script")) for t in targets), targets


@ON_THIS_MACHINE
async def test_the_supervisor_cannot_be_told_a_setup_error(run: Run):
    """Hostile code that finds the setup pipe through /proc/1/fd writes there in vain."""
    outcome, _ = await run(
        "for f in /proc/1/fd/*; do echo 'bwrap: broken' > $f || true; done 2>/dev/null; exit 1"
    )
    assert (outcome.ended, outcome.exit_code) == (Ended.EXITED, 1)


@ON_THIS_MACHINE
async def test_every_writable_place_is_bounded(run: Run):
    code = """
import os
total = {}
for place in ('.', 'out', 'in', '/tmp', os.path.expanduser('~'), '/dev', '/dev/shm', '/', '/etc', '/var/tmp', '/home', '/usr', '/portcullis', '/proc', '/run', '/workspace'):
    written = 0
    try:
        for n in range(400):
            with open(f'{place}/fill{n}', 'wb') as f:
                f.write(b'x' * (1 << 20))
            written += 1
    except OSError:
        pass
    for n in range(400):
        try: os.unlink(f'{place}/fill{n}')
        except OSError: pass
    total[place] = written
print({place: n for place, n in total.items() if n})
"""
    limits = Resources(memory=256 << 20, disk=24 << 20)
    outcome, log = await run("", argv=python(code), resources=limits)
    assert outcome.exit_code == 0, (outcome, log)
    found = ast.literal_eval(log)
    assert set(found) == {".", "out", "/tmp", "/home/job", "/dev/shm", "/var/tmp", "/workspace"}
    assert all(amount <= 24 for place, amount in found.items() if place != "/dev/shm")
    assert found["/dev/shm"] <= 64


@ON_THIS_MACHINE
async def test_many_small_files_are_bounded_too(run: Run):
    code = "import os\nfor n in range(10**7):\n    os.close(os.open(f'f{n}', os.O_CREAT))\n"
    outcome, log = await run("", argv=python(code), resources=Resources(disk=4 << 20))
    assert outcome.ended is Ended.DISK_FULL
    assert "No space left" in log


@ON_THIS_MACHINE
async def test_memory_of_five_children_and_of_shared_files(run: Run):
    code = """
import os, time
for _ in range(5):
    if os.fork() == 0:
        b = bytearray(20 << 20); b[::4096] = b'x' * len(b[::4096]); time.sleep(1); os._exit(0)
codes = [os.wait()[1] for _ in range(5)]
"""
    outcome, _ = await run("", argv=python(code), resources=Resources(memory=64 << 20))
    assert outcome.ended is Ended.OUT_OF_MEMORY, "also where the parent ends well"
    outcome, _ = await run("head -c 60M /dev/zero > /dev/shm/x; true", resources=Resources(memory=32 << 20))
    assert outcome.ended is Ended.OUT_OF_MEMORY


@ON_THIS_MACHINE
async def test_a_fork_bomb_ends_with_the_check(run: Run):
    outcome, _ = await run("b() { b | b & }; b; sleep 0.5", resources=Resources(pids=60), timeout=10)
    assert outcome.ended in {Ended.EXITED, Ended.TIMED_OUT}
    assert outcome.seconds < 60


@ON_THIS_MACHINE
async def test_daemons_do_not_outlive_the_check(run: Run):
    mark = f"8642.{os.getpid()}"  # the same test may run in another worker
    await run(f"(setsid nohup sh -c 'trap \"\" TERM HUP; exec sleep {mark}' >/dev/null 2>&1 &); sleep 0.1")
    alive = [place for place in Path("/proc").glob("[0-9]*/cmdline") if mark.encode() in _bytes(place)]
    assert alive == []


@ON_THIS_MACHINE
async def test_a_daemon_that_keeps_the_log_open_does_not_hold_the_end(run: Run):
    outcome, log = await run("(setsid sleep 300 &); echo done")
    assert (outcome.exit_code, log) == (0, "done\n")
    assert outcome.seconds < 60


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


@ON_THIS_MACHINE
async def test_capabilities_privileges_and_terminals(run: Run):
    _, log = await run(
        "grep -E 'Cap|NoNew|Seccomp:' /proc/self/status; tty; cat /proc/sys/user/max_user_namespaces",
        artifacts=(),
    )
    values = dict(line.split(":\t") for line in log.splitlines() if ":\t" in line)
    assert {values[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert (values["NoNewPrivs"], values["Seccomp"]) == ("1", "2")
    assert "not a tty" in log


@ON_THIS_MACHINE
async def test_the_kernel_uid_is_not_the_services(executor: Local, run: Run):
    if os.geteuid() != 0:
        missing("only a service that is root has another uid to give")
    running = asyncio.create_task(run("sleep 99"))
    uids: set[int] = set()
    while not uids and not running.done():
        await asyncio.sleep(0.02)
        for pid in executor.cgroups.group("attempt-1").pids():
            if _bytes(Path(f"/proc/{pid}/comm")) == b"sleep\n":
                uids.add(Path(f"/proc/{pid}").stat().st_uid)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert uids
    assert 0 not in uids


@pytest.mark.parametrize(
    "code",
    [
        "import ctypes; l = ctypes.CDLL(None, use_errno=True); print(l.mount(b'x', b'/tmp', b'tmpfs', 0, None))",
        "import ctypes; l = ctypes.CDLL(None, use_errno=True); print(l.unshare(0x10000000))",
        "import ctypes; l = ctypes.CDLL(None, use_errno=True); print(l.setns(0, 0))",
        "import ctypes; l = ctypes.CDLL(None, use_errno=True); print(l.ptrace(0, 0, 0, 0))",
        "import ctypes; l = ctypes.CDLL(None, use_errno=True); print(l.syscall(56, 0x10000011, 0, 0, 0, 0))",
        "import ctypes; l = ctypes.CDLL(None, use_errno=True); print(l.syscall(435, 0, 0))",
        "import socket\ntry:\n    socket.socket(38, 5, 0); print(0)\nexcept OSError: print(-1)",
        "import socket\ntry:\n    socket.socket(socket.AF_PACKET, socket.SOCK_RAW); print(0)\nexcept OSError: print(-1)",
        "import socket\ntry:\n    socket.socket(socket.AF_INET, socket.SOCK_RAW, 1); print(0)\nexcept OSError: print(-1)",
        "import fcntl\ntry:\n    fcntl.ioctl(0, 0x5412, b'x'); print(0)\nexcept OSError: print(-1)",
    ],
)
@ON_THIS_MACHINE
async def test_kernel_surface_is_closed(run: Run, code: str):
    outcome, log = await run("", argv=python(code))
    assert (outcome.exit_code, log) == (0, "-1\n")


@ON_THIS_MACHINE
async def test_ordinary_programs_still_work(run: Run):
    """A sandbox in which threads, processes, sockets within it or memory maps fail is of no use."""
    code = """
import mmap, multiprocessing, socket, ssl, sqlite3, subprocess, tempfile, threading
t = threading.Thread(target=print, args=('thread',)); t.start(); t.join()
print(subprocess.run(['echo', 'child'], capture_output=True, text=True).stdout.strip())
with multiprocessing.get_context('fork').Pool(2) as pool: print(pool.map(abs, [-1, -2]))
a, b = socket.socketpair(); a.send(b'x'); print(b.recv(1))
s = socket.create_server(('127.0.0.1', 0)); c = socket.create_connection(s.getsockname()); print('loopback')
print(sqlite3.connect(tempfile.mktemp()).execute('select 1').fetchone())
print(len(mmap.mmap(-1, 4096)))
"""
    outcome, log = await run("", argv=python(code))
    assert outcome.exit_code == 0, log
    assert log.split("\n")[:7] == ["thread", "child", "[1, 2]", "b'x'", "loopback", "(1,)", "4096"]


@ON_THIS_MACHINE
async def test_reports_are_never_read_through_anything(run: Run, tmp_path: Path):
    (tmp_path / "key").write_text("the key")
    paths = ["link", "folder/key", "fifo", "socket", "dir", "../src/app.py", "proc/environ", "hard"]
    outcome, _ = await run(
        f"cd out; ln -s {tmp_path}/key link; ln -s {tmp_path} folder; mkfifo fifo; mkdir dir; ln -s /proc/self proc; "
        "ln ../src/app.py hard 2>/dev/null || true",
        reports=tuple(ReportSpec(path=f"out/{path}") for path in paths),
        artifacts=("out/**",),
    )
    assert all(file.problem and not file.content for file in outcome.files), outcome.files
    assert outcome.artifacts == ()


@ON_THIS_MACHINE
async def test_the_check_cannot_reach_its_control_groups(executor: Local, run: Run):
    _, log = await run(
        "for file in $(find /sys/fs/cgroup -type f 2>/dev/null); do "
        "{ echo 0 > $file && echo REACHED $file; } 2>/dev/null; done; "
        "mkdir /sys/fs/cgroup/own 2>/dev/null && echo REACHED; mount -t cgroup2 x /tmp 2>/dev/null && echo REACHED; "
        "echo looked"
    )
    assert log == "looked\n"
    if executor.name == "container":
        return  # it sees that its group lies elsewhere, by name
    _, log = await run("ls /sys 2>&1; cat /proc/self/cgroup; true")
    assert "cannot access '/sys'" in log or log.startswith("ls:")
    assert "portcullis" not in log.replace("/portcullis/", "") or "/.." not in log
