"""Answers to commands, as the sticky comment shows them."""

from collections.abc import Mapping, Sequence
from itertools import accumulate

from app.publish import clean, figures, notices
from app.publish.protocol import CommandAnswer

SHOWN = 5
"""How many of the newest answers a comment keeps."""
LISTED = 2_000
"""Characters of an accepted answer, none of which is left out: an override covers what its answer lists."""
_REFUSAL = 300
_ROOM = 30_000
"""Bytes of a comment that answers may take; the newest is always there."""


def answer_line(answer: CommandAnswer) -> str:
    """One answer as Markdown: who asked what, and what became of it."""
    icon, word = ("👍", "accepted") if answer.accepted else ("👎", "refused")
    limit = LISTED if answer.accepted else _REFUSAL
    reason = f": {clean.escape(answer.reason, limit)}" if answer.reason else ""
    return f"{icon} {clean.code(answer.command, 120)} by {clean.escape(answer.by, 100)} was {word}{reason}"


def answers_block(answers: Sequence[CommandAnswer]) -> str:
    """The newest answers, newest first."""
    lines = [f"- {answer_line(answer)}" for answer in list(reversed(answers))[:SHOWN]]
    ends = accumulate(clean.size(line) for line in lines)
    shown = [
        line for place, (line, end) in enumerate(zip(lines, ends, strict=True)) if not place or end <= _ROOM
    ]
    return f"**{notices.ANSWERS}**\n\n" + "\n".join(shown)


def recheck_accepted(check: str = "") -> str:
    """All checks, or one, run again."""
    return f"{check} runs again" if check else "all checks run again"


def explain_accepted() -> str:
    """The comment and the link were renewed."""
    return "this comment and the link to the run's page are new; the link works for about a week"


def ok_to_test_accepted(sha: str) -> str:
    """A head is trusted from now on; a new push is not."""
    return f"{sha} is trusted; a new push needs a new word"


def override_accepted(says: Sequence[str], lacking: Sequence[str]) -> str:
    """What is let pass, exactly; those that are `lacking` once a second person says so too."""
    covers = f"it covers {figures.listing(says, len(says))}"
    ends = "a push, another target branch or /portcullis cancel-override ends it"
    if lacking:
        what = "it" if len(lacking) == len(says) else figures.listing(lacking, len(lacking))
        return f"{covers}; {what} counts once a second person who may override says the same; {ends}"
    return f"{covers}; anything newly unmet blocks again; {ends}"


def fits(reason: str) -> bool:
    """Whether an accepted answer is shown whole."""
    return len(clean.line(reason)) <= LISTED


def refused_too_many(count: int) -> str:
    """An override covers what its answer lists, and that is too long to be shown."""
    return (
        f"its answer has to list all that it covers, and {figures.count(count, 'unmet condition')} are more "
        "than it has room for; mend some of them first"
    )


def refused_changed() -> str:
    """What stands in the way now is more than the verdict said when the command was written."""
    return "the verdict has changed since this was written; look at it again, then write the command again"


def refused_lost(login: str) -> str:
    """The gate file names somebody who may not write (any more)."""
    return f"the gate file names {login}, who has no write access to this repository now"


def cancel_accepted() -> str:
    """No override is in force any more."""
    return "what the gate says counts again"


def waive_accepted(fingerprint: str, until: str) -> str:
    """A finding of this change is let pass until the end of that day."""
    return f"the finding {fingerprint} is waived on this change until {until}, end of day UTC"


def refused_unset(command: str, base_ref: str) -> str:
    """The gate file names nobody for it."""
    key = "waive" if command == "waive" else "override"
    return f"nobody may: settings.commands.{key} of the gate file on {base_ref} names no team"


def refused_unread(teams: Sequence[str]) -> str:
    """Membership decides, and the forge did not tell it."""
    members = f"the members of {figures.listing(teams, 5)} cannot be read"
    return f"{members}; let the app read the organisation's members, then write the command again"


def refused_own(command: str, known_as: str = "") -> str:
    """Nobody lets their own change pass. `known_as` names an author without an account whom they may be."""
    they = f"you may be {known_as}, an author of it without an account here: " if known_as else ""
    return f"{they}the author of a change cannot {command} it; somebody else who may has to"


def refused_usage(usage: str) -> str:
    """A command that lacks a part."""
    return f"write it as: {usage}"


def refused_pending() -> str:
    """There is no verdict yet."""
    return "there is no verdict on this head yet; wait for it"


def refused_nothing(reason: str) -> str:
    """No outcome stands in the way; `reason` is what does instead (a conflict), or ''."""
    return f"an override does not help here: {reason}" if reason else "nothing stands in the way"


def refused_no_override() -> str:
    """There is none to cancel."""
    return "no override is in force on this change"


def refused_date(text: str, today: str, latest: str) -> str:
    """A last day that is no date, past, or too far away."""
    return f"{text!r} is no day from {today} to {latest}; write it like {latest}"


def refused_finding(named: str, found: int) -> str:
    """A fingerprint that stands for no new finding, or for several."""
    if found:
        return (
            f"{named} stands for {found} new findings, a waiver for one; waive them in the gate file by "
            "rule, path and max"
        )
    return f"no new finding of this head that is not waived has the fingerprint {named}; annotations show it"


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


def refused_again(why: Mapping[str, str]) -> str:
    """Checks (by key) that cannot be run again by us, and why."""
    return "; ".join(f"{key} was not run again: {reason}" for key, reason in why.items())


def refused_closed() -> str:
    """The change is closed."""
    return "the change is closed"


def refused_ambiguous(named: str) -> str:
    """Digits that more than one head of the change begins with: the older one may have been meant."""
    return f"{named} begins more than one head of this change; write more of the one you have looked at"
