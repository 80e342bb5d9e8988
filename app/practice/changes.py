"""What people do with code: push, fork, open, retarget, close, merge, queue."""

import zlib
from collections.abc import Mapping

from app.practice import change_shapes as show
from app.practice.app_events import AppEvents
from app.practice.git import Content, GitError, Signature
from app.practice.hooks import Hooks
from app.practice.shapes import Json
from app.practice.state import Account, PullRequest, Repository
from app.practice.world import NotThere, World


class Forbidden(Exception):
    """Somebody tried what they may not do."""


class Changes:
    """Actions on repositories and pull requests. Each emits the deliveries that the forge would send: GitHub
    unless a face says otherwise. `pulls` is where the heads of pull requests are.
    """

    pulls = "refs/pull"

    def __init__(self, world: World) -> None:
        self.world = world
        self.hooks = Hooks(world)
        self.events = AppEvents(world, self.hooks)

    def signature(self, login: str) -> Signature:
        """How somebody signs commits now."""
        account = self.world.account(login)
        email = f"{account.id}+{account.login}@users.noreply.practice.invalid"
        return Signature(name=account.login, email=email, at=int(self.world.clock()))

    async def create_repository(
        self, full_name: str, files: Mapping[str, Content] | None = None, *, private: bool = False
    ) -> Repository:
        """A repository with one commit on main (without `files`: empty)."""
        repo = await self.world.add_repository(full_name, private=private)
        if files:
            git = repo.git
            sha = await git.commit(None, files, "First commit", self.signature(repo.owner))
            await git.set_ref(f"refs/heads/{repo.default_branch}", sha)
        return repo

    async def push(
        self,
        by: str,
        repo: Repository,
        branch: str,
        files: Mapping[str, Content],
        message: str = "Change files",
        *,
        base: str = "",
        author: Signature | None = None,
        amend: bool = False,
    ) -> str:
        """Commit files on top of the branch (of `base` if it is new) and push; the new SHA.

        `amend` replaces the branch's last commit: a force-push. Raises Forbidden without write.
        """
        git = repo.git
        tip = await git.tip(f"refs/heads/{branch}")
        parent = tip or await git.tip(base or f"refs/heads/{repo.default_branch}")
        if amend and tip is not None:
            parent = await git.tip(f"{tip}^")
        sha = await git.commit(parent, files, message, author or self.signature(by))
        await self.push_commit(by, repo, branch, sha)
        return sha

    async def push_commit(self, by: str, repo: Repository, branch: str, sha: str | None) -> None:
        """Point a branch at a commit that is there already (None deletes it)."""
        if not self.world.allows(repo, by, "write"):
            raise Forbidden(f"{by} may not push to {repo.full_name}")
        git = repo.git
        before = await git.tip(f"refs/heads/{branch}")
        await git.set_ref(f"refs/heads/{branch}", sha)
        await self.pushed(by, repo, f"refs/heads/{branch}", before, sha)

    async def pushed(
        self, by: str, repo: Repository, ref: str, before: str | None, after: str | None
    ) -> None:
        """A ref has moved: tell, open suites, and bring pull requests up to date."""
        if before == after:
            return
        world, sender = self.world, self.world.account(by)
        git = repo.git
        forced = bool(before and after) and not await git.is_ancestor(str(before), str(after))
        repo.pushed_at = world.stamp()
        await self.events.push(repo, ref, before, after, sender, forced=forced)
        branch = ref.removeprefix("refs/heads/")
        if after is None or branch == ref:
            return
        await self._open_suites(repo, after, branch, sender, before)
        for other in list(world.repositories.values()):
            for pull in list(other.pulls.values()):
                if pull.state == "open" and (pull.head_repository, pull.head_ref) == (repo.id, branch):
                    await self._synchronize(other, pull, repo, after, sender)

    async def _open_suites(
        self, repo: Repository, sha: str, branch: str | None, sender: Account, before: str | None
    ) -> None:
        head = await self.events.head_commit(repo, sha)
        for app, installation in list(self.world.installed_on(repo)):
            if installation.permissions.get("checks") == "write":
                suite = self.world.suite(repo, app, sha, branch)
                self.events.check_suite("requested", repo, suite, sender, head, before)

    async def _synchronize(
        self, repo: Repository, pull: PullRequest, source: Repository, sha: str, sender: Account
    ) -> None:
        before, pull.head_sha = pull.head_sha, sha
        await self._refresh(repo, pull, source)
        if source.id != repo.id:
            await self._open_suites(repo, sha, None, sender, before)
        more = {"before": before, "after": sha}
        await self.events.pull_request("synchronize", repo, pull, sender, more)

    async def _refresh(self, repo: Repository, pull: PullRequest, source: Repository | None) -> None:
        """The refs of its head and of its merge, the base's tip, whether it merges."""
        git = repo.git
        ref = f"{self.pulls}/{pull.number}/head"
        if source is not None and source.id != repo.id:
            await git.fetch(source.directory, pull.head_sha, ref)
        else:
            await git.set_ref(ref, pull.head_sha)
        pull.base_sha = await git.tip(f"refs/heads/{pull.base_ref}") or pull.base_sha
        message = f"Merge {pull.head_sha} into {pull.base_sha}"
        merged = await git.merge(pull.base_sha, pull.head_sha, message, self.signature(pull.author.login))
        pull.mergeable = merged is not None
        pull.merge_commit_sha = merged
        await git.set_ref(f"{self.pulls}/{pull.number}/merge", merged)
        pull.updated_at = self.world.stamp()

    async def fork(self, by: str, repo: Repository) -> Repository:
        """A fork owned by somebody: a repository of its own with the same commits."""
        fork = await self.world.add_repository(f"{by}/{repo.name}", private=repo.private)
        fork.fork_of = repo.id
        await fork.git.run("fetch", "-q", str(repo.directory), "+refs/heads/*:refs/heads/*")
        return fork

    async def delete_repository(self, by: str, repo: Repository) -> None:
        """Delete a repository: pull requests from it keep their commits, lose their head."""
        self.events.repository("deleted", repo, self.world.account(by))
        del self.world.repositories[repo.id]
        for other in self.world.repositories.values():
            for pull in other.pulls.values():
                if pull.head_repository == repo.id:
                    pull.head_repository = None

    def set_private(self, by: str, repo: Repository, *, private: bool) -> None:
        """Hide a repository from everybody without access, or show it to all."""
        repo.private = private
        self.events.repository("privatized" if private else "publicized", repo, self.world.account(by))

    def archive(self, by: str, repo: Repository, *, archived: bool = True) -> None:
        """Make a repository read-only, or end that."""
        repo.archived = archived
        self.events.repository("archived" if archived else "unarchived", repo, self.world.account(by))

    def transfer(self, by: str, repo: Repository, owner: str) -> None:
        """Give a repository to another owner: told to the apps that are installed there."""
        left = [
            installation
            for _, installation in self.world.installed_on(repo)
            if installation.account.lower() != owner.lower()
        ]
        repo.old_names.add(repo.full_name.lower())
        repo.owner = self.world.account(owner).login
        for installation in left:
            self.events.installation_repositories(installation, self.world.account(by), [], [repo])
        self.events.repository("transferred", repo, self.world.account(by))

    def rename_repository(self, repo: Repository, name: str) -> None:
        """Rename: the old address answers with a redirect from now on."""
        repo.old_names.add(repo.full_name.lower())
        repo.name = name

    async def open_pull_request(
        self,
        by: str,
        repo: Repository,
        head: str,
        *,
        base: str = "",
        title: str = "Change something",
        body: str = "",
        draft: bool = False,
        source: Repository | None = None,
    ) -> PullRequest:
        """Open a pull request of a branch of this repository or of `source`, a fork."""
        world, source = self.world, source or repo
        if not world.allows(repo, by, "read"):
            raise Forbidden(f"{by} cannot see {repo.full_name}")
        base = base or repo.default_branch
        base_sha = await repo.git.tip(f"refs/heads/{base}")
        head_sha = await source.git.tip(f"refs/heads/{head}")
        if base_sha is None or head_sha is None:
            raise NotThere(f"no branch {base if base_sha is None else head!r}")
        now = world.stamp()
        pull = PullRequest(
            id=world.new_id(),
            number=repo.next_number,
            title=title,
            body=body,
            author=world.account(by),
            base_ref=base,
            base_sha=base_sha,
            head_repository=source.id,
            head_owner=source.owner,
            head_ref=head,
            head_sha=head_sha,
            draft=draft,
            created_at=now,
            updated_at=now,
        )
        repo.next_number += 1
        await self._refresh(repo, pull, source)
        repo.pulls[pull.number] = pull
        if source.id != repo.id:
            await self._open_suites(repo, head_sha, None, pull.author, None)
        await self.events.pull_request("opened", repo, pull, pull.author)
        return pull

    async def retarget(self, by: str, repo: Repository, pull: PullRequest, base: str) -> None:
        """Change the base branch."""
        git = repo.git
        tip = await git.tip(f"refs/heads/{base}")
        if tip is None:
            raise NotThere(f"no branch {base!r}")
        was = {"ref": {"from": pull.base_ref}, "sha": {"from": pull.base_sha}}
        pull.base_ref, pull.base_sha = base, tip
        await self._refresh(repo, pull, self._source(pull))
        await self.events.pull_request(
            "edited", repo, pull, self.world.account(by), {"changes": {"base": was}}
        )

    async def retitle(self, by: str, repo: Repository, pull: PullRequest, title: str) -> None:
        """Change the title."""
        changes = {"changes": {"title": {"from": pull.title}}}
        pull.title, pull.updated_at = title, self.world.stamp()
        await self.events.pull_request("edited", repo, pull, self.world.account(by), changes)

    def _source(self, pull: PullRequest) -> Repository | None:
        return self.world.repositories.get(pull.head_repository) if pull.head_repository is not None else None

    async def close(self, by: str, repo: Repository, pull: PullRequest) -> None:
        """Close without merging."""
        pull.state, pull.closed_at = "closed", self.world.stamp()
        pull.updated_at = pull.closed_at
        await self.events.pull_request("closed", repo, pull, self.world.account(by))

    async def reopen(self, by: str, repo: Repository, pull: PullRequest) -> None:
        """Open again, at the branch's present head."""
        source = self._source(pull)
        if source is not None:
            pull.head_sha = await source.git.tip(f"refs/heads/{pull.head_ref}") or pull.head_sha
        pull.state, pull.closed_at = "open", None
        await self._refresh(repo, pull, source)
        await self.events.pull_request("reopened", repo, pull, self.world.account(by))

    async def numbers(self, repo: Repository, pull: PullRequest) -> tuple[int, int, int, int]:
        """(files, added, removed, commits) of a pull request."""
        try:
            return await repo.git.shortstat(pull.base_sha, pull.head_sha)
        except GitError:
            return (0, 0, 0, 0)

    async def shown(self, repo: Repository, pull: PullRequest) -> Json:
        """A pull request as `GET /pulls/N` shows it."""
        return show.full_pull_request(self.world, repo, pull, await self.numbers(repo, pull))

    def label_id(self, repo: Repository, name: str) -> int:
        """A stable id for a label of a repository."""
        return zlib.crc32(f"{repo.id}/{name}".encode()) + 1
