"""Publications as the engine makes them."""

import msgspec

from app.model import Annotation, CheckRunStatus, Publication, PublishedConclusion, Sha
from app.practice import PullRequest

MARKER = "<!-- portcullis -->"


def pending(pull: PullRequest, **changes: object) -> Publication:
    publication = Publication(
        name="portcullis",
        head_sha=Sha(pull.head_sha),
        status=CheckRunStatus.IN_PROGRESS,
        title="waits for 2 checks",
        summary="| check | |\n|---|---|",
        details_url="https://gate.example/runs/1",
        external_id="publication-1",
        started_at="2026-11-21T07:00:00Z",
    )
    return msgspec.structs.replace(publication, **changes)


def blocked(pull: PullRequest, count: int = 0, **changes: object) -> Publication:
    done = pending(
        pull,
        status=CheckRunStatus.COMPLETED,
        conclusion=PublishedConclusion.FAILURE,
        title="1 new high finding",
        text="details",
        completed_at="2026-11-21T07:01:00Z",
        annotations=tuple(
            Annotation(
                path="src/shop.py",
                line=n + 1,
                end_line=n + 1,
                level="failure",
                title="F821",
                message=f"bad {n}",
            )
            for n in range(count)
        ),
    )
    return msgspec.structs.replace(done, **changes)
