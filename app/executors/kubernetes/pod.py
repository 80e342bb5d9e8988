"""What a cluster says of a check's pod, and what that means."""

from datetime import datetime
from typing import Final

import msgspec

LAY, CHECK, KEEP, DISK = "lay", "check", "keep", "disk"
"""The pod's containers: what takes the tree, the check, what gives its results; and the disk they share."""
_PULLING = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "ImageInspectError", "RegistryUnavailable"}
)
_NOT_MADE = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
_NOT_STARTED = frozenset({"StartError", "ContainerCannotRun", "ContainerCreationError"})
_KILLED = frozenset({137, 143})
"""Exit codes of what was killed from outside, as all of a pod is that is taken away: by KILL, by TERM."""
_DISRUPTED: Final = {
    "PreemptionByScheduler": "it made room for a pod of higher priority",
    "DeletionByTaintManager": "its node would not keep it",
    "EvictionByEvictionAPI": "it was evicted through the cluster's API, as when a node is drained",
    "DeletionByPodGC": "its node is gone",
    "TerminationByKubelet": "its node ended it",
}


class Waiting(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Why a container does not run yet."""

    reason: str = ""
    message: str = ""


class Running(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Since when it runs."""

    started_at: datetime | None = None


class Terminated(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How it ended."""

    exit_code: int = -1
    reason: str = ""
    message: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None


class State(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One of the three."""

    waiting: Waiting | None = None
    running: Running | None = None
    terminated: Terminated | None = None


class ContainerStatus(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One container of a pod."""

    name: str
    image: str = ""
    state: State = State()


class Condition(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Something that holds or not."""

    type: str
    status: str = ""
    reason: str = ""
    message: str = ""


class PodStatus(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """See the API's PodStatus."""

    phase: str = ""
    reason: str = ""
    message: str = ""
    conditions: tuple[Condition, ...] | None = None
    init_container_statuses: tuple[ContainerStatus, ...] | None = None
    container_statuses: tuple[ContainerStatus, ...] | None = None


class Metadata(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Names."""

    name: str = ""
    uid: str = ""
    resource_version: str = ""
    deletion_timestamp: datetime | None = None


class Pod(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """See the API's Pod."""

    metadata: Metadata = Metadata()
    status: PodStatus = PodStatus()


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What one look at a pod tells. `laying`: the tree can be brought; `laid`: it is there. `ended` is the
    check's end. `waiting` is why it has not begun, in the cluster's words; `unfetched`, that this is an
    image's fault. `unmade` is why it never will begin, `lost` why nothing more will come of it, `filled` that
    its disk was the reason.
    """

    pod: str = ""
    laying: bool = False
    laid: bool = False
    running: bool = False
    ended: Terminated | None = None
    waiting: str = ""
    unfetched: bool = False
    unmade: str = ""
    lost: str = ""
    filled: bool = False

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return bool(self.ended or self.lost or self.unmade)


GONE: Final = "the pod was deleted from outside"


def look(pod: Pod) -> Look:
    """Read a pod."""
    states = {
        one.name: one.state
        for one in (*(pod.status.init_container_statuses or ()), *(pod.status.container_statuses or ()))
    }
    lay, check = states.get(LAY, State()), states.get(CHECK, State())
    ended, unmade = check.terminated, ""
    if check.terminated is not None and check.terminated.reason in _NOT_STARTED:
        ended, unmade = None, check.terminated.message or check.terminated.reason
    if lay.terminated is not None and lay.terminated.exit_code and lay.terminated.reason != "Completed":
        unmade = f"what takes the tree ended with {lay.terminated.exit_code}: {lay.terminated.reason}"
    waiting, unfetched = _waiting(pod)
    lost = _lost(pod)
    if ended is not None and lost and (ended.exit_code not in _KILLED or ended.reason == "OOMKilled"):
        lost = ""  # it had ended by itself
    elif lost or (pod.status.phase == "Failed" and ended is None and not unmade):
        ended, lost = None, lost or "the pod failed (no reason given)"
    return Look(
        pod=pod.metadata.name,
        laying=lay.running is not None,
        laid=lay.terminated is not None and lay.terminated.exit_code == 0,
        running=check.running is not None,
        ended=ended,
        waiting=waiting,
        unfetched=unfetched,
        unmade="" if lost else unmade,
        lost=lost,
        filled=f'"{DISK}"' in pod.status.message and pod.status.reason == "Evicted",
    )


def _waiting(pod: Pod) -> tuple[str, bool]:
    """(why it has not begun, whether an image cannot be fetched)."""
    for condition in pod.status.conditions or ():
        if condition.type == "PodScheduled" and condition.status == "False":
            return f"no node of the cluster takes it ({condition.reason}): {condition.message}", False
    for one in (*(pod.status.init_container_statuses or ()), *(pod.status.container_statuses or ())):
        why = one.state.waiting
        if why is None or why.reason in {"", "PodInitializing", "ContainerCreating"}:
            continue
        said = f"{why.reason}: {why.message}" if why.message else why.reason
        if why.reason in _PULLING or why.reason == "InvalidImageName":
            return f"the image {one.image} cannot be fetched ({said})", True
        if why.reason in _NOT_MADE:
            return f"its node cannot make the container {one.name} ({said})", False
        return f"the container {one.name} waits ({said})", False
    return f"the pod is {pod.status.phase or 'not there'}", False


def _lost(pod: Pod) -> str:
    """Why the pod was taken away, or failed as a whole; '' where neither is so."""
    status = pod.status
    said = f": {status.message}" if status.message else ""
    for condition in status.conditions or ():
        if condition.type == "DisruptionTarget" and condition.status == "True":
            why = _DISRUPTED.get(condition.reason, condition.reason)
            return f"the pod was lost, {why} ({condition.reason}: {condition.message})"
    if status.reason == "Evicted":
        return f"the pod was evicted by its node{said}"
    if status.reason == "NodeLost":
        return f"the pod's node does not answer any more{said}"
    if status.phase == "Failed" and status.reason:
        return f"the pod failed ({status.reason}){said}"
    return GONE if pod.metadata.deletion_timestamp is not None else ""
