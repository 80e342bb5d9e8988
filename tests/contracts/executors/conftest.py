"""An executor on this machine, and the proof that nothing of it stays."""

import os
import shutil
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from app.executors import (
    JOB_UID,
    AttemptOutcome,
    AttemptSpec,
    Containers,
    Images,
    KubernetesExecutor,
    LocalExecutor,
    LogChunk,
    Sandbox,
)
from app.executors.cgroup import descendants
from app.executors.launcher import STAGES
from app.executors.probe import interpreter
from app.model import CheckSpec
from tests.support import clusters, containers
from tests.support.prerequisites import program

LOCAL = ("sandbox", "container")
"""The executors that start processes on this machine."""
ON_THIS_MACHINE = pytest.mark.parametrize("make_executor", LOCAL, indirect=True)
KINDS = (*LOCAL, "kubernetes")
"""The executors that start processes; the same suite holds for each."""
Local = LocalExecutor
AnyExecutor = LocalExecutor | KubernetesExecutor
Make = Callable[..., AnyExecutor]
Run = Callable[..., Awaitable[tuple[AttemptOutcome, str]]]


def groups(owner: str) -> list[str]:
    """Every control group of this owner, in any hierarchy."""
    return [folder for folder, _, _ in os.walk("/sys/fs/cgroup") if owner in Path(folder).name]


def mounted(own: Path) -> set[str]:
    """The mounts that an executor could have left: its stages, and what lies in its own directory. Others make
    mounts of their own meanwhile.
    """
    points = {line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()}
    return {point for point in points if point in STAGES or point.startswith(str(own))}


def python(code: str) -> tuple[str, ...]:
    """Arguments that run this code by our own interpreter, which is seen inside."""
    return (interpreter()[0], "-I", "-c", code)


@pytest.fixture(scope="module", params=KINDS)
def make_executor(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Make]:
    """Makes executors of each kind, which see our interpreter, or another that is called `python3`."""
    place = tmp_path_factory.mktemp("executor")
    interpreters = tuple(bind.source for bind in interpreter()[1])
    if request.param == "sandbox":
        program("bwrap")
        yield lambda **more: LocalExecutor(
            Sandbox(), place / "root", toolchains=interpreters, grace=1.5, **more
        )
        return
    if request.param == "kubernetes":
        with clusters.cluster() as cluster:
            images, options = Images(cluster.image), cluster.options
            yield lambda **more: KubernetesExecutor(
                place / "root", options, images, config=cluster.config, grace=1.5, **more
            )
            assert cluster.left() == []
        return
    chains = (*containers.TOOLCHAINS, *interpreters)
    with containers.engine() as engine, pytest.MonkeyPatch.context() as patch:
        for name, value in engine.environment.items():
            patch.setenv(name, value)
        kind = Containers(engine.program, Images(containers.IMAGE, ["localhost/portcullis-*"]))
        yield lambda **more: LocalExecutor(kind, place / "root", toolchains=chains, grace=1.5, **more)
        assert engine("ps", "--all", "--quiet") == ""


@pytest.fixture(scope="module")
def shared_executor(make_executor: Make) -> AnyExecutor:
    """One executor per module: its probe runs once."""
    return make_executor(secrets=[b"hunter2-hunter2"])


@pytest.fixture
def executor(shared_executor: AnyExecutor) -> Iterator[AnyExecutor]:
    """The executor; afterwards no process, group, mount or directory of it is left."""
    own = shared_executor.root.parent
    mounts = mounted(own)
    before = descendants(os.getpid())
    yield shared_executor
    assert list(shared_executor.attempts.iterdir()) == []
    if isinstance(shared_executor, KubernetesExecutor):
        return  # its pods are processes of a cluster, which is looked at when it goes
    assert groups(shared_executor.owner) == []
    assert descendants(os.getpid()) <= before
    assert mounted(own) <= mounts


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A source tree as workspaces give it."""
    place = tmp_path / "tree"
    (place / "src").mkdir(parents=True)
    (place / "src" / "app.py").write_text("print('app')\n")
    (place / "README").write_text("read me\n")
    if os.geteuid() == 0:
        for path in (place, *place.rglob("*")):
            shutil.chown(path, JOB_UID, JOB_UID)
    return place


@pytest.fixture
def run(executor: AnyExecutor, tree: Path) -> Run:
    """Run a script untrusted; gives the outcome and its log. Keywords go to the check or, if the spec has
    such a field, to the spec."""

    async def once(script: str, **more: object) -> tuple[AttemptOutcome, str]:
        log = bytearray()

        async def listen(chunk: LogChunk) -> None:
            log.extend(chunk.data)

        for_spec = {name: more.pop(name) for name in tuple(more) if name in AttemptSpec.__struct_fields__}
        check = {"id": "check", "key": "check", "script": script, "timeout": 20.0, **more}
        if isinstance(executor, KubernetesExecutor) and check.get("argv", ("",))[0] == interpreter()[0]:
            check["argv"] = ("python3", *check["argv"][1:])  # images have their own
        spec = {"attempt_id": "attempt-1", "tree": tree, **for_spec}
        outcome = await executor.run(AttemptSpec(check=CheckSpec(**check), **spec), listen)
        return outcome, log.decode("utf-8", "replace")

    return once
