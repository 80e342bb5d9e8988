"""Where a verdict on a head is shown, and where what others run for it is found.

GitLab runs pipelines for a head, or for a merge of it (merged results, merge trains), whose SHA is another. A
merge waits for the merge request's `head_pipeline`: there our status must be.
"""

import msgspec

from app.forges.gitlab.calls import on
from app.forges.gitlab.client import Client
from app.forges.gitlab.views import Commit, MergeRequest, Pipeline
from app.forges.rest.calls import segment
from app.forges.values import Gone
from app.model import Repository, Sha


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A SHA to post on; `ref` and `pipeline` (0 = none yet) are what GitLab finds the pipeline by."""

    sha: Sha
    ref: str = ""
    pipeline: int = 0


class Places:
    """Looks for merge requests by their head."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def merge_requests(self, repository: Repository, sha: Sha) -> list[MergeRequest]:
        """The open merge requests that have this head."""
        call = on(
            repository,
            "merge_requests_of",
            f"/repository/commits/{segment(sha)}/merge_requests",
            params={"state": "opened"},
            fleeting=True,
        )
        try:
            found = await self._client.items(call, MergeRequest)
        except Gone:
            return []
        return [each for each in found if each.sha == sha]

    async def of(self, repository: Repository, sha: Sha) -> tuple[Place, ...]:
        """Where a verdict on a head belongs: at least one place. Without a pipeline GitLab makes one, which
        needs to know a branch: that of the merge request (a fork's head is on no branch here).
        """
        places: list[Place] = []
        for each in await self.merge_requests(repository, sha):
            run = await self._head_pipeline(repository, each.iid, sha)
            if run is not None:
                places.append(Place(sha=Sha(run.sha), ref=run.ref, pipeline=run.id))
                continue
            mine = each.source_project_id == each.target_project_id
            ref = each.source_branch if mine else f"refs/merge-requests/{each.iid}/head"
            places.append(Place(sha=sha, ref=ref))
        return tuple(dict.fromkeys(places)) or (Place(sha=sha),)

    async def pipelines(self, repository: Repository, sha: Sha) -> list[Pipeline]:
        """The pipelines that run for a head, or for a merge of it that is waited for."""
        call = on(repository, "pipelines", "/pipelines", params={"sha": sha}, fleeting=True)
        found = {run.id: run for run in await self._client.items(call, Pipeline)}
        for each in await self.merge_requests(repository, sha):
            run = await self._head_pipeline(repository, each.iid, sha)
            if run is not None:
                found.setdefault(run.id, run)
        return list(found.values())

    async def _head_pipeline(self, repository: Repository, number: int, sha: Sha) -> Pipeline | None:
        """The pipeline that merging waits for, unless it is an earlier head's, or a fork's: that one is its
        project's, where nothing is ours to post or to read.
        """
        call = on(repository, "merge_request", f"/merge_requests/{number}", fleeting=True)
        run = (await self._client.send(call)).read(MergeRequest).head_pipeline
        if run is None or run.project_id not in {0, repository.forge_id}:
            return None
        if not run.sha or run.sha == sha:
            return run
        call = on(repository, "commit", f"/repository/commits/{segment(run.sha)}")
        try:
            merge = (await self._client.send(call)).read(Commit)
        except Gone:
            return None
        return run if sha in merge.parent_ids else None
