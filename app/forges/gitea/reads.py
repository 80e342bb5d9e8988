"""What Portcullis reads from Gitea and Forgejo, always as it is now."""

import base64
import binascii
from typing import Final

import msgspec

from app.forges.gitea.client import Client, on
from app.forges.gitea.views import INSTALLATION, BranchView, CommentView, PullRequest, Repo
from app.forges.rest.calls import Call, segments
from app.forges.values import Comment, Gone, OpenChanges, OpenPage, RequiredCheck
from app.model import Change, Outage, Repository

_NO_CONTENT: Final = frozenset({"dir", "symlink", "submodule"})


class _File(msgspec.Struct, kw_only=True):
    type: str = ""
    encoding: str | None = None
    content: str | None = None


class Reads:
    """The half that reads changes and repositories."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def git_credential(self, _repository: Repository) -> str:
        """The account's token: the forge makes none for one repository."""
        return await self._client.token()

    async def get_change(self, repository: Repository, number: int) -> Change:
        """The pull request as it is now (pusher unknown)."""
        pull = await self._client.get(on(repository, "pull", f"/pulls/{number}"), PullRequest)
        return pull.change(await self._client.known_place(), repository.full_name)

    async def open_changes(self, repository: Repository, _known: tuple[OpenPage, ...] = ()) -> OpenChanges:
        """All open pull requests, oldest first; the forge cannot tell whether a page is as it was."""
        place = await self._client.known_place()
        call = on(repository, "pulls", "/pulls", params={"state": "open", "sort": "oldest"}, fleeting=True)
        pages, read = [], []
        async for pulls in self._client.pages(call, list[PullRequest]):
            pages.append(OpenPage(etag="", touched={pull.number: pull.updated_at for pull in pulls}))
            read += [pull.change(place, repository.full_name) for pull in pulls]
        return OpenChanges(pages=tuple(pages), read=tuple(read))

    async def get_repository(self, repository: Repository) -> Repository:
        """The repository as it is now, by its id. Raises Gone for an archived one: nothing can be merged."""
        call = Call(kind="repository", who=INSTALLATION, path=f"/repositories/{repository.forge_id}")
        found = await self._client.get(call, Repo)
        if found.archived:
            raise Gone("repository: it is archived")
        return self._client.place.repository(found)

    async def protected_branches(self, repository: Repository) -> tuple[str, ...]:
        """Names of protected branches."""
        found = await self._client.items(on(repository, "branches", "/branches"), BranchView)
        return tuple(branch.name for branch in found if branch.protected)

    async def required_checks(self, repository: Repository, branch: str) -> tuple[RequiredCheck, ...]:
        """The statuses that the branch's protection requires: globs."""
        call = on(repository, "branch", f"/branches/{segments(branch)}")
        found = await self._client.get(call, BranchView)
        if not found.enable_status_check:
            return ()
        return tuple(RequiredCheck(context=each, glob=True) for each in found.status_check_contexts or ())

    async def read_file(self, repository: Repository, path: str, ref: str) -> bytes | None:
        """A file at a ref; None if absent, a directory, a link or a submodule."""
        try:
            call = on(repository, "file", f"/contents/{segments(path)}", params={"ref": ref})
            answer = await self._client.send(call)
        except Gone:
            return None
        if answer.content[:1] == b"[":
            return None
        found = answer.read(_File)
        if found.type in _NO_CONTENT:
            return None
        if found.encoding == "base64" and found.content is not None:
            try:
                return base64.b64decode(found.content)
            except binascii.Error:
                raise Outage("file: the forge gave content that could not be read") from None
        raw = on(repository, "file_raw", f"/raw/{segments(path)}", params={"ref": ref})
        return (await self._client.send(raw)).content

    async def get_comment(self, repository: Repository, _number: int, comment_id: int) -> Comment:
        """A comment by id, as it is now."""
        call = on(repository, "comment", f"/issues/comments/{comment_id}")
        return await self._comment(await self._client.get(call, CommentView))

    async def recent_comments(self, repository: Repository, number: int, since: str) -> tuple[Comment, ...]:
        """Comments updated since an ISO time."""
        found = await self.comments(repository, number, since)
        return tuple([await self._comment(view) for view in found])

    async def comments(self, repository: Repository, number: int, since: str = "") -> list[CommentView]:
        """All comments (which the forge gives at once), or those updated since an ISO time."""
        params: dict[str, str | int] = {"since": since} if since else {}
        call = on(repository, "comments", f"/issues/{number}/comments", params=params)
        return await self._client.get(call, list[CommentView])

    async def _comment(self, view: CommentView) -> Comment:
        number = (view.pull_request_url or view.issue_url).rpartition("/")[2]
        return Comment(
            id=view.id,
            author=(await self._client.known_place()).actor(view.user),
            body=view.body,
            edited=view.updated_at != view.created_at,
            number=int(number) if number.isdigit() else 0,
            at=view.created_at,
        )
