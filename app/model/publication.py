"""What the forge should show: desired state, rendered from verdicts."""

from enum import StrEnum
from typing import Literal

import msgspec

from app.model.change import Sha


class CheckRunStatus(StrEnum):
    """The two states of a published aggregate."""

    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"


class PublishedConclusion(StrEnum):
    """How a completed publication concludes on the forge."""

    SUCCESS = "success"
    FAILURE = "failure"
    NEUTRAL = "neutral"
    CANCELLED = "cancelled"
    ACTION_REQUIRED = "action_required"
    SKIPPED = "skipped"
    TIMED_OUT = "timed_out"


class Annotation(msgspec.Struct, frozen=True, kw_only=True):
    """One finding on lines of head_sha (1-based)."""

    path: str
    line: int
    end_line: int
    level: Literal["notice", "warning", "failure"]
    title: str
    message: str


class Button(msgspec.Struct, frozen=True, kw_only=True):
    """A button on the publication: ≤ 20 characters label and identifier, ≤ 40 description."""

    label: str
    description: str
    identifier: str


class Publication(msgspec.Struct, frozen=True, kw_only=True):
    """One named aggregate (or per-check) result wanted on head_sha. Texts are Markdown."""

    name: str
    head_sha: Sha
    status: CheckRunStatus
    conclusion: PublishedConclusion | None = None
    title: str
    summary: str
    text: str = ""
    annotations: tuple[Annotation, ...] = ()
    buttons: tuple[Button, ...] = ()
    details_url: str = ""
    external_id: str = ""
    started_at: str = ""
    completed_at: str = ""


class StickyComment(msgspec.Struct, frozen=True, kw_only=True):
    """The one comment we keep on a pull request. `marker` is the hidden first line of `body`."""

    number: int
    marker: str
    body: str


class CommitStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A commit status wanted on a SHA; description ≤ 140 characters."""

    sha: Sha
    context: str
    state: Literal["pending", "success", "failure", "error"]
    description: str
    target_url: str
