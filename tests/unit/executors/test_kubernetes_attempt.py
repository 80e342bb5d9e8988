"""An attempt on a cluster that does as it is told: what it takes of `out/`, what it makes of trouble."""

import asyncio
import contextlib
import io
import itertools
import tarfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import pytest

from app.executors import AttemptSpec
from app.executors.collect import CollectLimits
from app.executors.container import Images
from app.executors.kubernetes import KubernetesExecutor, KubernetesOptions
from app.executors.kubernetes.attempt import Patience
from app.executors.kubernetes.cluster import Done, NotThereError
from app.executors.kubernetes.pod import CHECK, LAY, Pod
from app.executors.protocol import AttemptOutcome, Collected, Ended
from app.model import CheckSpec, Outage, ReportSpec

REPORTS = "out/*.xml"


def pod(*, lay: object = None, check: object = None) -> Pod:
    told = {
        "metadata": {"name": "check-1-abc", "uid": "u"},
        "status": {
            "phase": "Running",
            "initContainerStatuses": [{"name": LAY, "state": lay or {}}],
            "containerStatuses": [{"name": CHECK, "state": check or {}}],
        },
    }
    return msgspec.convert(told, Pod)


def ended(code: int) -> dict[str, object]:
    return {"terminated": {"exitCode": code, "reason": "Completed" if not code else "Error"}}


LAYING = pod(lay={"running": {}})
RUNNING = pod(lay=ended(0), check={"running": {}})
OVER = pod(lay=ended(0), check=ended(0))


def archive(*names: str) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name in names:
            info = tarfile.TarInfo(name)
            if name.endswith("xml"):
                info.size = 600
            else:
                info.type = tarfile.DIRTYPE
            tar.addfile(info, io.BytesIO(b"1" * 600))
    return file.getvalue()


class Told:
    """A cluster whose pod is so, one look after another; an error among the looks is raised."""

    def __init__(self, left: bytes | Exception, code: int = 0) -> None:
        self.looks: Iterator[Pod | Exception | None] = iter([LAYING, RUNNING, OVER])
        self.left = left
        self.code = code
        self.removed = self.asked = 0

    async def create_job(self, _job: object) -> str:
        return "u"

    async def remove_job(self, _name: str, _uid: str) -> bool:
        self.removed += 1
        return True

    async def put_policy(self, _policy: object) -> None:
        pass

    async def pods(self, _selector: str) -> AsyncIterator[Pod | None]:
        self.asked += 1
        for now in self.looks:
            if isinstance(now, Exception):
                raise now
            yield now
            await asyncio.sleep(0.01)
        await asyncio.Event().wait()

    async def log(self, _pod: str, _container: str) -> AsyncIterator[bytes]:
        yield b""

    async def execute(
        self,
        _pod: str,
        container: str,
        _command: list[str],
        *,
        given: BinaryIO | None = None,
        take: Callable[[bytes], None] | None = None,
        seconds: float = 0,
    ) -> Done:
        if container == LAY or take is None:
            return Done(code=0)
        if isinstance(self.left, Exception):
            raise self.left
        for at in range(0, len(self.left), 512):
            take(self.left[at : at + 512])
        return Done(code=self.code, said="tar: complained")


@pytest.fixture
def run(tmp_path: Path) -> Any:
    tree = tmp_path / "tree"
    tree.mkdir()

    async def run(cluster: Told, *, timeout: float = 5, **limits: Any) -> AttemptOutcome:
        @contextlib.asynccontextmanager
        async def connected(*_: object) -> AsyncIterator[Told]:
            yield cluster

        async def sink(_chunk: object) -> None:
            pass

        runs = KubernetesExecutor(
            tmp_path / "root",
            KubernetesOptions(namespace="checks", helper="portcullis:1"),
            Images("i"),
            collect_limits=CollectLimits(**limits),
            connect=connected,
            patience=Patience(first=0.01, most=0.05, trouble=0.5),
        )
        check = CheckSpec(
            id="c",
            key="c",
            script="true",
            reports=(ReportSpec(path=REPORTS),),
            outputs="out/o",
            timeout=timeout,
        )
        return await runs.run(AttemptSpec(attempt_id="a", check=check, tree=tree, trusted=True), sink)

    return run


