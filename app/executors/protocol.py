"""What a workspace gives and what an executor must do: the contract of this door.

Order of calls: `Workspaces.fetch` → `merge` → `compare` → `checkout`; then `Executor.run` once per
attempt. Every call may be repeated; cancelling the coroutine of `run` kills all of the attempt's
processes before it returns. Executors never raise for what hostile code does: that is an outcome.
They raise `Misconfigured` where a required protection is missing, `Outage` for what may pass.
"""

from collections.abc import Awaitable, Callable, Collection
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import msgspec

from app.model import CheckSpec, Comparison, Repository, Sha

Credential = Callable[[], Awaitable[str]]
"""Gives a short-lived token for git over HTTPS ('' = anonymous); called per fetch."""


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """One commit of a change: who wrote it (e-mail and name) and its trailers (`Key: value`)."""

    sha: Sha
    author_name: str
    author_email: str
    committer_name: str
    committer_email: str
    trailers: tuple[str, ...] = ()
    parents: tuple[Sha, ...] = ()
    tree: Sha = Sha("")


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """What a fetch brought: the tips as they are now (None = the ref does not exist)."""

    base_sha: Sha | None
    head_sha: Sha | None


class Merged(msgspec.Struct, frozen=True, kw_only=True):
    """The test merge. `conflicts` names paths; then tested_sha is ''. Ids are stable."""

    tested_sha: Sha
    tested_tree: Sha
    conflicts: tuple[str, ...] = ()


class TreeEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One blob of a tree: git mode (`100644`, `100755`, `120000`, `160000`) and size in bytes."""

    path: str
    mode: str
    size: int
    sha: Sha = Sha("")


class Workspaces(Protocol):
    """Mirrors, test merges, comparisons and source trees of repositories (git, our own mirror)."""

    async def fetch(
        self,
        repository: Repository,
        *,
        base_ref: str,
        head_refspec: str,
        head_sha: Sha,
        credential: Credential,
    ) -> Fetched:
        """Bring base_ref's tip and the head (`refs/pull/12/head`, a branch, or a SHA) into the mirror.

        A head_sha already present with a fresh base costs one ls-remote-like call or none. Raises Outage
        when the server cannot be reached, with the reason, never with a credential in it.
        """
        ...

    async def merge(self, repository: Repository, base_sha: Sha, head_sha: Sha) -> Merged:
        """The merge of head into base as git makes it; head itself where base is its ancestor."""
        ...

    async def compare(
        self, repository: Repository, base_sha: Sha, head_sha: Sha, tested_sha: Sha
    ) -> Comparison:
        """The exact difference. Raises AuthorFault "too large to judge" over the operator's limits."""
        ...

    async def read_file(self, repository: Repository, sha: Sha, path: str) -> bytes | None:
        """A file's bytes at a commit or tree; None if absent; AuthorFault if a link or too large."""
        ...

    async def versions(self, repository: Repository, tip: Sha, path: str, limit: int) -> tuple[Sha, ...]:
        """First-parent commits from tip (newest first) at which path changed, at most `limit` walked."""
        ...

    async def entries(self, repository: Repository, sha: Sha) -> tuple[TreeEntry, ...]:
        """All blobs of a commit's tree, by path."""
        ...

    async def commits(
        self, repository: Repository, base_sha: Sha, head_sha: Sha, limit: int = 1000
    ) -> tuple[Commit, ...]:
        """The commits in head and not in base, newest first."""
        ...

    async def added_by_commits(
        self, repository: Repository, base_sha: Sha, head_sha: Sha
    ) -> dict[str, bytes]:
        """`COMMIT/PATH` → the lines that each commit in head and not in base adds, all others blank, oldest
        first. Raises AuthorFault "too large to judge" over the limits.
        """
        ...

    async def has_commit(self, repository: Repository, sha: Sha) -> bool:
        """Whether a commit is in the mirror."""
        ...

    async def is_ancestor(self, repository: Repository, older: Sha, newer: Sha) -> bool:
        """Whether older is reachable from newer."""
        ...

    async def undoes(self, repository: Repository, base_sha: Sha, tested_sha: Sha) -> bool:
        """Whether base..tested is exactly the inverse of one of the last commits reachable from base
        (by patch id), or brings back the tree of one of them.
        """
        ...

    def checkout(self, repository: Repository, sha: Sha) -> AbstractAsyncContextManager[Path]:
        """A read-only source tree of a commit, shared by all checks on it; without anything of git. It stays
        as long as anybody is within, and a while longer.
        """
        ...

    async def maintain(self, repository: Repository, needed: Collection[Sha]) -> None:
        """Daily care of what is kept of a repository here, if anything is; `needed` commits stay."""
        ...

    def close(self) -> None:
        """End what was kept running for quick answers; a further question starts it again."""
        ...


