"""What only containers have: images, an engine of their own that outlives us, mounts of this machine."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.executors import Ended, LocalExecutor
from app.executors.container import container_name
from app.executors.probe import interpreter
from app.model import Outage, Resources
from tests.contracts.executors.conftest import Local, Run
from tests.support import containers

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.parametrize("make_executor", ["container"], indirect=True),
]


async def test_a_check_sees_the_image_that_it_names(run: Run):
    assert (await run("echo $PATH"))[1] == "/usr/local/bin:/usr/bin:/bin\n"
    outcome, log = await run("echo $PATH", image=containers.SPECIAL)
    assert (outcome.exit_code, log) == (0, "/opt/tools/bin:/usr/bin:/bin\n")


async def test_an_image_that_the_operator_does_not_allow_is_refused(run: Run):
    outcome, log = await run("true", image="docker.io/library/debian:12")
    assert (outcome.ended, log) == (Ended.REFUSED, "")
    assert "PORTCULLIS_IMAGES" in outcome.detail
    outcome, _ = await run("true", image="--privileged")
    assert (outcome.ended, outcome.detail) == (Ended.REFUSED, "image '--privileged' is no image's name")


async def test_an_image_that_is_nowhere_is_an_outage(run: Run, executor: Local):
    with pytest.raises(Outage, match="podman pull"):
        await run("true", image="localhost/portcullis-none:1")


async def test_what_an_image_calls_a_volume_is_on_the_same_bounded_disk(run: Run):
    script = "touch /data/mine; head -c 32M /dev/zero > /data/fill"
    limits = Resources(memory=128 << 20, disk=16 << 20)
    outcome, _ = await run(script, image=containers.SPECIAL, resources=limits)
    assert (outcome.ended, outcome.detail) == (Ended.DISK_FULL, "filled its disk of 16 MiB")


async def test_a_container_that_is_removed_from_outside_did_not_succeed(run: Run, executor: Local):
    """The engine stops it first: whether its end is seen or only that it is gone is the engine's timing."""
    running = asyncio.create_task(run("sleep 99"))
    name = container_name(executor.owner, executor.attempts / "attempt-1")
    while not executor.kind.engine.process(name):
        await asyncio.sleep(0.05)
    while not executor.cgroups.group("attempt-1").pids():
        await asyncio.sleep(0.05)
    await asyncio.to_thread(executor.kind.engine.remove, name)
    outcome, _ = await running
    assert outcome.exit_code is None
    assert (outcome.ended, outcome.detail) in {
        (Ended.LOST, "the container was killed from outside"),
        (Ended.SIGNALED, "ended by signal 15"),
    }


CHILD = """
import asyncio, json, sys
from pathlib import Path
from app.executors import AttemptSpec, Containers, Images, LocalExecutor
from app.model import CheckSpec
given = json.loads(sys.argv[1])
async def main():
    kind = Containers(given["engine"], Images(given["image"]))
    executor = LocalExecutor(kind, Path(given["root"]), toolchains=map(Path, given["toolchains"]))
    async def listen(chunk): print(chunk.data.decode(), end="", flush=True)
    check = CheckSpec(id="c", key="c", script="trap '' TERM; echo up; sleep " + given["mark"])
    await executor.attempt(AttemptSpec(attempt_id="orphan", check=check, tree=Path(given["tree"])), listen)
asyncio.run(main())
"""


async def test_what_a_killed_worker_left_is_swept(executor: Local, tree: Path, tmp_path: Path):
    mark = f"88.{os.getpid()}"
    given = {
        "root": str(tmp_path / "root"),
        "engine": executor.kind.engine.program,
        "image": containers.IMAGE,
        "toolchains": [str(path) for path in (*containers.TOOLCHAINS, *(b.source for b in interpreter()[1]))],
        "tree": str(tree),
        "mark": mark,
    }
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CHILD, json.dumps(given), stdout=asyncio.subprocess.PIPE, start_new_session=True
    )
    assert child.stdout is not None
    assert await asyncio.wait_for(child.stdout.readline(), 100) == b"up\n"
    os.kill(child.pid, signal.SIGKILL)
    await child.wait()
    after = LocalExecutor(executor.kind, tmp_path / "root")
    assert len(executor.kind.engine.owned(after.owner)) == 1
    try:
        assert await after.sweep() >= 1
        assert executor.kind.engine.owned(after.owner) == []
        assert list(after.attempts.iterdir()) == []
        assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()
        asleep = f"sleep\0{mark}\0".encode()
        assert asleep not in [_read(path) for path in Path("/proc").glob("[0-9]*/cmdline")]
        assert await after.sweep() == 0
    finally:
        after.close()
    assert sorted(path.name for path in tree.iterdir()) == ["README", "src"], "only the view was removed"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


async def test_what_is_mounted_in_a_directory_is_never_removed_with_it(executor: Local, tree: Path):
    place = executor.attempts / "held"
    (place / "stage").mkdir(parents=True)
    subprocess.run(["mount", "--bind", tree, place / "stage"], check=True)
    executor.kind.remove(executor.owner, executor.cgroups.group("held"), place)
    assert not place.exists()
    assert sorted(path.name for path in tree.iterdir()) == ["README", "src"]
