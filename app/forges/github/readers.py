"""One reader per GitHub event: view in, typed event out. What nobody needs is Ignored with a reason."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

import msgspec

from app.forges.github.envelope import (
    CheckRunView,
    CheckSuiteView,
    Envelope,
    InstallationView,
    IssueCommentView,
    MergeGroupView,
    Missing,
    PingView,
    PullRequestView,
    PushView,
    StatusDeliveryView,
    WorkflowRunDeliveryView,
)
from app.forges.github.views import CheckRun, WorkflowRunView, actor_of
from app.model import (
    Actor,
    ActorKind,
    Change,
    ChangeKind,
    ChangeState,
    CommentCreated,
    Event,
    ExternalPosted,
    Ignored,
    InstallationChanged,
    MergeGroupChanged,
    Ping,
    PullRequestChanged,
    Pushed,
    Repository,
    RepositoryChanged,
    RerunRequested,
    ReviewChanged,
    Sha,
)

_BROUGHT_HEAD: Final = frozenset({"opened", "synchronize"})
"""Who reopens did not push: the head may have moved meanwhile, and nothing told by whom."""
_PULL_REQUEST: Final = _BROUGHT_HEAD | {
    "reopened", "ready_for_review", "converted_to_draft", "edited", "labeled", "unlabeled", "closed",
}  # fmt: skip
_INSTALLATION: Final = frozenset({"created", "deleted", "suspend", "unsuspend", "new_permissions_accepted"})
_HEADS: Final = "refs/heads/"
_QUEUE: Final = "gh-readonly-queue/"
_GROUP_REF: Final = re.compile(r"gh-readonly-queue/.+/pr-(\d+)-[0-9a-f]{40,64}")


class Reader(msgspec.Struct, frozen=True):
    """Which view an event is decoded into and what makes an event of it."""

    view: type[Envelope]
    read: Callable[[Any], Event]


def _ping(view: PingView) -> Event:
    return Ping(hook_id=view.hook_id)


def _pull_request(view: PullRequestView) -> Event:
    if view.action not in _PULL_REQUEST:
        return Ignored(reason=f"pull_request {view.action} changes nothing that is judged")
    retargeted = view.action == "edited" and view.changes is not None and view.changes.base is not None
    sender = view.who()
    brought, pull = view.action in _BROUGHT_HEAD, view.subject()
    return PullRequestChanged(
        action=view.action,
        repository=view.where(),
        change=pull.change(pusher=sender if brought else None),
        sender=sender,
        brought_head=brought,
        retargeted=retargeted,
        before=_sha(view.before),
        at=pull.updated_at,
    )


def _sha(text: str) -> Sha | None:
    """A SHA; None for GitHub's all-zero "nothing"."""
    return Sha(text) if text.strip("0") else None


def _push(view: PushView) -> Event:
    if not view.ref.startswith(_HEADS):
        return Ignored(reason=f"a push to {view.ref or 'nothing'}, which is no branch")
    branch = view.ref.removeprefix(_HEADS)
    if branch.startswith(_QUEUE):
        return Ignored(reason="the merge queue's own branch; merge_group tells")
    return Pushed(
        repository=view.where(),
        branch=branch,
        before=None if view.created else _sha(view.before),
        after=None if view.deleted else _sha(view.after),
        sender=view.who(),
        forced=view.forced,
    )


_STATUSES: Final[Mapping[str, Literal["queued", "in_progress", "completed"]]] = {
    "completed": "completed",
    "in_progress": "in_progress",
}


def external_of_check_run(repository: Repository, run: CheckRun) -> ExternalPosted:
    """A check run as an external post; waiting, requested and pending count as queued."""
    app, suite = run.app, run.check_suite
    return ExternalPosted(
        repository=repository,
        kind="check_run",
        sha=Sha(run.head_sha),
        name=run.name,
        poster=(app.slug or "") if app is not None else "",
        poster_id=app.id if app is not None else 0,
        external_id=run.id,
        suite_id=suite.id if suite is not None else 0,
        status=_STATUSES.get(run.status, "queued"),
        conclusion=run.conclusion or "",
        url=run.details_url or run.html_url or "",
        started_at=run.started_at or "",
        at=run.completed_at or run.started_at or "",
    )


ACTIONS: Final = "github-actions"
"""The app that runs workflows."""


def external_of_workflow_run(repository: Repository, run: WorkflowRunView) -> ExternalPosted:
    """A workflow run as an external post: waiting, requested and pending count as queued."""
    return ExternalPosted(
        repository=repository,
        kind="workflow_run",
        sha=Sha(run.head_sha),
        name=run.path.partition("@")[0],
        poster=ACTIONS,
        external_id=run.id,
        suite_id=run.check_suite_id,
        status=_STATUSES.get(run.status or "", "queued"),
        conclusion=run.conclusion or "",
        url=run.html_url,
        started_at=run.run_started_at or "",
        at=run.updated_at,
        attempt=run.run_attempt,
        cause=run.event,
    )


def _workflow_run(view: WorkflowRunDeliveryView) -> Event:
    return external_of_workflow_run(view.where(), view.subject())


def _check_run(view: CheckRunView) -> Event:
    if view.action in {"created", "completed"}:
        return external_of_check_run(view.where(), view.subject())
    if view.action not in {"rerequested", "requested_action"}:
        return Ignored(reason=f"check_run {view.action} changes nothing that is judged")
    run = view.subject()
    pressed = view.requested_action
    if view.action == "requested_action" and (pressed is None or not pressed.identifier):
        raise Missing("no button")
    return RerunRequested(
        repository=view.where(),
        sha=Sha(run.head_sha),
        app_id=run.app.id if run.app is not None else 0,
        name=run.name,
        external_id=run.external_id or "",
        button=pressed.identifier if pressed is not None else "",
        sender=view.who(),
    )


