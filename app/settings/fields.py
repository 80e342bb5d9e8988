"""Every setting: its type, default and description."""

import os
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ByteSize, ConfigDict, Field, SecretStr

from app.settings.kinds import (
    AbsolutePath,
    DatabaseAddress,
    Duration,
    Network,
    NodeLabel,
    PrivateKey,
    SecretKey,
    Toolchain,
    WebAddress,
    separated,
)


class Fields(BaseModel):
    """What can be set, each by itself. Secrets are `SecretStr`: they print as asterisks."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    data_dir: AbsolutePath = Field(
        description="Directory for the SQLite file, mirrors, workspaces, logs and the toolbox. "
        "Default: `$XDG_STATE_HOME/portcullis` or `~/.local/state/portcullis`.",
    )
    database_url: DatabaseAddress | None = Field(
        default=None,
        description="`sqlite:///PATH` or `postgresql://…`. Default: `portcullis.db` in the data directory.",
    )
    host: str = Field(default="127.0.0.1", min_length=1, description="Address to listen on.")
    port: int = Field(default=8400, ge=0, le=65535, description="Port to listen on; 0 takes any free one.")
    public_url: WebAddress | None = Field(
        default=None,
        description="Address under which people and the forge reach this service. Default: `http://HOST:PORT`.",
    )
    trusted_proxies: Annotated[tuple[Network, ...], separated(",")] = Field(
        default=("127.0.0.0/8", "::1/128"),
        description="Networks of the proxies before this service, comma-separated: only theirs is believed "
        "when `X-Forwarded-For` says who a client is, by whom refused deliveries and uploads are counted.",
    )
    secret_key: SecretKey | None = Field(
        default=None,
        description="At least 32 characters; encrypts stored credentials and signs links. "
        "Required on PostgreSQL, generated in the data directory on SQLite.",
    )
    former_secret_key: SecretKey | None = Field(
        default=None,
        description="The key before, while keys are changed: what it encrypted and signed is still read.",
    )
    metrics_token: SecretKey | None = Field(
        default=None,
        description="At least 32 characters; who sends it as a bearer token may read `/metrics`. "
        "Without it there is no such page.",
    )
    github_api_url: WebAddress = Field(
        default="https://api.github.com",
        description="GitHub's API; `https://HOST/api/v3` for GitHub Enterprise.",
    )
    github_app_id: int | None = Field(default=None, ge=1, description="Id of our GitHub App.")
    github_private_key: PrivateKey | None = Field(default=None, description="The app's private key (PEM).")
    github_private_key_file: AbsolutePath | None = Field(default=None, description="File that holds it.")
    github_webhook_secret: SecretStr | None = Field(default=None, description="The app's webhook secret.")
    github_webhook_secret_file: AbsolutePath | None = Field(default=None, description="File that holds it.")
    gitlab_url: WebAddress = Field(default="https://gitlab.com", description="Address of GitLab.")
    gitlab_token: SecretStr | None = Field(
        default=None, description="Access token of the account that judges on GitLab, with the scope `api`."
    )
    gitlab_token_file: AbsolutePath | None = Field(default=None, description="File that holds it.")
    gitlab_webhook_secret: SecretStr | None = Field(
        default=None, description="Secret of GitLab's webhooks, or their signing token (`whsec_…`)."
    )
    gitlab_webhook_secret_file: AbsolutePath | None = Field(default=None, description="File that holds it.")
    gitea_url: WebAddress | None = Field(default=None, description="Address of Gitea or Forgejo.")
    gitea_token: SecretStr | None = Field(
        default=None,
        description="Access token of the account that judges on Gitea or Forgejo, with the scopes "
        "`write:repository`, `write:issue`, `read:organization` and `read:user`.",
    )
    gitea_token_file: AbsolutePath | None = Field(default=None, description="File that holds it.")
    gitea_webhook_secret: SecretStr | None = Field(default=None, description="Secret of its webhooks.")
    gitea_webhook_secret_file: AbsolutePath | None = Field(default=None, description="File that holds it.")
    trusted_apps: Annotated[tuple[str, ...], separated(",")] = Field(
        default=(),
        description="Apps whose pushes are trusted like those of people with write: logins, comma-separated.",
    )
    github_oidc_issuer: WebAddress | None = Field(
        default=None,
        description="Issuer of the identity tokens by which GitHub Actions jobs upload reports. Default: "
        "GitHub's own; `https://HOST/_services/token` for GitHub Enterprise.",
    )
    gitlab_oidc_issuers: Annotated[tuple[WebAddress, ...], separated(",")] = Field(
        default=(),
        description="GitLab addresses whose jobs' identity tokens are believed, comma-separated.",
    )
    upload_retention: Duration = Field(
        default=timedelta(days=30),
        ge=timedelta(days=1),
        description="How long uploaded reports are kept once no open change has their head.",
    )
    max_upload_bytes: ByteSize = Field(
        default=ByteSize(4 << 30),
        ge=1 << 20,
        description="Room that the uploaded reports of one repository may take, compressed.",
    )
    artifacts: AbsolutePath | None = Field(
        default=None,
        description="Directory of the artifacts of checks; a fleet's processes share one, at the same path. "
        "Default: `artifacts` in the data directory.",
    )
    toolbox: AbsolutePath | None = Field(
        default=None,
        description="Directory of the presets' pinned tools. Default: `toolbox` in the data directory.",
    )
    toolchains: Annotated[tuple[Toolchain, ...], separated(os.pathsep)] = Field(
        default=(),
        description="Further directories that checks may read (a JDK): absolute, separated by colons.",
    )
    executor: Literal["sandbox", "container", "kubernetes"] = Field(
        default="sandbox",
        description="What checks run in: `sandbox` (bubblewrap, this machine's programs), `container` "
        "(docker or podman on this machine, an image's programs) or `kubernetes` (Jobs of a cluster).",
    )
    container_engine: str = Field(
        default="podman",
        min_length=1,
        description="Program of the container engine: `podman`, `docker`, or a path.",
    )
    image: str = Field(
        default="", description="Container image of checks that name none; needed where checks run in images."
    )
    images: Annotated[tuple[str, ...], separated(",")] = Field(
        default=(),
        description="Further images that a gate file may name, comma-separated globs: `python:3.*`. "
        "Default: none.",
    )
    kubernetes_namespace: str = Field(
        default="portcullis-checks",
        min_length=1,
        description="Namespace of the cluster that holds the checks' Jobs and nothing else.",
    )
    kubernetes_config: AbsolutePath | None = Field(
        default=None,
        description="kubeconfig of the cluster that runs checks. Default: the account of the pod we run in.",
    )
    kubernetes_helper_image: str = Field(
        default="",
        description="Image with `sh`, GNU tar and Python 3 that lays trees into pods and takes results. "
        "Default: that of `PORTCULLIS_IMAGE`.",
    )
    kubernetes_runtime_class: str = Field(
        default="", description="Runtime class of the checks' pods, as `gvisor`. Default: the cluster's."
    )
    kubernetes_seccomp: str = Field(
        default="",
        description="seccomp profile of the nodes that holds checks, a path beneath the kubelet's `seccomp` "
        "directory. Default: the runtime's own.",
    )
    kubernetes_node_labels: Annotated[tuple[NodeLabel, ...], separated(",")] = Field(
        default=(),
        description="Labels that nodes of checks must have: `pool=checks`, comma-separated. Default: none.",
    )
    kubernetes_toolbox_claim: str = Field(
        default="",
        description="Volume claim of the directory that holds the toolbox, for presets in pods. "
        "Default: images bring the toolbox, at the same path.",
    )
    egress_hosts: Annotated[tuple[str, ...], separated(",")] = Field(
        default=(),
        description="Hosts that checks with network may ask for, comma-separated globs. Default: all.",
    )
    egress_ports: Annotated[tuple[Annotated[int, Field(ge=1, le=65535)], ...], separated(",")] = Field(
        default=(80, 443), description="Ports that checks with network may ask for, comma-separated."
    )
    egress_allowed: Annotated[tuple[Network, ...], separated(",")] = Field(
        default=(),
        description="Networks that checks with network may reach although they are private, such as a "
        "package mirror's: `10.1.2.3/32`, comma-separated.",
    )
    egress_denied: Annotated[tuple[Network, ...], separated(",")] = Field(
        default=(), description="Networks that no check may reach, comma-separated."
    )
    max_cache_entry: ByteSize = Field(
        default=ByteSize(2 << 30), ge=1 << 20, description="Room that one cache entry of a check may take."
    )
    max_caches: ByteSize = Field(
        default=ByteSize(20 << 30),
        ge=1 << 20,
        description="Room for the cache entries of all checks; those not used for longest go first.",
    )
    keep_caches: Duration = Field(
        default=timedelta(days=14),
        ge=timedelta(hours=1),
        description="How long a cache entry stays that no check uses.",
    )
    parallel_checks: int = Field(
        default_factory=lambda: os.cpu_count() or 1,
        ge=1,
        le=1024,
        description="Checks that run at the same time. Default: the number of cores.",
    )
    checks_per_repository: int | None = Field(
        default=None, ge=1, description="Checks of one repository that run at the same time, on all workers."
    )
    checks_per_owner: int | None = Field(
        default=None, ge=1, description="Likewise of one organisation or person."
    )
    checks_per_untrusted_author: int | None = Field(
        default=4, ge=1, description="Likewise of one author's untrusted changes to one owner's repositories."
    )
    worker_timeout: Duration = Field(
        default=timedelta(seconds=30),
        ge=timedelta(seconds=3),
        description="After how long without a sign of life what a worker holds goes to others.",
    )
    max_check_timeout: Duration = Field(
        default=timedelta(hours=1), gt=timedelta(0), description="Longest `timeout` a gate file may ask for."
    )
    max_check_memory: ByteSize = Field(
        default=ByteSize(8 << 30), ge=16 << 20, description="Most memory a gate file may ask for, per check."
    )
    max_log_bytes: ByteSize = Field(
        default=ByteSize(64 << 20),
        ge=64 << 10,
        description="Output after which a check is ended; the first and last MiB of it are kept.",
    )
    max_changed_files: int = Field(
        default=10_000, ge=1, description="Files a change may touch; above, it is too large to judge."
    )
    max_change_bytes: ByteSize = Field(
        default=ByteSize(256 << 20), ge=1 << 10, description="Bytes of added and changed files, likewise."
    )
    keep_deliveries: Duration = Field(
        default=timedelta(days=30),
        ge=timedelta(days=1),
        description="How long webhooks that were worked off are kept.",
    )
    keep_logs: Duration = Field(
        default=timedelta(days=90), ge=timedelta(days=1), description="How long the output of checks is kept."
    )
    keep_artifacts: Duration = Field(
        default=timedelta(days=30), ge=timedelta(days=1), description="How long artifacts of checks are kept."
    )
    max_artifacts: ByteSize = Field(
        default=ByteSize(20 << 30),
        ge=1 << 20,
        description="Room for the artifacts of all checks; over it the oldest go of the repository with "
        "most, never those that an open change may need.",
    )
    keep_evidence: Duration = Field(
        default=timedelta(days=90),
        ge=timedelta(days=1),
        description="How long base runs and evidence that no verdict rests on are kept; the rest stays.",
    )
    log_format: Literal["console", "json"] = Field(
        default="console", description="Form of the log on stderr."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe log entry shown."
    )
