"""Sentences that rest on no verdict: help, first gate file, closed changes, others' posts."""

from typing import Literal, assert_never

from app.publish.figures import count

JUDGING = "Pending: the checks are running; this comment is edited when there is a verdict"
ANSWERS = "Commands"
HELP_TITLE = "What can I do here?"
COMMANDS = ("recheck", "explain", "ok-to-test", "waive", "override", "cancel-override")


RECHECK_HELP = (
    "Comment `/portcullis recheck` to run all checks again (the author, or people with triage access); "
    "with a check's name behind it, that check alone."
)


def help_lines(sha: str, *, untrusted: bool) -> tuple[str, ...]:
    """What the reader of a sticky comment can do, as Markdown of ours."""
    lines = [
        "Push a commit: the new head is judged by itself.",
        RECHECK_HELP,
        "Comment `/portcullis explain` to renew this comment and its link.",
    ]
    if untrusted:
        lines.append(
            f"This head is not trusted yet. People with write access who have read it may comment "
            f"`/portcullis ok-to-test {sha}`."
        )
    lines.append(f"Commands stand alone on their line. This head is `{sha}`.")
    return tuple(lines)


def first_gate_file(path: str, base_ref: str, errors: int, warnings: int) -> tuple[str, str]:
    """(title, summary) for a change that adds the first gate file."""
    begins = f"It begins to judge once it is on {base_ref}: a gate file is read from the target branch only."
    if errors:
        title = f"The first gate file {path} has {count(errors, 'error')}"
        return title, f"Nothing is run or blocked yet. Mend the errors before merging. {begins}"
    title = f"The first gate file {path} is valid"
    if warnings:
        title += f", with {count(warnings, 'warning')}"
    return title, f"Nothing is run or blocked yet. {begins}"


def gate_file_removed(base_ref: str) -> tuple[str, str]:
    """(title, summary) where the target branch has no gate file any more."""
    return (
        f"No gate file on {base_ref} any more",
        f"The gate file was removed from {base_ref}, so that changes into it are not judged.",
    )


Ending = Literal["closed", "superseded", "withdrawn"]
"""Why nobody waits for what we said on a head: its change was closed, a newer head took its place, or the
gate file does not ask for it (any more).
"""


def cancelled(reason: Ending) -> tuple[str, str]:
    """(title, summary) of what nobody waits for."""
    match reason:
        case "closed":
            return (
                "Closed before it was judged",
                "The change was closed or left the merge queue; reopened or queued again it is judged anew.",
            )
        case "superseded":
            return "Superseded: a newer head is judged instead", "A newer commit took this one's place."
        case "withdrawn":
            return "Not asked for any more", "The gate file that judges this head does not ask for this."
        case _:
            assert_never(reason)


def refused_by_forge(says: str, mend: str) -> str:
    """The note where the forge refuses what we ask, with what its or our operator can do."""
    return f"The forge refuses us: {says}. To mend it: {mend}."


def foreign_post(name: str, poster: str) -> str:
    """The note where somebody else posted a result under our name."""
    return (
        f"{poster} posted a result named {name!r} on this commit. It is not ours and is not read; "
        "branch rules should name this app as the expected source."
    )
