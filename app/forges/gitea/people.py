"""Who may do what on Gitea and Forgejo, and who did."""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from app.forges.gitea.client import Client, on
from app.forges.gitea.views import INSTALLATION, CommitView, ReviewView, TeamView, User
from app.forges.rest.calls import Call, segment
from app.forges.values import Authors, Gone, Permission, Profile
from app.model import Actor, Misconfigured, Repository, Review, Sha

_LEVELS: Final[Mapping[str, str]] = {
    "owner": "admin",
    "admin": "admin",
    "write": "write",
    "read": "read",
    "none": "none",
}
_TEAM: Final = re.compile(r"@?([^/@\s]+)/([^/@\s]+)")
_DECISIVE: Final = frozenset({"APPROVED", "REQUEST_CHANGES"})


class _Permission(msgspec.Struct, kw_only=True):
    permission: str = "none"
    user: User | None = None


class PeopleReads:
    """The half that reads people."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def permission(self, repository: Repository, login: str) -> Permission:
        """A person's permission now."""
        call = on(repository, "permission", f"/collaborators/{segment(login)}/permission")
        try:
            found = await self._client.get(call, _Permission)
        except Gone:
            return Permission(level="none", actor=Actor(login=login))
        place = await self._client.known_place()
        actor = place.actor(found.user) if found.user is not None else Actor(login=login)
        return Permission(level=_LEVELS.get(found.permission, "none"), actor=actor)

    async def team_members(self, _repository: Repository, team: str) -> tuple[str, ...]:
        """Lower-case logins of `@org/team`; teams are not nested here. Raises Misconfigured where our account
        may not see the organisation's teams, Gone where there is none of that name.
        """
        parts = _TEAM.fullmatch(team)
        if parts is None:
            raise Misconfigured(f"{team!r} does not name a team", hint="write @organisation/team")
        org, name = parts.groups()
        listed = Call(kind="teams", who=INSTALLATION, path=f"/orgs/{segment(org)}/teams")
        for found in await self._client.items(listed, TeamView):
            if found.name.lower() == name.lower():
                members = Call(kind="team", who=INSTALLATION, path=f"/teams/{found.id}/members")
                people = await self._client.items(members, User)
                return tuple(person.name.lower() for person in people)
        raise Gone(f"team: there is no {team}")

    async def reviews(self, repository: Repository, number: int) -> tuple[Review, ...]:
        """Each reviewer's latest decisive review; comments decide nothing, a dismissed one is gone."""
        found = await self._client.items(on(repository, "reviews", f"/pulls/{number}/reviews"), ReviewView)
        place = await self._client.known_place()
        latest: dict[int, Review | None] = {}
        for view in sorted(found, key=lambda view: (view.submitted_at, view.id)):
            if view.user is not None and view.state in _DECISIVE:
                latest[view.user.id] = None if view.dismissed else view.review(place)
        return tuple(review for review in latest.values() if review is not None)

    async def commit_authors(self, repository: Repository, number: int) -> Authors:
        """The authors and committers of a pull request's commits."""
        found = await self._client.items(on(repository, "commits", f"/pulls/{number}/commits"), CommitView)
        people = (user for view in found for user in (view.author, view.committer))
        logins = {user.name.lower() for user in people if user is not None and user.name}
        by_email = {
            view.commit.author.email.lower(): view.author.name.lower() if view.author is not None else ""
            for view in found
            if view.commit is not None and view.commit.author is not None
        }
        return Authors(logins=tuple(sorted(logins)), by_email=by_email)

    async def commit_author(self, repository: Repository, sha: Sha) -> str:
        """The lower-case login of a commit's author, '' where no account has its e-mail address."""
        view = await self._client.get(on(repository, "commit", f"/git/commits/{segment(sha)}"), CommitView)
        return view.author.name.lower() if view.author is not None else ""

    async def profile(self, _repository: Repository, login: str) -> Profile:
        """What somebody shows of themselves. Raises Gone where there is no such account."""
        call = Call(kind="user", who=INSTALLATION, path=f"/users/{segment(login)}")
        found = await self._client.get(call, User)
        return Profile(name=found.full_name, email=found.email)
