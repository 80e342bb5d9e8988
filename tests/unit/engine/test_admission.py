"""Who goes next: turns among owners and repositories, urgency within one, quotas over all."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from app.engine.admission import Quotas, begins_at, choose, share_of
from app.store import Asking, Turns, Waiting


def waits(attempt_id: int, repository_id: int = 1, owner: str = "acme", **more: object) -> Waiting:
    values = {"run_id": attempt_id, **more}
    return Waiting(attempt_id=attempt_id, repository_id=repository_id, owner=owner, **values)


def runs(repository_id: int = 1, owner: str = "acme", **more: object) -> Asking:
    return Asking(repository_id=repository_id, owner=owner, **more)


def chosen(waiting: list[Waiting], running=(), turns=None, **quotas) -> int | None:
    found = choose(waiting, running, turns or Turns(), Quotas(**quotas))
    return None if found is None else found.attempt_id


def test_nothing_waits() -> None:
    assert chosen([]) is None


def test_within_a_repository_the_more_urgent_then_the_newest_run_then_the_plan_s_order() -> None:
    untrusted, trusted, group = waits(1, priority=0), waits(2, priority=1), waits(3, priority=2)
    assert chosen([untrusted, trusted, group]) == 3
    assert chosen([untrusted, trusted]) == 2
    assert chosen([waits(4, run_id=1), waits(5, run_id=2), waits(6, run_id=2)]) == 5


def test_what_nobody_waits_for_comes_after_all_else() -> None:
    ahead = waits(1, owner="quiet", repository_id=9, priority=-1)
    assert chosen([ahead, waits(2)], [runs(), runs()]) == 2
    assert chosen([ahead]) == 1


def test_the_owner_with_least_running_goes_first_however_urgent_the_other() -> None:
    busy, quiet = waits(1, priority=2), waits(2, repository_id=2, owner="small", priority=0)
    assert chosen([busy, quiet], [runs()]) == 2
    assert chosen([busy, quiet], [runs(2, "small")]) == 1


def test_with_equal_loads_who_had_the_last_turn_waits() -> None:
    waiting = [waits(1), waits(2, 2, "small")]
    assert chosen(waiting, turns=Turns(owners={"acme": 20.0, "small": 10.0})) == 2
    assert chosen(waiting, turns=Turns(owners={"acme": 10.0, "small": 20.0})) == 1
    siblings = [waits(1, 1), waits(2, 2)]
    assert chosen(siblings, turns=Turns(repositories={"1": 5.0})) == 2


def test_quotas() -> None:
    assert chosen([waits(1)], [runs()], repository=1) is None
    assert chosen([waits(1)], [runs(7)], repository=1) == 1
    assert chosen([waits(1)], [runs(7), runs(8)], owner=2) is None
    assert chosen([waits(1, author="eve")], [runs(author="eve")], untrusted_author=1) is None
    assert chosen([waits(1, author="eve")], [runs(author="bob")], untrusted_author=1) == 1
    assert chosen([waits(1)], [runs(author="eve")], untrusted_author=1) == 1, (
        "trusted ones have no such quota"
    )
    assert chosen([waits(1), waits(2, 2, author="eve")], [runs(2, author="eve")], untrusted_author=1) == 1


def test_within_an_owner_urgency_crosses_repositories_and_nobody_starves() -> None:
    """Merge groups without end in one repository, trusted and untrusted changes in two others."""
    waiting = [waits(1, 1, priority=2), waits(2, 2, priority=1), waits(3, 3, priority=0, author="eve")]
    began: dict[str, float] = {}
    ended: dict[tuple[str, int], float] = {}
    order = []
    for _ in range(14):
        turns = Turns(began=began, ended=ended)
        one = choose(waiting, [], turns, Quotas())
        assert one is not None
        order.append(one.priority)
        began[one.owner] = begins_at(one, turns)
        ended[one.owner, one.priority] = began[one.owner] + share_of(one)
    assert order[:3] == [2, 1, 0]
    assert Counter(order) == {2: 8, 1: 4, 0: 2}


def test_what_was_not_asked_for_saves_up_nothing() -> None:
    """After a week of untrusted changes alone a merge group is next, and they owe it no week."""
    group, untrusted = waits(1, 1, priority=2), waits(2, 2, priority=0, author="eve")
    week = Turns(began={"acme": 999.0}, ended={("acme", 0): 1000.0, ("acme", 2): 1.0})
    assert chosen([group, untrusted], turns=week) == 1
    assert begins_at(group, week) == 999.0
    assert chosen([untrusted], turns=week) == 2


def test_a_group_runs_one_at_a_time() -> None:
    assert chosen([waits(1, group="deploy")], [runs(7, group="deploy")]) is None
    assert chosen([waits(1, group="deploy")], [runs(7, group="other")]) == 1
    assert chosen([waits(1)], [runs(7)]) == 1


@given(
    slots=st.integers(1, 4),
    busy=st.integers(20, 200),
    others=st.lists(st.integers(1, 4), min_size=1, max_size=5),
    urgency=st.integers(0, 2),
)
def test_however_much_one_brings_the_others_are_served_in_turns(slots, busy, others, urgency) -> None:
    """Slots become free one by one. Before the busy owner has started two more, each other owner that waits
    has started one.
    """
    waiting = [waits(number, repository_id=1, owner="busy", priority=2) for number in range(busy)]
    number = busy
    for index, count in enumerate(others):
        for _ in range(count):
            number += 1
            waiting.append(waits(number, repository_id=10 + index, owner=f"quiet{index}", priority=urgency))
    running: list[Waiting] = []
    owners: dict[str, float] = {}
    started: Counter[str] = Counter()
    clock = 0.0
    while waiting:
        clock += 1
        if len(running) == slots:
            running.pop(0)
        one = choose(waiting, running, Turns(owners=owners), Quotas())
        assert one is not None
        waiting.remove(one)
        running.append(one)
        owners[one.owner] = clock
        started[one.owner] += 1
        left = {each.owner for each in waiting} - {"busy"}
        assert all(started["busy"] <= started[owner] + slots for owner in left)