def _check_suite(view: CheckSuiteView) -> Event:
    if view.action == "requested":
        return Ignored(reason="check_suite requested: pull_request and push deliveries say what to judge")
    if view.action != "rerequested":
        return Ignored(reason=f"check_suite {view.action}: its check runs tell")
    suite = view.check_suite
    if suite is None or not suite.head_sha:
        raise Missing("no check suite")
    return RerunRequested(
        repository=view.where(),
        sha=Sha(suite.head_sha),
        app_id=suite.app.id if suite.app is not None else 0,
        sender=view.who(),
    )


def _issue_comment(view: IssueCommentView) -> Event:
    if view.action != "created":
        return Ignored(reason=f"issue_comment {view.action}: only new comments hold commands")
    issue, comment = view.issue, view.comment
    if issue is None or comment is None or not issue.number or not comment.id:
        raise Missing("no comment on an issue")
    if issue.pull_request is None:
        return Ignored(reason="a comment on an issue, not on a pull request")
    return CommentCreated(
        repository=view.where(),
        number=issue.number,
        comment_id=comment.id,
        author=actor_of(comment.user),
        body=comment.body or "",
    )


def _review(view: PullRequestView) -> Event:
    if view.action not in {"submitted", "edited", "dismissed"}:
        return Ignored(reason=f"pull_request_review {view.action} changes nothing that is judged")
    pull = view.pull_request
    if pull is None or not pull.number:
        raise Missing("no pull request")
    return ReviewChanged(repository=view.where(), number=pull.number, sender=view.who())


def _status(view: StatusDeliveryView) -> Event:
    if not view.sha or not view.context:
        raise Missing("no SHA or context")
    poster = view.who()
    return ExternalPosted(
        repository=view.where(),
        kind="status",
        sha=Sha(view.sha),
        name=view.context,
        poster=poster.login,
        poster_id=poster.id,
        external_id=view.id,
        status="in_progress" if view.state == "pending" else "completed",
        conclusion="" if view.state == "pending" else view.state,
        url=view.target_url or "",
        at=view.updated_at or view.created_at or "",
    )


def _merge_group(view: MergeGroupView) -> Event:
    action: Literal["checks_requested", "destroyed"]
    if view.action == "checks_requested":
        action, state = "checks_requested", ChangeState.OPEN
    elif view.action == "destroyed":
        action, state = "destroyed", ChangeState.MERGED if view.reason == "merged" else ChangeState.CLOSED
    else:
        return Ignored(reason=f"merge_group {view.action} changes nothing that is judged")
    group = view.merge_group
    if group is None or not group.head_sha:
        raise Missing("no merge group")
    head_ref = group.head_ref.removeprefix(_HEADS)
    subject = _GROUP_REF.fullmatch(head_ref)
    message = group.head_commit.message if group.head_commit is not None else ""
    change = Change(
        kind=ChangeKind.MERGE_GROUP,
        key=f"mg-{group.head_sha}",
        number=int(subject.group(1)) if subject else None,
        title=message.partition("\n")[0],
        author=Actor(login="merge-queue", kind=ActorKind.APP),
        base_ref=group.base_ref.removeprefix(_HEADS),
        base_tip=Sha(group.base_sha) if group.base_sha else None,
        head_ref=head_ref,
        head_sha=Sha(group.head_sha),
        head_repository=view.repository.full_name if view.repository is not None else None,
        state=state,
        subject_key=f"pr-{subject.group(1)}" if subject else None,
    )
    return MergeGroupChanged(action=action, repository=view.where(), change=change, sender=view.who())


def _installation(view: InstallationView) -> Event:
    if view.action not in _INSTALLATION:
        return Ignored(reason=f"installation {view.action} changes nothing that is judged")
    account = view.account()
    gone = view.action in {"deleted", "suspend"}
    return InstallationChanged(
        action=view.action,
        installation_id=view.installation_id,
        account=account.login,
        added=() if gone else view.added(view.repositories),
        removed=tuple(repo.id for repo in view.repositories or ()) if gone else (),
        sender=view.who(),
    )


def _installation_repositories(view: InstallationView) -> Event:
    if view.action not in {"added", "removed"}:
        return Ignored(reason=f"installation_repositories {view.action} changes nothing that is judged")
    return InstallationChanged(
        action=view.action,
        installation_id=view.installation_id,
        account=view.account().login,
        added=view.added(view.repositories_added),
        removed=tuple(repo.id for repo in view.repositories_removed),
        sender=view.who(),
    )


def _repository(view: Envelope) -> Event:
    return RepositoryChanged(
        action=view.action,
        repository=view.where(),
        gone=view.action in {"deleted", "archived"},
        sender=view.who(),
    )


READERS: Final[Mapping[str, Reader]] = {
    "ping": Reader(PingView, _ping),
    "pull_request": Reader(PullRequestView, _pull_request),
    "push": Reader(PushView, _push),
    "check_run": Reader(CheckRunView, _check_run),
    "check_suite": Reader(CheckSuiteView, _check_suite),
    "issue_comment": Reader(IssueCommentView, _issue_comment),
    "pull_request_review": Reader(PullRequestView, _review),
    "status": Reader(StatusDeliveryView, _status),
    "merge_group": Reader(MergeGroupView, _merge_group),
    "workflow_run": Reader(WorkflowRunDeliveryView, _workflow_run),
    "installation": Reader(InstallationView, _installation),
    "installation_repositories": Reader(InstallationView, _installation_repositories),
    "repository": Reader(Envelope, _repository),
}
