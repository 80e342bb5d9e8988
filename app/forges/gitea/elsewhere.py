"""What others post on commits of Gitea and Forgejo, and having it done again."""

from collections.abc import Collection

from app.forges.gitea.client import Client, on
from app.forges.gitea.readers import external_of_status
from app.forges.gitea.views import StatusView
from app.forges.rest.calls import segment
from app.forges.values import Gone
from app.model import ExternalPosted, Misconfigured, PostKind, Repository, Sha


class Elsewhere:
    """The half about others' posts: all of them are commit statuses."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def external_posts(
        self, repository: Repository, sha: Sha, kinds: Collection[PostKind]
    ) -> tuple[ExternalPosted, ...]:
        """The newest status per context and poster."""
        if "status" not in kinds:
            return ()
        call = on(repository, "statuses", f"/commits/{segment(sha)}/statuses", fleeting=True)
        try:
            found = await self._client.items(call, StatusView)
        except Gone:
            return ()
        newest: dict[tuple[str, int], StatusView] = {}
        for view in sorted(found, key=lambda view: view.id):
            newest[view.context, view.creator.id if view.creator is not None else 0] = view
        place = await self._client.known_place()
        return tuple(
            external_of_status(
                place,
                repository,
                sha,
                view.context,
                view.status,
                poster=view.creator,
                status_id=view.id,
                url=view.target_url,
                at=view.updated_at or view.created_at,
            )
            for view in newest.values()
        )

    async def run_again(self, _repository: Repository, post: ExternalPosted) -> None:
        """Nobody can be asked: a status tells of no run."""
        raise Misconfigured(
            f"{post.name} cannot be run again from here",
            hint=f"start it again where it ran: {post.url}" if post.url else "start it again where it ran",
        )

    async def dispatch(self, repository: Repository, workflow: str, branch: str) -> None:
        """Start a workflow of the forge's Actions; older servers have no such call."""
        name = workflow.rpartition("/")[2]
        path = f"/actions/workflows/{segment(name)}/dispatches"
        try:
            await self._client.send(
                on(repository, "dispatch", path, method="POST", body={"ref": branch}, once=True)
            )
        except Gone as gone:
            raise Misconfigured(
                f"the workflow {name} cannot be started",
                hint="it must take `workflow_dispatch`; Gitea can be asked from 1.24 on, Forgejo from 7",
            ) from gone
