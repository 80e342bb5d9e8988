"""What Portcullis makes true on GitLab. Everything may be repeated.

A verdict is a commit status, and the sticky note tells the rest. Sources: docs.gitlab.com "Commits API" (set
the pipeline status of a commit), "External commit statuses", "Notes API"; GitLab's CreateCommitStatusService:
a status that has not ended is the account's own of that name and ref in the newest pipeline of the SHA (or
the one that `pipeline_id` names); after it has ended another one takes its place.
"""

from typing import Final

from app.forges.gitlab.calls import on
from app.forges.gitlab.client import Client
from app.forges.gitlab.errors import NoTransition, Refused
from app.forges.gitlab.places import Place, Places
from app.forges.gitlab.status_checks import StatusChecks
from app.forges.gitlab.texts import COMMENT_LIMIT, POSTED, STATUS_LIMIT, UNDECIDED, State, note_of, state_of
from app.forges.gitlab.views import Note, Status
from app.forges.importance import Importance
from app.forges.rest.calls import Lost, segment
from app.forges.rest.texts import brief, fit
from app.forges.values import Gone, Posted
from app.model import CommitStatus, Outage, Publication, Repository, Sha, StickyComment

_TRIES: Final = 4
_EMOJI: Final = {"+1": "thumbsup", "-1": "thumbsdown"}


class Writes:
    """The writing half of the GitLab forge."""

    def __init__(self, client: Client, places: Places, checks: StatusChecks) -> None:
        self._client = client
        self._places = places
        self._checks = checks

    async def publish(
        self,
        repository: Repository,
        publication: Publication,
        known: int | None,  # noqa: ARG002 - GitLab finds it by its name
        *,
        fresh: bool = False,  # noqa: ARG002
        plain: bool = False,  # noqa: ARG002
    ) -> Posted:
        """Make one commit status true, and answer the project's external status check of that name if there
        is one.
        """
        state = state_of(publication)
        posted = await self._status(
            repository,
            publication.head_sha,
            publication.name,
            state,
            publication.title,
            publication.details_url,
        )
        await self._checks.answer(repository, publication.head_sha, publication.name, state)
        return posted

    async def set_status(self, repository: Repository, status: CommitStatus) -> None:
        """Post a commit status."""
        await self._status(
            repository,
            status.sha,
            status.context,
            POSTED[status.state],
            status.description,
            status.target_url,
        )

    async def _status(
        self, repository: Repository, sha: Sha, name: str, state: State, description: str, url: str
    ) -> Posted:
        """Post it in each pipeline that merging waits for."""
        body: dict[str, object] = {
            "state": state,
            "name": brief(name, STATUS_LIMIT),
            "description": brief(description, STATUS_LIMIT),
        }
        if url and len(url) <= STATUS_LIMIT:
            body["target_url"] = url
        posted = Posted(id=0)
        for place in await self._places.of(repository, sha):
            posted = await self._status_at(repository, place, body)
        return posted

    async def _status_at(self, repository: Repository, place: Place, body: dict[str, object]) -> Posted:
        where: dict[str, object] = {"ref": place.ref} if place.ref else {}
        if place.pipeline:
            where["pipeline_id"] = place.pipeline
        call = on(
            repository,
            "status",
            f"/statuses/{segment(place.sha)}",
            method="POST",
            body={**body, **where},
            content=True,
        )
        try:
            return Posted(id=(await self._client.send(call)).read(Status).id)
        except NoTransition:
            return await self._so_already(repository, place, str(body["name"]), str(body["state"]))

    async def _so_already(self, repository: Repository, place: Place, name: str, state: str) -> Posted:
        """GitLab refuses to repeat a state, and to go back to an earlier one: fine where it is so."""
        own = await self._client.own_id()
        call = on(
            repository,
            "statuses",
            f"/repository/commits/{segment(place.sha)}/statuses",
            params={"name": name, **({"pipeline_id": place.pipeline} if place.pipeline else {})},
            fleeting=True,
        )
        ours = [
            status
            for status in await self._client.items(call, Status)
            if status.name == name and status.author is not None and status.author.id == own
        ]
        newest = max(ours, key=lambda status: status.id, default=None)
        if newest is not None and (newest.status == state or {newest.status, state} == UNDECIDED):
            return Posted(id=newest.id)
        there = "nothing of ours" if newest is None else newest.status
        raise Refused(f"status: GitLab does not let {name!r} become {state}: there is {there}")

    async def publish_comment(
        self, repository: Repository, comment: StickyComment, known: int | None, *, fresh: bool = False
    ) -> Posted:
        """Make the sticky note true; see the protocol. Nothing is written if it already says so."""
        body = fit(note_of(comment.body), COMMENT_LIMIT, "")
        if known is not None:
            try:
                return await self._edit(repository, comment.number, known, body)
            except Gone:  # somebody deleted it
                known = None
        look, lost = not fresh, Lost("never sent")
        for _ in range(_TRIES):
            existing = await self._sticky(repository, comment) if look else None
            if existing is not None:
                if existing.body == body:
                    return Posted(id=existing.id)
                return await self._edit(repository, comment.number, existing.id, body)
            try:
                return await self._post(repository, comment.number, body)
            except Lost as problem:
                look, lost = True, problem
        raise Outage(lost.message, retry_at=lost.retry_at)

    async def _edit(self, repository: Repository, number: int, note_id: int, body: str) -> Posted:
        call = on(
            repository,
            "note_update",
            f"/merge_requests/{number}/notes/{note_id}",
            method="PUT",
            body={"body": body},
            content=True,
            importance=Importance.COMMENT,
        )
        return Posted(id=(await self._client.send(call)).read(Note).id)

    async def _post(self, repository: Repository, number: int, body: str) -> Posted:
        await self._client.own_id()  # by which what it is told of our note is known as ours
        call = on(
            repository,
            "note_create",
            f"/merge_requests/{number}/notes",
            method="POST",
            body={"body": body},
            content=True,
            importance=Importance.COMMENT,
            once=True,
        )
        return Posted(id=(await self._client.send(call)).read(Note).id)

    async def _sticky(self, repository: Repository, comment: StickyComment) -> Note | None:
        """The oldest note of our own account with the marker: others may copy the marker, not the account."""
        own = await self._client.own_id()
        call = on(
            repository,
            "notes",
            f"/merge_requests/{comment.number}/notes",
            params={"order_by": "created_at", "sort": "asc"},
        )
        async for page in self._client.pages(call, list[Note]):
            for note in page:
                mine = note.author is not None and note.author.id == own
                if mine and note.body.startswith(comment.marker):
                    return note
        return None

    async def react(self, repository: Repository, number: int, comment_id: int, reaction: str) -> None:
        """Answer a note with an emoji; the same one twice is refused, and there already."""
        call = on(
            repository,
            "award",
            f"/merge_requests/{number}/notes/{comment_id}/award_emoji",
            method="POST",
            body={"name": _EMOJI.get(reaction, reaction)},
            content=True,
            importance=Importance.COMMENT,
        )
        try:
            await self._client.send(call)
        except (Refused, Gone) as problem:
            if "already been taken" not in problem.message:
                raise
