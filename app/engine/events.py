"""What each event changes in the tables. Events only wake: state that may be stale is read again."""

from datetime import datetime
from typing import Final, assert_never

import msgspec

from app.engine.external import names
from app.engine.missed import awaited_posts, keep_post
from app.engine.opening import NotOurs, accept_change, close_runs, know_repository, stop_judging
from app.engine.publishing import republish
from app.engine.reruns import rerun
from app.engine.services import Services
from app.model import (
    ActorKind,
    AuditEntry,
    ChangeState,
    CommentCreated,
    Event,
    ExternalPosted,
    Ignored,
    InstallationChanged,
    MergeGroupChanged,
    Ping,
    PostsChanged,
    PullRequestChanged,
    Pushed,
    RepositoryChanged,
    RerunRequested,
    ReviewChanged,
    Run,
    RunStatus,
)
from app.store import Unit, changes, commits, projects, publications, records, runs, wakes

BACK: Final = frozenset({"unarchived", "transferred"})
"""After these a repository's open changes are not known as they are."""
LATE: Final = 120.0
"""Seconds after which an opening is not taken as told: the pull request may be closed by now."""


def apply_event(unit: Unit, services: Services, forge: str, event: Event) -> tuple[str, str]:
    """Write what an event says and wake what it concerns; gives (status, reason) of its delivery."""
    try:
        return _apply(unit, services, forge, event)
    except NotOurs as late:
        return "ignored", str(late)


def _apply(unit: Unit, services: Services, forge: str, event: Event) -> tuple[str, str]:  # noqa: PLR0911, PLR0912, C901 - one case per event
    match event:
        case Ignored():
            return "ignored", event.reason
        case Ping():
            return "done", "the webhook works"
        case PullRequestChanged():
            return _pull_request(unit, services, event)
        case Pushed():
            return _push(unit, services, event)
        case MergeGroupChanged():
            return _merge_group(unit, services, event)
        case ExternalPosted():
            return _external(unit, services, event)
        case PostsChanged():
            return _posts(unit, services, event)
        case RerunRequested():
            return _rerun(unit, services, event)
        case CommentCreated():
            return _comment(unit, services, event)
        case ReviewChanged():
            return _review(unit, services, event)
        case InstallationChanged():
            return _installation(unit, services, forge, event)
        case RepositoryChanged():
            return _repository(unit, services, event)
        case _:
            assert_never(event)


def _pull_request(unit: Unit, services: Services, event: PullRequestChanged) -> tuple[str, str]:
    """In order: taken as it is. Possibly out of order (deliveries are): the forge is asked."""
    repository_id, now = know_repository(unit, services, event.repository), services.clock.now()
    known = changes.find_change(unit.connection, repository_id, event.change.key)
    change = event.change
    unnamed = not change.author.login
    if known is not None and unnamed:
        change = msgspec.structs.replace(change, author=known.change.author)
    if known is None and change.state is ChangeState.OPEN and (unnamed or _is_late(services, event)):
        change_id = changes.upsert_change(unit, repository_id, change, services.clock.now())
        if event.brought_head:
            changes.remember_pusher(unit, change_id, change.head_sha, event.sender, now)
        wakes.want(unit, "change", change_id, services.clock.now())
        return "done", f"{event.action}, told late or in part: {change.key} is read as it is now"
    if known is None and change.state is ChangeState.OPEN:
        change_id = accept_change(unit, services, repository_id, change, actor=event.sender)
        if event.brought_head:
            changes.remember_pusher(unit, change_id, change.head_sha, event.sender, now)
        return "done", f"{event.action}: judged as {change.key}"
    if known is None:
        return "ignored", f"{change.key} was not known and is {change.state.value}"
    follows = event.brought_head and event.before == known.change.head_sha
    if follows and known.change.state is ChangeState.OPEN:
        changes.remember_pusher(unit, known.id, change.head_sha, event.sender, now)
        accept_change(unit, services, repository_id, change, actor=event.sender)
        if change.base_ref != known.change.base_ref:  # one of the two is late: which target is its own?
            wakes.want(unit, "change", known.id, now)
        return "done", f"{event.action}: new head of {change.key}"
    if event.brought_head:
        changes.remember_pusher(unit, known.id, change.head_sha, event.sender, now)
    wakes.want(unit, "change", known.id, services.clock.now())
    return "done", f"{event.action}: {change.key} is read again"


