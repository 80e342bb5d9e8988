"""Checks as Jobs of a Kubernetes cluster."""

from app.executors.kubernetes.executor import KubernetesExecutor
from app.executors.kubernetes.manifest import Options as KubernetesOptions
from app.executors.kubernetes.rights import missing_rights

__all__ = ["KubernetesExecutor", "KubernetesOptions", "missing_rights"]
