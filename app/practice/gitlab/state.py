"""What a practice GitLab remembers beside what every practice forge does."""

from dataclasses import dataclass, field
from typing import Any

from app.practice.state import Account

ACCESS = {"none": 0, "read": 10, "triage": 20, "write": 30, "maintain": 40, "admin": 50}
"""GitLab's access levels: Guest, Reporter, Developer, Maintainer, Owner."""
ENDED = frozenset({"success", "failed", "canceled", "skipped"})


@dataclass(kw_only=True)
class Webhook:
    """A project's webhook. `tells` are the names of its event switches that are on."""

    id: int
    url: str
    token: str = field(default="", repr=False)
    signing_token: str = field(default="", repr=False)
    tells: set[str] = field(default_factory=set)


@dataclass(kw_only=True)
class Job:
    """A job of a pipeline."""

    id: int
    name: str
    status: str = "pending"
    allow_failure: bool = False
    started_at: str | None = None
    finished_at: str | None = None


@dataclass(kw_only=True)
class PostedStatus:
    """A commit status, in a pipeline as GitLab keeps them."""

    id: int
    sha: str
    ref: str
    name: str
    status: str
    pipeline_id: int
    author: Account
    target_url: str | None
    description: str | None
    created_at: str
    started_at: str | None = None
    finished_at: str | None = None


@dataclass(kw_only=True)
class Pipeline:
    """A pipeline; `number` is the merge request that it runs for, 0 = none."""

    id: int
    sha: str
    ref: str
    source: str
    actor: Account
    created_at: str
    updated_at: str
    number: int = 0
    jobs: list[Job] = field(default_factory=list)


@dataclass(kw_only=True)
class StatusCheck:
    """An external status check, and the answers it got."""

    id: int
    name: str
    external_url: str
    answers: list[dict[str, Any]] = field(default_factory=list)


@dataclass(kw_only=True)
class Project:
    """A project's own. `heads` are the heads that each merge request had since when, oldest first."""

    hooks: dict[int, Webhook] = field(default_factory=dict)
    pipelines: dict[int, Pipeline] = field(default_factory=dict)
    statuses: list[PostedStatus] = field(default_factory=list)
    checks: dict[int, StatusCheck] = field(default_factory=dict)
    heads: dict[int, list[tuple[str, str]]] = field(default_factory=dict)
    pipeline_must_succeed: bool = True

    def status_of(self, pipeline: Pipeline) -> str:
        """A pipeline's state, of its jobs and of what was posted in it."""
        newest = {each.name: each.status for each in self.statuses if each.pipeline_id == pipeline.id}
        found = [
            "success" if job.allow_failure and job.status == "failed" else job.status for job in pipeline.jobs
        ]
        found += newest.values()
        for word in ("running", "pending", "created", "failed", "canceled"):
            if word in found:
                going = word in {"pending", "created"} and any(each in ENDED for each in found)
                return "running" if going else word
        return "success" if found else "pending"
