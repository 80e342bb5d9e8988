"""A Kubernetes cluster to run checks in: one that is named, or the practice cluster of this machine."""

import contextlib
import os
import ssl
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import yaml

from app.executors import KubernetesOptions


class ACluster(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach it, the image of its checks, and what is left in its namespace."""

    config: Path
    image: str
    options: KubernetesOptions
    left: Callable[[], list[str]]


@contextlib.contextmanager
def cluster() -> Iterator[ACluster]:
    """The cluster of `PORTCULLIS_TEST_KUBECONFIG` (its nodes hold the image of `PORTCULLIS_TEST_KUBEIMAGE`: a
    Debian with Python; its namespace `checks` is ours alone), else the practice cluster.
    """
    named = os.environ.get("PORTCULLIS_TEST_KUBECONFIG")
    assert named
    config, image = Path(named), os.environ["PORTCULLIS_TEST_KUBEIMAGE"]
    seccomp = os.environ.get("PORTCULLIS_TEST_KUBESECCOMP", "")
    yield ACluster(
        config=config,
        image=image,
        options=KubernetesOptions(namespace="checks", helper=image, seccomp=seccomp),
        left=lambda: _left(config),
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
