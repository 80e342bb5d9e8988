"""GitLab's words for states, and its limits."""

import re
from collections.abc import Iterable, Mapping
from typing import Final, Literal

from app.model import CheckRunStatus, Publication, PublishedConclusion

COMMENT_LIMIT: Final = 1_000_000
"""docs.gitlab.com "Application limits": characters of a note."""
STATUS_LIMIT: Final = 255
"""Characters of a commit status' description, name and target address."""
CONFIGURATION: Final = ".gitlab-ci.yml"
"""Where a project tells what its pipelines do, unless it says otherwise."""
CI: Final = "gitlab-ci"
"""Who runs pipelines."""
POSTED_BY_OTHERS: Final = "external"
"""The source of pipelines that GitLab makes to hold commit statuses: nothing runs in them."""
CHILD: Final = "parent_pipeline"
"""The source of pipelines whose parent tells how they end."""

_FENCE: Final = re.compile(r"\s{0,3}(`{3,}|~{3,})(.*)")
_ACTION: Final = re.compile(r"/\w")

State = Literal["pending", "running", "success", "failed", "canceled"]

CONCLUDED: Final[Mapping[PublishedConclusion, State]] = {
    PublishedConclusion.SUCCESS: "success",
    PublishedConclusion.NEUTRAL: "success",
    PublishedConclusion.SKIPPED: "success",
    PublishedConclusion.FAILURE: "failed",
    PublishedConclusion.TIMED_OUT: "failed",
    PublishedConclusion.ACTION_REQUIRED: "running",
    PublishedConclusion.CANCELLED: "canceled",
}
"""A commit status knows no more than these. A pipeline with a canceled one is canceled, and
lets nothing be merged; what only people are waited for is still running, so that nobody is told of a failure
and a merge that waits for the pipeline goes on by itself.
"""
POSTED: Final[Mapping[str, State]] = {
    "pending": "pending",
    "success": "success",
    "failure": "failed",
    "error": "failed",
}
"""Of a commit status as others name its states."""
UNDECIDED: Final = frozenset({"pending", "running"})
"""What is `running` cannot be `pending` again: it is as good."""

Progress = tuple[Literal["queued", "in_progress", "completed"], str]
STATUSES: Final[Mapping[str, Progress]] = {
    "created": ("queued", ""),
    "waiting_for_resource": ("queued", ""),
    "preparing": ("queued", ""),
    "waiting_for_callback": ("queued", ""),
    "pending": ("queued", ""),
    "scheduled": ("queued", ""),
    "running": ("in_progress", ""),
    "canceling": ("in_progress", ""),
    "success": ("completed", "success"),
    "failed": ("completed", "failure"),
    "canceled": ("completed", "cancelled"),
    "skipped": ("completed", "skipped"),
    "manual": ("completed", "action_required"),
}
"""Jobs' and pipelines' states (docs.gitlab.com "Pipelines API") as status and conclusion. `manual` waits for
somebody to press a button; a state that GitLab adds later is waited for.
"""


_WORST_FIRST: Final = ("failure", "cancelled", "action_required", "success", "skipped")
_WITHOUT_JOBS: Final = frozenset(STATUSES) - {"success", "running"}


def progress(word: str) -> Progress:
    """Status and conclusion of a job or pipeline."""
    return STATUSES.get(word, ("in_progress", ""))


def of_jobs(jobs: Iterable[tuple[str, bool]], of_all: str) -> Progress:
    """Where a pipeline is by its jobs alone, each with whether it may fail; what others post in it, us among
    them, is left out. `of_all` is what GitLab says of it, which counts where it has no job (its configuration
    is wrong, say).

    As GitLab combines them (its Ci::Status::Composite): what may fail and did not succeed is passed over.
    """
    told = [
        progress(word)
        for word, may_fail in jobs
        if not (may_fail and word in {"failed", "canceled", "manual"})
    ]
    if not told:
        return progress(of_all) if of_all in _WITHOUT_JOBS else ("completed", "success")
    going = [status for status, _ in told if status != "completed"]
    if going:
        begun = len(going) < len(told) or "in_progress" in going
        return ("in_progress" if begun else "queued"), ""
    words = {conclusion for _, conclusion in told}
    return "completed", next(word for word in _WORST_FIRST if word in words)


def note_of(body: str) -> str:
    """A comment in GitLab's Markdown: suggestions name the lines that they replace, and no line is taken for
    a quick action (`/merge`), which GitLab would do in our name.

    In code neither: the expression by which older servers look for them (Gitlab::QuickActions::Extractor)
    takes the first line of three backticks for the end of a longer fence. It sees them at column 1 only. With
    such a line moved a suggestion is no longer what was suggested: it is shown as text, for nobody to apply.
    """
    lines: list[str] = []
    fence, suggestion = "", -1
    for line in body.split("\n"):
        found = _FENCE.fullmatch(line)
        if fence:
            if found is not None and found[1].startswith(fence) and not found[2].strip():
                fence = ""
            elif _ACTION.match(line):
                if suggestion >= 0:
                    lines[suggestion] = lines[suggestion].replace("suggestion:-0+0", "text")
                line = f" {line}"  # noqa: PLW2901 - the line as GitLab takes it
        elif found is not None:
            fence, suggestion = found[1], -1
            if found[2] == "suggestion":
                suggestion = len(lines)
                line = f"{line}:-0+0"  # noqa: PLW2901 - the same
        elif line.lstrip().startswith("/"):
            line = line.replace("/", "\\/", 1)  # noqa: PLW2901 - the same
        lines.append(line)
    return "\n".join(lines)


def state_of(publication: Publication) -> State:
    """The state of the commit status that shows a publication."""
    if publication.status is CheckRunStatus.IN_PROGRESS or publication.conclusion is None:
        return "pending"
    return CONCLUDED[publication.conclusion]


_SOURCES: Final = (
    "push", "merge_request_event", "web", "trigger", "schedule", "api", "pipeline", "chat", "webide",
    "external_pull_request_event", "ondemand_dast_scan", "ondemand_dast_validation",
    "security_orchestration_policy", "container_registry_push", "duo_workflow",
    "pipeline_execution_policy_schedule",
)  # fmt: skip
"""Why GitLab begins pipelines (docs.gitlab.com, CI_PIPELINE_SOURCE)."""
SUITES: Final = {source: number for number, source in enumerate(_SOURCES, start=1)}
"""Of the pipelines of one cause the newest counts; those of several causes all do."""
