"""The JSON that Gitea shows: what a 1.26 answers, without the fields that nobody reads."""

from app.practice.shapes import Json
from app.practice.state import Account, Comment, PullRequest, Repository, Review, Status
from app.practice.world import World

NOBODY = "0001-01-01T00:00:00Z"
_LEVELS = {"none": "none", "read": "read", "triage": "read", "write": "write", "maintain": "write"}
_REVIEWS = {"APPROVED": "APPROVED", "CHANGES_REQUESTED": "REQUEST_CHANGES", "COMMENTED": "COMMENT"}


def user(world: World, account: Account) -> Json:
    """An account."""
    hidden = f"{account.id}+{account.login}@noreply.practice.invalid"
    return {
        "id": account.id,
        "login": account.login,
        "login_name": "",
        "source_id": 0,
        "full_name": account.name or "",
        "email": account.email or hidden,
        "avatar_url": f"{world.url}/avatars/{account.id}",
        "html_url": f"{world.url}/{account.login}",
        "language": "",
        "is_admin": False,
        "last_login": NOBODY,
        "created": NOBODY,
        "restricted": False,
        "active": True,
        "prohibit_login": False,
        "location": "",
        "website": "",
        "description": "",
        "visibility": "public",
    }


def level(world: World, repo: Repository, login: str) -> str:
    """A permission in Gitea's words."""
    if login.lower() == repo.owner.lower():
        return "owner"
    found = world.permission(repo, login)
    return "admin" if found == "admin" else _LEVELS[found]


def repository(world: World, repo: Repository, asker: str = "") -> Json:
    """A repository, with what the asker may do there."""
    page = f"{world.url}/{repo.full_name}"
    may = {
        name: bool(asker) and world.allows(repo, asker, least)
        for name, least in (("admin", "admin"), ("push", "write"), ("pull", "read"))
    }
    return {
        "id": repo.id,
        "owner": user(world, world.account(repo.owner)),
        "name": repo.name,
        "full_name": repo.full_name,
        "description": "",
        "private": repo.private,
        "fork": repo.fork_of is not None,
        "mirror": False,
        "internal": False,
        "archived": repo.archived,
        "html_url": page,
        "clone_url": f"{page}.git",
        "default_branch": repo.default_branch,
        "created_at": repo.created_at,
        "updated_at": repo.pushed_at,
        "permissions": may,
    }


def _side(world: World, repo: Repository | None, ref: str, sha: str) -> Json:
    return {
        "label": ref,
        "ref": ref,
        "sha": sha,
        "repo_id": repo.id if repo is not None else 0,
        "repo": repository(world, repo) if repo is not None else None,
    }


def pull_request(world: World, repo: Repository, pull: PullRequest) -> Json:
    """A pull request; drafts are those whose title says so."""
    page = f"{world.url}/{repo.full_name}/pulls/{pull.number}"
    head = world.repositories.get(pull.head_repository) if pull.head_repository is not None else None
    title = f"WIP: {pull.title}" if pull.draft else pull.title
    return {
        "id": pull.id,
        "url": page,
        "number": pull.number,
        "user": user(world, pull.author),
        "title": title,
        "body": pull.body,
        "labels": [{"id": each.id, "name": each.name, "color": "ededed"} for each in pull.labels],
        "state": pull.state,
        "draft": pull.draft,
        "html_url": page,
        "mergeable": bool(pull.mergeable),
        "merged": pull.merged_at is not None,
        "merged_at": pull.merged_at,
        "merge_commit_sha": pull.merge_commit_sha if pull.merged_at else None,
        "merged_by": user(world, pull.merged_by) if pull.merged_by is not None else None,
        "base": _side(world, repo, pull.base_ref, pull.base_sha),
        "head": _side(world, head, pull.head_ref, pull.head_sha),
        "merge_base": pull.base_sha,
        "created_at": pull.created_at,
        "updated_at": pull.updated_at,
        "closed_at": pull.closed_at,
    }


def comment(world: World, repo: Repository, found: Comment) -> Json:
    """A comment of a pull request."""
    page = f"{world.url}/{repo.full_name}/pulls/{found.number}"
    return {
        "id": found.id,
        "html_url": f"{page}#issuecomment-{found.id}",
        "pull_request_url": page,
        "issue_url": "",
        "user": user(world, found.author),
        "original_author": "",
        "original_author_id": 0,
        "body": found.body,
        "created_at": found.created_at,
        "updated_at": found.updated_at,
    }


def issue(world: World, repo: Repository, pull: PullRequest) -> Json:
    """The issue that every pull request also is."""
    shown = pull_request(world, repo, pull)
    kept = (
        "id",
        "html_url",
        "number",
        "user",
        "title",
        "body",
        "labels",
        "state",
        "created_at",
        "updated_at",
    )
    merged = {"merged": shown["merged"], "merged_at": shown["merged_at"], "draft": shown["draft"]}
    return {**{name: shown[name] for name in kept}, "pull_request": {**merged, "html_url": shown["html_url"]}}


def review(world: World, found: Review, was: str) -> Json:
    """A review; `was` is what a dismissed one said."""
    return {
        "id": found.id,
        "user": user(world, found.author),
        "team": None,
        "state": _REVIEWS[was if found.state == "DISMISSED" else found.state],
        "body": found.body,
        "commit_id": found.commit_id,
        "stale": False,
        "official": True,
        "dismissed": found.state == "DISMISSED",
        "comments_count": 0,
        "submitted_at": found.submitted_at,
        "updated_at": found.submitted_at,
    }


def status(world: World, repo: Repository, found: Status) -> Json:
    """A commit status."""
    return {
        "id": found.id,
        "status": found.state,
        "target_url": found.target_url or "",
        "description": found.description or "",
        "url": f"{world.url}/api/v1/repos/{repo.full_name}/statuses/{found.sha}",
        "context": found.context,
        "creator": user(world, found.creator),
        "created_at": found.created_at,
        "updated_at": found.created_at,
    }
