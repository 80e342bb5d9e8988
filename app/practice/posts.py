"""Check runs and statuses: what apps post, and the buttons that people press on them.

Rules: docs.github.com "REST API endpoints for check runs" and "for commit statuses".
"""

from collections.abc import Mapping
from typing import Any

from app.practice.shapes import user
from app.practice.state import App, CheckRun, Repository, Status
from app.practice.talk import Talk

_STATUSES_PER_CONTEXT = 1000


class Invalid(Exception):
    """A post GitHub answers with 422; the text is its message."""


class Posts(Talk):
    """Actions on check runs and statuses."""

    async def create_check_run(self, app: App, repo: Repository, body: Mapping[str, Any]) -> CheckRun:
        """Create a check run from an API body. Raises Invalid."""
        sha = str(body.get("head_sha", ""))
        if await repo.git.tip(sha) is None:
            raise Invalid(f"No commit found for SHA: {sha}")
        suite = self.world.suite(repo, app, sha)
        run = CheckRun(
            id=self.world.new_id(), suite_id=suite.id, app_id=app.id, name=str(body["name"]), head_sha=sha,
            started_at=self.world.stamp(),
        )  # fmt: skip
        self._apply(run, body)
        repo.runs[run.id] = run
        self.events.check_run("created", repo, run, app.bot)
        if run.status == "completed":
            self.events.check_run("completed", repo, run, app.bot)
        return run

    async def update_check_run(
        self, app: App, repo: Repository, run: CheckRun, body: Mapping[str, Any]
    ) -> None:
        """Change a check run; annotations are added to those it has."""
        was = run.status
        self._apply(run, body)
        repo.suites[run.suite_id].updated_at = self.world.stamp()
        if run.status == "completed" and was != "completed":
            self.events.check_run("completed", repo, run, app.bot)

    def _apply(self, run: CheckRun, body: Mapping[str, Any]) -> None:
        for key in ("name", "external_id", "details_url", "started_at", "completed_at"):
            if key in body:
                setattr(run, key, body[key])
        status, conclusion = body.get("status"), body.get("conclusion")
        if conclusion is not None:
            status = "completed"  # giving a conclusion completes
        if status is not None:
            run.status = status
            run.conclusion = conclusion if status == "completed" else None
            run.completed_at = (
                (body.get("completed_at") or self.world.stamp()) if status == "completed" else None
            )
            now = run.status if conclusion is None else f"{run.status}:{conclusion}"
            if run.history[-1:] != [now]:
                run.history.append(now)
        output = body.get("output")
        if output is not None:
            run.title, run.summary = output.get("title", run.title), output.get("summary")
            run.text = output.get("text", run.text)
            run.annotations += output.get("annotations") or []
        if "actions" in body:
            run.actions = list(body["actions"] or [])

    async def post_status(
        self,
        by: str,
        repo: Repository,
        sha: str,
        *,
        context: str = "default",
        state: str = "success",
        description: str | None = None,
        target_url: str | None = None,
    ) -> Status:
        """Post a commit status. Raises Invalid past 1,000 for one SHA and context."""
        if await repo.git.tip(sha) is None:
            raise Invalid(f"No commit found for SHA: {sha}")
        same = [one for one in repo.statuses if (one.sha, one.context.lower()) == (sha, context.lower())]
        if len(same) >= _STATUSES_PER_CONTEXT:
            raise Invalid("This SHA and context has reached the maximum number of statuses.")
        status = Status(
            id=self.world.new_id(),
            sha=sha,
            context=context,
            state=state,
            description=description,
            target_url=target_url,
            creator=self.world.account(by),
            created_at=self.world.stamp(),
        )
        repo.statuses.append(status)
        await self.events.status(repo, status, await self.commit_shown(repo, sha))
        return status

    async def commit_shown(self, repo: Repository, sha: str) -> dict[str, Any]:
        """A commit as the API and status deliveries show it."""
        head = await self.events.head_commit(repo, sha)
        api, page = f"{self.world.api_url}/repos/{repo.full_name}", f"{self.world.url}/{repo.full_name}"
        parents = (await repo.git.told("rev-list", "--parents", "-n", "1", sha)).decode().split()[1:]
        when = {"date": head["timestamp"]}
        return {
            "sha": sha,
            "node_id": f"C_{sha}",
            "url": f"{api}/commits/{sha}",
            "html_url": f"{page}/commit/{sha}",
            "comments_url": f"{api}/commits/{sha}/comments",
            "commit": {
                "author": {**head["author"], **when},
                "committer": {**head["committer"], **when},
                "message": head["message"],
                "tree": {"sha": head["tree_id"], "url": f"{api}/git/trees/{head['tree_id']}"},
                "url": f"{api}/git/commits/{sha}",
                "comment_count": 0,
                "verification": {
                    "verified": False, "reason": "unsigned", "signature": None, "payload": None,
                    "verified_at": None,
                },
            },
            "author": self._account_of(head["author"]["email"]),
            "committer": self._account_of(head["committer"]["email"]),
            "parents": [
                {"sha": each, "url": f"{api}/commits/{each}", "html_url": f"{page}/commit/{each}"}
                for each in parents
            ],
        }  # fmt: skip

    def _account_of(self, email: str) -> dict[str, Any] | None:
        """The account an e-mail belongs to, as far as the forge knows: its own no-reply addresses, and those
        that people told it.
        """
        number = email.partition("+")[0]
        for account in self.world.accounts.values():
            own = number == str(account.id) and email.endswith("@users.noreply.practice.invalid")
            if own or email in account.addresses:
                return user(self.world, account)
        return None

    async def press_rerun(self, by: str, repo: Repository, run: CheckRun) -> None:
        """Press "Re-run" on a check run. The run itself does not change: its app is asked to."""
        self.events.check_run("rerequested", repo, run, self.world.account(by))

    async def press_rerun_all(self, by: str, repo: Repository, app: App, sha: str) -> None:
        """Press "Re-run all checks" of an app."""
        suite = self.world.suite(repo, app, sha)
        head = await self.events.head_commit(repo, sha)
        self.events.check_suite("rerequested", repo, suite, self.world.account(by), head, None)

    async def press_button(self, by: str, repo: Repository, run: CheckRun, identifier: str) -> None:
        """Press one of the app's buttons. Raises Invalid if it is not there."""
        if identifier not in {action["identifier"] for action in run.actions}:
            raise Invalid(f"no button {identifier!r}")
        self.events.check_run("requested_action", repo, run, self.world.account(by), button=identifier)
