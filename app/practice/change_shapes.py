"""The JSON that GitHub shows for pull requests, comments, reviews, check runs and statuses."""

from app.practice.shapes import Json, app, node_id, repository, user
from app.practice.state import (
    Comment,
    Label,
    PullRequest,
    Reaction,
    Repository,
    Review,
)
from app.practice.world import World


def label(world: World, repo: Repository, found: Label) -> Json:
    """A label."""
    return {
        "id": found.id,
        "node_id": node_id("Label", found.id),
        "url": f"{world.api_url}/repos/{repo.full_name}/labels/{found.name}",
        "name": found.name,
        "color": "ededed",
        "default": False,
        "description": None,
    }


def association(world: World, repo: Repository, login: str) -> str:
    """How somebody belongs to a repository."""
    if login.lower() == repo.owner.lower():
        return "OWNER"
    return "COLLABORATOR" if world.allows(repo, login, "write") else "CONTRIBUTOR"


def pull_request(world: World, repo: Repository, pull: PullRequest) -> Json:
    """A pull request as lists show it."""
    api, page = f"{world.api_url}/repos/{repo.full_name}", f"{world.url}/{repo.full_name}"
    one, issue, here = (
        f"{api}/pulls/{pull.number}",
        f"{api}/issues/{pull.number}",
        f"{page}/pull/{pull.number}",
    )
    statuses = f"{api}/statuses/{pull.head_sha}"
    head = world.repositories.get(pull.head_repository) if pull.head_repository is not None else None
    links = {
        "self": one, "html": here, "issue": issue, "comments": f"{issue}/comments",
        "review_comments": f"{one}/comments", "review_comment": f"{api}/pulls/comments{{/number}}",
        "commits": f"{one}/commits", "statuses": statuses,
    }  # fmt: skip
    return {
        "url": one,
        "id": pull.id,
        "node_id": node_id("PullRequest", pull.id),
        "html_url": here,
        "diff_url": f"{here}.diff",
        "patch_url": f"{here}.patch",
        "issue_url": issue,
        "commits_url": links["commits"],
        "review_comments_url": links["review_comments"],
        "review_comment_url": links["review_comment"],
        "comments_url": links["comments"],
        "statuses_url": statuses,
        "number": pull.number,
        "state": pull.state,
        "locked": False,
        "active_lock_reason": None,
        "title": pull.title,
        "body": pull.body,
        "user": user(world, pull.author),
        "labels": [label(world, repo, each) for each in pull.labels],
        "milestone": None,
        "assignee": None,
        "assignees": [],
        "requested_reviewers": [],
        "requested_teams": [],
        "created_at": pull.created_at,
        "updated_at": pull.updated_at,
        "closed_at": pull.closed_at,
        "merged_at": pull.merged_at,
        "merge_commit_sha": pull.merge_commit_sha,
        "draft": pull.draft,
        "author_association": association(world, repo, pull.author.login),
        "auto_merge": None,
        "head": _side(world, head, pull.head_owner, pull.head_ref, pull.head_sha),
        "base": _side(world, repo, repo.owner, pull.base_ref, pull.base_sha),
        "_links": {name: {"href": address} for name, address in links.items()},
    }


def _side(world: World, repo: Repository | None, owner: str, ref: str, sha: str) -> Json:
    return {
        "label": f"{owner}:{ref}",
        "ref": ref,
        "sha": sha,
        "user": user(world, world.account(owner)),
        "repo": repository(world, repo) if repo is not None else None,
    }


def full_pull_request(
    world: World, repo: Repository, pull: PullRequest, numbers: tuple[int, int, int, int]
) -> Json:
    """A single pull request; `numbers` = (files, added, removed, commits)."""
    files, added, removed, commits = numbers
    return {
        **pull_request(world, repo, pull),
        "merged": pull.merged_at is not None,
        "mergeable": pull.mergeable,
        "rebaseable": pull.mergeable,
        "mergeable_state": {True: "clean", False: "dirty", None: "unknown"}[pull.mergeable],
        "merged_by": user(world, pull.merged_by) if pull.merged_by is not None else None,
        "comments": sum(1 for each in repo.comments.values() if each.number == pull.number),
        "review_comments": 0,
        "maintainer_can_modify": False,
        "commits": commits,
        "additions": added,
        "deletions": removed,
        "changed_files": files,
    }


