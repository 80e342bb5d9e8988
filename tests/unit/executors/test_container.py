"""Containers where there are none to be had, and what an engine says."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from app.executors import AttemptSpec, Containers, Ended, Images, LocalExecutor, Sandbox
from app.executors.container_command import steps
from app.executors.container_engine import Engine, Image
from app.executors.container_stage import mount_points
from app.executors.launcher import Layout
from app.executors.seccomp import profile
from app.model import CheckSpec, Misconfigured, Outage
from tests.support.prerequisites import missing


def engine(tmp_path: Path, script: str) -> Engine:
    """A program that answers as an engine might."""
    program = tmp_path / "engine"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return Engine(str(program))


async def test_without_an_engine_the_operator_is_told(tmp_path: Path):
    if os.geteuid() != 0:
        missing("only root can run the containers of checks")
    executor = LocalExecutor(Containers("no-such-engine", Images("i")), tmp_path / "root")
    report = await executor.probe()
    assert not report.usable
    assert "no container engine 'no-such-engine'" in report.protections[0].detail
    assert "install docker or podman" in report.protections[0].mend
    assert await executor.sweep() == 0
    executor.close()
    with pytest.raises(Misconfigured):
        Engine("no-such-engine").image("i")


async def test_without_an_image_the_operator_is_told(tmp_path: Path):
    if os.geteuid() != 0:
        missing("only root can run the containers of checks")
    executor = LocalExecutor(Containers("true", Images("")), tmp_path / "root")
    report = await executor.probe()
    assert not report.usable
    assert report.protections[0].mend == "set PORTCULLIS_IMAGE"


async def test_the_sandbox_has_no_images(tmp_path: Path):
    check = CheckSpec(id="c", key="c", script="true", image="python:3.12")
    spec = AttemptSpec(attempt_id="a", check=check, tree=tmp_path, trusted=True)
    outcome = await LocalExecutor(Sandbox(), tmp_path / "root").run(spec, None)  # type: ignore[arg-type]
    assert outcome.ended is Ended.REFUSED
    assert "PORTCULLIS_EXECUTOR=container" in outcome.detail


def test_what_an_engine_says_of_an_image(tmp_path: Path):
    told = [{"Id": "sha256:1", "Config": {"Env": ["A=1", "PATH=/a:/b"], "Volumes": {"/data": {}}}}]
    found = engine(tmp_path, f"echo '{json.dumps(told)}'").image("i")
    assert found == Image(digest="sha256:1", path="/a:/b", volumes=("/data",))
    bare = [{"Id": "sha256:2", "Config": {"Env": None, "Volumes": None}}]
    assert engine(tmp_path, f"echo '{json.dumps(bare)}'").image("i") == Image(digest="sha256:2")


def test_an_image_that_cannot_be_fetched_is_an_outage(tmp_path: Path):
    with pytest.raises(Outage, match="engine pull: denied"):
        engine(tmp_path, "echo denied >&2; exit 1").image("i")
    with pytest.raises(Outage, match="is not there although"):
        engine(tmp_path, '[ "$1" = pull ]').image("i")


def test_how_a_container_ended(tmp_path: Path):
    def state(**values: object) -> Engine:
        told = json.dumps([{"Id": "x", "State": values}])
        return engine(tmp_path, f"echo '{told}'")

    ended = state(Status="exited", ExitCode=137, OOMKilled=True).ending("c")
    assert ended is not None
    assert (ended.code, ended.out_of_memory) == (137, True)
    assert state(Status="running", Pid=7).ending("c") is None
    assert state(Status="running", Pid=7).process("c") == 7
    assert engine(tmp_path, "exit 1").ending("c") is None
    assert engine(tmp_path, "exit 1").process("c") == 0


def test_without_our_word_nothing_of_a_check_runs(tmp_path: Path):
    layout = Layout(tree=tmp_path, place=tmp_path, argv=("touch", str(tmp_path / "ran")))
    command = ["/bin/sh", *steps(layout)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (125, b"mounted\n")


def test_mount_points_are_read_as_bytes():
    line = b"36 35 98:0 / %s rw,noatime - tmpfs portcullis rw\n"
    points = (b"/a\\040b", b"/caf\xc3\xa9", b"/\xff", b"/c\\134040", b"/x\x1dy")
    read = [os.fsencode(point) for point in mount_points(b"".join(line % point for point in points))]
    assert read == [b"/a b", b"/caf\xc3\xa9", b"/\xff", b"/c\\040", b"/x\x1dy"]


def test_podman_is_known_by_what_it_says(tmp_path: Path):
    assert engine(tmp_path, "echo podman version 5.0").is_podman
    assert not engine(tmp_path, "echo Docker version 28").is_podman


def test_the_profile_refuses_what_the_filter_does():
    rules = json.loads(profile())
    assert rules["defaultAction"] == "SCMP_ACT_ALLOW"
    plain = {name for rule in rules["syscalls"] if "args" not in rule for name in rule["names"]}
    assert {"mount", "unshare", "ptrace", "bpf", "io_uring_setup", "clone3"} <= plain
    assert {rule["action"] for rule in rules["syscalls"]} == {"SCMP_ACT_ERRNO"}
