"""What `LocalExecutor` is handed: how the processes of an attempt are held on this machine."""

from pathlib import Path
from typing import Protocol

import msgspec

from app.executors.cgroup import Group
from app.executors.egress import Egress
from app.executors.launcher import Bind, Layout
from app.executors.logs import Log
from app.executors.protocol import AttemptSpec
from app.executors.supervise import Supervisor
from app.executors.view import Given
from app.model import CheckSpec


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt as its kind is handed it: its directory, its control group, what every check sees, whose
    it is (the executor's mark on all that it makes).
    """

    spec: AttemptSpec
    place: Path
    group: Group
    given: Given
    owner: str


class Kind(Protocol):
    """How an attempt's processes are held. Every call blocks, and is made in a thread."""

    @property
    def name(self) -> str:
        """What an attempt is called: `sandbox`, `container`."""
        ...

    @property
    def mend(self) -> str:
        """What to do where attempts cannot be held at all, or no better than a plain process."""
        ...

    @property
    def programs(self) -> tuple[Bind, ...]:
        """What must be seen of this machine, so that our own interpreter runs where checks do."""
        ...

    def platform(self, given: Given) -> str:
        """See `Executor.platform`."""
        ...

    def refused(self, check: CheckSpec) -> str:
        """Why this check may not run here, for people; '' where it may."""
        ...

    def begin(self, work: Work, extra: tuple[Bind, ...], cached: Path | None) -> Layout:
        """Kill and remove what is left of this attempt, make its group and directory anew; `extra` is bound
        read-only too. Raises CannotBeginError.
        """
        ...

    def supervise(
        self, work: Work, layout: Layout, log: Log, grace: float, egress: Egress | None
    ) -> Supervisor:
        """What runs it."""
        ...

    def remove(self, owner: str, group: Group, place: Path) -> None:
        """Kill what is left of an attempt and remove its group and its directory."""
        ...

    def sweep(self, owner: str) -> int:
        """Remove what neither a group nor a directory leads to; gives how many."""
        ...