def issue(world: World, repo: Repository, pull: PullRequest) -> Json:
    """The issue that every pull request also is."""
    api, page = f"{world.api_url}/repos/{repo.full_name}", f"{world.url}/{repo.full_name}/pull/{pull.number}"
    one = f"{api}/issues/{pull.number}"
    return {
        "url": one,
        "repository_url": api,
        "labels_url": f"{one}/labels{{/name}}",
        "comments_url": f"{one}/comments",
        "events_url": f"{one}/events",
        "timeline_url": f"{one}/timeline",
        "html_url": page,
        "id": pull.id,
        "node_id": node_id("PullRequest", pull.id),
        "number": pull.number,
        "title": pull.title,
        "user": user(world, pull.author),
        "labels": [label(world, repo, each) for each in pull.labels],
        "state": pull.state,
        "state_reason": None,
        "locked": False,
        "active_lock_reason": None,
        "assignee": None,
        "assignees": [],
        "milestone": None,
        "comments": sum(1 for each in repo.comments.values() if each.number == pull.number),
        "created_at": pull.created_at,
        "updated_at": pull.updated_at,
        "closed_at": pull.closed_at,
        "author_association": association(world, repo, pull.author.login),
        "draft": pull.draft,
        "pull_request": {
            "url": f"{api}/pulls/{pull.number}",
            "html_url": page,
            "diff_url": f"{page}.diff",
            "patch_url": f"{page}.patch",
            "merged_at": pull.merged_at,
        },
        "body": pull.body,
        "reactions": _reactions(f"{one}/reactions", []),
        "performed_via_github_app": None,
    }


def _reactions(url: str, found: list[Reaction]) -> Json:
    names = ("+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes")
    counts = {name: sum(1 for each in found if each.content == name) for name in names}
    return {"url": url, "total_count": len(found), **counts}


def comment(world: World, repo: Repository, found: Comment) -> Json:
    """A comment on a pull request."""
    api = f"{world.api_url}/repos/{repo.full_name}/issues"
    page = f"{world.url}/{repo.full_name}/pull/{found.number}#issuecomment-{found.id}"
    one = f"{api}/comments/{found.id}"
    return {
        "url": one,
        "html_url": page,
        "issue_url": f"{api}/{found.number}",
        "id": found.id,
        "node_id": node_id("IssueComment", found.id),
        "user": user(world, found.author),
        "created_at": found.created_at,
        "updated_at": found.updated_at,
        "author_association": association(world, repo, found.author.login),
        "body": found.body,
        "reactions": _reactions(f"{one}/reactions", found.reactions),
        "performed_via_github_app": app(world, world.apps[found.app_id])
        if found.app_id is not None
        else None,
    }


def reaction(world: World, found: Reaction) -> Json:
    """A reaction."""
    return {
        "id": found.id,
        "node_id": node_id("Reaction", found.id),
        "user": user(world, found.author),
        "content": found.content,
        "created_at": found.created_at,
    }


def review(world: World, repo: Repository, pull: PullRequest, found: Review) -> Json:
    """A review as the API shows it (deliveries write its state in lower case)."""
    page = f"{world.url}/{repo.full_name}/pull/{pull.number}#pullrequestreview-{found.id}"
    pulls = f"{world.api_url}/repos/{repo.full_name}/pulls/{pull.number}"
    return {
        "id": found.id,
        "node_id": node_id("PullRequestReview", found.id),
        "user": user(world, found.author),
        "body": found.body,
        "state": found.state,
        "html_url": page,
        "pull_request_url": pulls,
        "_links": {"html": {"href": page}, "pull_request": {"href": pulls}},
        "submitted_at": found.submitted_at,
        "commit_id": found.commit_id,
        "author_association": association(world, repo, found.author.login),
    }
