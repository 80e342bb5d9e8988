"""External status checks (GitLab Ultimate): answered where a project has one of our verdict's name.

Source: docs.gitlab.com "External status checks API". GitLab counts a check that was not answered for two
minutes as failed until an answer comes, so that nothing is gained by telling that we are still judging; what
has ended is answered, however late.
"""

from collections.abc import Callable
from typing import Final

import structlog

from app.forges.gitlab.calls import on
from app.forges.gitlab.client import Client
from app.forges.gitlab.errors import StaleHead
from app.forges.gitlab.places import Places
from app.forges.gitlab.texts import State
from app.forges.gitlab.views import StatusCheck
from app.model import Misconfigured, Repository, Sha

LOG = structlog.get_logger(__name__)
_ANSWERS: Final[dict[State, str]] = {"success": "passed", "failed": "failed", "canceled": "failed"}
_LOOKED_SECONDS: Final = 600.0
_MOST: Final = 10_000


class StatusChecks:
    """Which checks a project has is looked at every ten minutes. `now` gives epoch seconds."""

    def __init__(self, client: Client, places: Places, now: Callable[[], float]) -> None:
        self._client = client
        self._places = places
        self._now = now
        self._known: dict[int, tuple[float, tuple[StatusCheck, ...]]] = {}

    async def of(self, repository: Repository) -> tuple[StatusCheck, ...]:
        """A project's checks; none where its tier has no such thing, or we may not see them."""
        looked, found = self._known.get(repository.forge_id, (float("-inf"), ()))
        if self._now() - looked < _LOOKED_SECONDS:
            return found
        call = on(repository, "status_checks", "/external_status_checks")
        try:
            found = tuple(await self._client.items(call, StatusCheck))
        except Misconfigured:  # Gone among it
            found = ()
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[repository.forge_id] = self._now(), found
        return found

    async def answer(self, repository: Repository, sha: Sha, name: str, state: State) -> None:
        """Tell how our verdict on a head ended, on each open merge request that has it as its head."""
        said = _ANSWERS.get(state)
        if said is None:
            return
        checks = [check for check in await self.of(repository) if check.name.casefold() == name.casefold()]
        if not checks:
            return
        for each in await self._places.merge_requests(repository, sha):
            for check in checks:
                await self._respond(repository, each.iid, check, sha, said)

    async def _respond(
        self, repository: Repository, number: int, check: StatusCheck, sha: Sha, said: str
    ) -> None:
        call = on(
            repository,
            "status_check_response",
            f"/merge_requests/{number}/status_check_responses",
            method="POST",
            body={"sha": sha, "external_status_check_id": check.id, "status": said},
            content=True,
        )
        try:
            await self._client.send(call)
        except StaleHead:  # its successor is judged already
            LOG.info("a status check is not answered: the head moved on", number=number)
