"""Examination of the cluster that runs the checks: whether it answers, and lets us do what we must."""

from app.cli.examined import Examined, broken, good, skipped
from app.executors import missing_rights
from app.model import PortcullisError
from app.settings import Settings


async def cluster(settings: Settings) -> tuple[Examined, ...]:
    """Whether its API answers, and which rights are missing there. What it protects is tried by `sandbox`."""
    if settings.executor != "kubernetes":
        return skipped("checks run on this machine")
    namespace = settings.kubernetes_namespace
    try:
        missing = await missing_rights(settings.kubernetes_config, namespace)
    except PortcullisError as error:
        return broken(error.message, error.hint or "look whether the cluster's API can be reached from here")
    if missing:
        return broken(
            f"in the namespace {namespace} we may not: {', '.join(missing)}",
            "apply deploy/kubernetes-jobs: its Role holds these rights",
        )
    return good(f"it lets us run checks in the namespace {namespace}")