WHOLE = archive("out/a.xml", "out/b.xml")


async def test_what_is_all_there_is_read(run: Any):
    outcome = await run(Told(WHOLE))
    assert outcome.ended is Ended.EXITED
    assert [file.path for file in outcome.files] == ["out/a.xml", "out/b.xml", "out/o"]
    assert not any(file.problem for file in outcome.files[:2])


@pytest.mark.parametrize(
    ("cluster", "limits", "why"),
    [
        (Told(WHOLE[:1536]), {}, "breaks off between two files"),
        (Told(WHOLE[:1800]), {}, "breaks off"),
        (Told(WHOLE, code=2), {}, "tar ended with 2: tar: complained"),
        (Told(archive("out/a.xml", "out/f", "out/g", "out/b.xml")), {"entries": 3}, "or 3 files"),
        (Told(WHOLE), {"reports": 1000, "artifacts": 0, "entries": 10}, "more than 0 MiB"),
        (Told(WHOLE), {"reports": 1000, "artifacts": 0, "entries": 1}, "more than 0 MiB"),
    ],
)
async def test_a_part_is_never_taken_for_the_whole(run: Any, cluster: Told, limits: dict[str, int], why: str):
    outcome = await run(cluster, **limits)
    assert outcome.ended is Ended.EXITED
    problem = outcome.files[0].problem
    assert problem.startswith("not all of out/ was read: ")
    assert why in problem
    assert outcome.files == tuple(
        Collected(declared=declared, path="", problem=problem) for declared in (REPORTS, "out/o")
    )


@pytest.mark.parametrize(
    "cluster",
    [
        Told(Outage("the connection broke")),
        Told(NotThereError('pods "check-1-abc" not found')),
        Told(WHOLE[:1536], code=137),
    ],
)
async def test_what_is_not_its_doing_is_no_fault_of_the_check(run: Any, cluster: Told):
    with pytest.raises(Outage):
        await run(cluster)
    assert cluster.removed == 1


TROUBLE = Outage("the cluster does not answer")


async def test_what_runs_outlives_short_trouble_of_the_cluster(run: Any):
    cluster = Told(WHOLE)
    cluster.looks = iter([TROUBLE, LAYING, TROUBLE, TROUBLE, RUNNING, *[TROUBLE] * 5, OVER])
    outcome = await run(cluster)
    assert (outcome.ended, outcome.exit_code) == (Ended.EXITED, 0)
    assert cluster.asked == 9


async def test_long_trouble_of_the_cluster_is_an_outage(run: Any):
    cluster = Told(WHOLE)
    cluster.looks = itertools.chain([LAYING, RUNNING], itertools.repeat(TROUBLE))
    with pytest.raises(Outage, match="does not answer"):
        await run(cluster)
    assert 5 < cluster.asked < 40
    assert cluster.removed == 1


async def test_a_time_is_not_up_while_nothing_can_be_seen(run: Any):
    cluster = Told(WHOLE)
    cluster.looks = iter([LAYING, RUNNING, *[TROUBLE] * 8, OVER])
    outcome = await run(cluster, timeout=0.05)
    assert outcome.ended is Ended.EXITED


async def test_what_ran_too_long_unseen_is_out_of_time(run: Any):
    cluster = Told(WHOLE)
    times = {"startedAt": "2026-11-22T00:00:00Z", "finishedAt": "2026-11-22T00:01:00Z"}
    late = pod(lay=ended(0), check={"terminated": {"exitCode": 0, "reason": "Completed", **times}})
    cluster.looks = iter([LAYING, RUNNING, *[TROUBLE] * 8, late])
    assert (await run(cluster, timeout=0.05)).ended is Ended.TIMED_OUT
