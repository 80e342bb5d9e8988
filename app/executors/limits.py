"""How much of a repository and of a change is taken on."""

import msgspec

from app.executors.history import HistoryLimits


class WorkspaceLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The operator's limits: counts, bytes, seconds. Over one of the first six a change is blocked.

    `tree_depth` are folders within folders: Python's own functions call themselves for each.
    """

    changed_files: int = 10_000
    changed_bytes: int = 256 << 20
    patch_bytes: int = 256 << 20
    tree_files: int = 200_000
    tree_bytes: int = 4 << 30
    tree_depth: int = 200
    file_bytes: int = 4 << 20
    pack_bytes: int = 8 << 30
    fetch_seconds: float = 300.0
    kept_trees: int = 16
    history: HistoryLimits = HistoryLimits()
