"""Source trees by git, and the machines that run checks on them.

`protocol` is the contract; a new executor is one file and one line in `EXECUTORS`.
"""

from app.executors.protocol import (
    Artifact,
    AttemptOutcome,
    AttemptSpec,
    Collected,
    Commit,
    Credential,
    Ended,
    Executor,
    Fetched,
    LogChunk,
    LogSink,
    Merged,
    ProbeReport,
    Protection,
    TreeEntry,
    Workspaces,
)
from app.executors.trees import JOB_UID
from app.executors.workspace import GitWorkspaces, WorkspaceLimits

__all__ = [
    "JOB_UID",
    "Artifact",
    "AttemptOutcome",
    "AttemptSpec",
    "Collected",
    "Commit",
    "Credential",
    "Ended",
    "Executor",
    "Fetched",
    "GitWorkspaces",
    "LogChunk",
    "LogSink",
    "Merged",
    "ProbeReport",
    "Protection",
    "TreeEntry",
    "WorkspaceLimits",
    "Workspaces",
]
