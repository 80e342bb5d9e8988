"""One attempt as a Job: what the cluster is asked for."""

import platform
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from app.executors import launcher, packing
from app.executors.kubernetes.pod import CHECK, DISK, KEEP, LAY
from app.executors.launcher import FACTS, HEAD_TREE, HOME, TEMPORARY, WORKSPACE, Layout
from app.model import CheckSpec

OWNER, ATTEMPT, NETWORK = "portcullis.dev/owner", "portcullis.dev/attempt", "portcullis.dev/network"
"""Labels of Jobs and pods: whose they are, which attempt's, `none` or `public`."""
_RUN = "portcullis.dev/check"
PATIENCE: Final = 900.0
"""Seconds for a node to be found and images to be fetched."""
_AFTER: Final = 600
"""Seconds for results to be taken, and for which a Job that nobody removes stays."""
_OURS = 64 << 20
_PLACE = "/disk"
_LAID = f"{_PLACE}/laid"
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
_ENGINES_OWN = (
    "HOSTNAME",
    "KUBERNETES_PORT",
    *(f"KUBERNETES_SERVICE_{name}" for name in ("HOST", "PORT", "PORT_HTTPS")),
    *(f"KUBERNETES_PORT_443_TCP{name}" for name in ("", "_ADDR", "_PORT", "_PROTO")),
)
"""Variables that every pod gets."""
_OWN_PROCESSES = 4
"""Processes of the pod under the check's uid that are not its own."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How the operator wants pods: namespace, image of what lays and takes trees (with sh, GNU tar and Python
    3), a runtime class ('' = the usual), a seccomp profile of the nodes ('' = the runtime's own), labels that
    nodes must have, the volume claim that holds the toolbox ('' = images bring it).
    """

    namespace: str
    helper: str
    runtime_class: str = ""
    seccomp: str = ""
    node_labels: tuple[tuple[str, str], ...] = ()
    toolbox_claim: str = ""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One Job: its name, whose and which attempt, the check, its image, what it sees, the uid it runs as,
    bytes of its tree on the disk, the toolbox's directory, seconds between TERM and KILL.
    """

    name: str
    owner: str
    attempt: str
    check: CheckSpec
    image: str
    layout: Layout
    uid: int
    laid: int
    toolbox: Path | None
    grace: float


def laying(size: int) -> list[str]:
    """What lays an archive of so many bytes that comes on its input, and lets the check begin."""
    return ["sh", "-c", f"umask 022; head -c {size} | tar -xf - -C {_PLACE} && touch {_LAID}"]


def taking(paths: list[str]) -> list[str]:
    """What gives an archive of what lies at these paths of the disk, as far as they are there."""
    return ["tar", "-cf", "-", "--hard-dereference", "--ignore-failed-read", "-C", _PLACE, "--", *paths]


ROOM: Final = ["stat", "-f", "-c", "%a %S %d", _PLACE]
"""What tells the disk's free blocks, their size, and free inodes."""


def ending(signal: str) -> list[str]:
    """What sends a signal to all processes of the check."""
    return ["/bin/sh", "-c", f"kill -{signal} -1"]


def job(asked: Asked, options: Options) -> dict[str, Any]:
    """The Job. It ends by itself where nobody looks after it any more."""
    labels = {
        "app.kubernetes.io/part-of": "portcullis-checks",
        OWNER: asked.owner,
        ATTEMPT: asked.name,
        NETWORK: "public" if asked.check.network == "full" else "none",
    }
    notes = {ATTEMPT: asked.attempt, _RUN: asked.check.key}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": asked.name, "labels": labels, "annotations": notes},
        "spec": {
            "backoffLimit": 0,
            "completions": 1,
            "parallelism": 1,
            "activeDeadlineSeconds": int(2 * PATIENCE + asked.check.timeout + asked.grace + _AFTER),
            "ttlSecondsAfterFinished": _AFTER,
            "template": {"metadata": {"labels": labels, "annotations": notes}, "spec": _pod(asked, options)},
        },
    }


