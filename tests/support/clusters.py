"""A Kubernetes cluster to run checks in: one that is named, or the practice cluster of this machine."""

import contextlib
import os
import ssl
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
import yaml

from app.executors import KubernetesOptions
from tests.support import containers
from tests.support.practice_cluster import PracticeCluster, practice_cluster


class ACluster(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach it, the image of its checks, and what is left in its namespace."""

    config: Path
    image: str
    options: KubernetesOptions
    left: Callable[[], list[str]]
    practice: PracticeCluster | None = None


@contextlib.contextmanager
def cluster() -> Iterator[ACluster]:
    """The cluster of `PORTCULLIS_TEST_KUBECONFIG` (its nodes hold the image of `PORTCULLIS_TEST_KUBEIMAGE`: a
    Debian with Python; its namespace `checks` is ours alone), else the practice cluster.
    """
    named = os.environ.get("PORTCULLIS_TEST_KUBECONFIG")
    if named is None:
        with (
            containers.engine() as engine,
            tempfile.TemporaryDirectory(prefix="pct-") as place,
            pytest.MonkeyPatch.context() as patch,
        ):
            for name, value in engine.environment.items():
                patch.setenv(name, value)
            with practice_cluster(engine, Path(place)) as (practice, address):
                yield _practice(practice, address, Path(place))
            assert engine("ps", "--all", "--quiet") == ""
        return
    config, image = Path(named), os.environ["PORTCULLIS_TEST_KUBEIMAGE"]
    seccomp = os.environ.get("PORTCULLIS_TEST_KUBESECCOMP", "")
    yield ACluster(
        config=config,
        image=image,
        options=KubernetesOptions(namespace="checks", helper=image, seccomp=seccomp),
        left=lambda: _left(config),
    )


def _practice(practice: PracticeCluster, address: str, place: Path) -> ACluster:
    config = place / "kubeconfig"
    config.write_text(
        msgspec.json.encode(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "practice", "cluster": {"server": address}}],
                "users": [{"name": "worker", "user": {"token": "practice"}}],
                "contexts": [{"name": "practice", "context": {"cluster": "practice", "user": "worker"}}],
                "current-context": "practice",
            }
        ).decode()
    )
    options = KubernetesOptions(namespace="checks", helper=containers.IMAGE, seccomp="portcullis.json")
    return ACluster(
        config=config,
        image=containers.IMAGE,
        options=options,
        left=lambda: [*practice.jobs, *practice.pods],
        practice=practice,
    )


def _left(config: Path) -> list[str]:
    """The Jobs and pods there are."""
    told = yaml.safe_load(config.read_text())
    server, user = told["clusters"][0]["cluster"], told["users"][0]["user"]
    context = ssl.create_default_context(cafile=server["certificate-authority"])
    context.load_cert_chain(user["client-certificate"], user["client-key"])
    found = []
    for kind in ("apis/batch/v1/namespaces/checks/jobs", "api/v1/namespaces/checks/pods"):
        address = f"{server['server']}/{kind}"
        with urllib.request.urlopen(address, context=context) as answer:  # noqa: S310 - the cluster's own
            found += [item["metadata"]["name"] for item in msgspec.json.decode(answer.read())["items"]]
    return found
