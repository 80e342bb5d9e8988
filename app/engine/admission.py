"""Who may run next: a pure decision over all that waits and all that runs, the same on every worker.

Owners (organisations, people) take turns, whoever has least running first, so that however much one of them
brings, it delays another by one check at most. Within an owner the more urgent goes first (merge groups,
trusted, untrusted), in whatever repository; but of seven places that all three ask for, two and one go to the
less urgent (start-time fair queueing: Goyal, Vin and Cheng, 1996), so that none of them starves. Among the
equally urgent the owner's repositories take turns, and within one the newest run goes first. What nobody
waits for comes last.
"""

from collections import Counter
from collections.abc import Collection
from typing import Final

import msgspec

from app.store import Asking, Turns, Waiting

NOT_YET: Final = 0.0
"""The turn of whom never had one."""
WEIGHTS: Final = {2: 4, 1: 2, 0: 1}
"""Shares of an owner's places by priority, where all are asked for."""


class Quotas(msgspec.Struct, frozen=True, kw_only=True):
    """How many checks may run at a time, None = as many as there is room for. A group runs one at a time."""

    repository: int | None = None
    owner: int | None = None
    untrusted_author: int | None = None


def choose(
    waiting: Collection[Waiting], running: Collection[Asking], turns: Turns, quotas: Quotas
) -> Waiting | None:
    """The attempt to start now; None where nothing waits or all that waits is over a quota."""
    repositories = Counter(one.repository_id for one in running)
    owners = Counter(one.owner for one in running)
    authors = Counter((one.owner, one.author) for one in running if one.author)
    groups = {one.group for one in running if one.group}

    def fits(one: Waiting) -> bool:
        return (
            _below(repositories[one.repository_id], quotas.repository)
            and _below(owners[one.owner], quotas.owner)
            and not (one.author and not _below(authors[one.owner, one.author], quotas.untrusted_author))
            and one.group not in groups
        )

    def order(one: Waiting) -> tuple[object, ...]:
        return (
            one.priority < 0,
            owners[one.owner],
            turns.owners.get(one.owner, NOT_YET),
            begins_at(one, turns),
            -one.priority,
            repositories[one.repository_id],
            turns.repositories.get(str(one.repository_id), NOT_YET),
            -one.run_id,
            one.attempt_id,
        )

    return min(filter(fits, waiting), key=order, default=None)


def begins_at(one: Waiting, turns: Turns) -> float:
    """Its priority's start tag within its owner (start-time fair queueing): a priority that nobody asked for
    meanwhile has saved up nothing.
    """
    return max(turns.ended.get((one.owner, one.priority), 0.0), turns.began.get(one.owner, 0.0))


def share_of(one: Waiting) -> float:
    """What a turn costs its priority: the lighter, the more."""
    return 1 / WEIGHTS.get(one.priority, 1)


def _below(count: int, most: int | None) -> bool:
    return most is None or count < most
