"""The JSON that GitLab shows, in answers and deliveries.

Source: docs.gitlab.com "REST API resources" and "Webhook events".
"""

from app.practice.gitlab.state import ACCESS, Job, Pipeline, PostedStatus, StatusCheck, Webhook
from app.practice.gitlab.state import Project as Own
from app.practice.shapes import Json
from app.practice.state import Account, Comment, PullRequest, Repository
from app.practice.world import World

EVENTS = ("push_events", "merge_requests_events", "note_events", "pipeline_events", "job_events")
_STATES = {"open": "opened", "closed": "closed"}


def exactly(stamp: str, order: int) -> str:
    """A time with parts of its second, by the order of what happened in it."""
    return f"{stamp.removesuffix('Z')}.{order:06d}Z"


def user(world: World, account: Account) -> Json:
    """An account in short form."""
    return {
        "id": account.id,
        "username": account.login,
        "name": account.name or account.login.title(),
        "state": "active",
        "avatar_url": f"{world.url}/avatars/{account.id}",
        "web_url": f"{world.url}/{account.login}",
    }


def full_user(world: World, account: Account) -> Json:
    """An account as its page shows it."""
    shown = {**user(world, account), "bot": account.type == "Bot", "public_email": account.email}
    return {**shown, "created_at": world.stamp()}


def project(world: World, repo: Repository, own: Own) -> Json:
    """A project."""
    page = f"{world.url}/{repo.full_name}"
    return {
        "id": repo.id,
        "name": repo.name.rpartition("/")[2],
        "path": repo.name.rpartition("/")[2],
        "path_with_namespace": repo.full_name,
        "name_with_namespace": repo.full_name.replace("/", " / "),
        "description": None,
        "default_branch": repo.default_branch,
        "visibility": "private" if repo.private else "public",
        "http_url_to_repo": f"{page}.git",
        "ssh_url_to_repo": f"git@practice.invalid:{repo.full_name}.git",
        "web_url": page,
        "archived": repo.archived,
        "ci_config_path": "",
        "created_at": repo.created_at,
        "last_activity_at": repo.pushed_at,
        "only_allow_merge_if_pipeline_succeeds": own.pipeline_must_succeed,
    }


def hook_project(world: World, repo: Repository) -> Json:
    """A project as deliveries tell it."""
    page = f"{world.url}/{repo.full_name}"
    return {
        "id": repo.id,
        "name": repo.name,
        "description": None,
        "web_url": page,
        "avatar_url": None,
        "git_ssh_url": f"git@practice.invalid:{repo.full_name}.git",
        "git_http_url": f"{page}.git",
        "namespace": repo.owner,
        "visibility_level": 0 if repo.private else 20,
        "path_with_namespace": repo.full_name,
        "default_branch": repo.default_branch,
        "ci_config_path": "",
        "homepage": page,
        "url": f"{page}.git",
        "ssh_url": f"git@practice.invalid:{repo.full_name}.git",
        "http_url": f"{page}.git",
    }


def state_of(pull: PullRequest) -> str:
    """GitLab's word for where a merge request is."""
    return "merged" if pull.merged_at is not None else _STATES[pull.state]


def page_of(world: World, repo: Repository, pull: PullRequest) -> str:
    """Where people see a merge request."""
    return f"{world.url}/{repo.full_name}/-/merge_requests/{pull.number}"


def merge_request(world: World, repo: Repository, pull: PullRequest) -> Json:
    """A merge request as lists show it."""
    return {
        "id": pull.id,
        "iid": pull.number,
        "project_id": repo.id,
        "title": pull.title,
        "description": pull.body,
        "state": state_of(pull),
        "created_at": pull.created_at,
        "updated_at": pull.updated_at,
        "merged_at": pull.merged_at,
        "closed_at": pull.closed_at,
        "target_branch": pull.base_ref,
        "source_branch": pull.head_ref,
        "author": user(world, pull.author),
        "source_project_id": pull.head_repository,
        "target_project_id": repo.id,
        "labels": [label.name for label in pull.labels],
        "draft": pull.draft,
        "work_in_progress": pull.draft,
        "sha": pull.head_sha,
        "merge_commit_sha": pull.merge_commit_sha if pull.merged_at is not None else None,
        "web_url": page_of(world, repo, pull),
    }


def full_merge_request(world: World, repo: Repository, pull: PullRequest, head: Json | None) -> Json:
    """A single merge request, with the pipeline that merging waits for."""
    return {
        **merge_request(world, repo, pull),
        "diff_refs": {"base_sha": pull.base_sha, "head_sha": pull.head_sha, "start_sha": pull.base_sha},
        "head_pipeline": head,
    }


