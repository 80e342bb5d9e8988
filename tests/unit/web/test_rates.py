from app.web.rates import Rates
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
