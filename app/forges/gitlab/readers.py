"""One reader per GitLab event: view in, typed event out. What nobody needs is Ignored with a reason."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from app.forges.gitlab.envelope import (
    Attributes,
    Envelope,
    JobView,
    MergeRequestView,
    Missing,
    NoteView,
    PipelineView,
    ProjectView,
    PushView,
)
from app.forges.gitlab.texts import POSTED_BY_OTHERS, progress
from app.forges.gitlab.views import INSTALLATION, Project, state_of
from app.model import (
    Actor,
    ActorKind,
    Change,
    ChangeKind,
    CommentCreated,
    Event,
    Ignored,
    InstallationChanged,
    PostsChanged,
    PullRequestChanged,
    Pushed,
    RepositoryChanged,
    ReviewChanged,
    Sha,
)

_HEADS: Final = "refs/heads/"
_REVIEWED: Final = "reviewers"
_APPROVALS: Final = frozenset({"approved", "unapproved", "approval", "unapproval"})
_WORDS: Final = {"open": "opened", "reopen": "reopened", "close": "closed", "merge": "closed"}
"""GitLab's actions in the words that all forges share."""
_JUDGED: Final = {
    "target_branch": "edited",
    "labels": "labeled",
    "draft": "ready_for_review",
    "work_in_progress": "ready_for_review",
    "title": "edited",
    "state_id": "edited",
}
"""What of a merge request is judged. An update of anything else (its description, milestone, …) changes
nothing; with `oldrev` it brought a head. What reviewers ask for is told as a change of theirs.
"""


class Reader(msgspec.Struct, frozen=True):
    """Which view an event is decoded into and what makes an event of it, by its host."""

    view: type[Envelope]
    read: Callable[[Any, str], Event]


def _merge_request(view: MergeRequestView, _host: str) -> Event:
    found = view.subject()
    changed = view.changes or {}
    words = [word for name, word in _JUDGED.items() if name in changed]
    changes_nothing = found.action == "update" and not found.oldrev and not words
    if found.action in _APPROVALS or (changes_nothing and _REVIEWED in changed):
        return ReviewChanged(repository=view.where(), number=found.iid, sender=view.who())
    if changes_nothing:
        what = ", ".join(sorted(changed)) or "nothing that is told"
        return Ignored(reason=f"merge_request update of {what}: nothing of it is judged"[:200])
    brought = found.action == "open" or bool(found.oldrev)
    sender = view.who()
    return PullRequestChanged(
        action="synchronize" if found.oldrev else _WORDS.get(found.action, words[0] if words else "edited"),
        repository=view.where(),
        change=_change(view, found, pusher=sender if brought else None),
        sender=sender,
        brought_head=brought,
        retargeted="target_branch" in changed,
        before=_sha(found.oldrev),
        at=iso(found.updated_at),
    )


def _change(view: MergeRequestView, found: Attributes, *, pusher: Actor | None) -> Change:
    """The change. Deliveries name the author by id: unless who caused them is the author, it is not known."""
    author = Actor(login="", id=found.author_id, kind=ActorKind.APP)
    if view.user is not None and view.user.id and view.user.id == found.author_id:
        author = view.user.actor()
    labels = found.labels if view.labels is None else view.labels
    assert found.last_commit is not None  # noqa: S101 - subject() gives no other
    return Change(
        kind=ChangeKind.PULL_REQUEST,
        key=f"pr-{found.iid}",
        number=found.iid,
        reference=f"!{found.iid}",
        title=found.title,
        url=found.url,
        author=author,
        base_ref=found.target_branch,
        head_ref=found.source_branch,
        head_sha=Sha(found.last_commit.id),
        head_repository=found.source.path_with_namespace if found.source is not None else None,
        from_fork=found.source_project_id != found.target_project_id,
        draft=bool(found.draft or found.work_in_progress),
        labels=tuple(label.title for label in labels),
        state=state_of(found.state),
        pusher=pusher,
    )


def _sha(text: str) -> Sha | None:
    """A SHA; None for git's all-zero "nothing"."""
    return Sha(text) if text.strip("0") else None


def iso(text: str | None) -> str:
    """A time as GitLab writes it (`2016-08-12 15:23:28 UTC`, or ISO 8601) in ISO 8601, whole seconds; ''
    where there is none.
    """
    try:
        at = datetime.fromisoformat(re.sub(r" UTC$", "+00:00", text or ""))
    except ValueError:
        return ""
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def _push(view: PushView, _host: str) -> Event:
    if not view.ref.startswith(_HEADS):
        return Ignored(reason=f"a push to {view.ref or 'nothing'}, which is no branch")
    return Pushed(
        repository=view.where(),
        branch=view.ref.removeprefix(_HEADS),
        before=_sha(view.before),
        after=_sha(view.after),
        sender=view.pusher(),
    )


def _note(view: NoteView, _host: str) -> Event:
    note = view.object_attributes
    if note is None or not note.id:
        raise Missing("no note")
    if note.noteable_type != "MergeRequest":
        return Ignored(reason=f"a comment on {note.noteable_type or 'nothing'}, not on a merge request")
    if note.system:
        return Ignored(reason="a comment that GitLab wrote itself")
    if note.action != "create":
        return Ignored(reason=f"note {note.action}: only new comments hold commands")
    if view.merge_request is None or not view.merge_request.iid:
        raise Missing("no merge request")
    return CommentCreated(
        repository=view.where(),
        number=view.merge_request.iid,
        comment_id=note.id,
        author=view.who(),
        body=note.note or "",
    )


def _pipeline(view: PipelineView, _host: str) -> Event:
    """A pipeline's state counts what others posted in it, us among them: so what there is must be read."""
    run = view.object_attributes
    if run is None or not run.id or not run.sha:
        raise Missing("no pipeline")
    return PostsChanged(
        repository=view.where(),
        sha=Sha(run.sha),
        number=view.merge_request.iid if view.merge_request is not None else 0,
        began=run.source != POSTED_BY_OTHERS and progress(run.status)[0] == "queued",
        sender=view.who(),
    )


def _job(view: JobView, _host: str) -> Event:
    if not view.build_id or not view.sha:
        raise Missing("no job")
    if view.project is None:
        return Ignored(reason="a job of a project that is not told; its pipeline's delivery tells")
    return PostsChanged(repository=view.where(), sha=Sha(view.sha), sender=view.who())


def _project(view: ProjectView, host: str) -> Event:
    """A project came, went or changed: these deliveries lack most of it, so that all are read again."""
    if not view.project_id:
        raise Missing("no project")
    if view.event_name == "project_destroy":
        gone = Project(id=view.project_id, path_with_namespace=view.path_with_namespace)
        return RepositoryChanged(action="deleted", repository=gone.repository(), gone=True, sender=view.who())
    return InstallationChanged(
        action=view.event_name.removeprefix("project_"),
        installation_id=INSTALLATION,
        account=host,
        sender=view.who(),
    )


READERS: Final[Mapping[str, Reader]] = {
    "merge_request": Reader(MergeRequestView, _merge_request),
    "push": Reader(PushView, _push),
    "note": Reader(NoteView, _note),
    "pipeline": Reader(PipelineView, _pipeline),
    "job": Reader(JobView, _job),
    **dict.fromkeys(
        ("project_create", "project_destroy", "project_rename", "project_transfer", "project_update"),
        Reader(ProjectView, _project),
    ),
}
