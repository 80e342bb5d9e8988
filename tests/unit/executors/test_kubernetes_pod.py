"""What clusters say of pods, as kubelets and schedulers write it, and what we make of it."""

from typing import Any

import msgspec
import pytest

from app.executors.kubernetes.pod import CHECK, KEEP, LAY, Look, Pod, look


def seen(*, lay: object = None, check: object = None, **status: Any) -> Look:
    """A look at a pod whose containers are in these states."""
    told = {
        "metadata": {"name": "check-1-abc", "uid": "u"},
        "status": {
            "phase": "Running",
            "initContainerStatuses": [{"name": LAY, "image": "helper", "state": lay or {}}],
            "containerStatuses": [
                {"name": CHECK, "image": "python:3", "state": check or {}},
                {"name": KEEP, "image": "helper", "state": {"running": {}}},
            ],
            **status,
        },
    }
    return look(msgspec.convert(told, Pod))


def ended(code: int, reason: str, message: str = "") -> dict[str, object]:
    return {"terminated": {"exitCode": code, "reason": reason, "message": message}}


def condition(kind: str, status: str, reason: str, message: str) -> list[dict[str, str]]:
    return [{"type": kind, "status": status, "reason": reason, "message": message}]


def test_the_steps_of_a_pod():
    assert look(Pod()).waiting == "the pod is not there"
    assert seen(lay={"running": {"startedAt": "2026-11-22T00:00:00Z"}}).laying
    begun = seen(lay=ended(0, "Completed"), check={"running": {}})
    assert (begun.laying, begun.running, begun.over) == (False, True, False)
    done = seen(lay=ended(0, "Completed"), check=ended(3, "Error"))
    assert done.over
    assert done.ended is not None
    assert (done.ended.exit_code, done.ended.reason) == (3, "Error")


@pytest.mark.parametrize(
    ("status", "said", "unfetched"),
    [
        (
            {
                "conditions": condition(
                    "PodScheduled", "False", "Unschedulable", "0/3 nodes: 3 Insufficient cpu."
                )
            },
            "no node of the cluster takes it (Unschedulable): 0/3 nodes: 3 Insufficient cpu.",
            False,
        ),
        ({}, "the pod is Pending", False),
    ],
)
def test_why_a_pod_does_not_begin(status: dict[str, Any], said: str, unfetched: bool):
    found = seen(lay={"waiting": {"reason": "PodInitializing"}}, phase="Pending", **status)
    assert (found.waiting, found.unfetched, found.over) == (said, unfetched, False)


@pytest.mark.parametrize(
    ("reason", "said", "unfetched"),
    [
        ("ImagePullBackOff", "the image python:3 cannot be fetched (ImagePullBackOff: denied)", True),
        ("ErrImagePull", "the image python:3 cannot be fetched (ErrImagePull: denied)", True),
        ("InvalidImageName", "the image python:3 cannot be fetched (InvalidImageName: denied)", True),
        (
            "CreateContainerConfigError",
            "its node cannot make the container check (CreateContainerConfigError: denied)",
            False,
        ),
        ("CrashLoopBackOff", "the container check waits (CrashLoopBackOff: denied)", False),
    ],
)
def test_why_a_container_does_not_begin(reason: str, said: str, unfetched: bool):
    found = seen(lay=ended(0, "Completed"), check={"waiting": {"reason": reason, "message": "denied"}})
    assert (found.waiting, found.unfetched) == (said, unfetched)


def test_a_program_that_cannot_be_started_is_no_end_of_the_check():
    found = seen(lay=ended(0, "Completed"), check=ended(128, "StartError", "exec: /bin/sh: no such file"))
    assert (found.ended, found.unmade) == (None, "exec: /bin/sh: no such file")
    assert seen(lay=ended(137, "OOMKilled")).unmade == "what takes the tree ended with 137: OOMKilled"


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("PreemptionByScheduler", "it made room for a pod of higher priority"),
        ("EvictionByEvictionAPI", "it was evicted through the cluster's API"),
        ("DeletionByTaintManager", "its node would not keep it"),
        ("DeletionByPodGC", "its node is gone"),
        ("TerminationByKubelet", "its node ended it"),
        ("SomethingNew", "SomethingNew"),
    ],
)
def test_a_pod_that_its_cluster_takes_away_is_lost_in_its_words(reason: str, said: str):
    told = condition("DisruptionTarget", "True", reason, "the words of the cluster")
    found = seen(check={"running": {}}, conditions=told)
    assert found.over
    assert f"the pod was lost, {said}" in found.lost
    assert f"({reason}: the words of the cluster)" in found.lost
    killed = seen(check=ended(137, "Error"), conditions=told, phase="Failed")
    assert (killed.ended, killed.lost) == (None, found.lost), "that is no end of the check's own"
    for code, why in ((0, "Completed"), (1, "Error"), (137, "OOMKilled")):
        before = seen(check=ended(code, why), conditions=told)
        assert before.lost == ""
        assert before.ended is not None


def test_a_pod_that_is_deleted_while_its_check_runs_is_lost():
    told = {
        "metadata": {"name": "p", "deletionTimestamp": "2026-11-22T00:00:00Z"},
        "status": {
            "phase": "Running",
            "containerStatuses": [{"name": CHECK, "state": ended(137, "Error")}],
        },
    }
    found = look(msgspec.convert(told, Pod))
    assert (found.ended, found.lost) == (None, "the pod was deleted from outside")
    del told["metadata"]["deletionTimestamp"]
    assert look(msgspec.convert(told, Pod)).ended is not None, "the check killed itself"


def test_a_pod_that_failed_without_an_end_of_the_check_is_lost():
    evicted = seen(phase="Failed", reason="Evicted", message="The node was low on resource: memory.")
    assert evicted.lost == "the pod was evicted by its node: The node was low on resource: memory."
    assert not evicted.filled
    full = seen(
        phase="Failed", reason="Evicted", message='Usage of EmptyDir volume "disk" exceeds the limit "16Mi".'
    )
    assert full.filled
    admitted = seen(phase="Failed", reason="OutOfmemory", message="Node didn't have enough resource")
    assert admitted.lost == "the pod failed (OutOfmemory): Node didn't have enough resource"
    assert seen(reason="NodeLost", message="silent").lost == "the pod's node does not answer any more: silent"
