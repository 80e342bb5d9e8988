"""What Portcullis reads from GitHub, always as it is now."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar

import msgspec

from app.forges.github.calls import Call
from app.forges.github.client import Client
from app.forges.github.rules import BranchRule, ProtectedBranch, required_of
from app.forges.github.views import (
    App,
    CommentView,
    CommitView,
    Installation,
    ProfileView,
    PullRequest,
    Repo,
    ReviewView,
    User,
    actor_of,
)
from app.forges.rest.calls import APP, segment, segments
from app.forges.values import (
    Authors,
    Comment,
    Gone,
    OpenChanges,
    OpenPage,
    Permission,
    Profile,
    RequiredCheck,
)
from app.model import (
    Actor,
    ActorKind,
    Change,
    Misconfigured,
    Outage,
    Repository,
    Review,
    Sha,
)

T = TypeVar("T")

_LEVELS: Final = frozenset({"admin", "maintain", "write", "triage", "read", "none"})
_TEAM: Final = re.compile(r"@?([^/@\s]+)/([^/@\s]+)")
_PER_PAGE: Final = 100
_MOST_PAGES: Final = 1000
_RAW: Final = "application/vnd.github.raw+json"


class _File(msgspec.Struct, kw_only=True):
    type: str = ""
    encoding: str = ""
    content: str = ""


class _Permission(msgspec.Struct, kw_only=True):
    permission: str = "none"
    role_name: str = ""
    user: User | None = None


class _Branch(msgspec.Struct, kw_only=True):
    name: str = ""


class _Repositories(msgspec.Struct, kw_only=True):
    repositories: list[Repo] = []


class Reads:
    """The reading half of the GitHub forge."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def _get(self, call: Call, shape: type[T]) -> T:
        return (await self._client.send(call)).read(shape)

    async def git_credential(self, repository: Repository) -> str:
        """A token that can only read this repository's content, valid for ten more minutes when given."""
        return await self._client.token(repository.installation_id, clone=repository.forge_id)

    async def get_change(self, repository: Repository, number: int) -> Change:
        """The pull request as it is now (pusher unknown)."""
        return (await self._get(Call.on(repository, "pull", f"/pulls/{number}"), PullRequest)).change()

    async def open_changes(self, repository: Repository, known: tuple[OpenPage, ...] = ()) -> OpenChanges:
        """All open pull requests, oldest first, so that most pages stay as they are. Links are not followed:
        a page that did not change may have got a follower, so a full one is always asked for the next.
        """
        pages: list[OpenPage] = []
        read: list[Change] = []
        while len(pages) < _MOST_PAGES:
            number = len(pages) + 1
            before = known[number - 1] if number <= len(known) else None
            params: dict[str, str | int] = {
                "state": "open",
                "sort": "created",
                "direction": "asc",
                "per_page": _PER_PAGE,
                "page": number,
            }
            call = Call.on(
                repository,
                "pulls",
                "/pulls",
                params=params,
                fleeting=True,
                etag=before.etag if before is not None else "",
            )
            answer = await self._client.send(call)
            if before is not None and answer.unchanged:
                pages.append(before)
            else:
                pulls = answer.read(list[PullRequest])
                read += [pull.change() for pull in pulls]
                touched = {pull.number: pull.updated_at for pull in pulls}
                pages.append(OpenPage(etag=answer.etag, touched=touched))
            if len(pages[-1].touched) < _PER_PAGE:
                return OpenChanges(pages=tuple(pages), read=tuple(read))
        raise Outage(f"pulls: GitHub's list does not end after {_MOST_PAGES} pages")

    async def get_repository(self, repository: Repository) -> Repository:
        """The repository as it is now, by its id: the address GitHub's own redirects use. Raises Gone for an
        archived one too: nobody can post there, and nothing can be merged.
        """
        call = Call(
            kind="repository",
            who=repository.installation_id,
            path=f"/repositories/{repository.forge_id}",
        )
        found = (await self._client.send(call)).read(Repo)
        if found.archived:
            raise Gone("repository: it is archived")
        return found.repository(repository.installation_id)

    async def protected_branches(self, repository: Repository) -> tuple[str, ...]:
        """Names of protected branches."""
        found = await self._client.items(
            Call.on(repository, "branches", "/branches", params={"protected": "true"}), _Branch
        )
        return tuple(branch.name for branch in found)

    async def required_checks(self, repository: Repository, branch: str) -> tuple[RequiredCheck, ...]:
        """What rulesets and branch protection require on a branch."""
        where = segments(branch)
        rules = await self._client.items(Call.on(repository, "rules", f"/rules/branches/{where}"), BranchRule)
        try:
            branched = await self._get(Call.on(repository, "branch", f"/branches/{where}"), ProtectedBranch)
        except Gone:
            branched = ProtectedBranch()
        return required_of(rules, branched)

    async def read_file(self, repository: Repository, path: str, ref: str) -> bytes | None:
        """A file at a ref, revalidated by ETag; None if absent, a directory, a link or a submodule."""
        try:
            call = Call.on(repository, "file", f"/contents/{segments(path)}", params={"ref": ref})
            answer = await self._client.send(call)
        except Gone:
            return None
        if answer.content[:1] == b"[":
            return None
        found = answer.read(_File)
        if found.type != "file":
            return None
        if found.encoding == "base64":
            try:
                return base64.b64decode(found.content)
            except binascii.Error:
                raise Outage("file: GitHub gave content that could not be read") from None
        raw = msgspec.structs.replace(call, kind="file_raw", accept=_RAW)
        return (await self._client.send(raw)).content

    async def permission(self, repository: Repository, login: str) -> Permission:
        """A person's permission now; custom roles count as the level they inherit from."""
        try:
            found = await self._get(
                Call.on(repository, "permission", f"/collaborators/{segment(login)}/permission"), _Permission
            )
        except Gone:
            kind = ActorKind.BOT if login.endswith("[bot]") else ActorKind.PERSON
            return Permission(level="none", actor=Actor(login=login, kind=kind))
        level = found.role_name if found.role_name in _LEVELS else found.permission
        actor = actor_of(found.user) if found.user is not None else Actor(login=login)
        return Permission(level=level if level in _LEVELS else "none", actor=actor)

    async def team_members(self, repository: Repository, team: str) -> tuple[str, ...]:
        """Lower-case logins of `@org/team`, members of nested teams included (GitHub lists them)."""
        parts = _TEAM.fullmatch(team)
        if parts is None:
            raise Misconfigured(f"{team!r} does not name a team", hint="write @organisation/team")
        call = Call(
            kind="team",
            who=repository.installation_id,
            path=f"/orgs/{segment(parts.group(1))}/teams/{segment(parts.group(2))}/members",
        )
        return tuple(member.login.lower() for member in await self._client.items(call, User))

    async def reviews(self, repository: Repository, number: int) -> tuple[Review, ...]:
        """Each reviewer's latest decisive review; comments decide nothing, a dismissed one is gone."""
        found = await self._client.items(
            Call.on(repository, "reviews", f"/pulls/{number}/reviews"), ReviewView
        )
        latest: dict[int, Review | None] = {}
        for view in sorted(found, key=lambda view: (view.submitted_at or "", view.id)):
            if view.user is None:
                continue
            if view.state == "DISMISSED":
                latest[view.user.id] = None
            elif view.state in {"APPROVED", "CHANGES_REQUESTED"}:
                latest[view.user.id] = Review(
                    author=view.user.actor(),
                    decision="approved" if view.state == "APPROVED" else "changes_requested",
                    commit=Sha(view.commit_id or ""),
                    at=view.submitted_at or "",
                )
        return tuple(review for review in latest.values() if review is not None)

    async def commit_authors(self, repository: Repository, number: int) -> Authors:
        """The authors and committers of a pull request's first 250 commits, which is what GitHub lists."""
        call = Call.on(repository, "commits", f"/pulls/{number}/commits")
        found = await self._client.items(call, CommitView)
        people = (user for view in found for user in (view.author, view.committer))
        logins = {user.login.lower() for user in people if user is not None and user.login}
        by_email = {
            view.commit.author.email.lower(): view.author.login.lower() if view.author is not None else ""
            for view in found
            if view.commit is not None and view.commit.author is not None
        }
        return Authors(logins=tuple(sorted(logins)), by_email=by_email)

    async def commit_author(self, repository: Repository, sha: Sha) -> str:
        """The lower-case login of a commit's author, '' where GitHub knows no account for its e-mail."""
        view = await self._get(Call.on(repository, "commit", f"/commits/{segment(sha)}"), CommitView)
        return view.author.login.lower() if view.author is not None else ""

    async def profile(self, repository: Repository, login: str) -> Profile:
        """What somebody shows of themselves. Raises Gone where there is no such account."""
        call = Call(kind="user", who=repository.installation_id, path=f"/users/{segment(login)}")
        found = await self._get(call, ProfileView)
        return Profile(name=found.name or "", email=found.email or "")

    async def get_comment(self, repository: Repository, number: int, comment_id: int) -> Comment:  # noqa: ARG002 - GitHub knows a comment by its id
        """A comment by id, as it is now."""
        view = await self._get(Call.on(repository, "comment", f"/issues/comments/{comment_id}"), CommentView)
        return _comment(view)

    async def recent_comments(self, repository: Repository, number: int, since: str) -> tuple[Comment, ...]:
        """Comments updated since an ISO time."""
        params: dict[str, str | int] = {"since": since} if since else {}
        found = await self._client.items(
            Call.on(repository, "comments", f"/issues/{number}/comments", params=params), CommentView
        )
        return tuple(_comment(view) for view in found)

    async def installations(self) -> tuple[tuple[int, str], ...]:
        """(installation id, account) of all installations that are not suspended."""
        call = Call(kind="installations", who=APP, path="/app/installations")
        return tuple(
            (found.id, found.account.login if found.account is not None else "")
            for found in await self._client.items(call, Installation)
            if found.suspended_at is None
        )

    async def installation_repositories(self, installation_id: int) -> tuple[Repository, ...]:
        """All repositories an installation gives access to, without archived ones."""
        call = Call(kind="installation_repositories", who=installation_id, path="/installation/repositories")
        pages = [page async for page in self._client.pages(call, _Repositories)]
        found = (repo for page in pages for repo in page.repositories if not repo.archived)
        return tuple(repo.repository(installation_id) for repo in found)

    async def whoami(self) -> Mapping[str, object]:
        """The app itself: `slug`, `id`, `permissions`, `events`, `html_url`."""
        found = (await self._client.send(Call(kind="app", who=APP, path="/app"))).read(App)
        described: dict[str, Any] = msgspec.to_builtins(found)
        return described


def _comment(view: CommentView) -> Comment:
    number = view.issue_url.rpartition("/")[2]
    return Comment(
        id=view.id,
        author=actor_of(view.user),
        body=view.body or "",
        edited=view.updated_at != view.created_at,
        number=int(number) if number.isdigit() else 0,
        at=view.created_at,
    )
