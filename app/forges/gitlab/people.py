"""Who may do what on GitLab, who approved, who wrote what.

Sources: docs.gitlab.com "Members API" (access levels), "Merge request approvals API", "Merge requests API"
(reviewers, versions, commits).
"""

import re
from datetime import datetime
from typing import Final

from app.forges.gitlab.calls import at, on
from app.forges.gitlab.client import Client
from app.forges.gitlab.readers import iso
from app.forges.gitlab.views import (
    Account,
    Approvals,
    Commit,
    Member,
    Note,
    Reviewer,
    Version,
)
from app.forges.rest.calls import segment
from app.forges.values import Authors, Gone, Permission, Profile
from app.model import Actor, Misconfigured, Repository, Review, Sha

LEVELS: Final = ((50, "admin"), (40, "maintain"), (30, "write"), (20, "triage"), (10, "read"))
"""Owner, Maintainer, Developer, Reporter and Guest; roles between two count as the lower."""
_GROUP: Final = re.compile(r"@?([\w.-]+(?:/[\w.-]+)*)")
_PRIVATE: Final = re.compile(r"(?:\d+-)?([\w.-]+)@users\.noreply\.", re.IGNORECASE)
_APPROVED: Final = "approved this merge request"
_NEVER: Final = Sha("0" * 40)
"""No commit: what is not known to be given on one was given on none."""


class People:
    """The half of the GitLab forge that asks about people."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._ids: dict[str, int] = {}

    async def _user(self, login: str) -> Account | None:
        found = await self._client.items(at("users", "/users", params={"username": login}), Account)
        return next((user for user in found if user.username.lower() == login.lower()), None)

    async def permission(self, repository: Repository, login: str) -> Permission:
        """A person's permission now, inherited ones included. Who is blocked may do nothing."""
        user = await self._user(login)
        if user is None:
            return Permission(level="none", actor=Actor(login=login))
        try:
            path = f"/members/all/{user.id}"
            member = (await self._client.send(on(repository, "member", path))).read(Member)
        except Gone:
            return Permission(level="none" if repository.private else "read", actor=user.actor())
        barred = user.state != "active" or member.state != "active" or member.membership_state != "active"
        return Permission(level="none" if barred else level_of(member.access_level), actor=user.actor())

    async def team_members(self, repository: Repository, team: str) -> tuple[str, ...]:  # noqa: ARG002 - groups belong to no project
        """Lower-case logins of the group `@group/sub-group`, members of the groups above it included."""
        parts = _GROUP.fullmatch(team)
        if parts is None:
            raise Misconfigured(f"{team!r} does not name a group", hint="write @group or @group/sub-group")
        call = at("group_members", f"/groups/{segment(parts.group(1))}/members/all")
        members = await self._client.items(call, Member)
        return tuple(member.username.lower() for member in members if member.state == "active")

    async def reviews(self, repository: Repository, number: int) -> tuple[Review, ...]:
        """Who approves, and who asks for changes, now. GitLab tells when, not on which head: that is told by
        the versions of the merge request.
        """
        path = f"/merge_requests/{number}"
        answer = await self._client.send(on(repository, "approvals", f"{path}/approvals"))
        approvals = answer.read(Approvals).approved_by
        call = on(repository, "reviewers", f"{path}/reviewers")
        against = [
            Review(
                author=each.user.actor(),
                decision="changes_requested",
                commit=_NEVER,
                at=iso(each.updated_state_at),
            )
            for each in await self._client.items(call, Reviewer)
            if each.user is not None and each.state == "requested_changes"
        ]
        if not approvals:
            return tuple(against)
        versions = await self._client.items(on(repository, "versions", f"{path}/versions"), Version)
        told: dict[str, str] = {}
        if not all(each.approved_at for each in approvals):
            told = await self._told(repository, path)
        given = []
        for each in approvals:
            if each.user is not None and each.user.username:
                when = each.approved_at or told.get(each.user.username.lower(), "")
                commit = _head_at(versions, when)
                given.append(
                    Review(author=each.user.actor(), decision="approved", commit=commit, at=iso(when))
                )
        return (*given, *against)

    async def _told(self, repository: Repository, path: str) -> dict[str, str]:
        """When each last approved, by what GitLab itself noted: older servers do not tell otherwise."""
        call = on(repository, "notes", f"{path}/notes", params={"order_by": "created_at", "sort": "asc"})
        found: dict[str, str] = {}
        async for page in self._client.pages(call, list[Note]):
            for note in page:
                if note.system and note.body.strip() == _APPROVED and note.author is not None:
                    found[note.author.username.lower()] = note.created_at
        return found

    async def commit_authors(self, repository: Repository, number: int) -> Authors:
        """The addresses of a merge request's commits. GitLab tells no accounts of them but in its own private
        addresses.
        """
        call = on(repository, "commits", f"/merge_requests/{number}/commits")
        found = await self._client.items(call, Commit)
        by_email = {commit.author_email.lower(): _login(commit.author_email) for commit in found}
        logins = {_login(commit.committer_email) for commit in found} | set(by_email.values())
        return Authors(logins=tuple(sorted(logins - {""})), by_email=by_email)

    async def commit_author(self, repository: Repository, sha: Sha) -> str:
        """The lower-case login in a commit's private address, '' for any other."""
        call = on(repository, "commit", f"/repository/commits/{segment(sha)}")
        return _login((await self._client.send(call)).read(Commit).author_email)

    async def profile(self, repository: Repository, login: str) -> Profile:  # noqa: ARG002 - people belong to no project
        """What somebody shows of themselves. Raises Gone where there is no such account."""
        user = await self._user(login)
        if user is None:
            raise Gone(f"users: there is no {login} on GitLab")
        shown = (await self._client.send(at("user", f"/users/{user.id}"))).read(Account)
        return Profile(name=shown.name, email=shown.public_email or "")


def level_of(access_level: int) -> str:
    """The permission that an access level gives."""
    return next((level for least, level in LEVELS if access_level >= least), "none")


def _login(email: str) -> str:
    """The login in one of GitLab's private addresses (`12-alice@users.noreply.HOST`)."""
    found = _PRIVATE.match(email)
    return found.group(1).lower() if found else ""


def _head_at(versions: list[Version], when: str) -> Sha:
    """The head that a merge request had at a time; one that is not clearly older than it does not count."""
    approved = _moment(when)
    before = [(_moment(each.created_at), each.head_commit_sha) for each in versions]
    known = [(at, sha) for at, sha in before if approved and 0 < at < approved]
    _, sha = max(known, default=(0.0, ""))
    return Sha(sha) if sha else _NEVER


def _moment(text: str) -> float:
    """Epoch seconds, with what is told of their parts; 0 for what is no time."""
    try:
        return datetime.fromisoformat(re.sub(r" UTC$", "+00:00", text)).timestamp()
    except ValueError:
        return 0.0
