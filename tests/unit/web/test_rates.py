import pytest

from app.web.rates import Proofs, Rates, sender_of
from tests.support.github_stage import Clock


def test_a_burst_and_then_a_steady_pace_for_each_apart():
    clock = Clock()
    rates = Rates(burst=3, per_minute=6, now=clock)
    assert [rates.wait("a") for _ in range(4)] == [0, 0, 0, 10]
    assert rates.wait("b") == 0
    assert [rates.wait("c", take=False) for _ in range(9)] == [0] * 9
    assert rates.wait("a", take=False) == 10
    clock.at += 9
    assert rates.wait("a") == 1
    clock.at += 1
    assert [rates.wait("a"), rates.wait("a")] == [0, 10]
    clock.at += 3600
    assert [rates.wait("a") for _ in range(4)] == [0, 0, 0, 10]
    clock.at -= 7200  # a clock that was set back gives nothing away
    assert rates.wait("a") > 0


def test_who_proves_nothing_waits_and_who_proved_himself_never_does():
    clock = Clock()
    proofs = Proofs(burst=3, per_minute=6, now=clock)
    assert [proofs.wait("a") for _ in range(9)] == [0] * 9  # looking costs nothing
    for _ in range(3):
        proofs.failed("a")
    assert proofs.wait("a") == 10
    assert proofs.wait("b") == 0
    proofs.proved("a")
    assert proofs.wait("a") == 0
    proofs.failed("a")
    assert proofs.wait("a") == 0
    clock.at += 3599
    for _ in range(1000):
        proofs.failed("a")
    assert proofs.wait("a") == 0
    clock.at += 1
    assert proofs.wait("a") > 0


def test_no_number_of_senders_takes_more_than_a_bounded_memory():
    proofs = Proofs(burst=3, per_minute=6, now=Clock())
    for number in range(25_000):
        proofs.proved(f"good {number}")
        proofs.failed(f"bad {number}")
    assert len(proofs._proved) == len(proofs._failed._left) == 10_000


@pytest.mark.parametrize(
    ("client", "sender"),
    [
        (("192.0.2.7", 443), "192.0.2.7"),
        (("::ffff:192.0.2.7", 443), "192.0.2.7"),
        (("2001:db8:1:2:3:4:5:6", 443), "2001:db8:1:2::/64"),
        (("2001:db8:1:2:ffff::1", 443), "2001:db8:1:2::/64"),
        (("unknown", 0), "unknown"),
        (("x" * 100_000, 0), "x" * 64),
        (None, ""),
    ],
)
def test_who_sends(client, sender):
    assert sender_of(client) == sender
