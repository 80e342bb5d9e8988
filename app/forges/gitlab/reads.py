"""What Portcullis reads from GitLab about projects and merge requests, always as it is now."""

import base64
import binascii
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, Final, TypeVar

import msgspec

from app.forges.gitlab.calls import at, on
from app.forges.gitlab.client import Client
from app.forges.gitlab.readers import iso
from app.forges.gitlab.views import (
    INSTALLATION,
    AccessToken,
    Account,
    Branch,
    File,
    MergeRequest,
    Note,
    Project,
    actor_of,
)
from app.forges.rest.calls import segment
from app.forges.values import Comment, Gone, OpenChanges, OpenPage, RequiredCheck
from app.model import Change, Outage, Repository

T = TypeVar("T")
_PER_PAGE: Final = 100
_MOST_PAGES: Final = 500
"""GitLab lists no more than 50,000 by page."""
_DEVELOPER: Final = 30
_NAMES_KEPT: Final = 10_000
NAME: Final = "portcullis"
"""What our verdict is called."""


class Reads:
    """The reading half of the GitLab forge."""

    def __init__(self, client: Client, host: str) -> None:
        self._client = client
        self._host = host
        self._names: dict[int, str | None] = {}

    async def _get(self, repository: Repository, kind: str, path: str, shape: type[T]) -> T:
        return (await self._client.send(on(repository, kind, path))).read(shape)

    async def git_credential(self, repository: Repository) -> str:  # noqa: ARG002 - one token for all
        """The connection's token: GitLab mints no narrower one."""
        return await self._client.token()

    async def get_change(self, repository: Repository, number: int) -> Change:
        """The merge request as it is now (pusher unknown). Raises Outage while GitLab has not found its head
        yet.
        """
        found = await self._get(repository, "merge_request", f"/merge_requests/{number}", MergeRequest)
        if not found.sha:
            raise Outage("merge_request: GitLab has not looked at its head yet")
        return found.change(await self._head_repository(repository, found))

    async def _head_repository(self, repository: Repository, found: MergeRequest) -> str | None:
        """The path of the project that a merge request comes from; None where it is gone or hidden."""
        source = found.source_project_id
        if source is None or source == repository.forge_id:
            return repository.full_name if source is not None else None
        if source not in self._names:
            if len(self._names) >= _NAMES_KEPT:
                self._names.clear()
            try:
                answer = await self._client.send(at("project", f"/projects/{source}"))
            except Gone:
                self._names[source] = None
            else:
                self._names[source] = answer.read(Project).path_with_namespace
        return self._names[source]

    async def open_changes(self, repository: Repository, known: tuple[OpenPage, ...] = ()) -> OpenChanges:
        """All open merge requests, oldest first, so that most pages stay as they are. A full page is always
        asked for the next: one that did not change may have got a follower.
        """
        pages: list[OpenPage] = []
        read: list[Change] = []
        while len(pages) < _MOST_PAGES:
            number = len(pages) + 1
            before = known[number - 1] if number <= len(known) else None
            call = on(
                repository,
                "merge_requests",
                "/merge_requests",
                params={
                    "state": "opened",
                    "order_by": "created_at",
                    "sort": "asc",
                    "per_page": _PER_PAGE,
                    "page": number,
                },
                fleeting=True,
                etag=before.etag if before is not None else "",
            )
            answer = await self._client.send(call)
            if before is not None and answer.unchanged:
                pages.append(before)
            else:
                found = answer.read(list[MergeRequest])
                read += [
                    each.change(await self._head_repository(repository, each)) for each in found if each.sha
                ]
                touched = {each.iid: iso(each.updated_at) for each in found}
                pages.append(OpenPage(etag=answer.etag, touched=touched))
            if len(pages[-1].touched) < _PER_PAGE:
                return OpenChanges(pages=tuple(pages), read=tuple(read))
        raise Outage(f"merge_requests: GitLab's list does not end after {_MOST_PAGES} pages")

    async def _project(self, repository: Repository) -> Project:
        return await self._get(repository, "project", "", Project)

    async def get_repository(self, repository: Repository) -> Repository:
        """The project as it is now. Raises Gone for one that is archived or about to be deleted: nothing can
        be posted nor merged there.
        """
        found = await self._project(repository)
        if found.archived or found.marked_for_deletion_on:
            raise Gone("project: it is archived, or about to be deleted")
        return found.repository()

    async def protected_branches(self, repository: Repository) -> tuple[str, ...]:
        """Names of protected branches: those that a protection with `*` covers one by one."""
        call = on(repository, "protected_branches", "/protected_branches")
        rules = [rule.name for rule in await self._client.items(call, Branch)]
        globs = [rule for rule in rules if "*" in rule]
        names = [rule for rule in rules if "*" not in rule]
        for glob in globs:
            found = await self._client.items(
                on(
                    repository,
                    "branches",
                    "/repository/branches",
                    params={"search": f"^{glob.partition('*')[0]}"} if not glob.startswith("*") else {},
                ),
                Branch,
            )
            names += [branch.name for branch in found if _covers(glob, branch.name)]
        return tuple(dict.fromkeys(names))

    async def required_checks(self, repository: Repository, branch: str) -> tuple[RequiredCheck, ...]:  # noqa: ARG002 - GitLab asks the same of all
        """GitLab requires no status by its name: where pipelines must succeed, all that is posted must, ours
        among them. External status checks are required by their names.
        """
        project = await self._project(repository)
        found = []
        if project.only_allow_merge_if_pipeline_succeeds:
            found.append(RequiredCheck(context=NAME))
        return tuple(found)

    async def read_file(self, repository: Repository, path: str, ref: str) -> bytes | None:
        """A file at a ref, revalidated by ETag; None if absent."""
        call = on(repository, "file", f"/repository/files/{segment(path)}", params={"ref": ref})
        try:
            found = (await self._client.send(call)).read(File)
        except Gone:
            return None
        try:
            return base64.b64decode(found.content) if found.encoding == "base64" else found.content.encode()
        except binascii.Error:
            raise Outage("file: GitLab gave content that could not be read") from None

    async def get_comment(self, repository: Repository, number: int, comment_id: int) -> Comment:
        """A note of a merge request by its id, as it is now."""
        path = f"/merge_requests/{number}/notes/{comment_id}"
        return _comment(await self._get(repository, "note", path, Note), number)

    async def recent_comments(self, repository: Repository, number: int, since: str) -> tuple[Comment, ...]:
        """Notes that people changed since an ISO time: newest first, until older ones come."""
        call = on(
            repository,
            "notes",
            f"/merge_requests/{number}/notes",
            params={"order_by": "updated_at", "sort": "desc"},
        )
        found: list[Comment] = []
        async for page in self._client.pages(call, list[Note]):
            recent = [note for note in page if not since or iso(note.updated_at) >= since]
            found += [_comment(note, number) for note in recent if not note.system]
            if len(recent) < len(page):
                break
        return tuple(reversed(found))

    async def installations(self) -> tuple[tuple[int, str], ...]:
        """The token's account: GitLab knows no installations."""
        await self._client.token()
        return ((INSTALLATION, self._host),)

    async def installation_repositories(self, installation_id: int) -> tuple[Repository, ...]:
        """All projects where the token's account may post statuses, without archived ones."""
        call = msgspec.structs.replace(
            at("projects", "/projects"),
            who=installation_id,
            params={
                "membership": "true",
                "min_access_level": _DEVELOPER,
                "archived": "false",
                "order_by": "id",
                "sort": "asc",
                "pagination": "keyset",
            },
        )
        found = await self._client.items(call, Project)
        return tuple(project.repository() for project in found if not project.archived)

    async def whoami(self) -> Mapping[str, object]:
        """The token: its account's `slug` and `id`, `scopes`, `expires_at`, whether it is `active`."""
        await self._client.own_id()  # from now on what we post is known as ours
        user = (await self._client.send(at("user", "/user"))).read(Account)
        described: dict[str, Any] = {"slug": user.username, "id": user.id}
        try:
            token = (await self._client.send(at("token", "/personal_access_tokens/self"))).read(AccessToken)
        except Gone:  # an OAuth token
            return described
        return {**described, **msgspec.to_builtins(token)}


def _covers(glob: str, name: str) -> bool:
    """Whether a protection covers a branch: only `*` means anything, and any number of any characters."""
    return fnmatchcase(name, glob.replace("[", "[[]").replace("?", "[?]"))


def _comment(note: Note, number: int) -> Comment:
    return Comment(
        id=note.id,
        author=actor_of(note.author),
        body=note.body,
        edited=iso(note.updated_at) != iso(note.created_at),
        number=number,
        at=iso(note.created_at),
    )
