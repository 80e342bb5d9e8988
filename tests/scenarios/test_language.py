"""The language itself: what a story says wrongly, or leaves behind, fails."""

import asyncio
import re

import msgspec
import pytest

from tests.support.clock import HandTurnedClock
from tests.support.described import answer, content
from tests.support.player import StoryError, contents
from tests.support.situation import play, read_story

GATE = "version: 1\nchecks: {lint: {run: make lint}}\n"
OPEN = "{open: pr, files: {a.py: 'x'}}"


def folder_of(path, steps, expected, extra=""):
    folder = path / "99_story"
    folder.mkdir()
    (folder / "gate.yml").write_text(GATE)
    (folder / "story.yml").write_text(f"about: a test\nsteps: [{steps}]\n{extra}")
    (folder / "expected.yml").write_text(expected)
    return folder


@pytest.mark.parametrize(
    ("steps", "expected", "extra", "problem"),
    [
        (f"{OPEN}, {{then: a}}", "a: {pr: {shows: failure}}", "", "shows success"),
        (f"{OPEN}, {{then: a}}", "a: {pr: {checks: {}}}", "", "check lint: is in the run (success)"),
        (OPEN, "{}", "checks: {lint: {hold: true}}", "is left in_progress"),
        (OPEN, "{}", "checks: {lint: [{exit: 0}, {exit: 1}]}", "1 answers of lint were asked for by nobody"),
        (OPEN, "{}", "log: [something broke]", "not logged: something broke"),
        (f"{OPEN}, {{close: pr, bye: 1}}", "{}", "", "unexpected keyword argument 'bye'"),
        (f"{OPEN}, {{fly: pr}}", "{}", "", "unknown step 'fly'"),
        (f"{OPEN}, {{then: a}}", "a: {pr: {colour: red}}", "", "unknown words ['colour']"),
    ],
)
async def test_what_is_not_so_fails(tmp_path, sqlite_template, steps, expected, extra, problem):
    folder = folder_of(tmp_path, steps, expected, extra)
    with pytest.raises((AssertionError, StoryError), match=re.escape(problem)):
        await play(folder, tmp_path, sqlite_template)


def test_moments_are_told_and_expected_alike(tmp_path):
    with pytest.raises(StoryError, match=r"expected\.yml \["):
        read_story(folder_of(tmp_path, "{then: a}, {then: b}", "a: {}"))


def test_unknown_keys_of_a_story(tmp_path):
    with pytest.raises(msgspec.ValidationError, match="sleeps"):
        read_story(folder_of(tmp_path, "{then: a}", "a: {}", "sleeps: 3"))


def test_unknown_words_of_an_answer_and_a_file():
    with pytest.raises(TypeError, match="exits"):
        answer(exits=1)
    with pytest.raises(KeyError):
        content({"clover": 1})
    with pytest.raises(StoryError):
        contents({"a": {"kilobytes": 1}})


async def test_time_stands_still_until_it_is_turned():
    clock, woken = HandTurnedClock(), []

    async def wake(after):
        start = clock.now()
        await clock.sleep_until(start + after)
        woken.append((after, clock.now() - start))

    async def rest():
        while not clock.still(()):
            await asyncio.sleep(0)

    tasks = [asyncio.create_task(wake(after)) for after in (30, 10, 90)]
    await asyncio.sleep(0.01)
    assert woken == []
    await clock.advance(60, rest)
    assert woken == [(10, 10), (30, 30)]
    await clock.advance(30, rest)
    assert woken[-1] == (90, 90)
    await asyncio.gather(*tasks)
