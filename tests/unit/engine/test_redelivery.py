"""Which deliveries never came, and what is known of those that did."""

from app.engine.redelivery import ON_ITS_WAY, find_lost, last_heard
from app.forges import LoggedDelivery
from app.store.hooks import Heard

NOW = 10_000.0
WANTED = {"push", "pull_request"}


def attempt(
    number: int,
    guid: str,
    *,
    at: float = 1_000.0,
    event: str = "push",
    good: bool = True,
    repository: int = 7,
) -> LoggedDelivery:
    return LoggedDelivery(
        id=number, guid=guid, at=at, event=event, good=good, status="", repository_id=repository
    )


def lost(*entries: LoggedDelivery, came: tuple[str, ...] = ()) -> list[int]:
    return [entry.id for entry in find_lost(entries, dict.fromkeys(came, NOW), WANTED, NOW)]


def test_only_what_came_came_whatever_was_answered():
    assert lost(attempt(1, "a", good=False), attempt(2, "b", good=True)) == [1, 2]
    assert lost(attempt(1, "a", good=False), attempt(2, "b"), came=("a", "b")) == []


def test_of_several_attempts_the_newest_is_asked_for_the_oldest_delivery_first():
    first, again = attempt(1, "a", at=100, good=False), attempt(9, "a", at=300, good=False)
    assert lost(first, attempt(5, "b", at=200), again) == [5, 9]


def test_what_nobody_reads_is_not_missed_nor_what_may_be_on_its_way():
    assert lost(attempt(1, "a", event="star")) == []
    assert lost(attempt(1, "a", at=NOW - ON_ITS_WAY + 1)) == []
    assert lost(attempt(1, "a", at=NOW - ON_ITS_WAY)) == [1]
    young = attempt(2, "a", at=NOW - 1)
    assert lost(attempt(1, "a", at=100), young) == [], "it is being delivered again just now"


def test_a_repository_was_last_heard_when_its_newest_delivery_came():
    entries = (
        attempt(1, "a", at=100),
        attempt(2, "b", at=200),
        attempt(3, "b", at=900),  # delivered again: the lag counts from the first attempt
        attempt(4, "c", at=300, repository=8),
        attempt(5, "d", at=950),
        attempt(6, "e", at=960, repository=0),
    )
    came = {"a": 101.0, "b": 901.0, "c": 299.5, "e": 961.0}
    assert last_heard(entries, came) == {7: Heard(at=901.0, lag=701.0), 8: Heard(at=299.5, lag=0.0)}
