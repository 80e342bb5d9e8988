"""The practice cluster's node: runs the containers of a pod by podman, as a kubelet would."""

import asyncio
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.executors import container_engine, seccomp
from app.executors.cgroup import Cgroups
from app.executors.container_supervisor import Container
from app.model import Resources
from tests.support import containers
from tests.support.containers import Engine

_LINE = re.compile(rb"(\S+) (?:stdout|stderr) ([FP]) ")
_POLL = 0.05


class Node:
    """Pods beneath a directory of this machine."""

    def __init__(self, engine: Engine, place: Path) -> None:
        self.engine = engine
        self.place = place
        self.environment = {**os.environ, **engine.environment}
        self.known = container_engine.Engine(engine.program)
        self.groups = Cgroups(f"practice-{os.getpid()}")
        (place / "seccomp.json").write_bytes(seccomp.profile())

    async def run(self, pod: dict[str, Any], changed: Callable[[], None]) -> None:
        """Run a pod: what lays its tree, then the others."""
        spec, status = pod["spec"], pod["status"]
        home = self.place / pod["metadata"]["name"]
        disk = home / "disk"
        disk.mkdir(parents=True)
        (volume,) = spec["volumes"]
        options = f"size={volume['emptyDir']['sizeLimit']},mode=0777"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "practice", disk], check=True)
        (lay,) = spec["initContainers"]
        status["initContainerStatuses"] = [_status(lay)]
        status["containerStatuses"] = [_status(container) for container in spec["containers"]]
        status["phase"] = "Running"
        (laid,) = status["initContainerStatuses"]
        await self._container(pod, lay, laid, changed)
        if laid["state"].get("terminated", {}).get("exitCode") == 0:
            states = zip(spec["containers"], status["containerStatuses"], strict=True)
            await asyncio.gather(*(self._container(pod, one, state, changed) for one, state in states))

    async def _container(
        self,
        pod: dict[str, Any],
        container: dict[str, Any],
        status: dict[str, Any],
        changed: Callable[[], None],
    ) -> None:
        name = self.name(pod, container["name"])
        if await self._call("image", "exists", container["image"]):
            status["state"] = {"waiting": {"reason": "ErrImagePull", "message": "it is nowhere"}}
            changed()
            return
        group = self.groups.group(hashlib.sha256(name.encode()).hexdigest()[:16])
        group.create(Resources(memory=int(container["resources"]["limits"]["memory"]), pids=10_000, cpus=2))
        process = await asyncio.create_subprocess_exec(
            *(self.engine.program, *self._command(pod, container, name)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env=self.environment,
            cwd=self.place,  # conmon leaves a file there at the end of memory
        )
        try:
            held = Container(self.known, name, [])
            while process.returncode is None and not await asyncio.to_thread(held.seize, group):
                await asyncio.sleep(_POLL)
            began = datetime.now(UTC).isoformat()
            status["state"] = {"running": {"startedAt": began}}
            changed()
            assert process.stdin is not None
            process.stdin.write(b"go\n")
            code = await process.wait()
            await asyncio.to_thread(held.look)
            killed = group.out_of_memory() or (held.ending is not None and held.ending.out_of_memory)
            reason = "OOMKilled" if killed else "Error" if code else "Completed"
            ended = {"exitCode": code, "reason": reason, "startedAt": began}
            status["state"] = {"terminated": {**ended, "finishedAt": datetime.now(UTC).isoformat()}}
            changed()
        finally:
            await asyncio.shield(self._call("rm", "--force", "--ignore", "--time=0", name))
            await process.wait()
            group.destroy_now()

    def name(self, pod: dict[str, Any], container: str) -> str:
        """How podman calls a container."""
        return f"{pod['metadata']['name']}-{container}"

    def _command(self, pod: dict[str, Any], container: dict[str, Any], name: str) -> list[str]:
        own, limits = container["securityContext"], container["resources"]["limits"]
        user = pod["spec"]["securityContext"]["runAsUser"]
        assert own["readOnlyRootFilesystem"]
        assert not own["allowPrivilegeEscalation"]
        words = ["run", "--interactive", f"--name={name}", "--pull=never", "--network=none", "--read-only"]
        words += ["--read-only-tmpfs=false", "--http-proxy=false", "--security-opt=no-new-privileges"]
        words += [f"--cap-drop={capability}" for capability in own["capabilities"]["drop"]]
        words += [f"--security-opt=seccomp={self.place / 'seccomp.json'}", f"--user={user}:{user}"]
        words += [f"--memory={limits['memory']}", f"--memory-swap={limits['memory']}", "--pids-limit=-1"]
        words += [f"--hostname={pod['spec']['hostname']}", "--workdir=/", "--ulimit=nproc=32768:32768"]
        words += ["--ulimit=nofile=4096:4096", "--log-driver=k8s-file"]
        words += [f"--log-opt=path={self._log(pod, container['name'])}"]
        words += [f"--volume={path}:{path}:ro" for path in containers.TOOLCHAINS if path.exists()]
        for mount in container["volumeMounts"]:
            source = self.place / pod["metadata"]["name"] / "disk" / mount.get("subPath", "")
            readonly = ",readonly" if mount.get("readOnly") else ""
            words.append(f"--mount=type=bind,source={source},target={mount['mountPath']}{readonly}")
        for variable in container.get("env", ()):
            words.append(f"--env={variable['name']}={_expanded(variable['value'])}")
        # It waits until it is in a group of ours, which tells of its memory's end: not every engine does.
        command = [_expanded(word) for word in container["command"]]
        hold = ["-c", 'read -r go || exit 125; unset container; exec "$@"', "hold", *command]
        return [*words, "--entrypoint=/bin/sh", container["image"], *hold]

    def _log(self, pod: dict[str, Any], container: str) -> Path:
        return self.place / pod["metadata"]["name"] / f"{container}.log"

    async def log(self, pod: dict[str, Any], container: str) -> AsyncIterator[bytes]:
        """What a container says, each line behind its time, as it comes, until its end."""
        at, in_line = 0, False
        while True:
            ended = _ended(pod, container)
            path = self._log(pod, container)
            told = path.read_bytes()[at:] if path.exists() else b""
            told = told[: told.rfind(b"\n") + 1]
            at += len(told)
            for line in told.splitlines(keepends=True):
                found = _LINE.match(line)
                assert found is not None, line
                text = line[found.end() :] if found[2] == b"F" else line[found.end() : -1]
                yield (b"" if in_line else found[1] + b" ") + text
                in_line = found[2] == b"P"
            if ended:
                return
            await asyncio.sleep(_POLL)

    async def execute(
        self, pod: dict[str, Any], container: str, command: list[str]
    ) -> asyncio.subprocess.Process:
        """Start a program in a container."""
        name = self.name(pod, container)
        return await asyncio.create_subprocess_exec(
            *(self.engine.program, "exec", "--interactive", name, *command),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self.environment,
        )

    async def remove(self, pod: dict[str, Any]) -> None:
        """Kill and remove all of a pod."""
        home = self.place / pod["metadata"]["name"]
        subprocess.run(["umount", "--lazy", home / "disk"], check=False, capture_output=True)
        shutil.rmtree(home, ignore_errors=True)

    async def _call(self, *words: str) -> int:
        """Run to its end, also when cancelled: half a container would stay."""
        process = await asyncio.create_subprocess_exec(
            *(self.engine.program, *words), stdout=asyncio.subprocess.DEVNULL, env=self.environment
        )
        ending = asyncio.ensure_future(process.wait())
        try:
            return await asyncio.shield(ending)
        except asyncio.CancelledError:
            await ending
            raise


def _status(container: dict[str, Any]) -> dict[str, Any]:
    waiting = {"waiting": {"reason": "PodInitializing"}}
    return {"name": container["name"], "image": container["image"], "state": waiting}


def _ended(pod: dict[str, Any], container: str) -> bool:
    states = {one["name"]: one["state"] for one in pod["status"].get("containerStatuses", ())}
    return "terminated" in states.get(container, {})


def _expanded(text: str) -> str:
    """What Kubernetes makes of $$; a name in $(…) would have to be known."""
    assert not re.search(r"(?<!\$)(\$\$)*\$\(", text), text
    return text.replace("$$", "$")
