"""Single parts of a program, each as the settings want it."""

import os
import shutil
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from app.engine import Keep, Options, Quotas
from app.executors import (
    BASIC,
    JOB_UID,
    CacheLimits,
    Caches,
    Containers,
    Executor,
    GitWorkspaces,
    Images,
    KubernetesExecutor,
    KubernetesOptions,
    LocalExecutor,
    LocalKeywords,
    LogLimits,
    Rules,
    Sandbox,
    Toolbox,
    WorkspaceLimits,
    group_path,
)
from app.forges import IdentityTokens, Issuer
from app.settings import Settings


def workspaces(settings: Settings, hosts: Collection[str]) -> GitWorkspaces:
    """Mirrors and source trees beneath the data directory, of repositories at these hosts."""
    limits = WorkspaceLimits(
        changed_files=settings.max_changed_files, changed_bytes=int(settings.max_change_bytes)
    )
    return GitWorkspaces(
        settings.data_dir / "mirrors",
        limits=limits,
        allow_http=True,  # on loopback, which is among the hosts only where a forge is there
        hosts=hosts,
    )


def toolbox(settings: Settings, group: str = BASIC) -> Toolbox:
    """A group of the presets' pinned tools, as the installed package or the checkout pins them."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "toolbox"
    locks = installed if installed.exists() else package.parent / "deploy" / "toolbox"
    npm = locks / group
    return Toolbox(
        group_path(settings.toolbox_dir, group), locks / f"{group}.txt", npm=npm if npm.is_dir() else None
    )


def executor(settings: Settings, *, root: Path | None = None) -> Executor:
    """What runs checks. A toolbox that is installed later is seen by the checks that begin then."""
    root = root or settings.data_dir / "sandbox"
    given = LocalKeywords(
        store=settings.artifacts_dir,
        toolbox=settings.toolbox_dir,
        toolchains=settings.toolchains,
        log_limits=LogLimits(most=int(settings.max_log_bytes)),
        egress=egress(settings),
        caches=Caches(
            settings.data_dir / "caches",
            limits=CacheLimits(
                entry_bytes=int(settings.max_cache_entry),
                total_bytes=int(settings.max_caches),
                unused=settings.keep_caches.total_seconds(),
            ),
            owner=JOB_UID if os.geteuid() == 0 else None,
        ),
    )
    images = Images(settings.image, settings.images)
    if settings.executor == "kubernetes":
        return _in_cluster(settings, root, images, given)
    if settings.executor == "container":
        return LocalExecutor(Containers(settings.container_engine, images), root, **given)
    return LocalExecutor(Sandbox(), root, **given)


def _in_cluster(settings: Settings, root: Path, images: Images, given: LocalKeywords) -> Executor:
    """What runs checks in a cluster: no tool chain of this machine is seen there."""
    options = KubernetesOptions(
        namespace=settings.kubernetes_namespace,
        helper=settings.kubernetes_helper_image or settings.image,
        runtime_class=settings.kubernetes_runtime_class,
        seccomp=settings.kubernetes_seccomp,
        node_labels=settings.kubernetes_node_labels,
        toolbox_claim=settings.kubernetes_toolbox_claim,
    )
    return KubernetesExecutor(
        root,
        options,
        images,
        config=settings.kubernetes_config,
        store=given["store"],
        toolbox=given["toolbox"],
        log_limits=given["log_limits"],
        egress=given["egress"],
        caches=given["caches"],
    )


def egress(settings: Settings) -> Rules:
    """Where checks with network may go: never to us."""
    return Rules(
        hosts=settings.egress_hosts,
        ports=settings.egress_ports,
        allowed=settings.egress_allowed,
        denied=settings.egress_denied,
        own=(urlsplit(settings.base_url).hostname or "",),
    )


LEAST_ROOM: Final = 64 << 20
"""Bytes that must be free in the data directory: below, what is begun is likely to end half-way."""


def short_of_room(settings: Settings) -> Callable[[], str]:
    """Looks at the disk of the data directory; says what is wrong with it, '' if nothing is."""

    def look() -> str:
        free = shutil.disk_usage(settings.data_dir).free
        return "" if free >= LEAST_ROOM else f"the disk of the data directory has {free >> 20} MiB left"

    return look


def options(settings: Settings) -> Options:
    """The engine's limits."""
    return Options(
        lease=settings.worker_timeout.total_seconds(),
        quotas=Quotas(
            repository=settings.checks_per_repository,
            owner=settings.checks_per_owner,
            untrusted_author=settings.checks_per_untrusted_author,
        ),
        parallel_checks=settings.parallel_checks,
        max_timeout=settings.max_check_timeout.total_seconds(),
        max_memory=int(settings.max_check_memory),
        trusted_apps=settings.trusted_apps,
        upload_retention=settings.upload_retention.total_seconds(),
        max_upload_bytes=int(settings.max_upload_bytes),
        keep=Keep(
            deliveries=settings.keep_deliveries.total_seconds(),
            logs=settings.keep_logs.total_seconds(),
            artifacts=settings.keep_artifacts.total_seconds(),
            artifact_bytes=settings.max_artifacts,
            evidence=settings.keep_evidence.total_seconds(),
        ),
    )


def identity_tokens(settings: Settings, now: Callable[[], float]) -> IdentityTokens:
    """Whose CI jobs are believed."""
    github = Issuer(url=settings.github_issuer, kind="github", forge="github")
    gitlab = (Issuer(url=url, kind="gitlab", forge="gitlab") for url in settings.gitlab_oidc_issuers)
    return IdentityTokens((github, *gitlab), audience=settings.base_url, now=now)