def _is_late(services: Services, event: PullRequestChanged) -> bool:
    """Whether much may have happened since: a delivery that was delivered again."""
    try:
        told = datetime.fromisoformat(event.at).timestamp()
    except ValueError:
        return False
    return services.clock.now() - told > LATE


def _push(unit: Unit, services: Services, event: Pushed) -> tuple[str, str]:
    repository_id = know_repository(unit, services, event.repository)
    if event.after is None:
        projects.forget_gate(unit, repository_id, event.branch)
        return "done", f"{event.branch} was deleted"
    connection, default = unit.connection, event.repository.default_branch
    open_on_it = changes.open_changes(connection, repository_id, event.branch)
    known = projects.branch(connection, repository_id, event.branch)
    main = projects.branch(connection, repository_id, default)
    if not open_on_it and known is None and event.branch != default and (not main or main[1] != "pushes"):
        return "ignored", "no open change targets it"
    gate = known[1] if known is not None else "unknown"
    projects.know_branch(unit, repository_id, event.branch, event.after, gate, "", services.clock.now())
    row = projects.branch_id(unit.connection, repository_id, event.branch)
    if row is not None:
        wakes.want(unit, "branch", row, services.clock.now())
    return "done", f"{event.branch} moved; {len(open_on_it)} open changes are looked at"


def _merge_group(unit: Unit, services: Services, event: MergeGroupChanged) -> tuple[str, str]:
    repository_id = know_repository(unit, services, event.repository)
    if event.action == "destroyed":
        known = changes.find_change(unit.connection, repository_id, event.change.key)
        if known is None:
            return "ignored", "a merge group that was never judged"
        closed = msgspec.structs.replace(known.change, state=ChangeState.CLOSED)
        changes.upsert_change(unit, repository_id, closed, services.clock.now())
        close_runs(unit, services, repository_id, known.id, actor=event.sender)
        return "done", "merge group destroyed"
    accept_change(unit, services, repository_id, event.change, actor=event.sender)
    return "done", f"merge group judged as {event.change.key}"


def _external(unit: Unit, services: Services, event: ExternalPosted) -> tuple[str, str]:
    """Only posts on heads that a live run waits for are work (API thrift)."""
    repository_id = know_repository(unit, services, event.repository)
    live = commits.live_runs_on(unit.connection, repository_id, event.sha)
    if not live:
        return "ignored", "no open change has this head"
    as_ours = event.name.casefold() == services.options.name.casefold()
    found = [run for run_id in live if (run := runs.load_run(unit.connection, run_id)) is not None]
    waiting = [run for run in found if _waits_for(run, event)]
    unplanned = any(run.status is RunStatus.NEW for run in found)  # may come to wait for anything
    if not waiting and not unplanned and not as_ours:
        return "ignored", "no gate names it"
    if not keep_post(unit, services, repository_id, event):
        return "ignored", "our own post, or an older one than the one known"
    for run in waiting:
        runs.wake_run(unit, run.id, services.clock.now())
    if as_ours:
        republish(unit, services, repository_id, event.sha)  # people are told that it is not ours
    return "done", f"{event.name} by {event.poster}: {event.conclusion or event.status}"


def _posts(unit: Unit, services: Services, event: PostsChanged) -> tuple[str, str]:
    """Read what runs wait for; show our verdicts again where something began in which they are not shown."""
    repository_id, now = know_repository(unit, services, event.repository), services.clock.now()
    live = set(commits.live_runs_on(unit.connection, repository_id, event.sha))
    known = changes.find_change(unit.connection, repository_id, f"pr-{event.number}")
    if known is not None:
        live |= {run.id for run in runs.live_runs(unit.connection, known.id)}
    found = [run for run_id in sorted(live) if (run := runs.load_run(unit.connection, run_id)) is not None]
    if not found:
        return "ignored", "no open change has this head"
    waiting = [run for run in found if awaited_posts(run.plan)]
    for run in waiting:
        unit.wake("posts", run.id)
    if event.began:
        for head in sorted({run.head_sha for run in found}):
            for row_id in publications.forget_posted(unit, repository_id, head, now):
                unit.wake("publication", row_id)
    if not waiting and not event.began:
        return "ignored", "no gate waits for what others post"
    return "done", f"posts of {len(waiting)} runs are read again"


def _waits_for(run: Run, event: ExternalPosted) -> bool:
    """Whether a post decides a check of a run."""
    return any(spec.external is not None and names(spec.external, event) for spec in awaited_posts(run.plan))


