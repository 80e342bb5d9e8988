"""Publications on forges without check runs: a commit status each; what else they say is in the comment."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final, Literal

from app.model import CheckRunStatus, CommitStatus, Publication, PublishedConclusion, Repository, Sha

State = Literal["pending", "success", "failure", "error"]

STATES: Final[Mapping[PublishedConclusion, State]] = {
    PublishedConclusion.SUCCESS: "success",
    PublishedConclusion.NEUTRAL: "success",
    PublishedConclusion.SKIPPED: "success",
    PublishedConclusion.FAILURE: "failure",
    PublishedConclusion.TIMED_OUT: "failure",
    PublishedConclusion.ACTION_REQUIRED: "pending",
    PublishedConclusion.CANCELLED: "error",
}
"""How a state says a conclusion; what waits for people is pending, as with `settings.publish.status`."""

_REMEMBERED: Final = 4096


def as_status(publication: Publication) -> CommitStatus:
    """A publication as a commit status; its words are the title."""
    state: State = "pending"
    if publication.status is CheckRunStatus.COMPLETED and publication.conclusion is not None:
        state = STATES[publication.conclusion]
    return CommitStatus(
        sha=publication.head_sha,
        context=publication.name,
        state=state,
        description=publication.title,
        target_url=publication.details_url,
    )


class Remembered:
    """What was posted last, by this process: a status that says nothing new is not posted again."""

    def __init__(self) -> None:
        self._last: OrderedDict[tuple[int, Sha, str], tuple[CommitStatus, str, int]] = OrderedDict()

    def known(self, repository: Repository, status: CommitStatus, of: str) -> int | None:
        """The id of the status that says just this, for the same run (`of`); None if it is to be posted."""
        last = self._last.get((repository.forge_id, status.sha, status.context))
        return last[2] if last is not None and last[:2] == (status, of) else None

    def posted(self, repository: Repository, status: CommitStatus, of: str, status_id: int) -> None:
        """It was posted."""
        key = repository.forge_id, status.sha, status.context
        self._last[key] = status, of, status_id
        self._last.move_to_end(key)
        while len(self._last) > _REMEMBERED:
            self._last.popitem(last=False)
