"""What only clusters have: Jobs that outlive a worker, pods that others take away, logs over a network."""

import asyncio
import os
from pathlib import Path

import pytest

from app.executors import AttemptSpec, Ended, KubernetesExecutor, LogChunk, Rules
from app.executors.kubernetes.cluster import connected, of_job
from app.executors.kubernetes.manifest import OWNER
from app.model import CheckSpec, Misconfigured, Outage, ReportSpec
from tests.contracts.executors.conftest import Make, Run

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.parametrize("make_executor", ["kubernetes"], indirect=True),
]


async def quiet(chunk: LogChunk) -> None:
    """Nobody listens."""


def spec(tree: Path, script: str, attempt_id: str = "orphan") -> AttemptSpec:
    check = CheckSpec(id="c", key="c", script=script)
    return AttemptSpec(attempt_id=attempt_id, check=check, tree=tree, trusted=True)


async def until_running(executor: KubernetesExecutor) -> str:
    """The name of the one Job of an executor, once its check runs."""
    async with connected(executor.config, executor.options.namespace) as cluster:
        while True:
            for name in await cluster.jobs(f"{OWNER}={executor.owner}"):
                async for pod in cluster.pods(of_job(name)):
                    states = () if pod is None else pod.status.container_statuses or ()
                    if any(one.name == "check" and one.state.running for one in states):
                        return name
                    if pod is None:
                        break
            await asyncio.sleep(0.05)


async def test_what_a_dead_worker_left_is_swept_by_the_next_of_its_directory(
    make_executor: Make, executor: KubernetesExecutor, tree: Path
):
    running = asyncio.create_task(executor.attempt(spec(tree, "trap '' TERM; sleep 99"), quiet))
    await until_running(executor)
    next_one = KubernetesExecutor(
        executor.root, executor.options, executor.images, config=executor.config, grace=1.0
    )
    assert next_one.owner == executor.owner
    try:
        assert await next_one.sweep() >= 1
        outcome = await running
        assert (outcome.ended, outcome.exit_code) == (Ended.LOST, None)
        assert outcome.detail == "the pod was deleted from outside"
        assert await next_one.sweep() == 0
        with pytest.raises(Misconfigured, match="another process"):
            await KubernetesExecutor(
                executor.root, executor.options, executor.images, config=executor.config
            ).sweep()
    finally:
        next_one.close()


async def test_anothers_jobs_are_left_alone(executor: KubernetesExecutor, tree: Path, tmp_path: Path):
    running = asyncio.create_task(executor.attempt(spec(tree, "sleep 3; echo done"), quiet))
    await until_running(executor)
    other = KubernetesExecutor(tmp_path / "other", executor.options, executor.images, config=executor.config)
    assert await other.sweep() == 0
    other.close()
    assert (await running).exit_code == 0


async def test_an_earlier_attempt_of_the_same_id_makes_way(
    executor: KubernetesExecutor, run: Run, tree: Path
):
    earlier = asyncio.create_task(executor.attempt(spec(tree, "sleep 99", "attempt-1"), quiet))
    await until_running(executor)
    outcome, log = await run("echo second")
    assert (outcome.exit_code, log) == (0, "second\n")
    assert (await earlier).ended is Ended.LOST


async def test_an_image_that_is_nowhere_is_an_outage_in_the_clusters_words(make_executor: Make, tree: Path):
    executor = make_executor()
    with pytest.raises(
        Outage, match=r"the image localhost/portcullis-none:1 cannot be fetched \(.*ImagePull"
    ):
        await executor.attempt(spec(tree, "true"), quiet, image="localhost/portcullis-none:1")
    assert list(executor.attempts.iterdir()) == []


async def test_images_are_those_that_the_operator_allows(run: Run):
    outcome, _ = await run("true", image="docker.io/library/debian:12")
    assert outcome.ended is Ended.REFUSED
    assert "PORTCULLIS_IMAGES" in outcome.detail


async def test_where_only_single_hosts_are_allowed_there_is_no_network(make_executor: Make, tree: Path):
    executor = make_executor(egress=Rules(hosts=("pypi.example",)))
    check = CheckSpec(id="c", key="c", script="true", network="full")
    asked = AttemptSpec(attempt_id="n", check=check, tree=tree, trusted=True)
    outcome = await executor.attempt(asked, quiet)
    assert outcome.ended is Ended.REFUSED
    assert "PORTCULLIS_EGRESS_HOSTS" in outcome.detail


async def test_a_large_tree_and_large_reports_go_there_and_back(run: Run, tree: Path):
    (tree / "large").write_bytes(os.urandom(8 << 20))
    outcome, log = await run(
        "sha256sum < large; head -c 6M large > out/large", reports=(ReportSpec(path="out/large"),)
    )
    assert outcome.exit_code == 0, log
    assert outcome.files[0].content == (tree / "large").read_bytes()[: 6 << 20]


async def test_without_a_cluster_the_operator_is_told(
    tmp_path: Path, executor: KubernetesExecutor, tree: Path
):
    alone = KubernetesExecutor(
        tmp_path / "alone", executor.options, executor.images, config=tmp_path / "none"
    )
    report = await alone.probe()
    assert not report.usable
    assert "PORTCULLIS_KUBERNETES_CONFIG" in report.protections[0].mend
    gone = tmp_path / "kubeconfig"
    gone.write_text(executor.config.read_text().replace("127.0.0.1:", "127.0.0.1:1"))
    with pytest.raises((Outage, Misconfigured)):
        await KubernetesExecutor(tmp_path / "gone", executor.options, executor.images, config=gone).attempt(
            spec(tree, "true"), quiet
        )
