"""A stage per forge, with a pull request on it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.forges import FORGES
from app.practice import PullRequest
from tests.support.github_stage import Stage, staged, unlike_github

STAGES = {"github": staged}
"""Forges with apps and check runs; the others are held to the port in `tests/contracts/KIND`."""


@pytest.fixture(params=[entry.kind for entry in FORGES if entry.kind in STAGES])
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage per forge. Afterwards everything that was said on it must be what the forge describes."""
    async with STAGES[request.param](tmp_path) as made:
        yield made
        await made.practice.settle()
        assert unlike_github(made) == []


@pytest.fixture
async def pull(stage: Stage) -> PullRequest:
    await stage.practice.push("alice", stage.repo, "feature", {"src/shop.py": "PRICE = 2\n"})
    return await stage.practice.open_pull_request("alice", stage.repo, "feature", title="Raise the price")
