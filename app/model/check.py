"""What a check is, once its gate file and its matrix are resolved."""

from enum import StrEnum
from typing import Literal

import msgspec

from app.model.event import PostKind
from app.model.evidence import Severity
from app.model.source import Source

Scalar = str | int | float | bool
"""A YAML 1.2 core scalar that is not null."""


class Expression(msgspec.Struct, frozen=True, kw_only=True):
    """One condition of the gate file, as written; type-checked when the file was read."""

    text: str
    source: Source = Source()


class Kind(StrEnum):
    """The kinds of evidence that a check can produce."""

    TESTS = "tests"
    FINDINGS = "findings"
    COVERAGE = "coverage"
    SECRETS = "secrets"
    DUPLICATION = "duplication"
    COMPLEXITY = "complexity"
    LICENCES = "licences"
    MEASURES = "measures"


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """A check (by id: all its cells) that must have ended first; soft needs only order."""

    check: str
    soft: bool = False


class Retry(msgspec.Struct, frozen=True, kw_only=True):
    """Extra attempts. `max` counts the extra ones, `backoff` is in seconds."""

    max: int = 1
    on: tuple[Literal["error", "failure", "findings"], ...] = ("error",)
    backoff: float = 10.0


class ReportSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A declared report: path or glob from the repository root, beneath `out/`; of an upload, path or glob
    that the uploaded file's name must match.

    `format` is a registered format's name or empty (recognise by content; `kind` then says what the
    name promises), `also` are further kinds that the format brings. `only` restricts it to matching
    matrix cells.
    """

    path: str
    format: str = ""
    kind: Kind | None = None
    flag: str = ""
    optional: bool = False
    only: dict[str, Scalar] = {}
    also: tuple[Kind, ...] = ()

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """All kinds of evidence that it brings; none where that is not known."""
        return () if self.kind is None else (self.kind, *self.also)


class External(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody else's check run (`app`) or commit status (`creator`), pinned to who posts it; or, with
    `upload`, reports that somebody else's system uploads under this name, each in `shards` files; or all runs
    of one `workflow` (the path of its file) that `app` makes for the head; or all pipelines of GitLab CI for
    it, whose configuration is `pipeline`. `trigger`: for trusted heads it is started.
    """

    context: str = ""
    app: str = ""
    creator: str = ""
    accept: tuple[str, ...] = ("success",)
    upload: str = ""
    shards: int = 1
    workflow: str = ""
    trigger: bool = False
    pipeline: str = ""

    @property
    def name(self) -> str:
        """What is waited for: a name that others post under, the file of what runs, or ''."""
        return self.workflow or self.pipeline or self.context

    @property
    def posted_as(self) -> PostKind:
        """As what its results are posted."""
        if self.workflow or self.pipeline:
            return "workflow_run"
        return "status" if self.creator else "check_run"


class Resources(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of one check: bytes of memory, cores, processes, bytes of disk."""

    memory: int = 2 << 30
    cpus: float = 2.0
    pids: int = 512
    disk: int = 1 << 30


class Cache(msgspec.Struct, frozen=True, kw_only=True):
    """What a check keeps between runs: `paths` of the repository, by a key in which `${hash('GLOB')}` stands
    for the content of files.
    """

    key: str
    paths: tuple[str, ...]


class Concurrency(msgspec.Struct, frozen=True, kw_only=True):
    """A group of checks of which one runs at a time, in its repository or in all of its owner's."""

    group: str
    scope: Literal["repository", "owner"] = "repository"


class CheckSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One resolved check: one cell of the matrix, everything defaulted.

    `key` is unique in a plan and shown to people (`test (3.12)`); `id` is the gate file's.
    Exactly one of `script`, `argv`, `external` is set. `definition` is the hash of all that decides
    what running it means (tool versions included). `files` are configuration files of a preset to
    place read-only in the workspace view. `severities` maps rule globs to severities (longest match).
    `secrets_judged`: an item of the gate that always binds judges secrets, so that findings may succeed
    though there are secrets among them.
    `config_files` are the tool configuration paths that come from base for untrusted heads. `tool` is the
    program it needs of the group `toolbox` of the toolbox ('' = none). `config` is whose configuration
    counts for a trusted head. `commits`: it is given what each commit of the change adds. `reuse` are globs
    of the files that its result depends on (none: all). `setup` is a script that fills the `cache` where
    there is no entry yet, with network; `network` is the check's own. `image` is a container image
    ('' = the operator's).
    """

    id: str
    key: str
    cell: dict[str, Scalar] = {}
    source: Source = Source()
    preset: str = ""
    script: str = ""
    argv: tuple[str, ...] = ()
    external: External | None = None
    when: Expression | None = None
    after: Expression | None = None
    needs: tuple[Need, ...] = ()
    required: bool = True
    ignorable: bool = True
    timeout: float = 600.0
    retry: Retry = Retry()
    findings_exits: tuple[int, ...] = ()
    not_needed_exits: tuple[int, ...] = ()
    findings_succeed: bool = False
    reports: tuple[ReportSpec, ...] = ()
    outputs: str = ""
    produces: tuple[Kind, ...] = ()
    tree: Literal["head", "base"] = "head"
    env: dict[str, str] = {}
    workdir: str = ""
    shell: str = "bash"
    resources: Resources = Resources()
    artifacts: tuple[str, ...] = ()
    severities: dict[str, Severity] = {}
    config_files: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    self_reported: bool = False
    definition: str = ""
    secrets_judged: bool = False
    tool: str = ""
    toolbox: str = ""
    config: Literal["base", "head"] = "head"
    commits: bool = False
    reuse: tuple[str, ...] = ()
    network: Literal["none", "full"] = "none"
    setup: str = ""
    cache: Cache | None = None
    image: str = ""
    concurrency: Concurrency | None = None
