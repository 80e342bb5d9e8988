"""Watching one attempt's container: the engine's client, and the container itself through the engine."""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Mapping
from typing import Any

from app.executors import container_stage, launcher
from app.executors.cgroup import Group, descendants
from app.executors.container_engine import Ending, Engine
from app.executors.egress import LISTEN, Egress
from app.executors.supervise import Supervisor
from app.model import Outage

_END_SECONDS, _AGAIN_SECONDS = 30.0, 0.5


class Container:
    """One attempt's container: the command that runs it, and what is known of its end."""

    def __init__(self, engine: Engine, name: str, command: list[str]) -> None:
        self.engine = engine
        self.name = name
        self.command = command
        self.first = 0
        self.ending: Ending | None = None

    def seize(self, group: Group) -> bool:
        """Move its processes into the group, while they wait; gives whether they are there."""
        with contextlib.suppress(Outage):
            self.first = self.engine.process(self.name)
        return self.first > 0 and all(group.join(pid) for pid in (self.first, *descendants(self.first)))

    def kill(self) -> None:
        """Kill all of it."""
        with contextlib.suppress(Outage):
            self.engine.kill(self.name)

    def look(self) -> None:
        """Remember how it ended."""
        with contextlib.suppress(Outage):
            self.ending = self.ending or self.engine.ending(self.name)


class ContainerSupervisor(Supervisor):
    """Watches the engine's client; the container itself is asked for and killed through the engine."""

    environment: Mapping[str, str] = os.environ
    hint = "install docker or podman"

    def __init__(self, container: Container, *arguments: Any, **more: Any) -> None:  # noqa: ANN401 - Supervisor's
        super().__init__(*arguments, **more)
        self.container = container

    def _write_plan(self) -> list[str]:
        return self.container.command

    def _join(self, pid: int) -> bool:
        """The client is not the check's."""
        del pid
        return True

    async def _hold(self, pid: int) -> bool:
        seized = await asyncio.to_thread(self.container.seize, self.group)
        return seized and await super()._hold(pid)

    def _open_stage(self, pid: int) -> None:
        del pid
        self.stage = os.open(
            self.layout.place / container_stage.STAGE, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        )
        self.out = os.open("out", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self.stage)

    async def _open_exit(self, egress: Egress) -> str:
        """Make the proxy's socket in the container's namespace, then start it."""
        listen = self.layout.place / launcher.LISTEN
        listen.write_text(LISTEN)
        made = await asyncio.create_subprocess_exec(
            *("nsenter", "--target", str(self.container.first), "--net", "--"),
            *(sys.executable, "-I", "-S", str(listen), str(egress.inner), "/bin/true"),
            stdin=asyncio.subprocess.DEVNULL,
            pass_fds=[egress.inner],
            env=Supervisor.environment,
        )
        if await made.wait():
            return "its socket could not be made in the container's namespace"
        return await super()._open_exit(egress)

    async def _terminate(self, process: asyncio.subprocess.Process, exited: asyncio.Task[int]) -> None:
        del process
        self.group.terminate(spare=self.container.first)
        await asyncio.wait({exited}, timeout=self.grace)

    async def _kill(self, process: asyncio.subprocess.Process) -> None:
        """Kill the container; its client then ends by itself, with what the check said last."""
        await self.group.kill()
        exited = asyncio.ensure_future(process.wait())
        until = time.monotonic() + _END_SECONDS
        await asyncio.wait({exited}, timeout=_AGAIN_SECONDS if self.container.first else 0)
        while not exited.done() and time.monotonic() < until:
            await asyncio.to_thread(self.container.kill)  # in vain while the client is still making it
            await asyncio.wait({exited}, timeout=_AGAIN_SECONDS)
        exited.cancel()
        await asyncio.to_thread(self.container.look)
        await super()._kill(process)

    def _code(self, code: int) -> int:
        """The engine's word: a client's exit code may be its own fault."""
        del code
        return -1 if self.container.ending is None else self.container.ending.code

    def _out_of_memory(self) -> bool:
        ending = self.container.ending
        return super()._out_of_memory() or (ending is not None and ending.out_of_memory)
