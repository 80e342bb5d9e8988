"""Publications that rest on no verdict: first gate file, gate file removed, change closed."""

from collections.abc import Sequence

from app.model import (
    CheckRunStatus,
    Diagnostic,
    DiagnosticSeverity,
    Publication,
    PublishedConclusion,
    Sha,
)
from app.publish import clean, notices, tables, words
from app.publish.aggregate import NAME, TEXT_LIMIT, external_id, iso
from app.publish.annotations import diagnostic_annotations


def first_gate_file(
    *,
    head_sha: Sha,
    path: str,
    base_ref: str,
    diagnostics: Sequence[Diagnostic] = (),
    run_id: int = 0,
    page_url: str = "",
    name: str = NAME,
    now: float,
) -> Publication:
    """A change that adds the first gate file: linted, nothing runs, nothing blocks."""
    errors = sum(found.severity is DiagnosticSeverity.ERROR for found in diagnostics)
    title, summary = notices.first_gate_file(
        clean.line(path, 100), base_ref, errors, len(diagnostics) - errors
    )
    blocks = [tables.diagnostics_block(diagnostics)] if diagnostics else []
    return Publication(
        name=name,
        head_sha=head_sha,
        status=CheckRunStatus.COMPLETED,
        conclusion=PublishedConclusion.NEUTRAL,
        title=clean.line(title, words.TITLE_LIMIT),
        summary=clean.escape(summary, None),
        text=clean.fit(blocks, TEXT_LIMIT, words.left_out(page_url)),
        annotations=diagnostic_annotations(diagnostics),
        details_url=page_url,
        external_id=external_id(run_id, name),
        completed_at=iso(now),
    )


def gate_file_removed(
    *, head_sha: Sha, base_ref: str, run_id: int = 0, page_url: str = "", name: str = NAME, now: float
) -> Publication:
    """The target branch has no gate file any more: nothing is judged, nothing blocks."""
    title, summary = notices.gate_file_removed(base_ref)
    return Publication(
        name=name,
        head_sha=head_sha,
        status=CheckRunStatus.COMPLETED,
        conclusion=PublishedConclusion.NEUTRAL,
        title=clean.line(title, words.TITLE_LIMIT),
        summary=clean.escape(summary, None),
        details_url=page_url,
        external_id=external_id(run_id, name),
        completed_at=iso(now),
    )


def cancelled(posted: Publication, reason: notices.Ending, *, now: float) -> Publication:
    """What is left in progress on a head and will not be judged there any more."""
    title, summary = notices.cancelled(reason)
    return Publication(
        name=posted.name,
        head_sha=posted.head_sha,
        status=CheckRunStatus.COMPLETED,
        conclusion=PublishedConclusion.CANCELLED,
        title=clean.line(title, words.TITLE_LIMIT),
        summary=clean.escape(summary, None),
        details_url=posted.details_url,
        external_id=posted.external_id,
        completed_at=iso(now),
    )