class Ended(StrEnum):
    """How the processes of an attempt ended; only `EXITED` has an exit code. REFUSED: none was begun, as the
    change holds too much, or what cannot be written to a disk, may not have what it needs, or what comes
    first failed; that is not our fault.
    """

    EXITED = "exited"
    SIGNALED = "signaled"
    OUT_OF_MEMORY = "out_of_memory"
    DISK_FULL = "disk_full"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    LOG_LIMIT = "log_limit"
    REFUSED = "refused"
    SETUP_ERROR = "setup_error"
    LOST = "lost"


class CacheUse(msgspec.Struct, frozen=True, kw_only=True):
    """The cache entries of one attempt, `REPOSITORY/SCOPE/DIGEST`: the first of `read` that is there is seen
    at the check's `cache.paths`; where none is, what is left there becomes `write` ('' = nothing is kept).
    `missing` says for people why a check whose `setup` may not run cannot do without; `changed`: the change
    itself made it so. Else `setup` may run on the target's tree and make `fill` ('' = it may not).
    """

    read: tuple[str, ...]
    write: str = ""
    missing: str = ""
    changed: bool = True
    fill: str = ""


class AttemptSpec(msgspec.Struct, frozen=True, kw_only=True):
    """All that one attempt needs. `tree` is the shared source tree the check starts in, `other_tree`
    the head's tree for a check with `tree: base` (mounted read-only, its path in
    PORTCULLIS_HEAD_TREE). `changed` are the touched paths, `facts` the PORTCULLIS_* variables,
    `inputs` maps a needed check's id to a directory of its artifacts. `config_tree`, if set, is the
    tree whose `config_files` replace those of `tree`. `commits` maps `COMMIT/PATH` to what that commit adds
    to the file; a check that asks for them finds them beneath PORTCULLIS_COMMITS. `cache` is set for a check
    that has one, `setup_tree` is the target's tree for an untrusted one whose `setup` may have to run there.
    """

    attempt_id: str
    check: CheckSpec
    tree: Path
    other_tree: Path | None = None
    config_tree: Path | None = None
    changed: tuple[str, ...] = ()
    facts: dict[str, str] = {}
    inputs: dict[str, Path] = {}
    trusted: bool = False
    commits: dict[str, bytes] = {}
    cache: CacheUse | None = None
    setup_tree: Path | None = None


MISSING = "missing"
"""The problem of a declared path that no file matched (leaving it out of `files` means the same)."""


class Collected(msgspec.Struct, frozen=True, kw_only=True):
    """One file read beneath `out/` after the end. `declared` is the path or glob of the check that it
    matched; a glob gives one entry per file. `problem` says why content is missing.
    """

    declared: str
    path: str
    content: bytes = b""
    problem: str = ""


class Artifact(msgspec.Struct, frozen=True, kw_only=True):
    """A kept file: path beneath `out/`, size in bytes, where its bytes are stored."""

    path: str
    size: int
    stored: str


class AttemptOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """How an attempt went, from the supervisor only. `detail` is for people."""

    ended: Ended
    exit_code: int | None = None
    signal: int | None = None
    seconds: float = 0.0
    detail: str = ""
    files: tuple[Collected, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    log_bytes: int = 0
    log_dropped: int = 0


class LogChunk(msgspec.Struct, frozen=True, kw_only=True):
    """≤ 64 KiB of masked output: sequence number, byte offset in the whole, ms since the start."""

    seq: int
    offset: int
    t_ms: int
    data: bytes


LogSink = Callable[[LogChunk], Awaitable[None]]


class Protection(msgspec.Struct, frozen=True, kw_only=True):
    """One cell of the hostile set: whether it held here, and how to mend it if not."""

    name: str
    held: bool
    detail: str = ""
    mend: str = ""


class ProbeReport(msgspec.Struct, frozen=True, kw_only=True):
    """What an executor really gives on this machine, from trying it."""

    executor: str
    usable: bool
    safe_for_untrusted: bool
    protections: tuple[Protection, ...]


class Executor(Protocol):
    """Runs attempts. Idempotent by attempt_id: leftovers of the same id are killed first.

    `platform` names what checks run on now: architecture, system, installed tools. What one platform came to
    says nothing about another.
    """

    name: str

    @property
    def platform(self) -> str:
        """At most 255 characters; equal for machines on which checks see the same."""
        ...

    async def probe(self) -> ProbeReport:
        """Try the hostile set here; never raises for a missing protection."""
        ...

    async def run(self, spec: AttemptSpec, log: LogSink) -> AttemptOutcome:
        """Run one attempt to its end."""
        ...

    async def sweep(self) -> int:
        """Kill and remove what earlier processes of this service left (processes, cgroups, mounts,
        directories); gives how many things were removed. Called at start, before any run.
        """
        ...
