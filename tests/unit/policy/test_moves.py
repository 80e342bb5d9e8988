"""Real files moved, renamed and indented: nothing is new that only moved, nothing new is lost."""

import random

import pytest

from tests.support.moves import MOVES, Files, Project, real_files, seeded
from tests.support.prerequisites import program


@pytest.fixture(scope="module")
def files() -> Files:
    program("git")
    program("ruff")
    return real_files()


@pytest.mark.parametrize("move", MOVES, ids=lambda move: move.__name__)
async def test_what_only_moved_is_not_new(move, files, tmp_path) -> None:
    compared = await Project(tmp_path).compare(files, move(files))
    assert len(compared.base) > 1_000
    news = [compared.head[at] for at in compared.matching.new]
    assert len(news) == compared.least_new(), [(one.rule, one.path, one.line) for one in news]


@pytest.mark.parametrize("move", MOVES, ids=lambda move: move.__name__)
async def test_what_is_really_new_is_found_among_what_moved(move, files, tmp_path) -> None:
    edited, places = seeded(move(files), random.Random(7))  # noqa: S311 - the same places each time
    compared = await Project(tmp_path).compare(files, edited)
    on_seeds = {at for at, one in enumerate(compared.head) if (one.path, one.line) in places}
    assert len(on_seeds) >= len(places)
    assert on_seeds <= set(compared.matching.new)
