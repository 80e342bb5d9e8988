"""The aggregate as a commit status (`settings.publish.status`), off by default."""

from collections.abc import Sequence
from typing import Literal, assert_never

import msgspec

from app.model import CommitStatus, Judgement, VerdictState
from app.publish import clean, notices
from app.publish.aggregate import NAME
from app.publish.protocol import Context
from app.publish.view import combine, headline

DESCRIPTION_LIMIT = 140


def notify(judgements: Sequence[Judgement], context: Context) -> tuple[CommitStatus, ...]:
    """The status where the gate file asks for one; without a plan one that is there goes with the verdict."""
    judgement = combine(judgements)
    asked = judgement.plan is not None and judgement.plan.settings.publish.status
    if not asked and not (judgement.plan is None and context.name in context.statuses):
        return ()
    return (render_status(judgement, name=context.name),)


def render_status(judgement: Judgement, *, name: str = NAME) -> CommitStatus:
    """The judgement as a commit status; the text holds no time, as each change of it is a post."""
    return CommitStatus(
        sha=judgement.change.head_sha,
        context=name,
        state=_state(judgement),
        description=headline(judgement, limit=DESCRIPTION_LIMIT),
        target_url=judgement.page_url,
    )


def cancelled_status(posted: CommitStatus, reason: notices.Ending) -> CommitStatus:
    """A status on a head nobody waits for any more; statuses know no `cancelled`."""
    title, _ = notices.cancelled(reason)
    return msgspec.structs.replace(posted, state="error", description=title)


def removed_status(posted: CommitStatus, base_ref: str) -> CommitStatus:
    """The target branch has no gate file any more; statuses know no `neutral`."""
    title, _ = notices.gate_file_removed(base_ref)
    return msgspec.structs.replace(posted, state="success", description=clean.line(title, DESCRIPTION_LIMIT))


def _state(judgement: Judgement) -> Literal["pending", "success", "failure", "error"]:
    verdict = judgement.verdict
    if judgement.superseded:
        return "error"
    if verdict.observed and verdict.state is not VerdictState.PENDING:
        return "success"
    match verdict.state:
        case VerdictState.PASSED:
            return "success"
        case VerdictState.PENDING:
            return "pending"
        case VerdictState.BLOCKED:
            return "pending" if verdict.people_only else "failure"
        case VerdictState.ERRORED:
            return "error"
        case _:
            assert_never(verdict.state)
