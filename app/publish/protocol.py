"""What a notifier does: the contract of this door.

A notifier is a pure function from the judgements of all open changes that share one head_sha to what the
world should show of them. It never posts: the engine compares what is wanted with what was posted and makes
the difference true. Equal input gives equal output; texts hold nothing that changes by itself (`now`
decides only whether a time needs its day). A notifier that has nothing to say gives ().
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from app.model import CommitStatus, Judgement, Publication, StickyComment
from app.publish.shown import Shown, show

Wanted = Publication | CommitStatus | StickyComment


class CommandAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one command: the line as written, who wrote it, and one sentence why."""

    command: str
    by: str
    accepted: bool
    reason: str


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What notifiers need besides judgements.

    `now` in epoch seconds. `marker` is the sticky comment's hidden first line. `answers` maps a change's
    key to the answers it shows, `commented` holds the keys of changes that already have our comment,
    `published` the names of check runs and `statuses` the contexts that this head shows already: where no
    plan tells what is asked for (yet), those are kept true. `show` gives what a judgement's evidence has to
    look at.
    """

    now: float
    name: str = "portcullis"
    marker: str = "<!-- portcullis -->"
    answers: dict[str, tuple[CommandAnswer, ...]] = {}
    commented: frozenset[str] = frozenset()
    published: frozenset[str] = frozenset()
    statuses: frozenset[str] = frozenset()
    show: Callable[[Judgement], Shown] = show


class Notifier(Protocol):
    """One way of telling the world."""

    def __call__(self, judgements: Sequence[Judgement], context: Context, /) -> tuple[Wanted, ...]:
        """What should be shown for these judgements (at least one, all of the same head_sha)."""
        ...
