"""Publications on forges without check runs: a commit status each; what else they say is in the comment."""

from collections.abc import Mapping
from typing import Final, Literal

from app.model import CheckRunStatus, CommitStatus, Publication, PublishedConclusion

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
