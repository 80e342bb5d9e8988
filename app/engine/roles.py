"""Which part of the work a process does."""

from enum import StrEnum


class Role(StrEnum):
    """`all` is the whole service; the others divide it, each on any number of processes."""

    ALL = "all"
    WEB = "web"
    CONTROL = "control"
    CHECKS = "checks"
    WORKER = "worker"

    @property
    def web(self) -> bool:
        """Whether it takes deliveries and uploads and serves the pages."""
        return self in {Role.ALL, Role.WEB}

    @property
    def control(self) -> bool:
        """Whether it reads deliveries, plans, judges and posts."""
        return self in {Role.ALL, Role.CONTROL, Role.WORKER}

    @property
    def checks(self) -> bool:
        """Whether it runs checks."""
        return self in {Role.ALL, Role.CHECKS, Role.WORKER}