def hook_merge_request(world: World, repo: Repository, pull: PullRequest, source: Repository | None) -> Json:
    """The attributes of a merge request in its deliveries."""
    shown = merge_request(world, repo, pull)
    kept = ("id", "iid", "title", "description", "state", "created_at", "updated_at", "source_branch",
            "target_branch", "source_project_id", "target_project_id", "draft")  # fmt: skip
    return {
        **{name: shown[name] for name in kept},
        "work_in_progress": pull.draft,
        "author_id": pull.author.id,
        "assignee_ids": [],
        "reviewer_ids": [],
        "merge_status": "unchecked",
        "url": shown["web_url"],
        "source": hook_project(world, source) if source is not None else None,
        "target": hook_project(world, repo),
        "last_commit": {"id": pull.head_sha, "message": "", "title": "", "timestamp": pull.updated_at},
        "labels": labels(pull),
    }


def labels(pull: PullRequest) -> list[Json]:
    """Labels as deliveries tell them."""
    return [{"id": label.id, "title": label.name, "color": "#ffffff"} for label in pull.labels]


def note(world: World, comment: Comment) -> Json:
    """A note."""
    return {
        "id": comment.id,
        "type": None,
        "body": comment.body,
        "author": user(world, comment.author),
        "system": False,
        "noteable_type": "MergeRequest",
        "noteable_iid": comment.number,
        "created_at": comment.created_at,
        "updated_at": comment.updated_at,
        "resolvable": False,
    }


def pipeline(world: World, repo: Repository, own: Own, found: Pipeline) -> Json:
    """A pipeline."""
    return {
        "id": found.id,
        "iid": found.id,
        "project_id": repo.id,
        "sha": found.sha,
        "ref": found.ref,
        "status": own.status_of(found),
        "source": found.source,
        "created_at": found.created_at,
        "updated_at": found.updated_at,
        "web_url": f"{world.url}/{repo.full_name}/-/pipelines/{found.id}",
    }


def job(world: World, repo: Repository, found: Job, run: Pipeline) -> Json:
    """A job."""
    return {
        "id": found.id,
        "name": found.name,
        "stage": "test",
        "status": found.status,
        "allow_failure": found.allow_failure,
        "ref": run.ref,
        "created_at": run.created_at,
        "started_at": found.started_at,
        "finished_at": found.finished_at,
        "user": user(world, run.actor),
        "pipeline": {"id": run.id, "project_id": repo.id, "sha": run.sha, "ref": run.ref},
        "web_url": f"{world.url}/{repo.full_name}/-/jobs/{found.id}",
    }


def job_as_status(world: World, repo: Repository, found: Job, run: Pipeline) -> Json:
    """A job among the statuses of its commit."""
    return {
        "id": found.id,
        "sha": run.sha,
        "ref": run.ref,
        "status": found.status,
        "name": found.name,
        "target_url": f"{world.url}/{repo.full_name}/-/jobs/{found.id}",
        "description": None,
        "created_at": run.created_at,
        "started_at": found.started_at,
        "finished_at": found.finished_at,
        "allow_failure": found.allow_failure,
        "pipeline_id": run.id,
        "author": user(world, run.actor),
    }


def status(world: World, found: PostedStatus) -> Json:
    """A commit status."""
    return {
        "id": found.id,
        "sha": found.sha,
        "ref": found.ref,
        "status": found.status,
        "name": found.name,
        "target_url": found.target_url,
        "description": found.description,
        "created_at": found.created_at,
        "started_at": found.started_at,
        "finished_at": found.finished_at,
        "allow_failure": False,
        "coverage": None,
        "pipeline_id": found.pipeline_id,
        "author": user(world, found.author),
    }


def member(world: World, account: Account, level: str) -> Json:
    """A member with an access level."""
    shown = {**user(world, account), "access_level": ACCESS[level], "membership_state": "active"}
    return {**shown, "expires_at": None}


def webhook(found: Webhook, repo: Repository) -> Json:
    """A webhook, without its secrets."""
    return {
        "id": found.id,
        "url": found.url,
        "project_id": repo.id,
        "alert_status": "executable",
        "enable_ssl_verification": True,
        "token_present": bool(found.token),
        "signing_token_present": bool(found.signing_token),
        **{name: name in found.tells for name in EVENTS},
    }


def status_check(found: StatusCheck, repo: Repository) -> Json:
    """An external status check."""
    return {
        "id": found.id,
        "name": found.name,
        "project_id": repo.id,
        "external_url": found.external_url,
        "hmac": False,
        "protected_branches": [],
    }
