"""What the Dockerfile says fits the manifests beside it. Building it is done by hand: it needs a base image."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "Dockerfile").read_text()
STAGES = re.split(r"(?m)^FROM ", TEXT)[1:]


def test_the_account_is_the_one_that_the_manifests_name() -> None:
    (user,) = re.findall(r"(?m)^USER (\d+)$", STAGES[-1])
    assert f"--uid {user} --gid {user}" in TEXT
    for file in ("web", "control", "checks"):
        (pod,) = (
            found["spec"]["template"]["spec"]["securityContext"]
            for found in yaml.safe_load_all((ROOT / "deploy" / "kubernetes" / f"{file}.yaml").read_text())
            if "template" in found.get("spec", {})
        )
        assert (str(pod["runAsUser"]), str(pod["fsGroup"])) == (user, user)


def test_what_is_installed_has_hashes_and_the_installing_stays_behind() -> None:
    assert len(STAGES) == 3
    assert all("--require-hashes -r" in line for line in TEXT.splitlines() if "pip install" in line)
    assert "pip install" not in STAGES[0] + STAGES[-1]
    assert re.findall(r"(?m)^COPY (.*)$", STAGES[-1]) == ["--from=build /opt/ /opt/"]


def test_every_file_that_it_copies_is_let_through() -> None:
    let = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {found.rstrip("/") for found in re.findall(r"(?m)^COPY (?!--)(\S+) ", TEXT)}
    assert copied == let
    assert all((ROOT / path).exists() for path in copied)
