"""Answers to commands, as the sticky comment shows them."""

from collections.abc import Sequence

from app.publish import clean, figures, notices
from app.publish.protocol import CommandAnswer

SHOWN = 5
"""How many of the newest answers a comment keeps."""


def answer_line(answer: CommandAnswer) -> str:
    """One answer as Markdown: who asked what, and what became of it."""
    icon, word = ("👍", "accepted") if answer.accepted else ("👎", "refused")
    reason = f": {clean.escape(answer.reason, 300)}" if answer.reason else ""
    return f"{icon} {clean.code(answer.command, 120)} by {clean.escape(answer.by, 100)} was {word}{reason}"


def answers_block(answers: Sequence[CommandAnswer]) -> str:
    """The newest answers, newest first."""
    newest = list(reversed(answers))[:SHOWN]
    return f"**{notices.ANSWERS}**\n\n" + "\n".join(f"- {answer_line(answer)}" for answer in newest)


def recheck_accepted(check: str = "") -> str:
    """All checks, or one, run again."""
    return f"{check} runs again" if check else "all checks run again"


def explain_accepted() -> str:
    """The comment and the link were renewed."""
    return "this comment and the link to the run's page are new; the link works for about a week"


def ok_to_test_accepted(sha: str) -> str:
    """A head is trusted from now on; a new push is not."""
    return f"{sha} is trusted; a new push needs a new word"


def refused_permission(needed: str) -> str:
    """`needed` names who may, e.g. "people with write access"."""
    return f"only {needed} may do this"


def refused_head(head_sha: str) -> str:
    """A command that names no, or another, head."""
    return f"name the head you have looked at: it is {head_sha[:10]} now"


def refused_edited() -> str:
    """A comment that was changed after it was written."""
    return "the comment was edited; commands are read from unedited comments only, write a new one"


def refused_unknown(word: str) -> str:
    """A word that is no command."""
    return (
        f"there is no command {word!r}; there are {figures.listing(notices.COMMANDS, len(notices.COMMANDS))}"
    )


def refused_check(name: str, known: Sequence[str]) -> str:
    """A check that the plan does not have."""
    there = f"; there are {figures.listing(known, 10)}" if known else "; no check is declared"
    return f"there is no check {name!r}{there}"


def refused_later(command: str) -> str:
    """A command that a later version will know."""
    return f"{command} is not yet supported by this version"


def refused_closed() -> str:
    """The change is closed."""
    return "the change is closed"


def refused_ambiguous(named: str) -> str:
    """Digits that more than one head of the change begins with: the older one may have been meant."""
    return f"{named} begins more than one head of this change; write more of the one you have looked at"
