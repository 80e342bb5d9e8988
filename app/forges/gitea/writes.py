"""What Portcullis makes true on Gitea and Forgejo: commit statuses, the sticky comment, reactions."""

from typing import Final

from app.forges.gitea.client import Client, Refused, on
from app.forges.gitea.reads import Reads
from app.forges.gitea.views import CommentView, StatusView
from app.forges.importance import Importance
from app.forges.rest.calls import Lost, segment
from app.forges.rest.texts import brief, fit
from app.forges.statuses import as_status
from app.forges.values import Gone, Posted
from app.model import CommitStatus, Outage, Publication, Repository, StickyComment

COMMENT_LIMIT: Final = 65_535
"""Bytes of the smallest column that keeps comments (MySQL's TEXT)."""
STATUS_LIMIT: Final = 255
"""Characters of a description that pages show on one line; servers keep more."""
_TRIES: Final = 4


class Writes:
    """The half that writes."""

    def __init__(self, client: Client, reads: Reads) -> None:
        self._client = client
        self._reads = reads

    async def publish(
        self,
        repository: Repository,
        publication: Publication,
        _known: int | None,
        *,
        fresh: bool = False,  # noqa: ARG002 - a status is never looked for
        plain: bool = False,  # noqa: ARG002 - nor is what it shows
    ) -> Posted:
        """Make one commit status true: the newest of its context is what counts. It is posted each time: what
        another worker or somebody else posted meanwhile is not known here, and would stand.
        """
        return Posted(id=await self._status(repository, as_status(publication)))

    async def set_status(self, repository: Repository, status: CommitStatus) -> None:
        """Post a commit status."""
        await self._status(repository, status)

    async def _status(self, repository: Repository, status: CommitStatus) -> int:
        body = {
            "state": status.state,
            "context": status.context,
            "description": brief(status.description, STATUS_LIMIT),
            "target_url": status.target_url,
        }
        call = on(
            repository,
            "status",
            f"/statuses/{segment(status.sha)}",
            method="POST",
            body=body,
            content=True,
        )
        return (await self._client.get(call, StatusView)).id

    async def publish_comment(
        self, repository: Repository, comment: StickyComment, known: int | None, *, fresh: bool = False
    ) -> Posted:
        """Make the sticky comment true; see the protocol. Nothing is written if it already says so."""
        body = fit(comment.body, COMMENT_LIMIT, "")
        if known is not None:
            try:
                return await self._edit(repository, known, body)
            except Gone:  # somebody deleted it
                known = None
        look, lost = not fresh, Lost("never sent")
        for _ in range(_TRIES):
            existing = await self._sticky(repository, comment) if look else None
            if existing is not None:
                if existing.body == body:
                    return Posted(id=existing.id, url=existing.html_url)
                return await self._edit(repository, existing.id, body)
            try:
                return await self._post(repository, comment.number, body)
            except Lost as problem:
                look, lost = True, problem
        raise Outage(lost.message, retry_at=lost.retry_at)

    async def _edit(self, repository: Repository, comment_id: int, body: str) -> Posted:
        call = on(
            repository,
            "comment_update",
            f"/issues/comments/{comment_id}",
            method="PATCH",
            body={"body": body},
            content=True,
            importance=Importance.COMMENT,
        )
        view = await self._client.get(call, CommentView)
        return Posted(id=view.id, url=view.html_url)

    async def _post(self, repository: Repository, number: int, body: str) -> Posted:
        call = on(
            repository,
            "comment_create",
            f"/issues/{number}/comments",
            method="POST",
            body={"body": body},
            content=True,
            importance=Importance.COMMENT,
            once=True,
        )
        view = await self._client.get(call, CommentView)
        return Posted(id=view.id, url=view.html_url)

    async def _sticky(self, repository: Repository, comment: StickyComment) -> CommentView | None:
        """The oldest comment of our own account with the marker: others may copy the marker, not us."""
        own = (await self._client.known_place()).own_id
        for view in sorted(await self._reads.comments(repository, comment.number), key=lambda one: one.id):
            if view.user is not None and view.user.id == own and view.body.startswith(comment.marker):
                return view
        return None

    async def react(self, repository: Repository, _number: int, comment_id: int, reaction: str) -> None:
        """Answer a comment with a reaction, where the server's owner allows it; the same twice is one."""
        call = on(
            repository,
            "reaction",
            f"/issues/comments/{comment_id}/reactions",
            method="POST",
            body={"content": reaction},
            content=True,
            importance=Importance.COMMENT,
        )
        try:
            await self._client.send(call)
        except Refused:
            return  # not among the server's reactions: the answer stands in the comment anyway
