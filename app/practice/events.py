"""Builds each delivery's payload and hands it to the apps that hear of it."""

from app.practice import change_shapes as show
from app.practice import check_shapes as checks
from app.practice import shapes, workflow_shapes
from app.practice.git import GitError
from app.practice.hooks import Hooks
from app.practice.shapes import Json
from app.practice.state import (
    Account,
    CheckRun,
    CheckSuite,
    Comment,
    MergeGroup,
    PullRequest,
    Repository,
    Review,
    Status,
    WorkflowRun,
)
from app.practice.world import World

NOTHING = "0" * 40


class Events:
    """Turns what happened into deliveries."""

    def __init__(self, world: World, hooks: Hooks) -> None:
        self._world = world
        self._hooks = hooks

    def _tell(
        self, repo: Repository, event: str, payload: Json, sender: Account, *, only: int | None = None
    ) -> None:
        """Deliver to every app installed on the repository that subscribed (or to one app)."""
        for app, installation in self._world.installed_on(repo):
            # check_suite comes to every app that may write checks, subscribed or not
            hears = event in installation.events or (event == "check_suite" and only == app.id)
            if (only is None or only == app.id) and hears:
                self._hooks.emit(
                    app,
                    event,
                    {
                        **payload,
                        "repository": shapes.repository(self._world, repo),
                        "sender": shapes.user(self._world, sender),
                        "installation": {
                            "id": installation.id,
                            "node_id": shapes.node_id("Installation", installation.id),
                        },
                        **self._organization(repo),
                    },
                    installation=installation,
                    repository=repo,
                )

    def _organization(self, repo: Repository) -> Json:
        owner = self._world.account(repo.owner)
        if owner.type != "Organization":
            return {}
        api = f"{self._world.api_url}/orgs/{owner.login}"
        urls = {
            "events_url": "/events", "hooks_url": "/hooks", "issues_url": "/issues",
            "members_url": "/members{/member}", "public_members_url": "/public_members{/member}",
            "repos_url": "/repos",
        }  # fmt: skip
        return {
            "organization": {
                "login": owner.login,
                "id": owner.id,
                "node_id": shapes.node_id("Organization", owner.id),
                "url": api,
                **{name: api + path for name, path in urls.items()},
                "avatar_url": f"{self._world.url}/avatars/{owner.id}",
                "description": None,
            }
        }

    async def pull_request(
        self, action: str, repo: Repository, pull: PullRequest, sender: Account, more: Json | None = None
    ) -> None:
        """`pull_request`."""
        try:
            numbers = await repo.git.shortstat(pull.base_sha, pull.head_sha)
        except GitError:  # no common history
            numbers = (0, 0, 0, 0)
        full = show.full_pull_request(self._world, repo, pull, numbers)
        payload = {"action": action, "number": pull.number, "pull_request": full, **(more or {})}
        self._tell(repo, "pull_request", payload, sender)

    async def push(
        self,
        repo: Repository,
        ref: str,
        before: str | None,
        after: str | None,
        sender: Account,
        *,
        forced: bool,
    ) -> None:
        """`push`, with up to 20 commits."""
        commits = await self._commits(repo, before, after)
        page = f"{self._world.url}/{repo.full_name}"
        payload = {
            "ref": ref,
            "before": before or NOTHING,
            "after": after or NOTHING,
            "base_ref": None,
            "created": before is None,
            "deleted": after is None,
            "forced": forced,
            "compare": f"{page}/compare/{(before or NOTHING)[:12]}...{(after or NOTHING)[:12]}",
            "commits": commits,
            "head_commit": commits[-1] if commits else None,
            "pusher": {"name": sender.login, "email": f"{sender.login}@practice.invalid"},
        }
        self._tell(repo, "push", payload, sender)

    async def _commits(self, repo: Repository, before: str | None, after: str | None) -> list[Json]:
        if after is None:
            return []
        span = [after, f"^{before}"] if before is not None else [after]
        out = await repo.git.run(
            "log", "-z", "--reverse", "-n", "20", "--format=%H%x01%T%x01%cI%x01%an%x01%ae%x01%B", *span
        )
        found = []
        for entry in out.decode(errors="replace").split("\0"):
            if not entry:
                continue
            sha, tree, at, name, email, message = entry.split("\x01", 5)
            person = {"name": name, "email": email, "username": name, "date": at}
            found.append(
                {
                    "id": sha,
                    "tree_id": tree,
                    "distinct": True,
                    "message": message.rstrip("\n"),
                    "timestamp": at,
                    "url": f"{self._world.url}/{repo.full_name}/commit/{sha}",
                    "author": person,
                    "committer": person,
                    "added": [],
                    "removed": [],
                    "modified": [],
                }
            )
        return found

    def check_suite(
        self,
        action: str,
        repo: Repository,
        suite: CheckSuite,
        sender: Account,
        head: Json,
        before: str | None,
    ) -> None:
        """`check_suite` requested or rerequested, to the suite's own app."""
        runs = [run for run in repo.runs.values() if run.suite_id == suite.id]
        api = f"{self._world.api_url}/repos/{repo.full_name}/check-suites/{suite.id}"
        payload = {
            "action": action,
            "check_suite": {
                **checks.check_suite(self._world, repo, suite, before),
                "latest_check_runs_count": len(runs),
                "check_runs_url": f"{api}/check-runs",
                "rerequestable": True,
                "runs_rerequestable": True,
                "head_commit": head,
            },
        }
        self._tell(repo, "check_suite", payload, sender, only=suite.app_id)

    async def head_commit(self, repo: Repository, sha: str) -> Json:
        """A commit in the short form of suites and merge groups."""
        out = await repo.git.told(
            "log", "-1", "--format=%H%x01%T%x01%cI%x01%an%x01%ae%x01%cn%x01%ce%x01%B", sha
        )
        found, tree, at, name, email, committer, committer_email, message = (
            out.decode(errors="replace").rstrip("\n").split("\x01", 7)
        )
        return {
            "id": found,
            "tree_id": tree,
            "message": message,
            "timestamp": at,
            "author": {"name": name, "email": email},
            "committer": {"name": committer, "email": committer_email},
        }

    def check_run(
        self, action: str, repo: Repository, run: CheckRun, sender: Account, button: str = ""
    ) -> None:
        """`check_run`; re-runs and buttons only to the run's own app."""
        payload: Json = {"action": action, "check_run": checks.delivered_check_run(self._world, repo, run)}
        if button:
            payload["requested_action"] = {"identifier": button}
        private = action in {"rerequested", "requested_action"}
        self._tell(repo, "check_run", payload, sender, only=run.app_id if private else None)

    def comment(
        self,
        action: str,
        repo: Repository,
        pull: PullRequest,
        comment: Comment,
        sender: Account,
        more: Json | None = None,
    ) -> None:
        """`issue_comment`."""
        payload = {
            "action": action,
            "issue": show.issue(self._world, repo, pull),
            "comment": show.comment(self._world, repo, comment),
            **(more or {}),
        }
        self._tell(repo, "issue_comment", payload, sender)

    def review(
        self, action: str, repo: Repository, pull: PullRequest, review: Review, sender: Account
    ) -> None:
        """`pull_request_review`: the state in lower case, as only deliveries write it."""
        shown = show.review(self._world, repo, pull, review)
        payload = {
            "action": action,
            "review": {**shown, "state": review.state.lower(), "body": review.body or None},
            "pull_request": show.pull_request(self._world, repo, pull),
        }
        self._tell(repo, "pull_request_review", payload, sender)

    def repository(self, action: str, repo: Repository, sender: Account) -> None:
        """`repository`."""
        self._tell(repo, "repository", {"action": action}, sender)

    async def status(self, repo: Repository, status: Status, commit: Json) -> None:
        """`status`."""
        payload = {
            "id": status.id,
            "sha": status.sha,
            "name": repo.full_name,
            "context": status.context,
            "description": status.description,
            "state": status.state,
            "target_url": status.target_url,
            "avatar_url": f"{self._world.url}/avatars/{status.creator.id}",
            "branches": [
                {
                    "name": name,
                    "commit": {
                        "sha": tip,
                        "url": f"{self._world.api_url}/repos/{repo.full_name}/commits/{tip}",
                    },
                    "protected": name in repo.protected,
                }
                for name, tip in (await repo.git.branches()).items()
                if tip == status.sha
            ],
            "commit": commit,
            "created_at": status.created_at,
            "updated_at": status.created_at,
        }
        self._tell(repo, "status", payload, status.creator)

    async def workflow_run(self, action: str, repo: Repository, run: WorkflowRun, sender: Account) -> None:
        """`workflow_run` requested, in_progress or completed."""
        head = await self.head_commit(repo, run.head_sha)
        payload = {
            "action": action,
            "workflow": workflow_shapes.workflow(self._world, repo, run),
            "workflow_run": workflow_shapes.workflow_run(self._world, repo, run, head),
        }
        self._tell(repo, "workflow_run", payload, sender)

    async def merge_group(
        self, action: str, repo: Repository, group: MergeGroup, sender: Account, reason: str = ""
    ) -> None:
        """`merge_group`."""
        payload: Json = {
            "action": action,
            "merge_group": {
                "head_sha": group.head_sha,
                "head_ref": f"refs/heads/{group.head_ref}",
                "base_sha": group.base_sha,
                "base_ref": f"refs/heads/{group.base_ref}",
                "head_commit": await self.head_commit(repo, group.head_sha),
            },
        }
        if reason:
            payload["reason"] = reason
        self._tell(repo, "merge_group", payload, sender)
