"""A GitLab with a project on it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.gitlab_stage import GitLabStage, staged, unlike_gitlab


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[GitLabStage]:
    """Afterwards everything that was said on it must be as the description has it."""
    async with staged(tmp_path) as made:
        yield made
        await made.practice.settle()
        assert unlike_gitlab(made) == []
