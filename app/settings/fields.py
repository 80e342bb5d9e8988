"""Every setting: its environment variable, type, default and description."""

import os
import re
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

PREFIX = "PORTCULLIS_"
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
SECRET_KEY_LENGTH = 32


def _duration(value: object) -> object:
    """`90s`, `10m`, `1h`, `2d` as in a gate file, or seconds."""
    if isinstance(value, str) and (match := re.fullmatch(r"(\d+)([smhd]?)", value.strip())):
        return timedelta(seconds=int(match[1]) * _UNITS[match[2] or "s"])
    if isinstance(value, str):
        raise ValueError("is not a duration such as 90s, 10m, 1h")  # noqa: TRY004 - pydantic wants ValueError
    return value


def _separated(by: str) -> BeforeValidator:
    def split(value: object) -> object:
        return (
            tuple(part.strip() for part in value.split(by) if part.strip())
            if isinstance(value, str)
            else value
        )

    return BeforeValidator(split)


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("is not an http(s) address")
    if parts.username or parts.query or parts.fragment:
        raise ValueError("must not hold a user, a query or a fragment")
    return value.rstrip("/")


def _database_address(value: SecretStr | str) -> SecretStr:
    """Accept the usual spellings of PostgreSQL; they all mean psycopg here."""
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    scheme, separator, rest = text.partition("://")
    if scheme in {"postgres", "postgresql", "postgresql+psycopg"} and separator:
        return SecretStr(f"postgresql+psycopg://{rest}")
    if scheme == "sqlite" and rest.startswith("/") and rest.strip("/"):
        return SecretStr(text)
    raise ValueError("is neither sqlite:///PATH nor postgresql://USER:PASSWORD@HOST/NAME")


def _network(value: object) -> object:
    try:
        return str(ip_network(str(value)))
    except ValueError as error:
        raise ValueError(f"is not a network such as 10.1.2.0/24: {error}") from error


Network = Annotated[str, BeforeValidator(_network)]
WebAddress = Annotated[str, BeforeValidator(_web_address)]
DatabaseAddress = Annotated[SecretStr, BeforeValidator(_database_address)]
Duration = Annotated[timedelta, BeforeValidator(_duration)]


class GitHubCredentials(NamedTuple):
    """What acting as our GitHub App needs."""

    app_id: int
    private_key: SecretStr
    webhook_secret: SecretStr


