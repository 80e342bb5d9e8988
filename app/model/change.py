"""What is judged: a change (pull request, merge group, push) and what it changes."""

from enum import StrEnum
from typing import NewType

import msgspec

Sha = NewType("Sha", str)
"""A full 40 (SHA-1) or 64 (SHA-256) digit lower-case hexadecimal object name."""


class ActorKind(StrEnum):
    """Who acts: only people count for trust and approvals."""

    PERSON = "person"
    BOT = "bot"
    APP = "app"
    SCHEDULE = "schedule"


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody on the forge. `login` is compared case-insensitively by forges; `id` is stable."""

    login: str
    id: int = 0
    kind: ActorKind = ActorKind.PERSON


class Repository(msgspec.Struct, frozen=True, kw_only=True):
    """A repository on a forge. (forge, forge_id) is stable; `full_name` changes with renames."""

    forge: str
    forge_id: int
    full_name: str
    installation_id: int
    default_branch: str
    private: bool
    clone_url: str


class ChangeKind(StrEnum):
    """The three things a run may judge; and BASE, our own: a target's commit whose evidence others are
    compared with. It is never judged nor shown on the forge.
    """

    PULL_REQUEST = "pull_request"
    MERGE_GROUP = "merge_group"
    PUSH = "push"
    BASE = "base"


class ChangeState(StrEnum):
    """Whether the forge still wants an answer."""

    OPEN = "open"
    CLOSED = "closed"
    MERGED = "merged"


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A change as the forge last described it.

    `key` is unique in a repository: `pr-12`, `mg-<head_sha>`, `push-<branch>`, `base-<sha>`.
    `base_tip` is the target's tip as the event told it; it may be stale, base_sha of a run is read
    from our mirror. `pusher` is who brought head_sha (None: unseen, hence untrusted).
    `before` is the pushed branch's previous tip (push only). `subject_key` names the change that a
    merge group carries. `reference` is how people on the forge refer to it (`!12`).
    """

    kind: ChangeKind
    key: str
    number: int | None = None
    title: str = ""
    url: str = ""
    author: Actor = Actor(login="", kind=ActorKind.APP)
    base_ref: str
    base_tip: Sha | None = None
    head_ref: str
    head_sha: Sha
    head_repository: str | None = None
    from_fork: bool = False
    draft: bool = False
    labels: tuple[str, ...] = ()
    state: ChangeState = ChangeState.OPEN
    pusher: Actor | None = None
    before: Sha | None = None
    subject_key: str | None = None
    reference: str = ""


class FileStatus(StrEnum):
    """How a file differs between two trees."""

    ADDED = "added"
    MODIFIED = "modified"
    REMOVED = "removed"
    RENAMED = "renamed"


class Hunk(msgspec.Struct, frozen=True, array_like=True):
    """One `@@ -old_start,old_count +new_start,new_count @@` of `git diff -U0`, 1-based lines."""

    old_start: int
    old_count: int
    new_start: int
    new_count: int


class FileChange(msgspec.Struct, frozen=True, kw_only=True):
    """One changed file. `path` is its new path (its old one if removed).

    `added`/`removed` count lines, `added_nonblank` those of the added lines that are not blank;
    `size` is the new blob in bytes (0 if removed). `symlink`/`submodule` entries have no hunks.
    """

    path: str
    old_path: str | None = None
    status: FileStatus
    hunks: tuple[Hunk, ...] = ()
    added: int = 0
    removed: int = 0
    added_nonblank: int = 0
    binary: bool = False
    size: int = 0

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path the change touches here: a rename is remove + add."""
        if self.old_path is not None and self.old_path != self.path:
            return (self.old_path, self.path)
        return (self.path,)


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """base_sha against tested_sha: what *new* means for one run.

    `to_head` maps tested_sha back to head_sha (files that differ between the two), for annotations.
    """

    base_sha: Sha
    head_sha: Sha
    tested_sha: Sha
    base_tree: Sha
    tested_tree: Sha
    files: tuple[FileChange, ...]
    to_head: tuple[FileChange, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """All touched paths, sorted, renames as both paths."""
        return tuple(sorted({path for file in self.files for path in file.paths}))