def _rerun(unit: Unit, services: Services, event: RerunRequested) -> tuple[str, str]:
    repository_id = know_repository(unit, services, event.repository)
    if event.app_id not in {0, services.forges[event.repository.forge].own_id}:
        return "ignored", "another app is asked"
    found = commits.live_runs_on(unit.connection, repository_id, event.sha)
    if not found:
        return "ignored", "no open change has this head"
    asked = event.button or "rerun"
    for run_id in found:
        run = runs.load_run(unit.connection, run_id)
        if run is not None:
            _audit_rerun(unit, services, event, run, asked)
            if asked != "explain":
                rerun(unit, services, run, failed_only=asked == "rerun_failed", actor=event.sender)
    if asked == "explain":
        republish(unit, services, repository_id, event.sha)  # with links of today
    else:
        for row_id in publications.forget_posted(unit, repository_id, event.sha, services.clock.now()):
            unit.wake("publication", row_id)
    return "done", f"{asked} asked by {event.sender.login}"


def _audit_rerun(unit: Unit, services: Services, event: RerunRequested, run: Run, asked: str) -> None:
    change = changes.load_change(unit.connection, run.change_id).change
    records.append_audit(
        unit,
        AuditEntry(
            at=services.clock.now(),
            actor=event.sender,
            verb="button.pressed",
            repository=event.repository.full_name,
            change=change.key,
            run=run.id,
            details={"button": asked, "head_sha": event.sha},
        ),
    )


def _comment(unit: Unit, services: Services, event: CommentCreated) -> tuple[str, str]:
    repository_id = know_repository(unit, services, event.repository)
    if event.author.kind is not ActorKind.PERSON:
        return "ignored", "only people give commands"
    forge = services.forges[event.repository.forge]
    if not forge.capabilities.app and event.author.id == forge.own_id:  # an app's id is no account's
        return "ignored", "our own comment"
    if "/portcullis" not in event.body:
        return "ignored", "no command in it"
    row_id = records.store_command(unit, repository_id, event.number, event.comment_id, services.clock.now())
    if row_id is None:
        return "ignored", "this comment was read already"
    unit.wake("command", row_id)
    return "done", "its commands are read"


def _review(unit: Unit, services: Services, event: ReviewChanged) -> tuple[str, str]:
    repository_id = know_repository(unit, services, event.repository)
    known = changes.find_change(unit.connection, repository_id, f"pr-{event.number}")
    if known is None:
        return "ignored", f"pr-{event.number} is not judged"
    changes.want_people(unit, known.id)
    for run in runs.live_runs(unit.connection, known.id):
        runs.wake_run(unit, run.id, services.clock.now())
    return "done", f"reviews of pr-{event.number} are read again"


def _installation(unit: Unit, services: Services, forge: str, event: InstallationChanged) -> tuple[str, str]:
    now = services.clock.now()
    status = {"deleted": "removed", "suspend": "suspended"}.get(event.action, "active")
    row_id = projects.upsert_installation(unit, forge, event.installation_id, event.account, status, now)
    for forge_id in sorted(event.removed):
        repository_id = projects.remove_repository(unit, forge, forge_id)
        if repository_id is not None:
            stop_judging(unit, services, repository_id)
    if status != "active":
        for repository_id in projects.repositories_of(unit.connection, forge, event.installation_id):
            stop_judging(unit, services, repository_id)
        return "done", f"installation on {event.account}: {event.action}"
    # this delivery's repositories lack their default branch, without which no gate would judge them
    wakes.want(unit, "installation", row_id, now)
    return "done", f"installation on {event.account}: {event.action}, {len(event.added)} repositories"


def _repository(unit: Unit, services: Services, event: RepositoryChanged) -> tuple[str, str]:
    """That it is private now holds at once; its name and all else as the forge answers."""
    if event.gone:
        gone = projects.remove_repository(unit, event.repository.forge, event.repository.forge_id)
        if gone is not None:
            stop_judging(unit, services, gone)
        return "done", f"{event.repository.full_name} was {event.action}"
    repository_id = know_repository(unit, services, event.repository, rest=0.0)
    if event.action in BACK:
        projects.wake_repository(unit, repository_id, services.clock.now())
        unit.wake("repository", repository_id)
    return "done", f"{event.repository.full_name}: {event.action}"