class Settings(BaseModel):
    """All settings, validated. Secrets are `SecretStr`: they print as asterisks."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    data_dir: Path = Field(
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
    trusted_proxies: Annotated[tuple[Network, ...], _separated(",")] = Field(
        default=("127.0.0.0/8", "::1/128"),
        description="Networks of the proxies before this service, comma-separated: only theirs is believed "
        "when `X-Forwarded-For` says who a client is, by whom refused deliveries and uploads are counted.",
    )
    secret_key: SecretStr | None = Field(
        default=None,
        description="At least 32 characters; encrypts stored credentials and signs links. "
        "Required on PostgreSQL, generated in the data directory on SQLite.",
    )
    former_secret_key: SecretStr | None = Field(
        default=None,
        description="The key before, while keys are changed: what it encrypted and signed is still read.",
    )
    github_api_url: WebAddress = Field(
        default="https://api.github.com",
        description="GitHub's API; `https://HOST/api/v3` for GitHub Enterprise.",
    )
    github_app_id: int | None = Field(default=None, ge=1, description="Id of our GitHub App.")
    github_private_key: SecretStr | None = Field(default=None, description="The app's private key (PEM).")
    github_private_key_file: Path | None = Field(default=None, description="File that holds it.")
    github_webhook_secret: SecretStr | None = Field(default=None, description="The app's webhook secret.")
    github_webhook_secret_file: Path | None = Field(default=None, description="File that holds it.")
    trusted_apps: Annotated[tuple[str, ...], _separated(",")] = Field(
        default=(),
        description="Apps whose pushes are trusted like those of people with write: logins, comma-separated.",
    )
    github_oidc_issuer: WebAddress | None = Field(
        default=None,
        description="Issuer of the identity tokens by which GitHub Actions jobs upload reports. Default: "
        "GitHub's own; `https://HOST/_services/token` for GitHub Enterprise.",
    )
    gitlab_oidc_issuers: Annotated[tuple[WebAddress, ...], _separated(",")] = Field(
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
    artifacts: Path | None = Field(
        default=None,
        description="Directory of the artifacts of checks; a fleet's processes share one, at the same path. "
        "Default: `artifacts` in the data directory.",
    )
    toolbox: Path | None = Field(
        default=None,
        description="Directory of the presets' pinned tools. Default: `toolbox` in the data directory.",
    )
    toolchains: Annotated[tuple[Path, ...], _separated(os.pathsep)] = Field(
        default=(),
        description="Further directories that checks may read (a JDK): absolute, separated by colons.",
    )
    egress_hosts: Annotated[tuple[str, ...], _separated(",")] = Field(
        default=(),
        description="Hosts that checks with network may ask for, comma-separated globs. Default: all.",
    )
    egress_ports: Annotated[tuple[Annotated[int, Field(ge=1, le=65535)], ...], _separated(",")] = Field(
        default=(80, 443), description="Ports that checks with network may ask for, comma-separated."
    )
    egress_allowed: Annotated[tuple[Network, ...], _separated(",")] = Field(
        default=(),
        description="Networks that checks with network may reach although they are private, such as a "
        "package mirror's: `10.1.2.3/32`, comma-separated.",
    )
    egress_denied: Annotated[tuple[Network, ...], _separated(",")] = Field(
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

    @field_validator(
        "data_dir", "toolbox", "artifacts", "github_private_key_file", "github_webhook_secret_file"
    )
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return None if value is None else value.expanduser().absolute()

    @field_validator("toolchains")
    @classmethod
    def _toolchain_directories(cls, value: tuple[Path, ...]) -> tuple[Path, ...]:
        for path in value:
            if not path.is_absolute() or path == Path("/"):
                raise ValueError(f"names {path}, which is not an absolute path to a tool chain")
            if not path.is_dir():
                raise ValueError(f"names {path}, which is not a directory")
        return value

    @field_validator("secret_key", "former_secret_key")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < SECRET_KEY_LENGTH:
            raise ValueError(f"is shorter than {SECRET_KEY_LENGTH} characters")
        return value

    @field_validator("github_private_key")
    @classmethod
    def _pem(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        text = value.get_secret_value().replace("\\n", "\n")  # as many systems write it on one line
        if "PRIVATE KEY-----" not in text:
            raise ValueError("is not a private key in PEM form (-----BEGIN … PRIVATE KEY-----)")
        return SecretStr(text)

    @model_validator(mode="before")
    @classmethod
    def _read_files(cls, values: dict[str, Any]) -> dict[str, Any]:
        values = dict(values)
        for name in ("github_private_key", "github_webhook_secret"):
            file = values.get(f"{name}_file")
            if not file:
                continue
            if values.get(name):
                raise ValueError(
                    f"{PREFIX}{name.upper()} and {PREFIX}{name.upper()}_FILE are both set; keep one"
                )
            try:
                values[name] = Path(file).expanduser().read_text("utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                reason = error.strerror if isinstance(error, OSError) else "not a text file"
                raise ValueError(f"{PREFIX}{name.upper()}_FILE: cannot read {file}: {reason}") from error
        return values

    @model_validator(mode="after")
    def _whole_credentials(self) -> Self:
        given = {
            "GITHUB_APP_ID": self.github_app_id,
            "GITHUB_PRIVATE_KEY (or …_FILE)": self.github_private_key,
            "GITHUB_WEBHOOK_SECRET (or …_FILE)": self.github_webhook_secret,
        }
        absent = [f"{PREFIX}{name}" for name, value in given.items() if value is None]
        if absent and len(absent) < len(given):
            there = next(f"{PREFIX}{name}" for name, value in given.items() if value is not None)
            raise ValueError(f"{there} is set but {' and '.join(absent)} is not; set all three or none")
        return self

    @property
    def github(self) -> GitHubCredentials | None:
        """The app's credentials, if the environment holds them."""
        if (
            self.github_app_id is None
            or self.github_private_key is None
            or self.github_webhook_secret is None
        ):
            return None
        return GitHubCredentials(self.github_app_id, self.github_private_key, self.github_webhook_secret)

    @property
    def database(self) -> SecretStr:
        """The SQLAlchemy URL of the database; it may hold a password."""
        return self.database_url or SecretStr(f"sqlite:///{self.data_dir / 'portcullis.db'}")

    @property
    def on_sqlite(self) -> bool:
        """Whether one process with a database file is all there is."""
        return self.database.get_secret_value().startswith("sqlite:")

    @property
    def github_issuer(self) -> str:
        """Who issues the identity tokens of our GitHub's jobs; another GitHub's ids mean other things."""
        if self.github_oidc_issuer is not None:
            return self.github_oidc_issuer
        if self.github_api_url == "https://api.github.com":
            return "https://token.actions.githubusercontent.com"
        return f"{self.github_api_url.removesuffix('/api/v3')}/_services/token"

    @property
    def toolbox_dir(self) -> Path:
        """Where the presets' tools are."""
        return self.toolbox or self.data_dir / "toolbox"

    @property
    def artifacts_dir(self) -> Path:
        """Where the artifacts of checks are kept."""
        return self.artifacts or self.data_dir / "artifacts"

    @property
    def base_url(self) -> str:
        """The address people use, without a trailing slash."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url or f"http://{host}:{self.port}"


def variable(field: str) -> str:
    """The environment variable of a field."""
    return PREFIX + field.upper()
