"""One reader per event of Gitea and Forgejo: view in, typed event out; the rest is Ignored with a reason.

Source: services/webhook/notifier.go and modules/structs/hook.go of Gitea 1.26; what a server sends was
captured from one (tests/deliveries/gitea).
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from app.forges.gitea.views import CommentView, Place, PullRequest, Repo, User
from app.model import (
    CommentCreated,
    Event,
    ExternalPosted,
    Ignored,
    PullRequestChanged,
    Pushed,
    Repository,
    RepositoryChanged,
    ReviewChanged,
    Sha,
)

_BROUGHT_HEAD: Final = frozenset({"opened", "synchronized"})
_PULL_REQUEST: Final = _BROUGHT_HEAD | {"reopened", "edited", "closed", "label_updated", "label_cleared"}
_HEADS: Final = "refs/heads/"


class Missing(Exception):
    """A field without which the event says nothing is not there."""


class Envelope(msgspec.Struct, kw_only=True):
    """What every delivery may carry."""

    action: str = ""
    repository: Repo | None = None
    sender: User | None = None

    def where(self, place: Place) -> Repository:
        """The repository; refused without."""
        if self.repository is None or not self.repository.id or not self.repository.full_name:
            raise Missing("no repository")
        return place.repository(self.repository)


class _From(msgspec.Struct, kw_only=True):
    from_: Any = msgspec.field(name="from", default=None)


class _Changes(msgspec.Struct, kw_only=True):
    ref: _From | None = None


class PullRequestView(Envelope, kw_only=True):
    """`pull_request` and reviews; `changes.ref` is the former target."""

    pull_request: PullRequest | None = None
    changes: _Changes | None = None

    def subject(self) -> PullRequest:
        """The pull request; refused without number."""
        if self.pull_request is None or not self.pull_request.number:
            raise Missing("no pull request")
        return self.pull_request


class PushView(Envelope, kw_only=True):
    """`push`."""

    ref: str = ""
    before: str = ""
    after: str = ""


class DeleteView(Envelope, kw_only=True):
    """`delete`: the short name of a branch or tag."""

    ref: str = ""
    ref_type: str = ""


class IssueView(msgspec.Struct, kw_only=True):
    """An issue; `pull_request` is there only when it is one."""

    number: int = 0
    pull_request: dict[str, Any] | None = None


class CommentDeliveryView(Envelope, kw_only=True):
    """`issue_comment`."""

    issue: IssueView | None = None
    comment: CommentView | None = None
    is_pull: bool = False


class StatusDeliveryView(Envelope, kw_only=True):
    """`status`."""

    id: int = 0
    sha: str = ""
    context: str = ""
    state: str = ""
    target_url: str | None = None
    created_at: str | None = None
    updated_at: str | None = None


class Reader(msgspec.Struct, frozen=True):
    """Which view an event is decoded into and what makes an event of it."""

    view: type[Envelope]
    read: Callable[[Any, Place], Event]


def _pull_request(view: PullRequestView, place: Place) -> Event:
    if view.action not in _PULL_REQUEST:
        return Ignored(reason=f"pull_request {view.action} changes nothing that is judged")
    pull, repository = view.subject(), view.where(place)
    if not pull.head.sha:
        raise Missing("no head")
    sender, brought = place.actor(view.sender), view.action in _BROUGHT_HEAD
    return PullRequestChanged(
        action=view.action,
        repository=repository,
        change=pull.change(place, repository.full_name, pusher=sender if brought else None),
        sender=sender,
        brought_head=brought,
        retargeted=view.action == "edited" and view.changes is not None and view.changes.ref is not None,
        at=pull.updated_at,
    )


def _sha(text: str) -> Sha | None:
    return Sha(text) if text.strip("0") else None


def _push(view: PushView, place: Place) -> Event:
    if not view.ref.startswith(_HEADS):
        return Ignored(reason=f"a push to {view.ref or 'nothing'}, which is no branch")
    return Pushed(
        repository=view.where(place),
        branch=view.ref.removeprefix(_HEADS),
        before=_sha(view.before),
        after=_sha(view.after),
        sender=place.actor(view.sender),
    )


def _delete(view: DeleteView, place: Place) -> Event:
    if view.ref_type != "branch" or not view.ref:
        return Ignored(reason=f"a {view.ref_type or 'nameless thing'} was deleted, which is no branch")
    return Pushed(
        repository=view.where(place),
        branch=view.ref.removeprefix(_HEADS),
        before=None,
        after=None,
        sender=place.actor(view.sender),
    )


def _comment(view: CommentDeliveryView, place: Place) -> Event:
    if view.action != "created":
        return Ignored(reason=f"issue_comment {view.action}: only new comments hold commands")
    issue, comment = view.issue, view.comment
    if issue is None or comment is None or not issue.number or not comment.id:
        raise Missing("no comment on an issue")
    if not view.is_pull and issue.pull_request is None:
        return Ignored(reason="a comment on an issue, not on a pull request")
    return CommentCreated(
        repository=view.where(place),
        number=issue.number,
        comment_id=comment.id,
        author=place.actor(comment.user),
        body=comment.body,
    )


def _review(view: PullRequestView, place: Place) -> Event:
    number = view.subject().number
    return ReviewChanged(repository=view.where(place), number=number, sender=place.actor(view.sender))


def external_of_status(
    place: Place,
    repository: Repository,
    sha: str,
    context: str,
    state: str,
    *,
    poster: User | None,
    status_id: int,
    url: str,
    at: str,
) -> ExternalPosted:
    """A commit status as an external post. `warning` is said of what went well, with a remark."""
    actor, pending = place.actor(poster), state == "pending"
    concluded = {"warning": "success"}.get(state, state)
    return ExternalPosted(
        repository=repository,
        kind="status",
        sha=Sha(sha),
        name=context,
        poster=actor.login,
        poster_id=actor.id,
        external_id=status_id,
        status="in_progress" if pending else "completed",
        conclusion="" if pending else concluded,
        url=url,
        at=at,
    )


def _status(view: StatusDeliveryView, place: Place) -> Event:
    if not view.sha or not view.context:
        raise Missing("no SHA or context")
    return external_of_status(
        place,
        view.where(place),
        view.sha,
        view.context,
        view.state,
        poster=view.sender,
        status_id=view.id,
        url=view.target_url or "",
        at=view.updated_at or view.created_at or "",
    )


def _repository(view: Envelope, place: Place) -> Event:
    return RepositoryChanged(
        action=view.action,
        repository=view.where(place),
        gone=view.action == "deleted",
        sender=place.actor(view.sender),
    )


READERS: Final[Mapping[str, Reader]] = {
    "push": Reader(PushView, _push),
    "delete": Reader(DeleteView, _delete),
    "pull_request": Reader(PullRequestView, _pull_request),
    "pull_request_approved": Reader(PullRequestView, _review),
    "pull_request_rejected": Reader(PullRequestView, _review),
    "issue_comment": Reader(CommentDeliveryView, _comment),
    "status": Reader(StatusDeliveryView, _status),
    "repository": Reader(Envelope, _repository),
}
"""By `X-Gitea-Event`. A review that only comments decides nothing."""
