"""What deploy/kubernetes says is what Kubernetes and our own program understand. Offline: the schemas are a wheel."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from app.cli import main
from app.settings import Settings, variable

FOLDER = Path(__file__).resolve().parents[3] / "deploy" / "kubernetes"
KUSTOMIZATION = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
VERSION = "1.33"
"""The oldest with all that checks.yaml needs."""


def objects() -> Iterator[tuple[str, dict[str, Any]]]:
    for name in KUSTOMIZATION["resources"]:
        for found in yaml.safe_load_all((FOLDER / name).read_text()):
            yield f"{found['kind']} {found['metadata']['name']}", found


OBJECTS = dict(objects())
PODS = {
    name: found["spec"]["template"]["spec"]
    for name, found in OBJECTS.items()
    if "template" in found.get("spec", {})
}


@pytest.mark.parametrize("name", OBJECTS)
def test_each_object_is_as_kubernetes_describes_it(name: str) -> None:
    kubernetes_validate.validate(OBJECTS[name], VERSION, strict=True)


def test_an_object_that_is_not_is_refused() -> None:
    wrong = {**OBJECTS["Deployment web"], "spec": {"replicas": "two"}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSION, strict=True)


def test_every_file_is_used() -> None:
    files = {path.name for path in FOLDER.glob("*.yaml")}
    assert files == {"kustomization.yaml", *KUSTOMIZATION["resources"]}


@pytest.mark.parametrize("name", PODS)
def test_each_container_runs_a_command_of_ours_with_settings_that_there_are(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    known = {variable(field) for field in Settings.model_fields}
    given = {line.split("=")[0] for line in KUSTOMIZATION["configMapGenerator"][0]["literals"]}
    (container,) = PODS[name]["containers"]
    assert main([*container["args"], "--help"]) == 0
    assert "Usage: " in capsys.readouterr().out
    assert {one["name"] for one in container.get("env", ())} | given <= known


@pytest.mark.parametrize("name", PODS)
def test_no_pod_may_more_than_it_must(name: str) -> None:
    pod = PODS[name]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert not pod["automountServiceAccountToken"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert not container["securityContext"]["allowPrivilegeEscalation"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    profile = pod["securityContext"]["seccompProfile"]["type"]
    assert profile == ("Unconfined" if name == "StatefulSet checks" else "RuntimeDefault")
    assert container["resources"]["limits"]["memory"]
    mounted = {volume["name"] for volume in pod["volumes"]} | {
        claim["metadata"]["name"] for claim in OBJECTS[name]["spec"].get("volumeClaimTemplates", ())
    }
    assert {mount["name"] for mount in container["volumeMounts"]} <= mounted


def test_what_selects_pods_finds_some() -> None:
    labels = [
        found["spec"]["template"]["metadata"]["labels"]
        for found in OBJECTS.values()
        if "template" in found.get("spec", {})
    ]
    for name, found in OBJECTS.items():
        spec = found.get("spec", {})
        selector = spec.get("podSelector", spec.get("selector")) if "template" not in spec else None
        if selector:
            wanted = selector.get("matchLabels", selector)
            assert any(wanted.items() <= one.items() for one in labels), name
