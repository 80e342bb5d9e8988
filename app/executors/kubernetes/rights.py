"""Which rights in its namespace the executor needs, and which of them it lacks."""

from pathlib import Path
from typing import Final

from app.executors.kubernetes.cluster import connected

RIGHTS: Final = (
    *((verb, "batch", "jobs") for verb in ("create", "list", "delete")),
    *((verb, "", "pods") for verb in ("list", "watch", "deletecollection")),
    ("get", "", "pods/log"),
    *((verb, "", "pods/exec") for verb in ("get", "create")),
    *((verb, "networking.k8s.io", "networkpolicies") for verb in ("create", "patch")),
)
"""(verb, group, resource) of every call that `Cluster` makes."""


async def missing_rights(config: Path | None, namespace: str) -> tuple[str, ...]:
    """What the cluster does not let us do, as `verb resource`. Raises Outage, Misconfigured where it cannot
    be asked.
    """
    async with connected(config, namespace) as cluster:
        lacking = [
            f"{verb} {resource}"
            for verb, group, resource in RIGHTS
            if not await cluster.may(verb, group, resource)
        ]
    return tuple(lacking)
