"""Builds each delivery as Gitea does and hands it to the webhooks that hear of it."""

import hashlib
import hmac
import json
import uuid
from collections.abc import Callable, Sequence
from urllib.parse import urlencode

from app.practice.app_events import AppEvents
from app.practice.gitea import shapes
from app.practice.gitea.hooks import GiteaHook
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
from app.practice.traffic import Delivery
from app.practice.world import World

NOTHING = "0" * 40
_ACTIONS = {
    "synchronize": ("synchronized", "pull_request_sync"),
    "labeled": ("label_updated", "pull_request_label"),
    "unlabeled": ("label_updated", "pull_request_label"),
    "converted_to_draft": ("edited", "pull_request"),
    "ready_for_review": ("edited", "pull_request"),
}
_REVIEWS = {
    "APPROVED": ("pull_request_approved", "pull_request_review_approved"),
    "CHANGES_REQUESTED": ("pull_request_rejected", "pull_request_review_rejected"),
    "COMMENTED": ("pull_request_comment", "pull_request_review_comment"),
}


class GiteaEvents(AppEvents):
    """Turns what happened into Gitea's deliveries; what Gitea has no word for is not told."""

    def __init__(
        self,
        world: World,
        hooks: Hooks,
        hearing: Callable[[Repository], Sequence[GiteaHook]],
        *,
        forgejo: bool = False,
    ) -> None:
        super().__init__(world, hooks)
        self._hearing = hearing
        self._forgejo = forgejo

    def _deliver(self, repo: Repository, event: str, kind: str, payload: Json, sender: Account) -> None:
        whole = {
            **payload,
            "repository": shapes.repository(self._world, repo),
            "sender": shapes.user(self._world, sender),
        }
        wanted = "pull_request_review" if kind.startswith("pull_request_review_") else kind
        for hook in self._hearing(repo):
            if hook.active and wanted in hook.events:
                self._hooks.post(self._delivery(repo, hook, event, kind, whole))

    def _delivery(self, repo: Repository, hook: GiteaHook, event: str, kind: str, payload: Json) -> Delivery:
        text = json.dumps(payload, indent=2)
        body = text.encode() if hook.content_type == "json" else urlencode({"payload": text}).encode()
        guid, secret = str(uuid.uuid4()), hook.secret.encode()
        signature = hmac.new(secret, body, hashlib.sha256).hexdigest()
        headers = {
            "content-type": "application/json"
            if hook.content_type == "json"
            else "application/x-www-form-urlencoded",
            "user-agent": "Go-http-client/1.1",
            "x-hub-signature": "sha1=" + hmac.new(secret, body, "sha1").hexdigest(),
            "x-hub-signature-256": f"sha256={signature}",
        }
        for own in ("gitea", "gogs", "github", *(["forgejo"] if self._forgejo else [])):
            headers |= {f"x-{own}-event": event, f"x-{own}-event-type": kind, f"x-{own}-delivery": guid}
            if own != "github":
                headers[f"x-{own}-signature"] = signature
        return Delivery(
            id=self._world.new_id(),
            guid=guid,
            app_id=0,
            event=event,
            action=payload.get("action"),
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
        """`pull_request`; a push tells neither what was before nor what came after it."""
        told, kind = _ACTIONS.get(action, (action, "pull_request"))
        changes = (more or {}).get("changes")
        shown = {"title": changes["title"]} if changes and "title" in changes else {}
        if changes and "base" in changes:
            shown = {"ref": changes["base"]["ref"]}
        payload: Json = {
            "action": told,
            "number": pull.number,
            "pull_request": shapes.pull_request(self._world, repo, pull),
            "requested_reviewer": None,
            "commit_id": "",
            "review": None,
            **(
                {"changes": {**shown, "added_labels": None, "removed_labels": None}}
                if told == "edited"
                else {}
            ),
        }
        self._deliver(repo, "pull_request", kind, payload, sender)

    async def push(
        self,
        repo: Repository,
        ref: str,
        before: str | None,
        after: str | None,
        sender: Account,
        *,
        forced: bool,  # noqa: ARG002 - Gitea does not tell
    ) -> None:
        """`push`; a new branch is told by `create` too, a deleted one by `delete` alone."""
        if after is None:
            short = ref.removeprefix("refs/heads/")
            payload: Json = {"ref": short, "ref_type": "branch", "pusher_type": "user"}
            self._deliver(repo, "delete", "delete", payload, sender)
            return
        commits = await self._commits(repo, before, after)
        payload = {
            "ref": ref,
            "before": before or NOTHING,
            "after": after,
            "compare_url": f"{self._world.url}/{repo.full_name}/compare/{before}...{after}",
            "commits": [],
            "total_commits": len(commits),
            "head_commit": None,
            "pusher": shapes.user(self._world, sender),
        }
        self._deliver(repo, "push", "push", payload, sender)

    def comment(
        self,
        action: str,
        repo: Repository,
        pull: PullRequest,
        comment: Comment,
        sender: Account,
        more: Json | None = None,
    ) -> None:
        """`issue_comment`, which is of the kind `pull_request_comment` here."""
        payload = {
            "action": action,
            "issue": shapes.issue(self._world, repo, pull),
            "pull_request": shapes.pull_request(self._world, repo, pull),
            "comment": shapes.comment(self._world, repo, comment),
            "is_pull": True,
            **(more or {}),
        }
        self._deliver(repo, "issue_comment", "pull_request_comment", payload, sender)

    def review(
        self, action: str, repo: Repository, pull: PullRequest, review: Review, sender: Account
    ) -> None:
        """Reviews; that one was dismissed is not told."""
        if action == "dismissed":
            return
        event, kind = _REVIEWS[review.state]
        payload = {
            "action": "reviewed",
            "number": pull.number,
            "pull_request": shapes.pull_request(self._world, repo, pull),
            "requested_reviewer": shapes.user(self._world, review.author),
            "commit_id": "",
            "review": {"type": kind, "content": review.body},
        }
        self._deliver(repo, event, kind, payload, sender)

    def repository(self, action: str, repo: Repository, sender: Account) -> None:
        """`repository`: only that one was made or deleted is told."""
        if action in {"created", "deleted"}:
            self._deliver(repo, "repository", "repository", {"action": action}, sender)

    async def status(self, repo: Repository, status: Status, _commit: Json) -> None:
        """`status`."""
        payload = {
            "id": status.id,
            "sha": status.sha,
            "commit": None,
            "context": status.context,
            "description": status.description or "",
            "state": status.state,
            "target_url": status.target_url or "",
            "created_at": status.created_at,
            "updated_at": status.created_at,
        }
        self._deliver(repo, "status", "status", payload, status.creator)

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

    async def workflow_run(self, action: str, repo: Repository, run: WorkflowRun, sender: Account) -> None:
        """Workflows are told by their commit statuses."""

    async def merge_group(
        self, action: str, repo: Repository, group: MergeGroup, sender: Account, reason: str = ""
    ) -> None:
        """There is no merge queue."""
