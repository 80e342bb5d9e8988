"""Fitting texts and annotations into GitHub's limits."""

from collections.abc import Mapping
from typing import Any, Final

from app.forges.rest.texts import brief, fit
from app.model import Annotation, Button, Publication

TEXT_LIMIT: Final = 65_535
COMMENT_LIMIT: Final = 65_536
STATUS_LIMIT: Final = 140
ANNOTATIONS_PER_REQUEST: Final = 50
_TITLE: Final = 255
_BUTTONS: Final = 3
_LABEL: Final = 20
_DESCRIPTION: Final = 40
_MESSAGE: Final = 60_000


def annotation_json(annotation: Annotation) -> dict[str, Any]:
    """An annotation as the Checks API takes it."""
    start = max(annotation.line, 1)
    shown: dict[str, Any] = {
        "path": annotation.path,
        "start_line": start,
        "end_line": max(annotation.end_line, start),
        "annotation_level": annotation.level,
        "message": fit(annotation.message, _MESSAGE, "") or "(no message)",
    }
    if annotation.title:
        shown["title"] = brief(annotation.title, _TITLE)
    return shown


def annotation_identity(shown: Mapping[str, Any]) -> tuple[Any, ...]:
    """What makes two annotations the same, ours as sent or GitHub's as listed."""
    return (
        shown["path"],
        shown["start_line"],
        shown["end_line"],
        shown["annotation_level"],
        shown.get("title") or "",
        shown["message"],
    )


def _button_json(button: Button) -> dict[str, str]:
    return {
        "label": brief(button.label, _LABEL),
        "description": brief(button.description, _DESCRIPTION),
        "identifier": button.identifier,
    }


def check_run_json(publication: Publication) -> dict[str, Any]:
    """A publication as a check run's body: without `head_sha` (creation only) and annotations."""
    link = publication.details_url
    output: dict[str, Any] = {
        "title": brief(publication.title, _TITLE) or publication.name,
        "summary": fit(publication.summary, TEXT_LIMIT, link),
    }
    if publication.text:
        output["text"] = fit(publication.text, TEXT_LIMIT, link)
    body: dict[str, Any] = {
        "name": publication.name,
        "status": publication.status.value,
        "external_id": publication.external_id,
        "output": output,
    }
    if publication.conclusion is not None:
        body["conclusion"] = publication.conclusion.value
    for key in ("details_url", "started_at", "completed_at"):
        if value := getattr(publication, key):
            body[key] = value
    if publication.buttons:
        body["actions"] = [_button_json(button) for button in publication.buttons[:_BUTTONS]]
    return body
