"""What Portcullis makes true on GitHub. Everything may be repeated: find, then update or create.

A creation whose answer was lost is never repeated blindly: what it may have left is looked for first.
"""

from typing import Any, Final

import msgspec

from app.forges.github.calls import Call
from app.forges.github.client import Client
from app.forges.github.texts import (
    ANNOTATIONS_PER_REQUEST,
    COMMENT_LIMIT,
    STATUS_LIMIT,
    annotation_identity,
    annotation_json,
    check_run_json,
)
from app.forges.github.views import App, CheckRun, CommentView
from app.forges.importance import Importance
from app.forges.rest.calls import APP, Lost, segment
from app.forges.rest.texts import brief, fit
from app.forges.values import Gone, Posted
from app.model import CheckRunStatus, CommitStatus, Outage, Publication, Repository, Sha, StickyComment

_TRIES: Final = 4


class _CheckRuns(msgspec.Struct, kw_only=True):
    check_runs: list[CheckRun] = []


class Writes:
    """The writing half of the GitHub forge."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._slug = ""

    async def publish(
        self,
        repository: Repository,
        publication: Publication,
        known: int | None,
        *,
        fresh: bool = False,
        plain: bool = False,
    ) -> Posted:
        """Make one check run true; see the protocol. Annotations go in batches of 50. They can only be
        added on GitHub, so those already there are not sent twice, and a run that shows ones no longer
        wanted is replaced by a new run.
        """
        look, lost = not fresh, Lost("never sent")
        unseen = CheckRun(id=known, status="in_progress") if plain and known is not None else None
        for _ in range(_TRIES):
            existing = await self._existing(repository, publication, known) if look and not unseen else unseen
            try:
                return await self._make_true(repository, publication, existing)
            except Gone:
                if unseen is None:
                    raise
                unseen = None  # deleted meanwhile: look, like everybody else
            except Lost as problem:
                # It may have been created all the same: from now on look before creating.
                look, lost, unseen = True, problem, None
        raise Outage(lost.message, retry_at=lost.retry_at)

    async def _existing(
        self, repository: Repository, publication: Publication, known: int | None
    ) -> CheckRun | None:
        """The run to update: by its id, else the newest of ours with that external_id."""
        if known is not None:
            try:
                return await self._run(repository, known)
            except Gone:
                pass
        call = Call.on(
            repository,
            "check_run_find",
            f"/commits/{segment(publication.head_sha)}/check-runs",
            params={
                "check_name": publication.name,
                "app_id": self._client.keyring.app().app_id,
                "filter": "all",
            },
        )
        found = [
            run
            async for page in self._client.pages(call, _CheckRuns)
            for run in page.check_runs
            if run.external_id == publication.external_id
        ]
        return max(found, key=lambda run: run.id, default=None)

    async def _run(self, repository: Repository, run_id: int) -> CheckRun:
        call = Call.on(repository, "check_run_get", f"/check-runs/{run_id}")
        return (await self._client.send(call)).read(CheckRun)

    async def _make_true(
        self, repository: Repository, publication: Publication, existing: CheckRun | None
    ) -> Posted:
        body = check_run_json(publication)
        wanted = [annotation_json(each) for each in publication.annotations]
        if publication.status is CheckRunStatus.IN_PROGRESS and existing and existing.status == "completed":
            existing = None
        if existing is not None and existing.output.annotations_count:
            missing = await self._missing(repository, existing.id, wanted)
            if missing is None:
                existing = None
            else:
                wanted = missing
        first, rest = wanted[:ANNOTATIONS_PER_REQUEST], wanted[ANNOTATIONS_PER_REQUEST:]
        if first:
            body["output"]["annotations"] = first
        if existing is None:
            run = await self._create(repository, publication.head_sha, body)
        else:
            run = await self._update(repository, existing.id, body)
        for start in range(0, len(rest), ANNOTATIONS_PER_REQUEST):
            await self._update(repository, run.id, _more(body, rest[start : start + ANNOTATIONS_PER_REQUEST]))
        return Posted(id=run.id, url=run.html_url or "")

    async def _missing(
        self, repository: Repository, run_id: int, wanted: list[dict[str, Any]]
    ) -> list[dict[str, Any]] | None:
        """Which wanted annotations the run lacks; None if it shows one that is not wanted."""
        call = Call.on(repository, "annotations", f"/check-runs/{run_id}/annotations")
        there = {
            annotation_identity(shown)
            async for page in self._client.pages(call, list[dict[str, Any]])
            for shown in page
        }
        if there - {annotation_identity(each) for each in wanted}:
            return None
        return [each for each in wanted if annotation_identity(each) not in there]

    async def _create(self, repository: Repository, sha: Sha, body: dict[str, Any]) -> CheckRun:
        call = Call.on(
            repository,
            "check_run_create",
            "/check-runs",
            method="POST",
            body={**body, "head_sha": sha},
            content=True,
            once=True,
        )
        return (await self._client.send(call)).read(CheckRun)

    async def _update(self, repository: Repository, run_id: int, body: dict[str, Any]) -> CheckRun:
        # Repeating a lost PATCH that carried annotations would show them twice.
        carries = "annotations" in body["output"]
        call = Call.on(
            repository, "check_run_update", f"/check-runs/{run_id}", method="PATCH", body=body, once=carries
        )
        return (await self._client.send(call)).read(CheckRun)

    async def set_status(self, repository: Repository, status: CommitStatus) -> None:
        """Post a commit status. GitHub keeps 1,000 per SHA and context: write only on change."""
        body = {
            "state": status.state,
            "context": status.context,
            "description": brief(status.description, STATUS_LIMIT),
            "target_url": status.target_url,
        }
        await self._client.send(
            Call.on(
                repository,
                "status",
                f"/statuses/{segment(status.sha)}",
                method="POST",
                body=body,
                content=True,
            )
        )

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
        call = Call.on(
            repository,
            "comment_update",
            f"/issues/comments/{comment_id}",
            method="PATCH",
            body={"body": body},
            content=True,
            importance=Importance.COMMENT,
        )
        view = (await self._client.send(call)).read(CommentView)
        return Posted(id=view.id, url=view.html_url)

    async def _post(self, repository: Repository, number: int, body: str) -> Posted:
        call = Call.on(
            repository,
            "comment_create",
            f"/issues/{number}/comments",
            method="POST",
            body={"body": body},
            content=True,
            importance=Importance.COMMENT,
            once=True,
        )
        view = (await self._client.send(call)).read(CommentView)
        return Posted(id=view.id, url=view.html_url)

    async def _sticky(self, repository: Repository, comment: StickyComment) -> CommentView | None:
        """The oldest comment of our own app with the marker: others may copy the marker, not the app."""
        call = Call.on(repository, "comments", f"/issues/{comment.number}/comments")
        async for page in self._client.pages(call, list[CommentView]):
            for view in page:
                if (view.body or "").startswith(comment.marker) and await self._is_ours(view):
                    return view
        return None

    async def _is_ours(self, view: CommentView) -> bool:
        if view.performed_via_github_app is not None:
            return view.performed_via_github_app.id == self._client.keyring.app().app_id
        # older servers do not tell the app: then its bot's name does, which nobody else can have
        login = view.user.login if view.user is not None else ""
        return login.endswith("[bot]") and login == f"{await self._own_slug()}[bot]"

    async def _own_slug(self) -> str:
        if not self._slug:
            answer = await self._client.send(Call(kind="app", who=APP, path="/app"))
            self._slug = answer.read(App).slug or ""
        return self._slug

    async def react(self, repository: Repository, number: int, comment_id: int, reaction: str) -> None:  # noqa: ARG002 - as above
        """Answer a comment with a reaction; the same one twice is one on GitHub."""
        await self._client.send(
            Call.on(
                repository,
                "reaction",
                f"/issues/comments/{comment_id}/reactions",
                method="POST",
                body={"content": reaction},
                content=True,
                importance=Importance.COMMENT,
            )
        )


def _more(body: dict[str, Any], annotations: list[dict[str, Any]]) -> dict[str, Any]:
    """A further batch: GitHub wants title and summary with every output."""
    output = {"title": body["output"]["title"], "summary": body["output"]["summary"]}
    if "text" in body["output"]:
        output["text"] = body["output"]["text"]
    return {"output": {**output, "annotations": annotations}}
