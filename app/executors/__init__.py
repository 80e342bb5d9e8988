"""Source trees by git, and the machines that run checks on them.

`protocol` is the contract; a new executor is one file and one line in `EXECUTORS`.
"""

from app.executors.caches import BASE_SCOPE, CacheLimits, Caches
from app.executors.collect import CollectLimits
from app.executors.container import Containers, Images
from app.executors.egress_child import Rules
from app.executors.ingest import ReportsRead, read_file, read_reports
from app.executors.ingest_child import FileReply
from app.executors.kubernetes import KubernetesExecutor, KubernetesOptions, missing_rights
from app.executors.limits import WorkspaceLimits
from app.executors.local import LocalExecutor, LocalKeywords
from app.executors.logs import LogLimits
from app.executors.protocol import (
    MISSING,
    Artifact,
    AttemptOutcome,
    AttemptSpec,
    CacheUse,
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
from app.executors.references import References
from app.executors.report_reader import ReportReader
from app.executors.sandbox import Sandbox
from app.executors.scripted import Answer, ScriptedExecutor, script_key
from app.executors.toolbox import BASIC, GROUPS, Toolbox, ToolboxStatus, group_path
from app.executors.trees import JOB_UID
from app.executors.workspace import GitWorkspaces

EXECUTORS = (Sandbox, Containers, KubernetesExecutor, ScriptedExecutor)
"""Every executor there is, by its `name`; those that hold processes of this machine are kinds of
`LocalExecutor`.
"""

__all__ = [
    "BASE_SCOPE",
    "BASIC",
    "EXECUTORS",
    "GROUPS",
    "JOB_UID",
    "MISSING",
    "Answer",
    "Artifact",
    "AttemptOutcome",
    "AttemptSpec",
    "CacheLimits",
    "CacheUse",
    "Caches",
    "CollectLimits",
    "Collected",
    "Commit",
    "Containers",
    "Credential",
    "Ended",
    "Executor",
    "Fetched",
    "FileReply",
    "GitWorkspaces",
    "Images",
    "KubernetesExecutor",
    "KubernetesOptions",
    "LocalExecutor",
    "LocalKeywords",
    "LogChunk",
    "LogLimits",
    "LogSink",
    "Merged",
    "ProbeReport",
    "Protection",
    "References",
    "ReportReader",
    "ReportsRead",
    "Rules",
    "Sandbox",
    "ScriptedExecutor",
    "Toolbox",
    "ToolboxStatus",
    "TreeEntry",
    "WorkspaceLimits",
    "Workspaces",
    "group_path",
    "missing_rights",
    "read_file",
    "read_reports",
    "script_key",
]
