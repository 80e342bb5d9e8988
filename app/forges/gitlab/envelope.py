"""The outer form that GitLab's deliveries share, and one view per event.

Source: docs.gitlab.com "Webhook events", "System hooks". System hooks tell a project by its id beside it, and
name an event by `event_name` where the others do by `object_kind`.
"""

from typing import Any

import msgspec

from app.forges.gitlab.views import Account, Project, actor_of
from app.model import Actor, Repository


class Missing(Exception):
    """A field without which the event says nothing is not there: the text says of what nothing is told."""


class Envelope(msgspec.Struct, kw_only=True):
    """What every delivery may carry."""

    object_kind: str = ""
    event_name: str = ""
    user: Account | None = None
    project: Project | None = None
    project_id: int = 0

    def where(self) -> Repository:
        """The project's repository."""
        project = self.project
        if project is None or not project.path_with_namespace or not (project.id or self.project_id):
            raise Missing("no project")
        if not project.id:
            project = msgspec.structs.replace(project, id=self.project_id)
        return project.repository()

    def who(self) -> Actor:
        """Who caused it."""
        return actor_of(self.user)


class Kind(msgspec.Struct, kw_only=True):
    """How a delivery names itself."""

    object_kind: str = ""
    event_name: str = ""


class Head(msgspec.Struct, kw_only=True):
    """The newest commit of a merge request."""

    id: str = ""


class Label(msgspec.Struct, kw_only=True):
    """A label."""

    title: str = ""


class Attributes(msgspec.Struct, kw_only=True):
    """A merge request as deliveries tell it: its author by id only."""

    iid: int = 0
    title: str = ""
    url: str = ""
    state: str = "opened"
    action: str = ""
    oldrev: str = ""
    draft: bool | None = None
    work_in_progress: bool | None = None
    author_id: int = 0
    source_branch: str = ""
    target_branch: str = ""
    source_project_id: int | None = None
    target_project_id: int = 0
    source: Project | None = None
    last_commit: Head | None = None
    labels: list[Label] = []
    updated_at: str = ""


class MergeRequestView(Envelope, kw_only=True):
    """`merge_request`. `changes` maps what was changed to its former and present values."""

    object_attributes: Attributes | None = None
    labels: list[Label] | None = None
    changes: dict[str, Any] | None = None

    def where(self) -> Repository:
        """The target's repository; older system hooks tell its id with the merge request only."""
        found = self.object_attributes
        if not self.project_id and found is not None:
            self.project_id = found.target_project_id
        return Envelope.where(self)

    def subject(self) -> Attributes:
        """The merge request; refused without number or head."""
        found = self.object_attributes
        if found is None or not found.iid or found.last_commit is None or not found.last_commit.id:
            raise Missing("no merge request with a head")
        return found


class PushView(Envelope, kw_only=True):
    """`push`: who pushed stands beside."""

    ref: str = ""
    before: str = ""
    after: str = ""
    user_id: int = 0
    user_username: str = ""

    def pusher(self) -> Actor:
        """Who pushed."""
        return actor_of(Account(id=self.user_id, username=self.user_username))


class Noted(msgspec.Struct, kw_only=True):
    """The merge request that a note is on, or that a pipeline runs for."""

    iid: int = 0


class Comment(msgspec.Struct, kw_only=True):
    """A note. `action` is create or update; before GitLab 16.11 only new ones were told."""

    id: int = 0
    note: str | None = None
    noteable_type: str = ""
    system: bool = False
    action: str = "create"


class NoteView(Envelope, kw_only=True):
    """`note`."""

    object_attributes: Comment | None = None
    merge_request: Noted | None = None


class Run(msgspec.Struct, kw_only=True):
    """A pipeline as deliveries tell it. Of merged results and merge trains `sha` is the merge."""

    id: int = 0
    sha: str = ""
    source: str = ""
    status: str = ""


class PipelineView(Envelope, kw_only=True):
    """`pipeline`."""

    object_attributes: Run | None = None
    merge_request: Noted | None = None


class JobView(Envelope, kw_only=True):
    """`build`: a job."""

    sha: str = ""
    build_id: int = 0


class ProjectView(Envelope, kw_only=True):
    """`project_create`, `project_destroy`, …: of group and system hooks."""

    path_with_namespace: str = ""
    project_visibility: str = ""
