"""What deploy/kubernetes-jobs adds: checks as Jobs. Offline, as `test_kubernetes`."""

from itertools import product
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from app.executors.kubernetes.rights import RIGHTS
from app.settings import Settings, variable

FOLDER = Path(__file__).resolve().parents[3] / "deploy" / "kubernetes-jobs"
KUSTOMIZATION = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
OBJECTS = {
    f"{found['kind']} {found['metadata']['name']}": found
    for found in yaml.safe_load_all((FOLDER / "jobs.yaml").read_text())
}
WORKER = yaml.safe_load((FOLDER / "worker.yaml").read_text())
BASE = [
    found
    for path in (FOLDER.parent / "kubernetes").glob("*.yaml")
    if path.name != "kustomization.yaml"
    for found in yaml.safe_load_all(path.read_text())
]


@pytest.mark.parametrize("name", OBJECTS)
def test_each_object_is_as_kubernetes_describes_it(name: str) -> None:
    kubernetes_validate.validate(OBJECTS[name], "1.33", strict=True)


def test_every_file_is_used() -> None:
    used = {*KUSTOMIZATION["resources"], *(patch["path"] for patch in KUSTOMIZATION["patches"])}
    assert {path.name for path in FOLDER.glob("*.yaml")} == {"kustomization.yaml", *used} - {"../kubernetes"}


def test_the_settings_are_ours() -> None:
    known = {variable(field) for field in Settings.model_fields}
    given = {line.split("=")[0] for line in KUSTOMIZATION["configMapGenerator"][0]["literals"]}
    assert given <= known


def test_the_role_holds_exactly_what_doctor_asks_for() -> None:
    rules = OBJECTS["Role checks"]["rules"]
    held = {
        (verb, group, resource)
        for rule in rules
        for verb, group, resource in product(rule["verbs"], rule["apiGroups"], rule["resources"])
    }
    assert held == set(RIGHTS)


def merged(base: Any, patch: Any) -> Any:
    """A strategic merge as kustomize makes it, as far as the patch needs it: null removes, containers and
    variables are matched by name, other lists replaced.
    """
    if isinstance(base, dict) and isinstance(patch, dict):
        kept = {key: value for key, value in base.items() if key not in patch}
        return kept | {key: merged(base.get(key), value) for key, value in patch.items() if value is not None}
    if isinstance(base, list) and isinstance(patch, list) and all("name" in item for item in (*base, *patch)):
        named = {item["name"]: item for item in patch}
        return [merged(item, named.get(item["name"], {})) for item in base]
    return patch


def test_the_worker_becomes_an_ordinary_pod() -> None:
    """What `restricted` asks for, but for the account by which it talks to the cluster."""
    (base,) = (
        found for found in BASE if (found["kind"], found["metadata"]["name"]) == ("StatefulSet", "checks")
    )
    worker = merged(base, WORKER)
    kubernetes_validate.validate(worker, "1.33", strict=True)
    pod = worker["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["serviceAccountName"] == OBJECTS["RoleBinding checks"]["subjects"][0]["name"]
    assert pod["automountServiceAccountToken"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["securityContext"]["runAsNonRoot"]
    assert "hostUsers" not in pod
    assert "procMount" not in container["securityContext"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert {
        source["configMapRef"]["name"] for source in container["envFrom"] if "configMapRef" in source
    } == {
        "settings",
        "jobs",
    }