def _pod(asked: Asked, options: Options) -> dict[str, Any]:
    limits = asked.check.resources
    disk = limits.disk + asked.laid
    small = {"cpu": "10m", "memory": str(_OURS)}
    whole = [{"name": DISK, "mountPath": _PLACE}]
    # The disk is memory, which counts for whom it was laid by; the check's own writes count as the check's.
    ours = {"requests": small, "limits": {"memory": str(_OURS + disk)}}
    waits = f"until [ -e {_LAID} ]; do sleep 0.1; done"
    stays = "trap 'exit 0' TERM; while :; do sleep 3600 & wait; done"
    volumes: list[dict[str, Any]] = [{"name": DISK, "emptyDir": {"medium": "Memory", "sizeLimit": str(disk)}}]
    if options.toolbox_claim and asked.toolbox is not None:
        claim = {"claimName": options.toolbox_claim, "readOnly": True}
        volumes.append({"name": "toolbox", "persistentVolumeClaim": claim})
    check = {
        "command": ["/bin/sh", "-c", *(_literal(word) for word in _steps(asked))],
        "env": [{"name": key, "value": _literal(value)} for key, value in _environment(asked).items()],
        "resources": _given(limits.memory, limits.cpus),
        "volumeMounts": [*_mounts(asked), *_toolbox(asked, options)],
    }
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "hostname": "check",
        "terminationGracePeriodSeconds": max(1, round(asked.grace)),
        "nodeSelector": {
            "kubernetes.io/os": "linux",
            "kubernetes.io/arch": _MACHINES.get(platform.machine(), platform.machine()),
            **dict(options.node_labels),
        },
        "tolerations": [{"key": "portcullis.dev/checks", "operator": "Exists", "effect": "NoSchedule"}],
        **({"runtimeClassName": options.runtime_class} if options.runtime_class else {}),
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": asked.uid,
            "runAsGroup": asked.uid,
            "seccompProfile": {"type": "Localhost", "localhostProfile": options.seccomp}
            if options.seccomp
            else {"type": "RuntimeDefault"},
        },
        "initContainers": [
            _container(
                LAY,
                options.helper,
                {"command": ["sh", "-c", waits], "resources": ours, "volumeMounts": whole},
            )
        ],
        "containers": [
            _container(CHECK, asked.image, check),
            _container(
                KEEP,
                options.helper,
                {"command": ["sh", "-c", stays], "resources": ours, "volumeMounts": whole},
            ),
        ],
        "volumes": volumes,
    }


def _container(name: str, image: str, more: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "workingDir": "/",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "privileged": False,
            "capabilities": {"drop": ["ALL"]},
        },
        **more,
    }


def _given(memory: int, cpus: float) -> dict[str, dict[str, str]]:
    """All of the memory is kept for a check; of the processor a quarter: most checks wait often."""
    return {
        "requests": {"memory": str(memory), "cpu": f"{max(1, round(cpus * 250))}m"},
        "limits": {"memory": str(memory), "cpu": f"{max(1, round(cpus * 1000))}m"},
    }


def _mounts(asked: Asked) -> list[dict[str, Any]]:
    """What the check sees of the disk."""
    writable = {
        WORKSPACE: packing.VIEW,
        f"{WORKSPACE}/out": packing.OUT,
        HOME: "home",
        TEMPORARY: "tmp",
        f"/var{TEMPORARY}": "tmp",
    }
    seen = {
        f"{WORKSPACE}/in": packing.INPUTS,
        FACTS: packing.FACTS_FOLDER,
        "/etc/passwd": f"{packing.FACTS_FOLDER}/passwd",
        "/etc/group": f"{packing.FACTS_FOLDER}/group",
    }
    if any(bind.at == HEAD_TREE for bind in asked.layout.binds):
        seen[HEAD_TREE] = packing.HEAD
    mounts = [{"name": DISK, "mountPath": at, "subPath": path} for at, path in writable.items()]
    return mounts + [
        {"name": DISK, "mountPath": at, "subPath": path, "readOnly": True} for at, path in seen.items()
    ]


def _toolbox(asked: Asked, options: Options) -> list[dict[str, Any]]:
    """The claim holds the toolbox's groups as they lie beside each other."""
    if not options.toolbox_claim or asked.toolbox is None:
        return []
    return [{"name": "toolbox", "mountPath": str(asked.toolbox.parent), "readOnly": True}]


def _environment(asked: Asked) -> dict[str, str]:
    """The check's variables. PATH is the image's own, behind the toolbox, unless the check sets it."""
    given = dict(asked.layout.environment)
    if "PATH" not in asked.check.env:
        given.pop("PATH", None)
    return given


def _steps(asked: Asked) -> list[str]:
    """What the pod's first process does: it stays, so that signals to all others leave it, and its end, which
    is that of the check, is the end of all.
    """
    layout, limits = asked.layout, asked.check.resources
    bins = layout.environment.get("PATH", "").rpartition("/usr/local/bin:/usr/bin:/bin")[0]
    most = limits.pids + _OWN_PROCESSES
    unset = sorted(set(_ENGINES_OWN) - layout.environment.keys())
    steps = (
        f"unset {' '.join(unset)}; umask 022; ulimit -c 0; "
        f"ulimit -u {most} 2>/dev/null || ulimit -p {most} 2>/dev/null; "
        + (f"PATH={shlex.quote(bins)}$PATH; export PATH; " if bins and "PATH" not in asked.check.env else "")
        + 'exec </dev/null 2>&1; cd -- "$0" || exit 127; exec 2>/dev/null; (exec "$@" 2>&1); exit $?'
    )
    return [steps, launcher.inside(layout.workdir), *layout.argv]


def _literal(text: str) -> str:
    """Text that the cluster leaves as it is, where it would replace $(NAME)."""
    return text.replace("$", "$$")
