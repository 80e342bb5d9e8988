"""Builds each delivery as GitLab does and hands it to the project's webhooks that want it."""

import base64
import hashlib
import hmac
import json
import uuid
from typing import Any

from app.practice.app_events import AppEvents
from app.practice.gitlab import shapes
from app.practice.gitlab.state import Pipeline, Project, Webhook
from app.practice.hooks import Hooks
from app.practice.shapes import Json
from app.practice.state import (
    Account,
    App,
    CheckRun,
    CheckSuite,
    Comment,
    Installation,
    MergeGroup,
    PullRequest,
    Repository,
    Review,
    Status,
    WorkflowRun,
)
from app.practice.traffic import Delivery
from app.practice.world import World

NOTHING = "0" * 40
_ACTIONS = {"opened": "open", "reopened": "reopen", "closed": "close"}


class GitLabEvents(AppEvents):
    """Turns what happened into GitLab's deliveries; what GitLab has no word for is not told."""

    def __init__(self, world: World, hooks: Hooks, projects: dict[int, Project]) -> None:
        super().__init__(world, hooks)
        self._projects = projects

    def _deliver(self, repo: Repository, switch: str, header: str, payload: Json, action: str | None) -> None:
        for hook in self._projects.setdefault(repo.id, Project()).hooks.values():
            if switch in hook.tells:
                self._hooks.post(self._delivery(repo, hook, header, payload, action))

    def _delivery(
        self, repo: Repository, hook: Webhook, header: str, payload: Json, action: str | None
    ) -> Delivery:
        body, key = json.dumps(payload, separators=(",", ":")).encode(), str(uuid.uuid4())
        headers = {
            "content-type": "application/json",
            "user-agent": "GitLab/18.1.0",
            "x-gitlab-event": header,
            "x-gitlab-instance": self._world.url,
            "x-gitlab-event-uuid": str(uuid.uuid4()),
            "x-gitlab-webhook-uuid": str(uuid.UUID(int=hook.id)),
            "idempotency-key": key,
        }
        if hook.token:
            headers["x-gitlab-token"] = hook.token
        if hook.signing_token:
            at = str(int(self._world.clock()))
            secret = base64.b64decode(hook.signing_token.removeprefix("whsec_"))
            digest = hmac.new(secret, b"%b.%b.%b" % (key.encode(), at.encode(), body), hashlib.sha256)
            headers |= {
                "webhook-id": key,
                "webhook-timestamp": at,
                "webhook-signature": f"v1,{base64.b64encode(digest.digest()).decode()}",
            }
        return Delivery(
            id=self._world.new_id(),
            guid=key,
            app_id=0,
            event=header,
            action=action,
            body=body,
            payload=payload,
            headers=headers,
            installation_id=None,
            repository_id=repo.id,
            url=hook.url,
        )

    async def pull_request(
        self, action: str, repo: Repository, pull: PullRequest, sender: Account, more: Json | None = None
    ) -> None:
        """`Merge Request Hook`."""
        own = self._projects.setdefault(repo.id, Project())
        heads = own.heads.setdefault(pull.number, [])
        if not heads or heads[-1][0] != pull.head_sha:
            heads.append((pull.head_sha, shapes.exactly(self._world.stamp(), self._world.new_id())))
        word, changes = _ACTIONS.get(action, "update"), self._changes(action, pull, more or {})
        if action == "closed" and pull.merged_at is not None:
            word = "merge"
        pushed = {"oldrev": (more or {})["before"]} if action == "synchronize" else {}
        self._merge_request(repo, pull, sender, word, changes, pushed)

    def _merge_request(
        self,
        repo: Repository,
        pull: PullRequest,
        sender: Account,
        action: str,
        changes: Json,
        more: dict[str, Any],
    ) -> None:
        source = self._world.repositories.get(pull.head_repository) if pull.head_repository else None
        payload = {
            "object_kind": "merge_request",
            "event_type": "merge_request",
            "user": {**shapes.user(self._world, sender), "email": "[REDACTED]"},
            "project": shapes.hook_project(self._world, repo),
            "object_attributes": {
                **shapes.hook_merge_request(self._world, repo, pull, source),
                "action": action,
                **more,
            },
            "labels": shapes.labels(pull),
            "changes": changes,
            "repository": {"name": repo.name},
        }
        self._deliver(repo, "merge_requests_events", "Merge Request Hook", payload, action)

    def _changes(self, action: str, pull: PullRequest, more: Json) -> Json:
        told = more.get("changes", {})
        match action:
            case "labeled" | "unlabeled":
                return {"labels": {"previous": [], "current": shapes.labels(pull)}}
            case "converted_to_draft" | "ready_for_review":
                return {"draft": {"previous": not pull.draft, "current": pull.draft}}
            case "edited" if "base" in told:
                was = told["base"]["ref"]["from"]
                return {"target_branch": {"previous": was, "current": pull.base_ref}}
            case "edited" if "title" in told:
                return {"title": {"previous": told["title"]["from"], "current": pull.title}}
            case _:
                return {}

    def review(
        self, action: str, repo: Repository, pull: PullRequest, review: Review, sender: Account
    ) -> None:
        """An approval, its withdrawal, or what a reviewer asks for."""
        if review.state == "APPROVED":
            self._merge_request(repo, pull, sender, "approved", {}, {})
        elif action == "dismissed":
            self._merge_request(repo, pull, sender, "unapproved", {}, {})
        else:
            self._merge_request(repo, pull, sender, "update", {"reviewers": {}}, {})

    def comment(
        self,
        action: str,
        repo: Repository,
        pull: PullRequest,
        comment: Comment,
        sender: Account,
        more: Json | None = None,
    ) -> None:
        """`Note Hook`; of deleted ones nothing is told."""
        del more
        if action == "deleted":
            return
        word = {"created": "create", "edited": "update"}[action]
        payload = {
            "object_kind": "note",
            "event_type": "note",
            "user": shapes.user(self._world, sender),
            "project_id": repo.id,
            "project": shapes.hook_project(self._world, repo),
            "object_attributes": {
                "id": comment.id,
                "note": comment.body,
                "noteable_type": "MergeRequest",
                "author_id": comment.author.id,
                "created_at": comment.created_at,
                "updated_at": comment.updated_at,
                "project_id": repo.id,
                "noteable_id": pull.id,
                "system": False,
                "action": word,
                "url": f"{shapes.page_of(self._world, repo, pull)}#note_{comment.id}",
            },
            "merge_request": shapes.merge_request(self._world, repo, pull),
            "repository": {"name": repo.name},
        }
        self._deliver(repo, "note_events", "Note Hook", payload, word)

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
        """`Push Hook`."""
        del forced
        payload: Json = {
            "object_kind": "push",
            "event_name": "push",
            "before": before or NOTHING,
            "after": after or NOTHING,
            "ref": ref,
            "checkout_sha": after,
            "user_id": sender.id,
            "user_name": sender.name or sender.login,
            "user_username": sender.login,
            "user_email": "",
            "project_id": repo.id,
            "project": shapes.hook_project(self._world, repo),
            "repository": {"name": repo.name},
            "commits": [],
            "total_commits_count": 0,
        }
        self._deliver(repo, "push_events", "Push Hook", payload, None)

    def pipeline(self, repo: Repository, run: Pipeline) -> None:
        """`Pipeline Hook`."""
        own = self._projects[repo.id]
        pull = repo.pulls.get(run.number)
        shown = None if pull is None else shapes.merge_request(self._world, repo, pull)
        payload: Json = {
            "object_kind": "pipeline",
            "object_attributes": {
                "id": run.id,
                "ref": run.ref if pull is None else pull.head_ref,
                "tag": False,
                "sha": run.sha,
                "source": run.source,
                "status": own.status_of(run),
                "created_at": run.created_at,
                "finished_at": None,
                "url": f"{self._world.url}/{repo.full_name}/-/pipelines/{run.id}",
            },
            "merge_request": shown,
            "user": shapes.user(self._world, run.actor),
            "project": shapes.hook_project(self._world, repo),
            "builds": [
                {"id": job.id, "name": job.name, "status": job.status, "allow_failure": job.allow_failure}
                for job in run.jobs
            ],
        }
        self._deliver(repo, "pipeline_events", "Pipeline Hook", payload, None)

    # What GitLab has no word for

    def installation(
        self, action: str, installation: Installation, sender: Account, repos: list[Repository]
    ) -> None:
        """There are no apps."""

    def installation_repositories(
        self,
        installation: Installation,
        sender: Account,
        added: list[Repository],
        removed: list[Repository],
    ) -> None:
        """There are no apps."""

    def ping(self, app: App, sender: Account) -> None:
        """There are no apps."""

    def check_suite(
        self,
        action: str,
        repo: Repository,
        suite: CheckSuite,
        sender: Account,
        head: Json,
        before: str | None,
    ) -> None:
        """There are no check suites."""

    def check_run(
        self, action: str, repo: Repository, run: CheckRun, sender: Account, button: str = ""
    ) -> None:
        """There are no check runs."""

    def repository(self, action: str, repo: Repository, sender: Account) -> None:
        """Webhooks of a project do not tell what becomes of the project."""

    async def status(self, repo: Repository, status: Status, commit: Json) -> None:
        """Commit statuses are told by their pipeline."""

    async def workflow_run(self, action: str, repo: Repository, run: WorkflowRun, sender: Account) -> None:
        """There are no workflows, only pipelines."""

    async def merge_group(
        self, action: str, repo: Repository, group: MergeGroup, sender: Account, reason: str = ""
    ) -> None:
        """A merge train is told by its pipelines."""
