"""Verdicts as words: check runs, commit statuses, the sticky comment, the terminal. Pure."""

from collections.abc import Sequence

import msgspec

from app.model import Judgement
from app.publish import (
    aggregate,
    answers,
    checks,
    clean,
    comment,
    figures,
    notices,
    phrases,
    status,
    words,
)
from app.publish.aggregate import NAME, render_publication
from app.publish.annotations import annotations
from app.publish.answers import SHOWN as SHOWN_ANSWERS
from app.publish.checks import render_check_publication
from app.publish.comment import render_comment, wants_comment
from app.publish.explain import explain_text
from app.publish.neutral import cancelled, first_gate_file, gate_file_removed
from app.publish.notices import Ending
from app.publish.protocol import CommandAnswer, Context, Notifier, Wanted
from app.publish.shown import Shown, ShownCoverage, ShownFinding, ShownTest, show
from app.publish.status import cancelled_status, removed_status, render_status
from app.publish.view import (
    Sorted,
    checks_of,
    combine,
    conclude,
    explanation,
    headline,
    members,
    notes_of,
    self_reported,
    sort_outcomes,
    would_open,
)

NOTIFIERS: tuple[Notifier, ...] = (aggregate.notify, checks.notify, status.notify, comment.notify)
"""Every way of telling the world; what each wants is posted by the engine."""


def desired_state(judgements: Sequence[Judgement], context: Context) -> tuple[Wanted, ...]:
    """All that should be shown for the open changes that share one head_sha (at least one)."""
    known: dict[tuple[int, int], Shown] = {}
    given = context.show

    def once(judgement: Judgement) -> Shown:
        # by identity: plan and evidence are the judgements' own, and large
        of = id(judgement.plan), id(judgement.evidence)
        if of not in known:
            known[of] = given(judgement)
        return known[of]

    context = msgspec.structs.replace(context, show=once)
    return tuple(wanted for notifier in NOTIFIERS for wanted in notifier(judgements, context))


__all__ = [
    "NAME",
    "NOTIFIERS",
    "SHOWN_ANSWERS",
    "CommandAnswer",
    "Context",
    "Ending",
    "Notifier",
    "Shown",
    "ShownCoverage",
    "ShownFinding",
    "ShownTest",
    "Sorted",
    "Wanted",
    "annotations",
    "answers",
    "cancelled",
    "cancelled_status",
    "checks_of",
    "clean",
    "combine",
    "conclude",
    "desired_state",
    "explain_text",
    "explanation",
    "figures",
    "first_gate_file",
    "gate_file_removed",
    "headline",
    "members",
    "notes_of",
    "notices",
    "phrases",
    "removed_status",
    "render_check_publication",
    "render_comment",
    "render_publication",
    "render_status",
    "self_reported",
    "show",
    "sort_outcomes",
    "wants_comment",
    "words",
    "would_open",
]
