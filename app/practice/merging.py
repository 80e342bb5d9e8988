"""Merging: what a branch requires, merges, and the merge queue."""

from app.practice.changes import Changes, Forbidden
from app.practice.state import MergeGroup, PullRequest, Repository


class Merging(Changes):
    """Actions that bring a pull request into its base."""

    def unmet(self, repo: Repository, pull: PullRequest) -> list[str]:
        """The required checks that keep a pull request from being merged: the newest run of that name
        (by the app, if one is named) must have concluded success, neutral or skipped.
        """
        missing = []
        for wanted in repo.required:
            runs = [
                run
                for run in repo.runs.values()
                if (run.name, run.head_sha) == (wanted.context, pull.head_sha)
                and wanted.app_id in {None, run.app_id}
            ]
            newest = max(runs, key=lambda run: run.id, default=None)
            good = newest is not None and newest.conclusion in {"success", "neutral", "skipped"}
            if wanted.branch == pull.base_ref and not good:
                missing.append(wanted.context)
        return missing

    async def merge(self, by: str, repo: Repository, pull: PullRequest) -> str:
        """Merge into the base. Raises Forbidden without write or while a required check is unmet."""
        if not self.world.allows(repo, by, "write"):
            raise Forbidden(f"{by} may not merge into {repo.full_name}")
        if unmet := self.unmet(repo, pull):
            raise Forbidden(f"required: {', '.join(unmet)}")
        git, sender = repo.git, self.world.account(by)
        base = await git.tip(f"refs/heads/{pull.base_ref}") or pull.base_sha
        message = f"Merge pull request #{pull.number} from {pull.head_owner}/{pull.head_ref}\n\n{pull.title}"
        sha = await git.merge(base, pull.head_sha, message, self.signature(by))
        if sha is None:
            raise Forbidden("this branch has conflicts that must be resolved")
        pull.state, pull.merged_at, pull.merged_by = "closed", self.world.stamp(), sender
        pull.closed_at = pull.updated_at = pull.merged_at
        pull.merge_commit_sha = sha
        await git.set_ref(f"refs/heads/{pull.base_ref}", sha)
        await self.pushed(by, repo, f"refs/heads/{pull.base_ref}", base, sha)
        await self.events.pull_request("closed", repo, pull, sender)
        return sha

    async def queue(self, by: str, repo: Repository, pull: PullRequest, *, on: str = "") -> MergeGroup:
        """Put a pull request into the merge queue: a group on top of the base (or of SHA `on`)."""
        git, sender = repo.git, self.world.account(by)
        base = on or await git.tip(f"refs/heads/{pull.base_ref}") or pull.base_sha
        message = f"Merge pull request #{pull.number} from {pull.head_owner}/{pull.head_ref}\n\n{pull.title}"
        sha = await git.merge(base, pull.head_sha, message, self.signature(by))
        if sha is None:
            raise Forbidden("this branch has conflicts that must be resolved")
        group = MergeGroup(
            repository=repo.id,
            number=pull.number,
            head_ref=f"gh-readonly-queue/{pull.base_ref}/pr-{pull.number}-{base}",
            head_sha=sha,
            base_ref=pull.base_ref,
            base_sha=base,
        )
        self.world.merge_groups.append(group)
        await git.set_ref(f"refs/heads/{group.head_ref}", sha)
        await self.pushed(by, repo, f"refs/heads/{group.head_ref}", None, sha)
        await self.events.merge_group("checks_requested", repo, group, sender)
        return group

    async def dequeue(self, by: str, repo: Repository, group: MergeGroup, reason: str = "dequeued") -> None:
        """Destroy a group: merged, invalidated or dequeued."""
        self.world.merge_groups.remove(group)
        await self.events.merge_group("destroyed", repo, group, self.world.account(by), reason)
        await repo.git.set_ref(f"refs/heads/{group.head_ref}", None)
