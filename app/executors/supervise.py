"""Watching one attempt's processes: from the start of the launcher to the last byte of its log."""

import asyncio
import contextlib
import os
import time
from collections.abc import Mapping
from pathlib import Path

from app.executors import launcher, seccomp
from app.executors.cgroup import Group
from app.executors.egress import LISTEN, Egress
from app.executors.launcher import Layout
from app.executors.logs import Log
from app.executors.observed import Observed, ending_signal
from app.executors.pipes import Pipe, Setup, heard
from app.executors.protocol import Ended
from app.model import Misconfigured

_READ = 64 * 1024


class Supervisor:
    """Runs one layout in one group. `out` and `stage` are descriptors of what outlives the processes:
    the result directory and the tmpfs everything was written to. `environment` is the launcher's.
    """

    environment: Mapping[str, str] = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LC_ALL": "C",
    }
    hint = "install bubblewrap and util-linux"

    def __init__(
        self,
        layout: Layout,
        group: Group,
        log: Log,
        *,
        timeout: float,
        grace: float,
        egress: Egress | None = None,
    ) -> None:
        self.layout = layout
        self.egress = egress
        self.group = group
        self.log = log
        self.timeout = timeout
        self.grace = grace
        self.out = -1
        self.stage = -1
        self._handed: list[int] = []

    def _write_plan(self) -> list[str]:
        """Write the stage script and the mounts, fill the descriptors for bwrap; gives the command."""
        filter_file = seccomp.open_program()
        self._handed.append(filter_file)
        arguments = os.memfd_create("arguments", os.MFD_CLOEXEC)
        self._handed.append(arguments)
        place = self.layout.place
        (place / "stage.sh").write_bytes(os.fsencode(launcher.script(self.layout, arguments)))
        if self.egress is not None:
            (place / launcher.LISTEN).write_text(LISTEN)
        for name, overlay in ((launcher.FSTAB, True), (launcher.BINDS, False)):
            (place / name).write_bytes(os.fsencode(launcher.fstab(self.layout, overlay=overlay)))
        parts = launcher.bwrap_arguments(self.layout, filter_file)
        os.write(arguments, b"".join(os.fsencode(part) + b"\0" for part in parts))
        os.lseek(arguments, 0, os.SEEK_SET)
        return launcher.command(self.layout)

    async def run(self) -> Observed:
        """Run to the end. All processes are dead when this returns or raises, cancellation included."""
        output = Pipe(self.log.write)
        setup = Setup()
        process = None
        try:
            process = await self._spawn(output, setup)
            return await self._watch(process, output, setup)
        finally:
            if process is not None:
                await asyncio.shield(self._kill(process))
            if self.egress is not None:
                await asyncio.shield(self.egress.close())
            output.close()
            setup.pipe.close()

    async def _spawn(self, output: Pipe, setup: Setup) -> asyncio.subprocess.Process:
        plan = self._write_plan()
        exit_socket = [] if self.egress is None else [self.egress.inner]
        try:
            process = await asyncio.create_subprocess_exec(
                *plan,
                stdin=asyncio.subprocess.PIPE,
                stdout=output.write_end,
                stderr=setup.pipe.write_end,
                pass_fds=[*self._handed, *exit_socket],
                env=self.environment,
                cwd="/",
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise Misconfigured(
                f"a program that checks run by is missing: {error.filename}", hint=self.hint
            ) from error
        output.close_write()
        setup.pipe.close_write()
        return process

    async def _watch(self, process: asyncio.subprocess.Process, output: Pipe, setup: Setup) -> Observed:
        exited = asyncio.create_task(process.wait())
        over = asyncio.create_task(self.log.over.wait())
        started = time.monotonic()
        try:
            if await self._begin(process, setup, exited):
                started = time.monotonic()
                await asyncio.wait({exited, over}, timeout=self.timeout, return_when="FIRST_COMPLETED")
            timed_out = setup.started.is_set() and not exited.done() and not over.done()
            if timed_out:
                await self._terminate(process, exited)
            seconds = time.monotonic() - started
            await self._kill(process)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(5):
                    await output.ended.wait()
            code = self._code(await process.wait())
            ended = self._ended(code, setup, timed_out=timed_out)
        finally:
            exited.cancel()
            over.cancel()
        return self._observed(ended, code, seconds, setup)

    async def _begin(
        self, process: asyncio.subprocess.Process, setup: Setup, exited: asyncio.Task[int]
    ) -> bool:
        """Take hold of the result directory once it is mounted, then let the check start."""
        # Joining a group waits for an RCU grace period (5-12 ms), so it runs beside the mounting; the
        # launcher waits for our word, so nothing of the check runs before it has joined.
        joining = asyncio.create_task(asyncio.to_thread(self._join, process.pid))
        try:
            mounted = await heard(setup, setup.mounted, exited)
        finally:
            joined = await joining
        if not mounted:
            return False
        if not joined or not await self._hold(process.pid):
            setup.text += b"cannot join the control groups, or the launcher died"
            return False
        if self.egress is not None and (why := await self._open_exit(self.egress)):
            setup.text += f"the proxy, its only exit, did not start: {why}".encode()
            return False
        if process.stdin is not None:
            process.stdin.write(b"go\n")
            process.stdin.close()
        return await heard(setup, setup.started, exited)

    async def _open_exit(self, egress: Egress) -> str:
        """Start the proxy; the launcher has sent the socket it is to serve. Gives why it did not start."""
        return await egress.start(self.group, self.layout.place)

    def _join(self, pid: int) -> bool:
        """Have the launcher, and so all that comes of it, in the group."""
        return self.group.join(pid)

    async def _hold(self, pid: int) -> bool:
        """Open the result directory through the launcher's mount namespace: it stays readable after it."""
        try:
            self._open_stage(pid)
        except OSError:
            return False
        return True

    def _open_stage(self, pid: int) -> None:
        stage = Path(f"/proc/{pid}/root{self.layout.stage}")
        self.stage = os.open(stage, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self.out = os.open("out", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self.stage)

    async def _terminate(self, process: asyncio.subprocess.Process, exited: asyncio.Task[int]) -> None:
        # Not to bwrap itself: its end would be the end of all, without any grace.
        self.group.terminate(spare=process.pid)
        await asyncio.wait({exited}, timeout=self.grace)

    async def _kill(self, process: asyncio.subprocess.Process) -> None:
        await self.group.kill()
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def _ended(self, code: int, setup: Setup, *, timed_out: bool) -> Ended:
        if self.log.over.is_set():
            return Ended.LOG_LIMIT
        if timed_out:
            return Ended.TIMED_OUT
        if self._out_of_memory():
            return Ended.OUT_OF_MEMORY
        if not setup.started.is_set():
            return Ended.SETUP_ERROR
        if code < 0:
            return Ended.LOST  # what held it was killed, which nothing inside can do
        if code and self._disk_full():
            return Ended.DISK_FULL
        return Ended.SIGNALED if ending_signal(code) is not None else Ended.EXITED

    def _code(self, code: int) -> int:
        """The check's exit code, from the launcher's; negative where the launcher was killed."""
        return code

    def _out_of_memory(self) -> bool:
        return self.group.out_of_memory()

    def _disk_full(self) -> bool:
        if self.stage < 0:
            return False
        status = os.fstatvfs(self.stage)
        return status.f_bavail * status.f_frsize < _READ or status.f_favail == 0

    def _observed(self, ended: Ended, code: int, seconds: float, setup: Setup) -> Observed:
        return Observed(
            ended=ended,
            code=code if ended is Ended.EXITED else None,
            signal=ending_signal(code) if ended is Ended.SIGNALED else None,
            seconds=seconds,
            said=setup.complaint if ended is Ended.SETUP_ERROR else "",
            disk_full=self._disk_full(),
            pids_limited=self.group.pids_limited(),
        )

    def close(self) -> None:
        """Let go of what outlived the processes; the kernel frees it."""
        for handle in (self.out, self.stage, *self._handed):
            if handle >= 0:
                os.close(handle)
        self.out = self.stage = -1
        self._handed = []
