"""Leaving alone who does not answer; what matters least waits first."""

import itertools

import pytest

from app.forges.github.client import Client
from app.forges.github.limits import Limits
from app.forges.importance import Importance
from app.forges.rest.breaker import FIRST_PAUSE, LONGEST_PAUSE, TRIAL_SECONDS, Breaker, State
from app.forges.rest.calls import ANONYMOUS, Call
from app.forges.rest.circuits import THRESHOLD, THRESHOLD_OF_ALL, Circuits
from app.forges.rest.limits import Budget
from app.model import Outage

NOW = 1_000.0


def broken(times: int = 3, now: float = NOW) -> Breaker:
    breaker = Breaker(threshold=3)
    for _ in range(times):
        breaker = breaker.sent(now).failed(now)
    return breaker


def test_a_few_failures_are_nothing_many_in_a_row_are_an_outage():
    assert broken(2).state(NOW) is State.CLOSED
    assert broken(2).free_at(NOW) == NOW
    opened = broken(3)
    assert (opened.state(NOW), opened.free_at(NOW)) == (State.OPEN, NOW + FIRST_PAUSE)
    assert opened.state(NOW + FIRST_PAUSE) is State.HALF_OPEN


def test_after_the_pause_one_goes_and_all_others_wait_for_its_end():
    later = NOW + FIRST_PAUSE
    trying = broken().sent(later)
    assert trying.state(later) is State.OPEN
    assert trying.free_at(later + 1) == later + TRIAL_SECONDS
    assert trying.state(later + TRIAL_SECONDS) is State.HALF_OPEN, "whoever tried may have died"


def test_each_failed_trial_doubles_the_pause_up_to_its_longest():
    breaker, now, pauses = broken(), NOW, []
    for _ in range(6):
        pauses.append(breaker.until - now)
        now = breaker.until
        breaker = breaker.sent(now).failed(now)
    assert pauses == [FIRST_PAUSE, 20, 40, 80, LONGEST_PAUSE, LONGEST_PAUSE]


def test_failures_of_requests_that_were_under_way_do_not_lengthen_the_pause():
    opened = broken()
    assert opened.failed(NOW + 1).until == opened.until


@pytest.mark.parametrize(
    ("worth", "points", "content"),
    [
        (Importance.VERDICT, 100, 20),
        (Importance.COMMENT, 90, 10),
        (Importance.DETAIL, 80, 7),
        (Importance.SWEEP, 70, 7),
    ],
)
def test_what_matters_less_leaves_room_for_what_matters_more(worth, points, content):
    limits = Limits(points_per_minute=100, content_per_minute=0, content_per_hour=0)
    budget, sent = Budget(limits), 0
    while budget.free_at(write=False, content=False, now=NOW, worth=worth) <= NOW:
        budget.spend(write=False, content=False, now=NOW)
        sent += 1
    assert sent == points
    limits = Limits(points_per_minute=0, content_per_minute=10, content_per_hour=500)
    budget, sent = Budget(limits), 0
    while sent < 20 and budget.free_at(write=True, content=True, now=NOW, worth=worth) <= NOW:
        budget.spend(write=True, content=True, now=NOW)
        sent += 1
    assert sent == content, "a verdict is counted, and waits for nobody's guess"


def test_the_last_requests_of_the_hour_are_for_verdicts():
    budget = Budget(Limits(points_per_minute=0, content_per_minute=0, content_per_hour=0))
    told = {"x-ratelimit-limit": "5000", "x-ratelimit-remaining": "1200", "x-ratelimit-reset": str(NOW + 900)}
    budget.learn(told, NOW)
    free = {worth: budget.free_at(write=False, content=False, now=NOW, worth=worth) for worth in Importance}
    assert free == {
        Importance.VERDICT: NOW,
        Importance.COMMENT: NOW,
        Importance.DETAIL: NOW,
        Importance.SWEEP: NOW + 900,
    }


def test_time_that_passes_meanwhile_is_no_outage():
    """Every look at the clock shows a later time, as a real one does."""
    ticks = itertools.count(1_000)
    circuits, call = Circuits(lambda: next(ticks) * 0.001), Call(kind="pull", who=7, path="/")
    for _ in range(3):
        circuits.ask_leave(call)
        circuits.answered(call)


def test_all_installations_failing_is_the_forge_failing():
    circuits = Circuits(lambda: NOW)
    for who in range(1, THRESHOLD_OF_ALL + 1):
        call = Call(kind="pull", who=who, path="/")
        circuits.ask_leave(call)
        circuits.failed(call)
    with pytest.raises(Outage) as caught:
        circuits.ask_leave(Call(kind="pull", who=99, path="/"))
    assert caught.value.again_at(NOW, 600) == NOW + FIRST_PAUSE


def test_one_installation_failing_leaves_the_others():
    circuits, bad = Circuits(lambda: NOW), Call(kind="pull", who=1, path="/")
    for _ in range(THRESHOLD):
        circuits.ask_leave(bad)
        circuits.failed(bad)
    with pytest.raises(Outage):
        circuits.ask_leave(bad)
    other = Call(kind="pull", who=2, path="/")
    circuits.ask_leave(other)
    circuits.answered(other)
    with pytest.raises(Outage):
        circuits.ask_leave(bad)


async def test_what_is_refused_uses_up_no_limit():
    client = Client(lambda: None, limits=Limits(), now=lambda: NOW)
    call = Call(kind="status", who=ANONYMOUS, method="POST", path="/x", content=True)
    for _ in range(THRESHOLD):
        client.circuits.failed(call)
    for _ in range(1000):
        with pytest.raises(Outage, match="GitHub does not answer for now"):
            await client.send(call)
    assert not client.requests
