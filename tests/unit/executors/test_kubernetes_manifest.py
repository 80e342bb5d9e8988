"""What a cluster is asked for, held against Kubernetes' own description of it."""

import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest

from app.executors import KubernetesOptions, Rules
from app.executors.kubernetes.manifest import Asked, job
from app.executors.kubernetes.policies import policies, refused
from app.executors.launcher import Layout
from app.model import CheckSpec, Resources

OLDEST, NEWEST = "1.28", "1.33"


def asked(tmp_path: Path, check: CheckSpec | None = None, **more: Any) -> Asked:
    limits = Resources(memory=64 << 20, disk=16 << 20, pids=20, cpus=0.5)
    given = {
        "name": "check-0-1",
        "owner": "0",
        "attempt": "run 1/lint",
        "check": check or CheckSpec(id="lint", key="lint", script="true", resources=limits, timeout=30.0),
        "image": "python:3",
        "layout": Layout(
            tree=tmp_path,
            place=tmp_path,
            argv=("true",),
            environment={"PATH": "/tools/bin:/usr/local/bin:/usr/bin:/bin", "A": "$(B)"},
        ),
        "uid": 123_456,
        "laid": 4096,
        "toolbox": tmp_path / "toolbox",
        "grace": 5.0,
        **more,
    }
    return Asked(**given)


OPTIONS = KubernetesOptions(namespace="checks", helper="portcullis:1")


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize(
    "options",
    [
        OPTIONS,
        KubernetesOptions(
            namespace="checks",
            helper="h",
            runtime_class="gvisor",
            seccomp="strict.json",
            node_labels=(("pool", "checks"),),
            toolbox_claim="tools",
        ),
    ],
)
def test_a_job_is_as_kubernetes_describes_it(tmp_path: Path, options: KubernetesOptions, version: str):
    made = job(asked(tmp_path), options)
    kubernetes_validate.validate(made, version, strict=True)


def test_a_pod_may_no_more_than_it_must(tmp_path: Path):
    """What the level `restricted` of Pod Security asks for, and no account."""
    pod = job(asked(tmp_path), OPTIONS)["spec"]["template"]["spec"]
    assert (pod["automountServiceAccountToken"], pod["enableServiceLinks"]) == (False, False)
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in (*pod["initContainers"], *pod["containers"]):
        own = container["securityContext"]
        assert own["readOnlyRootFilesystem"]
        assert (own["allowPrivilegeEscalation"], own["privileged"]) == (False, False)
        assert own["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"]["memory"]
    (disk,) = pod["volumes"]
    assert disk["emptyDir"] == {"medium": "Memory", "sizeLimit": str((16 << 20) + 4096)}


def test_a_job_ends_though_nobody_looks_after_it(tmp_path: Path):
    spec = job(asked(tmp_path), OPTIONS)["spec"]
    assert spec["backoffLimit"] == 0
    assert spec["template"]["spec"]["restartPolicy"] == "Never"
    assert 30 < spec["activeDeadlineSeconds"] < 4000
    assert spec["ttlSecondsAfterFinished"]


def test_jobs_and_pods_carry_whose_they_are(tmp_path: Path):
    made = job(asked(tmp_path), OPTIONS)
    for told in (made["metadata"], made["spec"]["template"]["metadata"]):
        assert told["labels"]["portcullis.dev/owner"] == "0"
        assert told["labels"]["portcullis.dev/network"] == "none"
        assert told["annotations"] == {"portcullis.dev/attempt": "run 1/lint", "portcullis.dev/check": "lint"}
    check = CheckSpec(id="c", key="c", script="true", network="full")
    assert job(asked(tmp_path, check), OPTIONS)["metadata"]["labels"]["portcullis.dev/network"] == "public"


def test_nothing_of_a_check_is_replaced_by_the_cluster(tmp_path: Path):
    """Kubernetes replaces $(NAME) in arguments and variables, and $$ by $."""
    layout = Layout(tree=tmp_path, place=tmp_path, argv=("echo", "$(A) $$ $x"), environment={"A": "$(B)"})
    pod = job(asked(tmp_path, layout=layout), OPTIONS)["spec"]["template"]["spec"]
    check = pod["containers"][0]
    assert check["command"][-1] == "$$(A) $$$$ $$x"
    assert check["env"] == [{"name": "A", "value": "$$(B)"}]


def test_the_first_process_becomes_the_check_and_keeps_its_end(tmp_path: Path):
    layout = Layout(
        tree=tmp_path,
        place=tmp_path,
        argv=("sh", "-c", "echo $PATH; echo no >&2; exit 7"),
        environment={"PATH": "/tools/bin:/usr/local/bin:/usr/bin:/bin"},
    )
    pod = job(asked(tmp_path, layout=layout), OPTIONS)["spec"]["template"]["spec"]
    _, *words = (word.replace("$$", "$") for word in pod["containers"][0]["command"])
    words[2] = str(tmp_path)  # there is no /workspace here
    done = subprocess.run(
        ["/bin/sh", *words], capture_output=True, check=False, env={"PATH": "/usr/bin:/bin", "HOSTNAME": "h"}
    )
    assert (done.returncode, done.stdout, done.stderr) == (7, b"/tools/bin:/usr/bin:/bin\nno\n", b"")


@pytest.mark.parametrize(
    "rules",
    [
        Rules(),
        Rules(ports=(443,), allowed=("10.1.2.0/24", "fd00::/64"), denied=("10.1.2.7/32", "8.8.8.8/32")),
    ],
)
def test_network_policies_are_as_kubernetes_describes_them(rules: Rules):
    for policy in policies(rules):
        kubernetes_validate.validate(policy, NEWEST, strict=True)


def test_without_network_nothing_is_reached_and_with_it_nothing_private():
    none, public = policies(
        Rules(ports=(443,), allowed=("10.1.2.0/24",), denied=("10.1.2.7/32", "8.8.8.8/32"))
    )
    assert none["spec"]["egress"] == none["spec"]["ingress"] == public["spec"]["ingress"] == []
    assert none["spec"]["policyTypes"] == ["Ingress", "Egress"]
    _, world, mirror = public["spec"]["egress"]
    kept = world["to"][0]["ipBlock"]["except"]
    assert {"10.0.0.0/8", "169.254.0.0/16", "127.0.0.0/8", "8.8.8.8/32"} <= set(kept)
    assert world["ports"] == [{"port": 443, "protocol": "TCP"}]
    assert mirror["to"] == [{"ipBlock": {"cidr": "10.1.2.0/24", "except": ["10.1.2.7/32"]}}]
    selected = none["spec"]["podSelector"]
    assert selected["matchLabels"] == {"portcullis.dev/network": "none"}
    denied = policies(Rules(allowed=("10.1.2.0/24",), denied=("10.0.0.0/8",)))[1]
    assert len(denied["spec"]["egress"]) == 2, "what is denied is not allowed"


def test_host_names_cannot_be_kept_so_there_is_no_network():
    assert "PORTCULLIS_EGRESS_HOSTS" in refused(Rules(hosts=("pypi.example",)))
    assert refused(Rules()) == ""
