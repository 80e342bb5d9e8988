"""A link names one run, for about a week, and cannot be made by guessing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.dashboard import Links, LinkState, States

NOW = 1_795_000_000.0
DAY = 86_400
LINKS = Links("k" * 32)


@given(st.integers(1, 10**17), st.floats(0, 4e9), st.floats(0, 6 * DAY - 1))
def test_a_link_works_for_its_run_for_at_least_six_days(run_id: int, now: float, later: float) -> None:
    token = LINKS.sign(run_id, now)
    assert LINKS.verify(run_id, token, now) is LinkState.VALID
    assert LINKS.verify(run_id, token, now + later) is LinkState.VALID
    assert LINKS.verify(run_id, token, now + 7 * DAY) is LinkState.EXPIRED
    assert LINKS.verify(run_id + 1, token, now) is LinkState.WRONG
    assert token.replace("-", "").replace("_", "").isalnum()


@given(st.text(max_size=80))
def test_any_other_text_is_wrong(token: str) -> None:
    assert LINKS.verify(1, token, NOW) is LinkState.WRONG


@given(st.integers(0, 47), st.characters(min_codepoint=33, max_codepoint=126))
def test_no_character_of_a_token_may_change(at: int, char: str) -> None:
    token = LINKS.sign(1, NOW)
    changed = token[:at] + char + token[at + 1 :]
    assert LINKS.verify(1, changed, NOW) is (LinkState.VALID if changed == token else LinkState.WRONG)


def test_another_secret_signs_other_links() -> None:
    assert Links("j" * 32).verify(1, LINKS.sign(1, NOW), NOW) is LinkState.WRONG


def test_a_link_is_the_same_all_day() -> None:
    midnight = NOW // DAY * DAY
    assert LINKS.sign(1, midnight) == LINKS.sign(1, midnight + DAY - 1)
    assert LINKS.sign(1, midnight) != LINKS.sign(1, midnight + DAY)


def test_only_private_runs_need_a_token() -> None:
    assert LINKS.run_url("https://gate.example/", 41, NOW, private=False) == "https://gate.example/runs/41"
    private = LINKS.run_url("https://gate.example", 41, NOW, private=True)
    assert private == f"https://gate.example/runs/41?t={LINKS.sign(41, NOW)}"


def test_set_up_states_work_for_an_hour() -> None:
    states = States("k" * 32)
    state = states.make(NOW)
    assert state != states.make(NOW)
    assert states.verify(state, NOW)
    assert states.verify(state, NOW + 3599)
    assert not states.verify(state, NOW + 3600)
    assert not States("j" * 32).verify(state, NOW)
    assert not states.verify(state[:-2], NOW)


@given(st.text(max_size=90))
def test_any_other_state_is_refused(state: str) -> None:
    assert not States("k" * 32).verify(state, NOW)


@pytest.mark.parametrize("token", ["", "=", "AAAA", "é", "A" * 10_000, "a b", "\n"])
def test_odd_tokens_are_wrong(token: str) -> None:
    assert LINKS.verify(1, token, NOW) is LinkState.WRONG
