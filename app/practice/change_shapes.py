"""The JSON that GitHub shows for pull requests, comments, reviews, check runs and statuses."""

from app.practice.shapes import Json, app, node_id, repository, user
from app.practice.state import (
    CheckRun,
    CheckSuite,
    Comment,
    Label,
    PullRequest,
    Reaction,
    Repository,
    Review,
    Status,
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


def status(world: World, repo: Repository, found: Status) -> Json:
    """A commit status."""
    return {
        "url": f"{world.api_url}/repos/{repo.full_name}/statuses/{found.sha}",
        "avatar_url": f"{world.url}/avatars/{found.creator.id}",
        "id": found.id,
        "node_id": node_id("StatusContext", found.id),
        "state": found.state,
        "description": found.description,
        "target_url": found.target_url,
        "context": found.context,
        "created_at": found.created_at,
        "updated_at": found.created_at,
        "creator": user(world, found.creator),
    }


def _pulls_of(world: World, repo: Repository, sha: str) -> list[Json]:
    """The open pull requests of a check run's SHA; empty for forks, as on GitHub."""
    found = []
    for pull in repo.pulls.values():
        if pull.head_sha == sha and pull.state == "open" and pull.head_repository == repo.id:
            where = {
                "id": repo.id, "url": f"{world.api_url}/repos/{repo.full_name}", "name": repo.name,
            }  # fmt: skip
            found.append(
                {
                    "url": f"{world.api_url}/repos/{repo.full_name}/pulls/{pull.number}",
                    "id": pull.id,
                    "number": pull.number,
                    "head": {"ref": pull.head_ref, "sha": pull.head_sha, "repo": where},
                    "base": {"ref": pull.base_ref, "sha": pull.base_sha, "repo": where},
                }
            )
    return found


def check_run(world: World, repo: Repository, run: CheckRun) -> Json:
    """A check run as the API shows it."""
    api = f"{world.api_url}/repos/{repo.full_name}/check-runs/{run.id}"
    return {
        "id": run.id,
        "name": run.name,
        "node_id": node_id("CheckRun", run.id),
        "head_sha": run.head_sha,
        "external_id": run.external_id,
        "url": api,
        "html_url": f"{world.url}/{repo.full_name}/runs/{run.id}",
        "details_url": run.details_url or f"{world.url}/{repo.full_name}/runs/{run.id}",
        "status": run.status,
        "conclusion": run.conclusion,
        "started_at": run.started_at,
        "completed_at": run.completed_at,
        "output": {
            "title": run.title,
            "summary": run.summary,
            "text": run.text,
            "annotations_count": len(run.annotations),
            "annotations_url": f"{api}/annotations",
        },
        "check_suite": {"id": run.suite_id},
        "app": app(world, world.apps[run.app_id]),
        "pull_requests": _pulls_of(world, repo, run.head_sha),
    }


def suite_state(repo: Repository, suite: CheckSuite) -> tuple[str, str | None]:
    """Status and conclusion of a suite: the worst of the newest runs of each name."""
    newest = {run.name: run for run in repo.runs.values() if run.suite_id == suite.id}
    if not newest:
        return "queued", None
    if any(run.status != "completed" for run in newest.values()):
        return "in_progress", None
    order = ("failure", "timed_out", "cancelled", "action_required", "neutral", "skipped", "success")
    found = {run.conclusion for run in newest.values()}
    return "completed", next((each for each in order if each in found), "success")


def check_suite(world: World, repo: Repository, suite: CheckSuite, before: str | None = None) -> Json:
    """A check suite as deliveries show it."""
    api = f"{world.api_url}/repos/{repo.full_name}/check-suites/{suite.id}"
    state, conclusion = suite_state(repo, suite)
    return {
        "id": suite.id,
        "node_id": node_id("CheckSuite", suite.id),
        "head_branch": suite.head_branch,
        "head_sha": suite.head_sha,
        "status": state,
        "conclusion": conclusion,
        "url": api,
        "before": before,
        "after": suite.head_sha,
        "pull_requests": _pulls_of(world, repo, suite.head_sha),
        "app": app(world, world.apps[suite.app_id]),
        "created_at": suite.created_at,
        "updated_at": suite.updated_at,
    }


def delivered_check_run(world: World, repo: Repository, run: CheckRun) -> Json:
    """A check run as deliveries show it: with its suite."""
    suite = repo.suites[run.suite_id]
    return {**check_run(world, repo, run), "check_suite": check_suite(world, repo, suite)}
